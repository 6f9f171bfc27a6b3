#!/bin/sh
# What a job runs in tests: counts its start, then ends with a code after some seconds, or runs until it is stopped.
# usage: job-program.sh ATTEMPT_DIR EXIT_CODE|forever SECONDS stops|ignores
echo start >> "$1/starts"
if [ "$4" = ignores ]; then trap '' TERM; else trap 'exit 75' TERM; fi
if [ "$2" != forever ]; then
  [ "$3" = 0 ] || sleep "$3"
  exit "$2"
fi
while :; do sleep .05; done
