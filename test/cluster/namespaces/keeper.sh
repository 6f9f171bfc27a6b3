#!/bin/bash
# Holds one cluster from outside of its namespaces: starts its first process, waits for its end, removes the empty
# control groups. Killing that first process ends the cluster whole; killing the keeper leaves only empty groups behind,
# and those go at the next `up` or `down` of the same folder.
# Arguments: GROUPS_FILE, a list "CONTROLLER FOLDER" of the cluster's own control groups.
set -uo pipefail
here=$(dirname "$(realpath "$0")")
exec 4<&0 # the leash; a background process of bash would find its standard input closed
(
  while read -r _ group; do echo "$BASHPID" >"$group/cgroup.procs"; done <"$1"
  exec unshare --mount --pid --ipc --uts --fork --kill-child --mount-proc bash "$here/cluster-init.sh"
) &
first=$!
# With its start time, so that a recycled pid is never killed for it.
echo "$first $(cut -d' ' -f22 "/proc/$first/stat")" >"$STATE/first-process"
wait "$first"
"$here/remove-groups.sh" "$1"
