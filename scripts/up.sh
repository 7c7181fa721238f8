#!/usr/bin/env bash
# Starts the suite under DIR: scripts/up.sh DIR [--test-clock RFC3339]
# Makes a development PKI, keys, a signed sample directory and settings the first time; on a DIR that has them it
# starts whatever is not running, on the same stores and ports. Then: source DIR/env.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib/processes.sh
source "$here/scripts/lib/processes.sh"
usage() { echo "usage: scripts/up.sh DIR [--test-clock RFC3339]"; }
wrong() { usage >&2; exit 2; }
dir=
clock=()
while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h) usage; exit 0 ;;
    --test-clock) [ $# -ge 2 ] || wrong; clock=(--test-clock "$2"); shift 2 ;;
    -*) wrong ;;
    *) [ -z "$dir" ] || wrong; dir=$1; shift ;;
  esac
done
[ -n "$dir" ] || wrong
preset=${RELAIS_PRESET:-release}
bin=$here/build/$preset/bin
services=(consent routing alerting vault)
for name in relais "${services[@]/#/relais-}"; do
  if [ ! -x "$bin/$name" ]; then
    "$here/scripts/build.sh" "$preset" relais "${services[@]/#/relais-}"
    break
  fi
done

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
if [ ! -f "$dir/env" ]; then
  "$bin/relais" dev init "$dir" --directory "$here/deploy/dev/directory.yaml" "${clock[@]}" >/dev/null
elif [ ${#clock[@]} -gt 0 ]; then
  echo "$dir exists already: its clock stays what it was" >&2
fi
# shellcheck source=/dev/null
source "$dir/env"

alive() { is_running "$dir/$1/pid" "relais-$1"; }
for service in "${services[@]}"; do
  if alive "$service"; then
    continue
  fi
  mapfile -t flags <"$dir/$service/flags"
  "$bin/relais-$service" --config "$dir/$service/config.yaml" "${flags[@]}" \
    </dev/null >>"$dir/$service/log" 2>&1 &
  echo $! >"$dir/$service/pid"
done
# Until all serve, one has ended, or a minute has passed.
until=$((SECONDS + 60))
until "$bin/relais" status --wait 1s >/dev/null 2>&1; do
  ended=()
  for service in "${services[@]}"; do
    alive "$service" || ended+=("$service")
  done
  if [ ${#ended[@]} -gt 0 ] || [ $SECONDS -ge $until ]; then
    for service in "${ended[@]}"; do
      echo "relais-$service did not start; the end of $dir/$service/log:" >&2
      tail -n 3 "$dir/$service/log" >&2
    done
    [ ${#ended[@]} -gt 0 ] || "$bin/relais" status >&2 || true
    exit 1
  fi
done
echo "the suite runs under $dir; next: source $dir/env"
