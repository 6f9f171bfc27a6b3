#!/usr/bin/env bash
# Orchestration overhead of Lethe and of four rivals, in turn on this machine; makes the rivals' environment the first time.
# Usage: bench/orchestration/run.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")"
environment=${LETHE_BENCH_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/lethe/bench-venv}
if [ ! -x "$environment/bin/python" ]; then
  python3 -m venv "$environment"
  "$environment/bin/pip" install -q snakemake==9.27.1 submitit==1.5.4 hydra-core==1.3.8 'ray[tune]==2.60.0'
fi
node=../../node_modules/.bin/node
for round in $(seq "${1:-3}"); do
  echo "# round $round, load $(cut -d' ' -f1 /proc/loadavg)"
  "$node" lethe.ts --runs 200 2>/dev/null
  "$environment/bin/python" rivals.py snakemake 200
  "$environment/bin/python" rivals.py submitit 20
  "$environment/bin/python" rivals.py hydra 20
  "$environment/bin/python" rivals.py ray 20 2>/dev/null
done
