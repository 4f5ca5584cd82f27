#!/bin/sh
# Stop what up.sh started: the workers first, so that no run is torn from its server.
set -eu
cd "$(dirname "$0")/.."
for name in worker-hpc worker-gpu api server; do
    file=.cache/up/$name.pid
    [ -f "$file" ] || continue
    kill -TERM -"$(cat "$file")" 2>/dev/null || true
    for _ in $(seq 30); do
        kill -0 "$(cat "$file")" 2>/dev/null || break
        sleep 1
    done
    rm -f "$file"
    echo "stopped $name"
done
