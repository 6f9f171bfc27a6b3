#!/bin/bash
# Runs a command inside a node: in its namespaces and in its control groups. Arguments: GROUPS_FILE NODE FIRST_PROCESS COMMAND...
set -euo pipefail
while read -r _ group; do echo "$$" >"$group/$2/cgroup.procs"; done <"$1"
exec nsenter -t "$3" -m -p -u -i -n -C "${@:4}"
