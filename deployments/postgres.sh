#!/bin/sh
# A private PostgreSQL with PostGIS in one folder, on loopback: for tests, for one machine, to try pgSTAC.
#   deployments/postgres.sh start FOLDER [PORT]   makes it if need be; prints the file that holds its address
#   deployments/postgres.sh stop FOLDER
# Needs Debian's postgresql-15 and postgresql-15-postgis-3, or those of another release. Run as root, it becomes postgres,
# who must be able to reach the folder.
set -eu
[ $# -ge 2 ] || { sed -n '2,4p' "$0"; exit 2; }
folder=$2
port=${3:-5439}
bin=$(for one in /usr/lib/postgresql/*/bin; do echo "$one"; done | sort -V | tail -1)
[ -x "$bin/initdb" ] || { echo "PostgreSQL is missing: apt install postgresql-15 postgresql-15-postgis-3"; exit 1; }

as_owner() {
    if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

case $1 in
start)
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    if [ ! -f "$folder/data/PG_VERSION" ]; then
        umask 077
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/password"
        [ "$(id -u)" != 0 ] || { chown postgres "$folder" "$folder/password" && chmod 711 "$folder"; }
        as_owner "$bin/initdb" --pgdata="$folder/data" --username=stac --pwfile="$folder/password" \
            --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    fi
    as_owner "$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/data/log" --wait --silent \
        --options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' ${POSTGRES_OPTIONS:-}" start
    PGPASSWORD=$(cat "$folder/password")
    export PGPASSWORD
    "$bin/createdb" --host=127.0.0.1 --port="$port" --username=stac stac 2>/dev/null || true
    (umask 077 && echo "postgresql://stac:$PGPASSWORD@127.0.0.1:$port/stac" >"$folder/address")
    echo "$folder/address"
    ;;
stop)
    as_owner "$bin/pg_ctl" --pgdata="$(cd "$folder" && pwd)/data" --mode=fast --silent stop
    ;;
*)
    echo "start or stop, not $1"
    exit 2
    ;;
esac
