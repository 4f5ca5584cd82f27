"""Ways to composite the same scenes: ours, what a user would write instead, and what no way can beat."""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import zstandard
from numpy.typing import NDArray
from rasterio.merge import merge
from rasterio.shutil import copy as copy_raster

from s2lookback.cog import Cog, open_cog
from s2lookback.cores import THREADS
from s2lookback.masking.classes import usable
from s2lookback.mrap.engine import Observation, fold_files, rebuild
from s2lookback.mrap.fold import DAY
from s2lookback.scene import NODATA
from s2lookback.tiff import tiles_of
from tests.bench.mrap_data import composite_files, names, observation, series

COG = {
    "driver": "COG", "compress": "ZSTD", "level": 1, "predictor": "YES", "blocksize": 512,
    "num_threads": "ALL_CPUS", "statistics": "NO",
}  # fmt: skip
AVERAGED, NEAREST = {"overview_resampling": "AVERAGE"}, {"overview_resampling": "NEAREST"}


def gdal_write(path: Path, band: NDArray[Any], like: str, nodata: float | None, options: dict[str, str]) -> None:
    """Write a band with GDAL's COG driver, with the threads that we use and, if no option says otherwise, our codec."""
    with rasterio.open(like) as source, rasterio.MemoryFile() as memory:
        place = {"crs": source.crs, "transform": source.transform, "height": source.height, "width": source.width}
        with memory.open(driver="GTiff", count=1, dtype=band.dtype, nodata=nodata, **place) as raster:
            raster.write(band, 1)
        copy_raster(memory.name, str(path), **{**COG, **options})


def gdal_read(path: str) -> NDArray[Any]:
    """Read a band with rasterio and all threads."""
    with rasterio.open(path, num_threads="ALL_CPUS") as raster:
        band: NDArray[Any] = raster.read(1)
        return band


# One new scene onto a composite


def step_ours(folder: str, out: str, bands: int, scene: str) -> None:
    """Fold it with the engine."""
    fold_files(out, _new(folder, bands, scene), composite_files(Path(folder) / "composite", bands))


def step_loop(folder: str, out: str, bands: int, scene: str) -> None:
    """Read, choose with numpy and write with rasterio, band by band, as BC's script does."""
    date, before = _new(folder, bands, scene), composite_files(Path(folder) / "composite", bands)
    clear = usable(gdal_read(date.classes))
    source, count = gdal_read(before["source"]), gdal_read(before["count"])
    newer = clear & (source < date.sensed)
    for name, href in date.bands.items():
        band = np.where(newer, gdal_read(href), gdal_read(before[name]))
        gdal_write(Path(out) / f"{name}.tif", band, href, NODATA, AVERAGED)
    source = np.where(newer, np.uint32(date.sensed), source)
    rest = {"source": source, "sensed": (source // DAY).astype(np.uint16), "count": count + clear.astype(np.uint16)}
    for name, band in rest.items():
        gdal_write(Path(out) / f"{name}.tif", band, date.classes, None if name == "count" else 0, NEAREST)


def step_copy(folder: str, out: str, bands: int, scene: str) -> None:
    """Copy the files of the composite and do nothing else."""
    for path in composite_files(Path(folder) / "composite", bands).values():
        shutil.copyfile(path, Path(out) / Path(path).name)


def step_floor(folder: str, out: str, bands: int, scene: str) -> None:
    """Read every byte of the inputs once and write as many as the output has."""
    date = _new(folder, bands, scene)
    for path in (*date.bands.values(), date.classes):
        _read_through(path)
    for path in composite_files(Path(folder) / "composite", bands).values():
        with open(path, "rb") as source, (Path(out) / Path(path).name).open("wb") as file:  # noqa: PTH123  an href
            while chunk := source.read(2**20):
                file.write(chunk)


def step_codec(folder: str, out: str, bands: int, scene: str) -> None:
    """Unpack and pack the tiles of bands that cannot be copied, with our threads, and do nothing else.

    What a scene enters must be unpacked, to see where it has data; what it enters and does not fill must be mixed
    with the composite, which is unpacked too, and packed anew.
    """
    date, before = _new(folder, bands, scene), composite_files(Path(folder) / "composite", bands)
    clear = usable(gdal_read(date.classes))
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda name: _repack(open_cog(date.bands[name]), open_cog(before[name]), clear), date.bands))


def _repack(new: Cog, old: Cog, clear: NDArray[np.bool_]) -> None:
    unpack, pack = zstandard.ZstdDecompressor().decompress, zstandard.ZstdCompressor(level=1).compress
    for level, one in enumerate(new.layout.levels):
        side = one.tile << level
        for row, column in np.ndindex(*tiles_of(one.height, one.width, one.tile)):
            part = clear[row * side : (row + 1) * side, column * side : (column + 1) * side]
            if part.any() and level == 0:
                unpack(new.stored(level, row, column).read())
            if part.any() and not part.all():
                pack(unpack(old.stored(level, row, column).read()))


def _new(folder: str, bands: int, scene: str) -> Observation:
    return observation(folder, scene, bands, 30_000 * DAY)


def _read_through(path: str) -> None:
    with open(path, "rb") as file:  # noqa: PTH123  an href
        while file.read(2**20):
            pass


# Only the newest composite of many dates


def newest_ours(folder: str, out: str, bands: int, dates: int) -> None:
    """Look back tile by tile; gives source and sensing day too, which no other way does."""
    rebuild(out, series(folder, bands, dates))


def mask_scenes(folder: str, bands: int, dates: int) -> None:
    """Write each band without what is not clear: what a VRT or a merge starts from. Not counted as their work."""
    for date in series(folder, bands, dates):
        clear = usable(gdal_read(date.classes))
        for href in date.bands.values():
            band = np.where(clear, gdal_read(href), NODATA).astype(np.int16)
            gdal_write(_masked(href), band, href, NODATA, AVERAGED)


def newest_vrt(folder: str, out: str, bands: int, dates: int) -> None:
    """Let GDAL lay the masked scenes over each other, newest on top."""
    for name in names(bands):
        paths = [str(_masked(date.bands[name])) for date in series(folder, bands, dates)]
        with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):
            copy_raster(_vrt(paths), str(Path(out) / f"{name}.tif"), **COG, **AVERAGED)


def newest_merge(folder: str, out: str, bands: int, dates: int) -> None:
    """Merge the masked scenes with rasterio, newest first."""
    for name in names(bands):
        paths = [str(_masked(date.bands[name])) for date in reversed(series(folder, bands, dates))]
        band, _ = merge(paths, method="first")
        gdal_write(Path(out) / f"{name}.tif", band[0], paths[0], NODATA, AVERAGED)


def newest_floor(folder: str, out: str, bands: int, dates: int) -> None:
    """Read every byte of the scenes once and write a composite's bands."""
    for date in series(folder, bands, dates):
        for path in (*date.bands.values(), date.classes):
            _read_through(path)
    for name in names(bands):
        shutil.copyfile(Path(folder) / "composite" / f"{name}.tif", Path(out) / f"{name}.tif")


def _masked(href: str) -> Path:
    return Path(href).with_name(f"masked-{Path(href).name}")


def _vrt(paths: Sequence[str]) -> str:
    """Describe a band whose later sources hide the earlier ones wherever they have data."""
    with rasterio.open(paths[0]) as raster:
        crs, place, (height, width) = raster.crs.to_wkt(), raster.transform.to_gdal(), raster.shape
    sources = "".join(
        f"<ComplexSource><SourceFilename>{path}</SourceFilename><SourceBand>1</SourceBand>"
        f"<NODATA>{NODATA}</NODATA></ComplexSource>"
        for path in paths
    )
    return (
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>{crs.replace("&", "&amp;")}</SRS>'
        f"<GeoTransform>{','.join(map(repr, place))}</GeoTransform>"
        f'<VRTRasterBand dataType="Int16" band="1"><NoDataValue>{NODATA}</NoDataValue>{sources}</VRTRasterBand>'
        "</VRTDataset>"
    )


# The composite of every date


def all_ours(folder: str, out: str, bands: int, dates: int) -> None:
    """Fold one date after the other."""
    before: dict[str, str] | None = None
    for number, date in enumerate(series(folder, bands, dates)):
        place = Path(out) / f"date{number}"
        place.mkdir()
        fold_files(place, date, before)
        before = composite_files(place, bands)


def all_loop(folder: str, out: str, bands: int, dates: int) -> None:
    """Keep the composite in memory and write its bands after each date with rasterio."""
    composite: NDArray[np.int16] | None = None
    for number, date in enumerate(series(folder, bands, dates)):
        place = Path(out) / f"date{number}"
        place.mkdir()
        clear = usable(gdal_read(date.classes))
        if composite is None:
            composite = np.full((bands, *clear.shape), NODATA, np.int16)
        for band, (name, href) in zip(composite, date.bands.items(), strict=True):
            np.copyto(band, gdal_read(href), where=clear)
            gdal_write(place / f"{name}.tif", band, href, NODATA, AVERAGED)


def all_floor(folder: str, out: str, bands: int, dates: int) -> None:
    """Read every byte of the scenes once and write as many as one composite a date has."""
    for number, date in enumerate(series(folder, bands, dates)):
        place = Path(out) / f"date{number}"
        place.mkdir()
        for path in (*date.bands.values(), date.classes):
            _read_through(path)
        for path in composite_files(Path(folder) / "composite", bands).values():
            shutil.copyfile(path, place / Path(path).name)
