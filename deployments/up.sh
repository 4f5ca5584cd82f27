#!/bin/sh
# Start Prefect's server, a worker for each pool, the STAC API and STAC Browser on this machine; print where to look.
# Logs and process ids lie in .cache/up; `make down` stops what was started here.
set -eu
cd "$(dirname "$0")/.."
state=$PWD/.cache/up
browser=$PWD/.cache/browser
port=${PORT:-4200}
stac_port=${STAC_PORT:-8081}
export PATH="$PWD/.venv/bin:$PATH"
export PREFECT_HOME="$state/prefect" PREFECT_API_URL="http://127.0.0.1:$port/api" PREFECT_SERVER_ANALYTICS_ENABLED=false
export S2LOOKBACK_ROOT="${S2LOOKBACK_ROOT:-$PWD/demo/catalog}"
export S2LOOKBACK_API="http://127.0.0.1:$stac_port" S2LOOKBACK_BROWSER="$browser" # pages of runs link there
export PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=prefect.server.concurrency.lease_storage.filesystem # survives a restart
export PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED=events,flow_runs # runs of ninety days ago leave the database
mkdir -p "$PREFECT_HOME" "$S2LOOKBACK_ROOT"

start() { # name, command...
    name=$1
    shift
    setsid "$@" >"$state/$name.log" 2>&1 &
    echo $! >"$state/$name.pid"
}

running() { [ -f "$state/$1.pid" ] && kill -0 "$(cat "$state/$1.pid")" 2>/dev/null; }

await() { # name, address
    for _ in $(seq 180); do
        python -c "import httpx; httpx.get('$2', trust_env=False).raise_for_status()" 2>/dev/null && return
        running "$1" || { echo "the $1 did not start: see $state/$1.log"; exit 1; }
        sleep 1
    done
    echo "the $1 does not answer: see $state/$1.log"
    exit 1
}

running server && { echo "already up: http://127.0.0.1:$port (make down stops it)"; exit 0; }

start server prefect server start --host 127.0.0.1 --port "$port"
[ -f "$browser/index.html" ] || echo "Building STAC Browser (once; some minutes)"
if deployments/browser/build.sh "$browser" >"$state/browser.log" 2>&1; then
    told="http://127.0.0.1:$stac_port/browser/"
else
    told="none: STAC Browser could not be built, see $state/browser.log (it needs node 20 and npm)"
fi
start api s2lookback serve --root "$S2LOOKBACK_ROOT" --port "$stac_port" --browser "$browser"
await server "$PREFECT_API_URL/health"
s2lookback deploy >"$state/deploy.log" 2>&1 || { echo "deploying failed: see $state/deploy.log"; exit 1; }
for pool in hpc gpu; do
    start "worker-$pool" prefect worker start --pool $pool --name "$pool-1"
done
await api "http://127.0.0.1:$stac_port/"
echo "Prefect   http://127.0.0.1:$port"
echo "workers   http://127.0.0.1:$port/work-pools"
echo "STAC API  http://127.0.0.1:$stac_port"
echo "browser   $told"
echo "products  $S2LOOKBACK_ROOT"
echo "scenes    ${S2LOOKBACK_SCENES:-none: set S2LOOKBACK_SCENES, or choose kind: simulated in the form of a run}"
echo "logs      $state"
