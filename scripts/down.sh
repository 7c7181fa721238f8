#!/usr/bin/env bash
# Stops the suite of DIR cleanly: scripts/down.sh DIR
set -euo pipefail
# shellcheck source=scripts/lib/processes.sh
source "$(dirname "$0")/lib/processes.sh"
usage() { echo "usage: scripts/down.sh DIR"; }
case "${1:-}" in
  --help | -h) usage; exit 0 ;;
esac
if [ $# -ne 1 ]; then
  usage >&2
  exit 2
fi
if [ ! -f "$1/env" ]; then
  echo "there is no suite under $1" >&2
  exit 2
fi
status=0
# Those who call stop before those who are called.
for service in vault alerting routing consent; do
  file=$1/$service/pid
  [ -f "$file" ] || continue
  pid=$(cat "$file")
  if is_running "$file" "relais-$service"; then
    kill -TERM "$pid" 2>/dev/null || true
  fi
  for _ in $(seq 1500); do
    is_running "$file" "relais-$service" || break
    sleep 0.02
  done
  if is_running "$file" "relais-$service"; then
    echo "relais-$service did not stop within 30 s; killed" >&2
    kill -KILL "$pid" 2>/dev/null || true
    status=1
  fi
  rm -f "$file"
done
exit $status
