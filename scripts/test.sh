#!/usr/bin/env bash
# Every test and check: scripts/test.sh [--quick]
#   --quick   format, lint, release build and its tests only: no sanitizers, no clang-tidy
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
source scripts/lib/packages.sh
quick=no
[ "${1:-}" = --quick ] && quick=yes

ensure_packages "${RELAIS_BUILD_PACKAGES[@]}" "${RELAIS_TEST_PACKAGES[@]}" || exit 1
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
logs=build/test-logs
mkdir -p "$logs"
passed=0
failed=0
failures=()

# step NAME COMMAND...: runs it, keeps what it prints, shows the end of it when it fails.
step() {
  local name=$1 start=$SECONDS
  shift
  local log=$logs/${name// /-}.log
  printf '%-34s ' "$name"
  if "$@" >"$log" 2>&1; then
    printf 'ok      %4d s\n' $((SECONDS - start))
    passed=$((passed + 1))
  else
    printf 'FAILED  %4d s\n' $((SECONDS - start))
    failed=$((failed + 1))
    failures+=("$name")
    tail -60 "$log" | sed 's/^/    /'
  fi
}

format_check() {
  git ls-files '*.cc' '*.h' | xargs -r clang-format --dry-run -Werror
}

# buf comes from npm, once per machine; its version is pinned.
buf_lint() {
  local home=build/buf
  if [ ! -x "$home/node_modules/.bin/buf" ]; then
    command -v npm >/dev/null || ensure_packages nodejs npm || return 1
    mkdir -p "$home"
    npm install --prefix "$home" --no-audit --no-fund --no-package-lock '@bufbuild/buf@1.75.0' || return 1
  fi
  (cd proto && "../$home/node_modules/.bin/buf" lint)
}

ctest_of() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --parallel 2 --output-on-failure --no-tests=error "$@"
}

awaits_check() {
  scripts/check/awaits_test.py && scripts/check/awaits.py
}

tidy_check() {
  scripts/check/tidy_test.py && scripts/check/tidy.py
}

shell_check() {
  shellcheck -x .ci/run scripts/*.sh scripts/lib/*.sh
}

# Every test binary under address and undefined. Under thread, those whose code meets itself on several threads: the
# simulators of routing, alerting and the whole suite have one; gRPC is not instrumented, so the tests that run it would
# report what is not ours.
asan() {
  scripts/build.sh asan all_tests && ctest_of asan
}
tsan() {
  local tests=(base_test crypto_test identity_test storage_test telemetry_test directory_test audit_test rpc_test
    consent_test)
  local names
  names=$(IFS='|'; echo "${tests[*]}")
  scripts/build.sh tsan "${tests[@]}" && ctest_of tsan --tests-regex "^($names)\$"
}

# libFuzzer over every method of the registry: a bounded number of inputs from a fixed seed, beginning with the committed
# corpus, which is only read; bytes begin with its calls as they are on the wire. What stops a run is kept in
# build/test-logs: it goes to tests/fuzz/corpus, with a test.
fuzz() {
  scripts/build.sh asan all_fuzzers || return 1
  local target found failed=0
  found=$(mktemp -d)
  for target in registry_calls_fuzz registry_bytes_fuzz; do
    mkdir "$found/$target"
    local begins=(tests/fuzz/corpus)
    [ $target = registry_calls_fuzz ] || begins=(-len_control=0 "$found/seeds")
    RELAIS_FUZZ_COVERAGE=$logs/$target-coverage.txt RELAIS_FUZZ_SEEDS=$found/seeds "build/asan/bin/$target" -seed=1 \
      -runs="${RELAIS_FUZZ_RUNS:-1500}" -max_len=16384 -timeout=120 -rss_limit_mb=4096 -print_final_stats=1 \
      -artifact_prefix="$logs/$target-" "$found/$target" "${begins[@]}" || failed=1
  done
  rm -rf "$found"
  return $failed
}

step 'format' format_check
step 'shell scripts' shell_check
step 'include direction' scripts/check/includes.py
step 'awaited expressions' awaits_check
step 'proto lint' buf_lint
step 'release build' scripts/build.sh release
step 'unit and integration tests' ctest_of release --label-exclude sim
step 'simulation, 10,000 schedules' ctest_of release --label-regex sim
step 'end-to-end tests' /usr/bin/python3 -m unittest discover -s tests/e2e -t tests/e2e
step 'demo' scripts/demo.sh
if [ $quick = no ]; then
  export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
  export TSAN_OPTIONS="suppressions=$PWD/scripts/check/tsan.supp halt_on_error=1"
  export RELAIS_SIM_SCHEDULES=${RELAIS_SANITIZED_SCHEDULES:-100}
  step 'address and undefined sanitizers' asan
  step 'thread sanitizer' tsan
  step 'fuzzers' fuzz
  step 'clang-tidy' tidy_check
fi

echo
if [ $failed -gt 0 ]; then
  printf 'failed: %s\n' "${failures[@]}"
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
