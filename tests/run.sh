#!/usr/bin/env bash
# Runs all tests with everything they need: installs what is missing (Debian packages, beancount in a folder of its
# own), starts a throw-away PostgreSQL, and runs cargo test on SQLite and PostgreSQL. Arguments go to cargo test.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$1"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

install_packages() {
  local wanted=()
  command -v cc >/dev/null || wanted+=(build-essential)
  find_postgres >/dev/null || wanted+=(postgresql)
  command -v hledger >/dev/null || wanted+=(hledger)
  command -v python3 >/dev/null || wanted+=(python3)
  python3 -c 'import venv, ensurepip' 2>/dev/null || wanted+=(python3-venv)
  [ ${#wanted[@]} -gt 0 ] || return 0
  say "installing ${wanted[*]}"
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"
}

find_postgres() {
  local found
  for found in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do [ -x "$found/initdb" ] && { echo "$found"; return 0; }; done
  found=$(command -v initdb) && dirname "$found"
}

install_beancount() {
  command -v bean-check >/dev/null && return 0
  [ -x target/beancount/bin/bean-check ] || { say "installing beancount"; python3 -m venv target/beancount && target/beancount/bin/pip install -q beancount; }
  export PATH="$PWD/target/beancount/bin:$PATH"
}

run_as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups "$@"; else "$@"; fi; }

# What stopping says does not change what the tests said.
stop_postgres() {
  cd /tmp
  run_as "$1/pg_ctl" -D "$cluster/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$cluster" || true
}

# initdb refuses root: another user owns the cluster then.
start_postgres() {
  local bin; bin=$(find_postgres)
  cluster=$(mktemp -d /tmp/consign-postgres.XXXXXX)
  owner=$(id -un)
  if [ "$(id -u)" = 0 ]; then owner=postgres; id postgres >/dev/null 2>&1 || owner=nobody; chown "$owner" "$cluster"; fi
  local port=$((20000 + RANDOM % 20000))
  run_as "$bin/initdb" -D "$cluster/data" -U consign -A trust -E UTF8 --locale=C.UTF-8 >"$cluster/initdb" 2>&1 || { cat "$cluster/initdb"; return 1; }
  (cd "$cluster" && run_as "$bin/pg_ctl" -D "$cluster/data" -w -l "$cluster/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=200" start >/dev/null) || { cat "$cluster/log"; return 1; }
  trap 'stop_postgres "'"$bin"'"' EXIT
  export CONSIGN_TEST_POSTGRES="postgres://consign@127.0.0.1:$port/postgres"
}

install_packages || say "SOME PACKAGES COULD NOT BE INSTALLED; tests that need them will say so"
install_beancount || say "BEANCOUNT COULD NOT BE INSTALLED; tests that need it will say so"
if start_postgres; then
  say "PostgreSQL for the tests: $CONSIGN_TEST_POSTGRES"
else
  say "NO POSTGRESQL: THE TESTS RUN ON SQLITE ONLY"
  [ "${CI:-}" != true ] || exit 1
fi
say "cargo test"
cargo test --locked "$@"
