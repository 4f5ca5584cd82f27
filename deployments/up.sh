#!/bin/sh
# Start Prefect's server and a worker for each pool on this machine, deploy every flow, print where to look.
# Logs and process ids lie in .cache/up; `make down` stops what was started here.
set -eu
cd "$(dirname "$0")/.."
state=$PWD/.cache/up
port=${PORT:-4200}
export PATH="$PWD/.venv/bin:$PATH"
export PREFECT_HOME="$state/prefect" PREFECT_API_URL="http://127.0.0.1:$port/api" PREFECT_SERVER_ANALYTICS_ENABLED=false
export S2LOOKBACK_ROOT="${S2LOOKBACK_ROOT:-$PWD/demo/catalog}"
mkdir -p "$PREFECT_HOME"

start() { # name, command...
    name=$1
    shift
    setsid "$@" >"$state/$name.log" 2>&1 &
    echo $! >"$state/$name.pid"
}

running() { [ -f "$state/$1.pid" ] && kill -0 "$(cat "$state/$1.pid")" 2>/dev/null; }

running server && { echo "already up: http://127.0.0.1:$port (make down stops it)"; exit 0; }

start server prefect server start --host 127.0.0.1 --port "$port"
for _ in $(seq 120); do
    python -c "import httpx; httpx.get('$PREFECT_API_URL/health', trust_env=False).raise_for_status()" 2>/dev/null && break
    running server || { echo "the server did not start: see $state/server.log"; exit 1; }
    sleep 1
done
for pool in hpc gpu; do
    prefect work-pool inspect $pool >/dev/null 2>&1 || prefect work-pool create $pool --type process >/dev/null
done
prefect --no-prompt deploy --all >"$state/deploy.log" 2>&1 || { echo "deploying failed: see $state/deploy.log"; exit 1; }
for pool in hpc gpu; do
    start "worker-$pool" prefect worker start --pool $pool --name "$pool-1"
done
echo "Prefect   http://127.0.0.1:$port"
echo "products  $S2LOOKBACK_ROOT"
echo "scenes    ${S2LOOKBACK_SCENES:-none: set S2LOOKBACK_SCENES, or choose kind: simulated in the form of a run}"
echo "logs      $state"
