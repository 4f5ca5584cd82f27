// The browser asks no other machine for anything: no base map is drawn beneath the images.
export default function configureBasemap() {
  return [];
}
