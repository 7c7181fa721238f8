#!/usr/bin/env bash
# Builds the suite: scripts/build.sh [release|dev|asan|tsan] [TARGET...]   → build/<preset>/bin/
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib/packages.sh
preset=${1:-release}
shift || true
case "$preset" in
  release | dev | asan | tsan) ;;
  *) echo "usage: scripts/build.sh [release|dev|asan|tsan] [TARGET...]" >&2; exit 2 ;;
esac
ensure_packages "${RELAIS_BUILD_PACKAGES[@]}"
if [ "$preset" = asan ]; then
  ensure_packages "${RELAIS_SANITIZER_PACKAGES[@]}"
fi

# A cache that serves every checkout and preset of this machine alike.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
log=build/$preset.log
mkdir -p build
if ! cmake --preset "$preset" >"$log" 2>&1; then
  tail -30 "$log" >&2
  exit 1
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then targets=(all); fi
if [ -t 2 ]; then
  cmake --build --preset "$preset" --target "${targets[@]}" 2>&1 | tee "$log" | sed -u -n 's/^\[\([0-9]*\/[0-9]*\)\].*/\1/p' |
    while read -r step; do printf '\rbuilding %s  %s ' "$preset" "$step" >&2; done
  printf '\r\033[K' >&2
  ok=${PIPESTATUS[0]}
else
  ok=0
  cmake --build --preset "$preset" --target "${targets[@]}" >"$log" 2>&1 || ok=$?
fi
if [ "$ok" != 0 ]; then
  grep -E -A12 'error:|FAILED:|undefined reference' "$log" | head -60 >&2
  echo "the build failed; all of it: $log" >&2
  exit 1
fi
