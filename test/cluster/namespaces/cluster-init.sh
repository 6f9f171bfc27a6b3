#!/bin/bash
# First process of a cluster, in its own mount, pid, ipc and uts namespaces: makes the networks, starts the control plane
# and the nodes, then obeys commands. The kernel ends everything it started when it ends, for whatever reason.
#
# Environment: STATE folder of the cluster · KUBERNETES, RUNTIME, PROGRAMS folders of the built parts · NODES number ·
#   LEASHED=1: descriptor 4 is a pipe held by whoever wants the cluster; its end ends the cluster · timings (docs/test-cluster.md)
# Commands, a line each into STATE/control: NUMBER VERB [ARGUMENT]; the answer is STATE/answers/NUMBER, empty when it went well.
#   start|stop|pause|cont PART · node-start|node-kill N · host-service PORT · end
set -euo pipefail
here=$(dirname "$(realpath "$0")")
export PATH=$KUBERNETES:$PROGRAMS:$RUNTIME/usr/sbin:$RUNTIME/usr/bin:$PATH TMPDIR=/run HOME=/run
# -n: without it mount writes below the host's /run before ours covers it
mount -n -t tmpfs -o mode=755 run /run
mkdir -p /run/netns /run/etcd

source "$here/networks.sh"
source "$here/control-plane.sh"

declare -A node_pids
start_node() {
  (
    while read -r _ group; do echo "$BASHPID" >"$group/n$1/cgroup.procs"; done <"$STATE/groups"
    exec nsenter --net="/run/netns/n$1" unshare --mount --pid --ipc --uts --cgroup --fork --kill-child --mount-proc bash "$here/node-init.sh" "$1"
  ) >>"$STATE/logs/n$1" 2>&1 </dev/null 3>&- &
  node_pids[$1]=$!
}

make_networks "$NODES"
exec 3<>"$STATE/control"
# The leash and the wait for the API server run beside the loop below and reach it as commands, so that neither can hold the other up.
if [ -n "${LEASHED:-}" ]; then { cat <&4 >/dev/null; echo 'leash end' >&3; } & fi
exec </dev/null 4<&-
start_part etcd
start_part kube-apiserver
for node in $(seq "$NODES"); do start_node "$node"; done
start_part api-bridge
{ until in_network 1 kubectl --kubeconfig="$STATE/admin.kubeconfig" get --raw /readyz --request-timeout=2s >/dev/null 2>&1; do sleep .1; done; echo 'ready controllers' >&3; } &

obey() {
  local pid
  case $1 in
    controllers) start_part kube-controller-manager; start_part kube-scheduler; : >"$STATE/api-ready" ;;
    start) start_part "$2" ;;
    stop) pid=$(part_pid "$2") && kill -9 "$pid" && { wait "$pid" || :; } ;;
    pause) pid=$(part_pid "$2") && kill -STOP "$pid" ;;
    cont) pid=$(part_pid "$2") && kill -CONT "$pid" ;;
    node-start) start_node "$2" ;;
    # unshare dies with its child, the node's first process, and every pod of the node with that: a loss of power
    node-kill) kill -9 "${node_pids[$2]}"; wait "${node_pids[$2]}" || : ;;
    host-service) start_host_service "$2" ;;
    end) exit 0 ;;
    *) echo "expected a command of $here/cluster-init.sh, got: $*"; return 1 ;;
  esac
}
while read -ru3 number command; do
  read -ra words <<<"$command"
  # What was carried out has nothing to say: bash itself reports every process that was killed as told.
  if obey "${words[@]}" >/run/answer 2>&1; then : >/run/answer; else echo "$command failed" >>/run/answer; fi
  cp /run/answer "$STATE/answers/$number.new" && mv "$STATE/answers/$number.new" "$STATE/answers/$number"
done
