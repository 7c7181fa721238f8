#!/usr/bin/env bash
# Measures the suite and its ceilings in one run (docs/performance.md):
#   scripts/bench.sh [--rows N] [--persons N] [--leaves N] [--seconds N] [--rounds N] [--only import|calls|audit]
#                    [--json FILE] [--alone] [--keep]
#   scripts/bench.sh --only registry [--agreements N] [--persons-at-size N] [--register-calls N] [--cache-mib N]
#                    [--packed-mib N] [--cached-keys N] [--cached-persons N] [--postgresql] [--fsck] [--seconds N]
#                    [--rounds N] [--json FILE] [--keep]
#   scripts/bench.sh --only vault [--papers N] [--settle SECONDS] [--cold] [--rounds N] [--json FILE] [--keep]
# Starts a suite of its own in a temporary folder and removes it. --alone stops routing and alerting before calls
# are measured. The registry at size is measured only when asked for: building it takes minutes and 18 GB of disk
# ($TMPDIR). The vault too: a paper of 1 GiB per round, and with --papers 100000 another 20 GB. Its small papers are
# read --settle seconds after the last deposit, with --cold not from the page cache. Exit: 0; 1 when it cannot measure;
# 3 when a mark was missed.
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
agreements=10000000
persons_at_size=3000000
register_calls=100000
# Together 2 GiB: of blocks, of persons packed, and of about 250 bytes a key.
cache_mib=512
packed_mib=1248
cached_keys=1200000
cached_persons=50000
papers=2000
settle=0
cold=
postgresql=
fsck=
usage() { sed -n '2,13s/^# //p' "$0" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case "$1" in
    --rows | --persons | --papers | --settle | --leaves | --seconds | --rounds | --only | --json)
      [ $# -ge 2 ] || usage
      declare "${1#--}=$2"
      shift 2
      ;;
    --agreements | --persons-at-size | --register-calls | --cache-mib | --packed-mib | --cached-keys | --cached-persons)
      [ $# -ge 2 ] || usage
      name=${1#--}
      declare "${name//-/_}=$2"
      shift 2
      ;;
    --postgresql) postgresql=1; shift ;;
    --fsck) fsck=1; shift ;;
    --alone) alone=1; shift ;;
    --cold) cold=1; shift ;;
    --keep) keep=1; shift ;;
    *) usage ;;
  esac
done
case "$only" in "" | import | calls | audit | registry | vault) ;; *) usage ;; esac
[ -z "$postgresql" ] || [ "$only" = registry ] || usage

readonly rows_mark=10000 memory_mark_mb=300
# The audit log's (docs/performance.md, "The audit log").
readonly appends_mark=10000 provable_mark_us=100000 events_mark_us=3000 inclusion_mark_us=1000 start_mark_us=2000000
readonly export_mark=50000
readonly registry_start_mark_ms=2000
# The vault's: percent of the bounds of the same run, microseconds.
readonly download_mark=70 upload_mark=60 papers_mark=50 range_mark_us=5000 cut_mark_us=50000
services=(consent routing alerting vault)
preset=${RELAIS_PRESET:-release}
bin=build/$preset/bin
targets=(bench_audit bench_echo bench_feed bench_load)
if [ "$only" = vault ]; then
  targets=(bench_vault)
elif [ "$only" = registry ]; then
  targets=(bench_echo bench_register bench_registry bench_registry_build)
  # shellcheck source=scripts/lib/postgresql.sh
  source scripts/lib/postgresql.sh
  if [ -n "$postgresql" ]; then
    ensure_postgresql
    targets+=(bench_postgres)
  fi
fi
scripts/build.sh "$preset" relais "${services[@]/#/relais-}" "${targets[@]}"

dir=$(mktemp -d "${TMPDIR:-/tmp}/relais-bench-XXXXXX")
echo_pid=
audit_pid=
small_pid=
plain_pid=
cleanup() {
  [ -z "$plain_pid" ] || kill "$plain_pid" 2>/dev/null || true
  [ -z "$echo_pid" ] || kill "$echo_pid" 2>/dev/null || true
  [ -z "$audit_pid" ] || kill "$audit_pid" 2>/dev/null || true
  [ -z "$small_pid" ] || kill "$small_pid" 2>/dev/null || true
  [ -z "$postgresql" ] || stop_postgresql
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

echo_target=
start_echo() {
  : >"$dir/echo.out"
  "$bin/bench_echo" --pki "$RELAIS_PKI" >"$dir/echo.out" &
  echo_pid=$!
  for _ in $(seq 100); do
    echo_target=$(sed -n 's/^listening //p' "$dir/echo.out")
    [ -z "$echo_target" ] || break
    sleep 0.1
  done
  [ -n "$echo_target" ] || fail "the echo does not start"
}

calls() {
  local service code=0
  if [ -n "$alone" ]; then
    for service in vault alerting routing; do
      kill -TERM "$(cat "$dir/$service/pid")"
      while kill -0 "$(cat "$dir/$service/pid")" 2>/dev/null; do sleep 0.1; done
      rm "$dir/$service/pid"
    done
  fi
  start_echo
  "$bin/bench_load" --echo "$echo_target" --consent "$RELAIS_CONSENT" --pki "$RELAIS_PKI" \
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

# The vault, the plain stream and raw blob files in turns.
vault() {
  local target=''
  "$bin/bench_vault" serve --pki "$RELAIS_PKI" >"$dir/plain.out" &
  plain_pid=$!
  for _ in $(seq 100); do
    target=$(sed -n 's/^listening //p' "$dir/plain.out")
    [ -z "$target" ] || break
    sleep 0.1
  done
  [ -n "$target" ] || fail "bench_vault serve does not start"
  echo "vault: a paper of 1 GiB $rounds times, $papers of 200 KiB"
  "$bin/bench_vault" run --plain "$target" --consent "$RELAIS_CONSENT" --vault "$RELAIS_VAULT" --pki "$RELAIS_PKI" \
    --trust-domain "$RELAIS_TRUST_DOMAIN" --raw-folder "$dir/raw" --rounds "$rounds" --papers "$papers" \
    --settle "$settle" ${cold:+--cold-store "$dir/vault/store"} >"$dir/vault.out" || {
    cat "$dir/vault.out"
    fail "bench_vault run"
  }
  keep_lines vault "$dir/vault.out"
  mark "download, % of a plain stream" "${measured[download_percent_of_plain]}" "$download_mark" at-least
  mark "upload, % of its bound" "${measured[upload_percent_of_bound]}" "$upload_mark" at-least
  mark "small ones deposited, %" "${measured[papers_deposited_percent_of_bound]}" "$papers_mark" at-least
  mark "small ones read, %" "${measured[papers_read_percent_of_plain]}" "$papers_mark" at-least
  mark "a range in 1 GiB p99, us" "${measured[range_p99_us]}" "$range_mark_us" below
  mark "withdrawal to cut p99, us" "${measured[cut_p99_us]}" "$cut_mark_us" below
  mark "the same, 32 open at once, us" "${measured[cut_together_p99_us]}" "$cut_mark_us" below
  memory vault
  kill -TERM "$plain_pid"
  wait "$plain_pid" || true
  plain_pid=
}

# relais-consent alone, with these settings over its own: until it serves. Its pid, its address and the time it took.
started_pid=
started_target=
started_ms=
start_consent() { # LOG FLAG...
  local log=$1 begin
  shift
  : >"$log"
  begin=$(date +%s%N)
  "$bin/relais-consent" --config "$dir/registry.yaml" "$@" </dev/null >/dev/null 2>"$log" &
  started_pid=$!
  until grep -q '"message":"serving"' "$log"; do
    kill -0 "$started_pid" 2>/dev/null || { tail -3 "$log" >&2; fail "relais-consent does not start"; }
    sleep 0.005
  done
  started_ms=$((($(date +%s%N) - begin) / 1000000))
  started_target=127.0.0.1:$(sed -n 's/.*"message":"serving".*"port":\([0-9]*\).*/\1/p' "$log")
}

stop_consent() { # PID
  kill -TERM "$1" 2>/dev/null || true
  wait "$1" || true
}

# What bench_registry_build or bench_postgres prints, one `name value` a line, kept in `measured`.
keep_lines() { # PREFIX FILE
  local name value
  while read -r name value; do
    measured[$name]=$value
    printf '  %-28s %12d\n' "$name" "$value"
    results+=("\"$1_$name\": $value")
  done <"$2"
}

registry() {
  local code=0 small_target large_target recorded=0
  local -a large=(--set listen=127.0.0.1:0 --set metrics.listen= --set "store.cache_mib=$cache_mib"
    # Whoever is in a store that was built in one go was never looked for among the others: that would go on meanwhile.
    --set links.enabled=false --set "cache.persons=$cached_persons" --set "cache.packed_mib=$packed_mib" --set "store.cached_keys=$cached_keys")
  local -a small=("${large[@]}" --set "store.path=$dir/small/store" --set "audit.ring=$dir/small/ring"
    --set "audit.published=$dir/small/published" --set "audit.erasure_journal=$dir/small/erasures"
    --set "directory.state=$dir/small/directory")
  # Its daily sweep of what is past its time is done while the store is empty, and not in the middle of a load.
  wait_idle
  # Alone: nobody follows its log, and it follows nobody's.
  scripts/down.sh "$dir"
  sed '/^peers:/,$d' "$dir/consent/config.yaml" >"$dir/registry.yaml"
  mkdir -p "$dir/small"
  echo "registry: $agreements agreements of $persons_at_size persons"
  "$bin/bench_registry_build" build --config "$dir/registry.yaml" "${large[@]}" --handles "$dir/handles" \
    --persons "$persons_at_size" --agreements "$agreements" >"$dir/build.out" || fail "bench_registry_build"
  keep_lines registry "$dir/build.out"
  "$bin/bench_registry_build" build --config "$dir/registry.yaml" "${small[@]}" --handles "$dir/small/handles" \
    --persons 3000 --agreements 10000 >"$dir/build.out" || fail "bench_registry_build, the small one"
  if [ -n "$fsck" ]; then
    "$bin/relais" audit fsck --service-config "$dir/registry.yaml" || fail "the log does not hold"
  fi
  start_consent "$dir/small/log" "${small[@]}"
  small_pid=$started_pid small_target=$started_target
  "$bin/bench_registry_build" forget --config "$dir/registry.yaml" "${large[@]}" || fail "bench_registry_build forget"
  start_consent "$dir/consent/registry.log" "${large[@]}"
  echo "$started_pid" >"$dir/consent/pid"
  large_target=$started_target
  mark "start with nothing cached, ms" "$started_ms" "$registry_start_mark_ms" below
  results+=("\"registry_start_ms\": $started_ms")
  # From here on warm, as a service is that runs: its files are in memory as far as there is room.
  # One that was compacted away meanwhile is read where it went, with the first calls.
  cat "$dir"/consent/store/*.sst >/dev/null 2>&1 || :
  start_echo
  "$bin/bench_registry" --echo "$echo_target" --consent "$large_target" --handles "$dir/handles" \
    --small "$small_target" --small-handles "$dir/small/handles" --pki "$RELAIS_PKI" \
    --trust-domain "$RELAIS_TRUST_DOMAIN" --seconds "$seconds" --rounds "$rounds" --raw-folder "$dir/raw" \
    --json "$dir/registry.json" || code=$?
  [ "$code" = 0 ] || [ "$code" = 3 ] || fail "the registry could not be measured"
  [ "$code" = 0 ] || missed=1
  results+=("\"registry\": $(cat "$dir/registry.json")")
  recorded=$(python3 -c 'import json, sys
print(next(int(load["median"]["calls_per_second"]) for load in json.load(open(sys.argv[1]))["loads"]
           if load["name"] == "Check, recorded"))' "$dir/registry.json")
  echo "relais-consent, peak: $(peak_mb "$started_pid") MB"
  results+=("\"registry_mb\": $(peak_mb "$started_pid")")
  code=0
  "$bin/bench_register" --consent "$large_target" --pki "$RELAIS_PKI" --trust-domain "$RELAIS_TRUST_DOMAIN" \
    --calls "$register_calls" --built "$persons_at_size" --json "$dir/register.json" || code=$?
  [ "$code" = 0 ] || [ "$code" = 3 ] || fail "the times of Register could not be measured"
  [ "$code" = 0 ] || missed=1
  results+=("\"register\": $(cat "$dir/register.json")")
  stop_consent "$small_pid"
  small_pid=
  stop_consent "$started_pid"
  rm "$dir/consent/pid"
  [ -z "$postgresql" ] || postgresql_at_size "$recorded"
}

# After the services have ended, on the same machine and disk, with the same calls in flight.
postgresql_at_size() { # CALLS-A-SECOND-OF-A-RECORDED-CHECK
  local -a same
  [ -n "$keep" ] || rm -rf "$dir/consent/store"
  start_postgresql "$RELAIS_PKI" || fail "PostgreSQL does not start"
  same=(--conninfo "$postgresql_conninfo" --persons "$persons_at_size")
  echo "PostgreSQL $("$postgresql_bin/postgres" --version | sed 's/.*) //; s/ .*//'): the same persons and agreements by COPY"
  "$bin/bench_postgres" load "${same[@]}" --agreements "$agreements" || fail "bench_postgres load"
  "$bin/bench_postgres" run "${same[@]}" --seconds "$seconds" --rounds "$rounds" >"$dir/postgresql.out" ||
    fail "bench_postgres run"
  keep_lines postgresql "$dir/postgresql.out"
  mark "recorded Check, % of PostgreSQL's" $(($1 * 100 / measured[calls_per_second])) 150 at-least
  stop_postgresql
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
[ "$only" != registry ] || registry
[ "$only" != vault ] || vault
if [ -n "$json" ]; then
  (IFS=,; echo "{${results[*]}}") >"$json"
fi
[ "$missed" = 0 ] || exit 3
