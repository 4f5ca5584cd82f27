// STAC Browser over the catalog of s2lookback: nothing is fetched from another machine, and images are drawn as the
// items' own `renders` say: three bands as a picture, a mask by its classes, a composite's age in days.
(function () {
  const AGE = ["#fde725", "#7ad151", "#22a884", "#2a788e", "#414487", "#440154"]; // viridis, young to old

  // UTM on WGS 84, all zones
  const crs = {};
  for (let zone = 1; zone <= 60; zone++) {
    const number = String(zone).padStart(2, "0");
    crs[`EPSG:326${number}`] = `+proj=utm +zone=${zone} +datum=WGS84 +units=m +no_defs`;
    crs[`EPSG:327${number}`] = `+proj=utm +zone=${zone} +south +datum=WGS84 +units=m +no_defs`;
  }

  // How items are drawn, by collection and id. As a list of facts it would bury what a person looks for, so it is taken
  // out of what is listed; the item's own JSON (Source) has it.
  const rendersOf = new Map();
  // In a catalog of files links are relative; one that goes up (../) the browser would take for one that leads elsewhere.
  function tidy(stac) {
    for (const link of stac.links || []) {
      if (link.href.startsWith("../")) link.href = new URL(link.href, stac.getAbsoluteUrl()).href;
    }
    for (const asset of Object.values(stac.assets || {})) {
      for (const one of asset["classification:classes"] || []) {
        if (one.description === one.title) delete one.description; // or the legend's table is too wide
      }
    }
    if (stac.type === "Feature" && stac.properties.renders) {
      rendersOf.set(`${stac.collection}/${stac.id}`, stac.properties.renders);
      delete stac.properties.renders;
    }
    return stac;
  }
  const renderOf = (item, key) =>
    Object.values(item.properties.renders || rendersOf.get(`${item.collection}/${item.id}`) || {})
      .find((render) => render.assets[0] === key);

  // Three assets side by side, each between its own limits.
  function picture(options, item, render) {
    const sources = render.assets.map((key, number) => ({
      url: item.assets[key].getAbsoluteUrl(),
      min: render.rescale[number][0],
      max: render.rescale[number][1],
      nodata: render.nodata,
      bands: [1],
    }));
    const [, channels, gamma] = (render.color_formula || "gamma - 1").match(/^gamma (\S+) ([0-9.]+)$/);
    const shown = ["R", "G", "B"].map((channel, number) =>
      channels.includes(channel) ? ["^", ["band", number + 1], 1 / gamma] : ["band", number + 1]);
    return { ...options, sources, style: { color: ["array", ...shown, ["band", 4]] } };
  }

  function classes(options, asset, render) {
    const cases = Object.entries(render.colormap).flatMap(([value, [r, g, b, a]]) => [Number(value), [r, g, b, a / 255]]);
    const style = { color: ["match", ["band", 1], ...cases, [255, 0, 255, 1]] };
    return { ...options, sources: [{ url: asset.getAbsoluteUrl(), bands: [1] }], normalize: false, interpolate: false, style };
  }

  function age(options, asset, render) {
    const [low, high] = render.rescale[0];
    const days = ["-", Number(render.expression.match(/^\d+/)[0]), ["band", 1]];
    const stops = AGE.flatMap((colour, number) => [low + (number * (high - low)) / (AGE.length - 1), colour]);
    const color = ["case", ["==", ["band", 1], render.nodata], [0, 0, 0, 0], ["interpolate", ["linear"], days, ...stops]];
    return { ...options, sources: [{ url: asset.getAbsoluteUrl(), bands: [1] }], normalize: false, interpolate: false, style: { color } };
  }

  // One band in shades of grey, where no render says better.
  function grey(options, asset) {
    const [min, max] = asset.unit === "%" ? [0, 100] : asset["raster:scale"] ? [0, 4000] : [undefined, undefined];
    return { ...options, sources: [{ url: asset.getAbsoluteUrl(), bands: [1], nodata: asset.nodata, min, max }] };
  }

  async function draw(type, options, asset) {
    if (!options.sources || typeof asset.getContext !== "function") return options;
    const item = asset.getContext();
    const render = item && item.collection ? renderOf(item, asset.getKey()) : null;
    if (!render) return grey(options, asset);
    if (render.colormap) return classes(options, asset, render);
    if (render.expression) return age(options, asset, render);
    return picture(options, item, render);
  }

  // The land of the Earth, coarse: rings of longitude and latitude, out of TopoJSON.
  function rings({ arcs, transform, objects }) {
    const places = arcs.map((arc) => {
      let [x, y] = [0, 0];
      return arc.map(([right, up]) => [
        (x += right) * transform.scale[0] + transform.translate[0],
        (y += up) * transform.scale[1] + transform.translate[1],
      ]);
    });
    const joined = (ring) => ring.flatMap((one) => (one < 0 ? [...places[~one]].reverse() : places[one]));
    return objects.land.geometries.flatMap((land) => land.arcs.flat()).map(joined).flatMap(around);
  }

  // A ring that crosses the antimeridian, once on either side of the map; the one around the pole is cut there already.
  function around(ring) {
    if (ring.some(([, y]) => y < -85)) return [ring];
    let turn = 0;
    const whole = ring.map(([x, y], number) => {
      const step = number ? x - ring[number - 1][0] : 0;
      turn -= Math.abs(step) > 180 ? 360 * Math.sign(step) : 0;
      return [x + turn, y];
    });
    const shifts = [-360, 0, 360].filter((shift) => whole.some(([x]) => Math.abs(x + shift) < 180));
    return shifts.map((shift) => whole.map(([x, y]) => [x + shift, y]));
  }
  const LAND = rings(window.S2LOOKBACK_LAND);
  const COARSE = 7; // from this zoom on, the land's outline is wrong by more than a hundred pixels

  // A base map that needs no server: land, and lines of longitude and latitude with their degrees, drawn tile by tile.
  function graticule([zoom, column, row]) {
    const tiles = 2 ** zoom;
    const step = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01].find((one) => (one * tiles) / 360 <= 0.8) || 0.01;
    const toX = (longitude) => ((longitude + 180) / 360 * tiles - column) * 256;
    const toY = (latitude) =>
      ((1 - Math.asinh(Math.tan((latitude * Math.PI) / 180)) / Math.PI) / 2 * tiles - row) * 256;
    const lines = [];
    const inside = (latitude) => Math.max(-85, Math.min(85, latitude));
    const land = zoom >= COARSE ? "" : LAND.map((ring) =>
      `M${ring.map(([x, y]) => `${toX(x).toFixed(1)} ${toY(inside(y)).toFixed(1)}`).join("L")}Z`).join("");
    for (let number = Math.ceil(-180 / step); number * step <= 180; number++) {
      const degrees = Number((number * step).toFixed(2));
      const [x, y] = [toX(degrees), Math.abs(degrees) < 85 ? toY(degrees) : -1];
      const text = (x, y, words) => `<text x="${x + 3}" y="${y - 3}" font-size="10" fill="#7a8590">${words}</text>`;
      if (x >= 0 && x < 256) lines.push(`<path d="M${x} 0V256"/>${text(x, 12, `${degrees}°`)}`);
      if (y >= 0 && y < 256) lines.push(`<path d="M0 ${y}H256"/>${text(0, y, `${degrees}°`)}`);
    }
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" font-family="sans-serif">` +
      `<rect width="256" height="256" fill="#eef2f5"/><path d="${land}" fill="#dfe3dc" stroke="#b4bdb0"/><g stroke="#d5dbe1" stroke-width="1">${lines.join("")}</g></svg>`;
    return `data:image/svg+xml,${encodeURIComponent(svg.replaceAll("<text", '<text stroke="none"'))}`;
  }

  // A legend is shown whole, with no bar to scroll it by.
  const style = document.createElement("style");
  style.textContent = ".metadata .b-table-sticky-header { max-height: none; }";
  document.head.append(style);

  window.STAC_BROWSER_BASEMAPS = [
    { is: "XYZ", title: "Longitude and latitude", projection: "EPSG:3857", maxZoom: 18, tileUrlFunction: graticule },
  ];

  window.STAC_BROWSER_CONFIG = {
    catalogUrl: `${window.location.origin}/`,
    catalogTitle: "s2lookback",
    allowExternalAccess: false,
    supportedLocales: ["en", "fr"],
    detectLocaleFromBrowser: false,
    pathPrefix: "/browser/",
    apiCatalogPriority: "childs",
    cardViewSort: "desc",
    itemsPerPage: 24,
    searchResultsPerPage: 24,
    showThumbnailsAsAssets: true,
    defaultThumbnailSize: [256, 192],
    displayPreview: true,
    displayOverview: true,
    socialSharing: [],
    crs,
    preprocessSTAC: tidy,
    getMapSourceOptions: draw,
    footerLinks: [
      { label: "Contains modified Copernicus Sentinel data", url: "https://sentinels.copernicus.eu" },
      { label: "Land by Natural Earth", url: "https://www.naturalearthdata.com" },
    ],
  };
})();
