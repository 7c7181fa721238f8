# shellcheck shell=bash
# Sourced, after scripts/lib/packages.sh or before. A PostgreSQL of its own for a comparison: a temporary cluster of an
# unprivileged user, on a free port of 127.0.0.1, over TLS 1.3 with client certificates, durable.
# shellcheck source=scripts/lib/packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

postgresql_bin=/usr/lib/postgresql/15/bin
postgresql_folder=
postgresql_conninfo=

ensure_postgresql() {
  if [ ! -x "$postgresql_bin/postgres" ]; then
    ensure_packages postgresql-common
    # The package must not start a cluster of the machine's.
    sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  fi
  ensure_packages postgresql-15 libpq-dev
}

as_postgres() { runuser -u postgres -- "$@"; }

# start_postgresql PKI: its settings are said in docs/performance.md; keep both in step.
start_postgresql() {
  local data port
  postgresql_folder=$(mktemp -d "${TMPDIR:-/tmp}/relais-postgresql-XXXXXX")
  data=$postgresql_folder/data
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  cp "$1/services/consent/tls.crt" "$1/services/consent/tls.key" "$1/ca/bundle.pem" "$postgresql_folder/"
  chown -R postgres: "$postgresql_folder"
  chmod 600 "$postgresql_folder/tls.key"
  as_postgres "$postgresql_bin/initdb" -D "$data" -U postgres --no-sync --auth=trust --locale=C.UTF-8 >/dev/null || return 1
  cat >>"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$postgresql_folder'
ssl = on
ssl_min_protocol_version = 'TLSv1.3'
ssl_cert_file = '$postgresql_folder/tls.crt'
ssl_key_file = '$postgresql_folder/tls.key'
ssl_ca_file = '$postgresql_folder/bundle.pem'
max_connections = 100
shared_buffers = 2GB
effective_cache_size = 6GB
maintenance_work_mem = 1GB
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = minimal
max_wal_senders = 0
wal_buffers = 64MB
max_wal_size = 8GB
checkpoint_timeout = 15min
random_page_cost = 1.1
plan_cache_mode = force_generic_plan
jit = off
CONF
  echo "hostssl all all 127.0.0.1/32 trust clientcert=verify-ca" >"$data/pg_hba.conf"
  chown postgres: "$data/postgresql.conf" "$data/pg_hba.conf"
  as_postgres "$postgresql_bin/pg_ctl" -D "$data" -l "$postgresql_folder/log" -w -t 60 start >/dev/null || {
    tail -5 "$postgresql_folder/log" >&2
    return 1
  }
  local own=$1/institutions/ville-paris/dsol
  postgresql_conninfo="host=127.0.0.1 port=$port dbname=postgres user=postgres sslmode=verify-ca"
  postgresql_conninfo+=" sslrootcert=$1/ca/bundle.pem sslcert=$own/tls.crt sslkey=$own/tls.key"
}

stop_postgresql() {
  [ -n "$postgresql_folder" ] || return 0
  as_postgres "$postgresql_bin/pg_ctl" -D "$postgresql_folder/data" -m fast -w stop >/dev/null 2>&1 || true
  rm -rf "$postgresql_folder"
  postgresql_folder=
}
