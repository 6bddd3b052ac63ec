#!/bin/sh
# Stands in for the entry point of the public `postgres` image, on Debian's own PostgreSQL: the first start makes the
# cluster, the user and the database from POSTGRES_USER, POSTGRES_DB and POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE.
set -eu

# The newest version that is installed: its directory is not in PATH on Debian.
for directory in /usr/lib/postgresql/*/bin; do PATH=$directory:$PATH; done
export PGDATA=/var/lib/postgresql/data

if [ "$(id -u)" = 0 ]; then
    # A new volume belongs to root, and PostgreSQL refuses to run as root.
    install -d -o postgres -g postgres /run/postgresql
    chown postgres:postgres "$PGDATA"
    chmod 0700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    password=$(mktemp)
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then cat "$POSTGRES_PASSWORD_FILE"; else echo "$POSTGRES_PASSWORD"; fi >"$password"
    initdb --username="$POSTGRES_USER" --pwfile="$password" --auth-local=trust --auth-host=scram-sha-256 --no-sync >/dev/null
    rm "$password"
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE \"$POSTGRES_DB\";" | postgres --single -j postgres >/dev/null
fi
exec postgres -c listen_addresses='*'
