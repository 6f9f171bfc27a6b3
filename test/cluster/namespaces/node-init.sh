#!/bin/bash
# First process of node N, in namespaces of its own within the cluster's: covers what a node writes to, starts containerd
# and kubelet, obeys commands (STATE/nodes/nN/control, answers as in cluster-init.sh). When it dies, the node's pods die.
#   start|stop|term|pause|cont kubelet|containerd · net-down · net-up
set -euo pipefail
here=$(dirname "$(realpath "$0")")
node=$1
folder=$STATE/nodes/n$node
hostname "n$node"
# Only containerd's runc needs it, and only where the host has no libseccomp of its own.
export LD_LIBRARY_PATH=$RUNTIME/usr/lib/x86_64-linux-gnu:$RUNTIME/usr/lib/aarch64-linux-gnu
source "$here/node-mounts.sh"
source "$here/node-services.sh"

cover_host "$folder"
start_service containerd
until ctr -a "$socket" version >/dev/null 2>&1; do sleep .1; done
for image in "$PROGRAMS"/images/*.tar "$STATE"/images/*.tar; do
  [ ! -e "$image" ] || ctr -a "$socket" -n k8s.io images import "$image"
done
until [ -e "$STATE/api-ready" ]; do sleep .1; done
start_service kubelet

obey() {
  local pid
  case $1 in
    start) start_service "$2" ;;
    stop) pid=$(service_pid "$2") && kill -9 "$pid" && { wait "$pid" || :; } ;;
    term) pid=$(service_pid "$2") && kill "$pid" ;;
    pause) pid=$(service_pid "$2") && kill -STOP "$pid" ;;
    cont) pid=$(service_pid "$2") && kill -CONT "$pid" ;;
    net-down) ip link set eth0 down ;;
    net-up) ip link set eth0 up; ip route add default via 10.99.0.1 ;;
    *) echo "expected a command of $here/node-init.sh, got: $*"; return 1 ;;
  esac
}
rm -f "$folder/control"
mkfifo "$folder/control"
exec 3<>"$folder/control"
while read -ru3 number command; do
  read -ra words <<<"$command"
  # What was carried out has nothing to say: bash itself reports every process that was killed as told.
  if obey "${words[@]}" >/run/answer 2>&1; then : >/run/answer; else echo "$command failed" >>/run/answer; fi
  cp /run/answer "$STATE/answers/$number.new" && mv "$STATE/answers/$number.new" "$STATE/answers/$number"
done
