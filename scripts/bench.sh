#!/usr/bin/env bash
# Measures the suite and its ceilings in one run (docs/performance.md):
#   scripts/bench.sh [--rows N] [--persons N] [--leaves N] [--seconds N] [--rounds N] [--only import|calls|audit]
#                    [--json FILE] [--alone] [--keep]
# Starts a suite of its own in a temporary folder and removes it. --alone stops routing and alerting before calls
# are measured. Exit: 0; 1 when it cannot measure; 3 when a mark was missed.
set -euo pipefail
cd "$(dirname "$0")/.."
rows=200000
persons=10000
seconds=5
rounds=3
leaves=10000000
only=
json=
alone=
keep=
usage() { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case "$1" in
    --rows | --persons | --leaves | --seconds | --rounds | --only | --json)
      [ $# -ge 2 ] || usage
      declare "${1#--}=$2"
      shift 2
      ;;
    --alone) alone=1; shift ;;
    --keep) keep=1; shift ;;
    *) usage ;;
  esac
done
case "$only" in "" | import | calls | audit) ;; *) usage ;; esac

readonly rows_mark=10000 memory_mark_mb=300
# The audit log's (docs/performance.md, "The audit log").
readonly appends_mark=10000 provable_mark_us=100000 events_mark_us=3000 inclusion_mark_us=1000 start_mark_us=2000000
readonly export_mark=50000
services=(consent routing alerting)
preset=${RELAIS_PRESET:-release}
bin=build/$preset/bin
scripts/build.sh "$preset" relais "${services[@]/#/relais-}" bench_audit bench_echo bench_feed bench_load

dir=$(mktemp -d "${TMPDIR:-/tmp}/relais-bench-XXXXXX")
echo_pid=
audit_pid=
cleanup() {
  [ -z "$echo_pid" ] || kill "$echo_pid" 2>/dev/null || true
  [ -z "$audit_pid" ] || kill "$audit_pid" 2>/dev/null || true
  if [ -n "$keep" ]; then
    echo "kept: $dir (scripts/down.sh $dir)" >&2
    return
  fi
  scripts/down.sh "$dir" >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

fail() {
  echo "bench: $*" >&2
  exit 1
}

# What the process has used of memory at most, in MB (10^6 bytes).
peak_mb() { awk '/^VmHWM:/ { printf "%d", ($2 * 1024 + 999999) / 1000000 }' "/proc/$1/status" 2>/dev/null || true; }

# Processor time of the services so far, in clock ticks.
ticks() {
  local service total=0
  for service in "${services[@]}"; do
    [ -f "$dir/$service/pid" ] || continue
    total=$((total + $(awk '{ print $14 + $15 }' "/proc/$(cat "$dir/$service/pid")/stat" 2>/dev/null || echo 0)))
  done
  echo "$total"
}

# Until followers have caught up: a second with less than a tenth of a processor used.
wait_idle() {
  local before now deadline=$((SECONDS + 300))
  before=$(ticks)
  while [ "$SECONDS" -lt "$deadline" ]; do
    sleep 1
    now=$(ticks)
    [ $((now - before)) -ge 10 ] || return 0
    before=$now
  done
  echo "the suite was still busy after 300 s" >&2
}

missed=0
results=()
mark() { # NAME VALUE WANTED at-least|below
  local verdict=reached
  if { [ "$4" = at-least ] && [ "$2" -lt "$3" ]; } || { [ "$4" = below ] && [ "$2" -ge "$3" ]; }; then
    verdict=MISSED
    missed=1
  fi
  printf '%-30s %9d   wanted %s %d: %s\n' "$1" "$2" "${4/-/ }" "$3" "$verdict"
}

memory() { # WHEN
  local service peak
  for service in "${services[@]}"; do
    [ -f "$dir/$service/pid" ] || continue
    peak=$(peak_mb "$(cat "$dir/$service/pid")")
    mark "relais-$service, MB, $1" "$peak" "$memory_mark_mb" below
    results+=("\"mb_${service}_after_$1\": $peak")
  done
}

import() {
  local feed=$dir/feed.csv begin end cli peak=0 now code=0 rate accepted
  "$bin/bench_feed" --rows "$rows" --today "$(TZ=Europe/Paris date +%F)" >"$feed"
  begin=$(date +%s%N)
  "$bin/relais" --as edf/billing signal import --type edf "$feed" --results "$dir/results.csv" \
    >"$dir/import.out" 2>"$dir/import.err" &
  cli=$!
  while kill -0 "$cli" 2>/dev/null; do
    now=$(peak_mb "$cli")
    peak=${now:-$peak}
    sleep 0.05
  done
  wait "$cli" || code=$?
  end=$(date +%s%N)
  # 3: some rows refused, as the file wants.
  [ "$code" = 3 ] || [ "$code" = 0 ] || { tail -5 "$dir/import.err" >&2; fail "the import ended with $code"; }
  [ "$(wc -l <"$dir/results.csv")" -eq $((rows + 1)) ] || fail "not every row has an outcome"
  accepted=$(grep -c ';ACCEPTED;' "$dir/results.csv")
  rate=$((rows * 1000000000 / (end - begin)))
  echo "import of $rows rows, $accepted accepted, in $(((end - begin) / 1000000)) ms"
  mark "import, rows/s" "$rate" "$rows_mark" at-least
  mark "relais (the command), MB" "$peak" "$memory_mark_mb" below
  results+=("\"rows\": $rows" "\"accepted\": $accepted" "\"rows_per_second\": $rate" "\"mb_cli\": $peak")
  begin=$(date +%s%N)
  wait_idle
  echo "followers idle $((($(date +%s%N) - begin) / 1000000)) ms after the import"
  memory import
}

calls() {
  local service code=0 target=
  if [ -n "$alone" ]; then
    for service in alerting routing; do
      kill -TERM "$(cat "$dir/$service/pid")"
      while kill -0 "$(cat "$dir/$service/pid")" 2>/dev/null; do sleep 0.1; done
      rm "$dir/$service/pid"
    done
  fi
  "$bin/bench_echo" --pki "$RELAIS_PKI" >"$dir/echo.out" &
  echo_pid=$!
  for _ in $(seq 100); do
    target=$(sed -n 's/^listening //p' "$dir/echo.out")
    [ -z "$target" ] || break
    sleep 0.1
  done
  [ -n "$target" ] || fail "the echo does not start"
  "$bin/bench_load" --echo "$target" --consent "$RELAIS_CONSENT" --pki "$RELAIS_PKI" \
    --trust-domain "$RELAIS_TRUST_DOMAIN" --persons "$persons" --seconds "$seconds" --rounds "$rounds" \
    --raw-folder "$dir/raw" --json "$dir/calls.json" || code=$?
  [ "$code" = 0 ] || [ "$code" = 3 ] || fail "the calls could not be measured"
  [ "$code" = 0 ] || missed=1
  results+=("\"calls\": $(cat "$dir/calls.json")")
  memory calls
}

# One part of bench_audit: shows what it measured and keeps it in `measured`.
declare -A measured
measure() { # PART ARGUMENT...
  local name value
  "$bin/bench_audit" "$@" >"$dir/audit.out" || fail "bench_audit $1"
  while read -r name value; do
    measured[$name]=$value
    printf '  %-28s %12d\n' "$name" "$value"
    results+=("\"audit_$1_$name\": $value")
  done <"$dir/audit.out"
}

audit() {
  local target='' persons_of_log=$((leaves / 50 + 1))
  echo "audit log: durable appends of 64 callers"
  measure append --folder "$dir/append"
  mark "appends/s" "${measured[appends_per_second]}" "$appends_mark" at-least
  mark "acknowledged to provable p99, us" "${measured[provable_p99_us]}" "$provable_mark_us" below
  mark "bench_audit append, MB" "${measured[mb]}" "$memory_mark_mb" below
  echo "audit log: $leaves leaves about $persons_of_log persons"
  measure build --folder "$dir/log" --leaves "$leaves" --persons "$persons_of_log"
  measure read --folder "$dir/log" --persons "$persons_of_log"
  mark "start, us" "${measured[start_us]}" "$start_mark_us" below
  mark "one person's events p99, us" "${measured[events_warm_p99_us]}" "$events_mark_us" below
  mark "inclusion proof p99, us" "${measured[inclusion_p99_us]}" "$inclusion_mark_us" below
  mark "bench_audit read, MB" "${measured[mb]}" "$memory_mark_mb" below
  "$bin/bench_audit" serve --folder "$dir/log" --pki "$RELAIS_PKI" >"$dir/serve.out" &
  audit_pid=$!
  for _ in $(seq 100); do
    target=$(sed -n 's/^listening //p' "$dir/serve.out")
    [ -z "$target" ] || break
    sleep 0.1
  done
  [ -n "$target" ] || fail "bench_audit serve does not start"
  measure export --target "$target" --pki "$RELAIS_PKI" --leaves $((leaves < 2000000 ? leaves : 2000000))
  mark "exported leaves/s" "${measured[exported_per_second]}" "$export_mark" at-least
  mark "bench_audit export, MB" "${measured[mb]}" "$memory_mark_mb" below
  mark "bench_audit serve, MB" "$(peak_mb "$audit_pid")" "$memory_mark_mb" below
  kill -TERM "$audit_pid"
  wait "$audit_pid" || true
  audit_pid=
}

echo "$(date -u +%FT%TZ) $(git rev-parse --short HEAD 2>/dev/null || echo '?') $preset; $(nproc) processors," \
  "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)," \
  "$(awk '/^MemTotal:/ { printf "%d GiB", $2 / 1048576 }' /proc/meminfo); load before: $(cut -d' ' -f1-3 /proc/loadavg)"
scripts/up.sh "$dir" >/dev/null
# shellcheck source=/dev/null
source "$dir/env"
for part in import calls audit; do
  if [ -z "$only" ] || [ "$only" = "$part" ]; then
    "$part"
  fi
done
if [ -n "$json" ]; then
  (IFS=,; echo "{${results[*]}}") >"$json"
fi
[ "$missed" = 0 ] || exit 3
