# shellcheck shell=bash
# Sourced.

# is_running PIDFILE NAME: the process of that file runs the binary NAME. A zombie does not run, and a pid that went
# to another program since is not ours.
is_running() {
  local pid
  [ -f "$1" ] && pid=$(cat "$1") && [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == */"$2"* ]]
}
