#!/bin/bash
# Removes the control groups listed in a file, innermost first, once the kernel has taken the last process out of them.
set -uo pipefail
while read -r _ group; do
  [ -d "$group" ] || continue
  for _ in $(seq 100); do
    [ -z "$(find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null)" ] && break
    sleep .05
  done
  find "$group" -depth -type d -exec rmdir {} +
done <"$1"
