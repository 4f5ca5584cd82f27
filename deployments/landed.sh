#!/bin/sh
# Bring the scenes that a bucket's notification tells of into the folder of scenes, and start their tiles.
#   landed.sh < notification.json
# The JSON is S3's own, which AWS, MinIO and Ceph send alike: let whatever reads your queue, or receives the webhook, hand it on.
# Needs python3, curl, the bucket's client `aws`, and of a worker's environment S2LOOKBACK_SCENES, PREFECT_API_URL and
# PREFECT_API_AUTH_STRING. It fails if a scene cannot be brought, so that the queue tells of it again. A server that cannot be
# told does no harm: the flow `landing` finds the scene within five minutes.
set -eu

scenes() { # bucket, key and tile of each zipped product that was put there, a line each; nothing else can be in a line
    python3 -c '
import json, re, sys
from urllib.parse import unquote_plus

PRODUCT = r"S2[A-D]_MSIL[12][AC]_\d{8}T\d{6}_N\d{4}_R\d{3}_T(\d{2}[A-Z]{3})_\d{8}T\d{6}(\.SAFE)?\.zip"
for record in json.load(sys.stdin)["Records"]:
    place = record["s3"]["bucket"]["name"] + " " + unquote_plus(record["s3"]["object"]["key"])
    found = re.fullmatch(r"[a-z0-9.-]+ ([\w=.-]+/)*" + PRODUCT, place, re.ASCII)
    if found and "ObjectCreated" in record["eventName"]:
        print(place, found[2])
'
}

listed=$(scenes)
[ -z "$listed" ] || echo "$listed" | while read -r bucket key tile; do
    name=${key##*/}
    aws s3 cp --only-show-errors "s3://$bucket/$key" "$S2LOOKBACK_SCENES/.$name" </dev/null
    mv "$S2LOOKBACK_SCENES/.$name" "$S2LOOKBACK_SCENES/$name"
    curl --fail --silent --show-error --user "${PREFECT_API_AUTH_STRING:-:}" "$PREFECT_API_URL/events" \
        --header "Content-Type: application/json" --data '[{"event": "s2lookback.scene.landed",
        "id": "'"$(cat /proc/sys/kernel/random/uuid)"'", "occurred": "'"$(date -u +%FT%TZ)"'",
        "resource": {"prefect.resource.id": "s2lookback.tile.'"$tile"'", "s2lookback.tile": "'"$tile"'"}}]' || :
done
