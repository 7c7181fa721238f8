# shellcheck shell=bash disable=SC2034
# Sourced. What the suite needs from Debian; installs what is missing, silently quick when nothing is.

RELAIS_BUILD_PACKAGES=(
  build-essential ccache ca-certificates cmake git mold ninja-build pkg-config
  golang-github-gogo-googleapis-dev
  libabsl-dev libbenchmark-dev libcli11-dev libgmock-dev libgrpc++-dev libgrpc-dev libgtest-dev libicu-dev
  libjemalloc-dev
  libprotobuf-dev libqrencode-dev librocksdb-dev libspdlog-dev libssl-dev libyaml-cpp-dev libzbar-dev nlohmann-json3-dev
  libcurl4-openssl-dev prometheus-cpp-dev protobuf-compiler protobuf-compiler-grpc tzdata zlib1g-dev
)
RELAIS_TEST_PACKAGES=(
  clamav-daemon clang-format clang-tidy openssl protobuf-compiler-grpc python3 python3-cryptography python3-grpcio python3-protobuf
  python3-yaml shellcheck
)

RELAIS_SANITIZER_PACKAGES=(clang libclang-rt-dev)

# ensure_packages NAME...: installs those that are not there. Needs root only when something is missing.
ensure_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    return 0
  fi
  if [ "$(id -u)" != 0 ]; then
    echo "missing packages: ${missing[*]}; install them as root" >&2
    return 1
  fi
  echo "installing ${#missing[@]} packages…" >&2
  local log
  log=$(mktemp)
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -30 "$log" >&2
    return 1
  fi
  rm -f "$log"
}
