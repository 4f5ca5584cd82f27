#!/bin/sh
# Build STAC Browser from its npm release into a folder (default .cache/browser), where `s2lookback serve` finds it.
# Needs node 20 and npm. The versions of all packages are pinned by package-lock.json; what is built already stays.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../.cache/browser}
release=4.0.1
sha256=053c8a9849e835d848f6a50f50e905c23e882509c8e4c4b820cbe629d783b955
atlas=2.0.2 # of the world: Natural Earth's land, in the public domain
atlas_sha256=032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97

stamp=$(cat "$here/build.sh" "$here/package-lock.json" "$here/basemaps.config.js" | sha256sum | cut -c1-16)
if [ "$(cat "$out/.built" 2>/dev/null || true)" = "$stamp" ]; then
    cp "$here/config.js" "$out/config.js"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent "@radiantearth/stac-browser@$release" >/dev/null 2>&1
echo "$sha256  radiantearth-stac-browser-$release.tgz" | sha256sum --check --quiet
tar xzf "radiantearth-stac-browser-$release.tgz"
npm pack --silent "world-atlas@$atlas" >/dev/null 2>&1
echo "$atlas_sha256  world-atlas-$atlas.tgz" | sha256sum --check --quiet
cd package
# ol-stac 1.1 is the last that speaks the stac-js of this release; geotiff 2.1.4 is the first that reads ZSTD.
npm pkg set dependencies.ol-stac=1.1.0 overrides.geotiff=2.1.4-beta.1 2>/dev/null
cp "$here/package-lock.json" package-lock.json
npm ci --silent --ignore-scripts --no-audit --no-fund

cp "$here/basemaps.config.js" basemaps.config.js
# Our config.js is read when the page is, so that it may be changed without building anew.
sed -i 's|<!-- <script defer="defer" src="/config.js"></script> -->|<script defer="defer" src="<%= BASE_URL %>land.js"></script><script defer="defer" src="<%= BASE_URL %>config.js"></script>|' public/index.html
# A style that config.js gives with the options of a GeoTIFF is the style of its layer.
sed -i '/await status;/{n;s|new WebGLTileLayer({ source })|new WebGLTileLayer({ source, style: options.style })|;}' node_modules/ol-stac/layer/STAC.js
# Items in a list are drawn as they are alone.
sed -i 's|displayPreview: this.children && this.children.isItemCollection()|&, getSourceOptions: this.getMapSourceOptions|' src/components/Map.vue
grep -q 'getSourceOptions: this.getMapSourceOptions' src/components/Map.vue
grep -q 'style: options.style' node_modules/ol-stac/layer/STAC.js
grep -q 'BASE_URL' public/index.html
npm run --silent build:minimal -- --pathPrefix=/browser/ --catalogUrl=/ >build.log 2>&1 || { tail -20 build.log; exit 1; }

cp "$here/config.js" dist/config.js
{ printf 'window.S2LOOKBACK_LAND = '; tar xzOf "../world-atlas-$atlas.tgz" package/land-110m.json; echo ';'; } >dist/land.js
echo "$stamp" >dist/.built
mkdir -p "$(dirname "$out")"
rm -rf "$out"
mv dist "$out"
