// What lies beneath the images: config.js says it, so that nothing is asked of another machine.
export default function configureBasemap() {
  return window.STAC_BROWSER_BASEMAPS || [];
}
