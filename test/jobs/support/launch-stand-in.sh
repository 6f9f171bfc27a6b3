#!/bin/sh
# Keeps the contract of lethe-launch where it is not built: links launched.json as its first act, then becomes the job. The loser exits 0.
# usage: launch-stand-in.sh --attempt-dir DIR -- COMMAND ...
dir=$2
shift 3
start=$(cut -d' ' -f22 "/proc/$$/stat")
boot=$(cat /proc/sys/kernel/random/boot_id)
group=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)/memory.oom_control
[ -r "$group" ] || group=/proc/vmstat
kills=$(sed -n 's/^oom_kill //p' "$group")
cat > "$dir/.launched-$$" <<EOF
{"format":"lethe-launched/1","pid":$$,"startTime":$start,"bootId":"$boot","host":"$(hostname)","oomKills":$kills,"oomSource":"$group","launchedAt":"$(date -u +%Y-%m-%dT%H:%M:%SZ)"}
EOF
if ! ln "$dir/.launched-$$" "$dir/launched.json" 2> /dev/null; then
  rm "$dir/.launched-$$"
  exit 0
fi
rm "$dir/.launched-$$"
exec "$@"
