"""Pictures of what the platform makes: numpy in, PNG bytes out; the same pixels give the same bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image

from s2lookback.display import AGE, FALSE_COLOUR, GAMMA, LIMITS, OTHERWISE, SWIR, TRUE_COLOUR
from s2lookback.masking.classes import MEANINGS, Class
from s2lookback.scene import NO_PERCENT, NODATA

_CHOICES = (
    SWIR,
    ("B12", "B08", "B04"),
    ("B12", "B8A", "B11"),
    ("B12", "B08", "B11"),
    FALSE_COLOUR,
    TRUE_COLOUR,
    ("B11", "B08", "B04"),
)
_DARK_GREY = 48
_UNSEEN = (70, 70, 70)
_PERCENT = "magma"
_NO_METADATA: dict[str, Any] = {"Software": None}
"""matplotlib would write its version, and the bytes would change with it."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One date of a contact sheet; every picture has the same shape (y, x)."""

    title: str
    """The date."""
    raw: NDArray[np.uint8]
    """The scene as sensed, RGB (y, x, 3)."""
    classes: NDArray[np.uint8]
    """Codes of ``Class``, (y, x)."""
    mrap: NDArray[np.uint8]
    """The composite, RGB (y, x, 3)."""
    age: NDArray[np.float32]
    """Days, (y, x); NaN where nothing was ever seen."""
    reduced: NDArray[np.uint8]
    """The scene with thin cloud made thinner, RGB (y, x, 3)."""


def bands_to_show(bands: Sequence[str]) -> tuple[str, str, str]:
    """Choose three bands to look at: short-wave infrared, near infrared and red if there, else the next best."""
    for choice in _CHOICES:
        if set(choice) <= set(bands):
            return choice
    first, *others = bands
    return first, others[0] if others else first, others[-1] if others else first


def rgb(
    pixels: NDArray[np.int16], bands: Sequence[str], names: tuple[str, str, str] | None = None
) -> NDArray[np.uint8]:
    """Show three bands as red, green and blue, between limits that are the same for every scene.

    Args:
        pixels: Reflectance × 10 000, (band, y, x); ``NODATA`` becomes dark grey.
        bands: Their names.
        names: The three to show; ``bands_to_show`` chooses if not given.

    Raises:
        ValueError: If one of the three is not among the bands.
    """
    names = names or bands_to_show(bands)
    image = np.empty((*pixels.shape[1:], 3), np.uint8)
    for channel, name in enumerate(names):
        image[..., channel] = _stretch(pixels[list(bands).index(name)], name)
    image[pixels[0] == NODATA] = _DARK_GREY
    return image


def class_image(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour the codes of ``Class`` as ``MEANINGS`` says, RGB (y, x, 3); a code it does not know is magenta."""
    table = np.full((256, 3), (255, 0, 255), np.uint8)
    for code, meaning in MEANINGS.items():
        table[code] = tuple(bytes.fromhex(meaning.color))
    return table[classes]


def age_image(age_days: NDArray[np.float32], valid: NDArray[np.bool_], *, oldest: float) -> NDArray[np.uint8]:
    """Colour ages from bright, 0 days, to dark, ``oldest`` days and more, RGB (y, x, 3); dark grey where not valid."""
    share = np.clip(np.where(valid, age_days, 0) / max(oldest, 1.0), 0, 1)
    image: NDArray[np.uint8] = colormaps[AGE](share, bytes=True)[..., :3]
    return np.where(valid[..., None], image, np.array(_UNSEEN, np.uint8))


def probability_image(percent: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour percentages 0-100 from black to bright, RGB (y, x, 3); dark grey where ``NO_PERCENT``."""
    image: NDArray[np.uint8] = colormaps[_PERCENT](np.clip(percent / 100.0, 0, 1), bytes=True)[..., :3]
    return np.where((percent == NO_PERCENT)[..., None], np.array(_UNSEEN, np.uint8), image)


def thumbnail(image: NDArray[np.uint8], size: int = 256) -> bytes:
    """Fit an RGB image (y, x, 3) into a square of ``size`` pixels and encode it as PNG.

    Large images shrink by averaging blocks of pixels, small ones grow by a whole factor, so
    a pixel of a tiny tile stays a square one can see.
    """
    return _png(_fit(image, size))


def stamp(picture: bytes, size: int) -> bytes:
    """Shrink a PNG to at most ``size`` pixels a side and 64 colours, for places where every kilobyte counts."""
    with Image.open(BytesIO(picture), formats=("PNG",)) as opened:
        image = opened.convert("RGB")
    image.thumbnail((size, size))
    buffer = BytesIO()
    image.quantize(64, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def panels(images: Sequence[NDArray[np.uint8]], titles: Sequence[str]) -> bytes:
    """Set two to four RGB images side by side under their titles, as PNG at 150 dpi."""
    height, width = images[0].shape[:2]
    figure = _figure(4.2 * len(images), 4.2 * height / width + 0.45, dpi=150)
    for number, (image, title) in enumerate(zip(images, titles, strict=True)):
        axes = figure.add_subplot(1, len(images), number + 1)
        _show(axes, image)
        axes.set_title(title, fontsize=11)
    return _render(figure)


def contact_sheet(rows: Sequence[SheetRow], *, oldest: float | None = None) -> bytes:
    """Draw a series as a table, a row a date: raw, mask, MRAP, age, reduced; as PNG at 100 dpi.

    Args:
        rows: Oldest first; at least one.
        oldest: Age, days, at the dark end of the colour bar; the oldest there is if not given.
    """
    if oldest is None:
        oldest = max((float(np.nanmax(row.age)) for row in rows if np.isfinite(row.age).any()), default=1.0)
    height, width = rows[0].classes.shape
    tall = 2.1 * height / width
    figure = _figure(5 * 2.1 + 0.6, len(rows) * (tall + 0.08) + 1.3, dpi=100)
    grid = figure.add_gridspec(len(rows) + 1, 5, height_ratios=[*[tall] * len(rows), 0.5])
    for number, row in enumerate(rows):
        age = age_image(row.age, np.isfinite(row.age), oldest=oldest)
        images = (row.raw, class_image(row.classes), row.mrap, age, row.reduced)
        axes = [figure.add_subplot(grid[number, column]) for column in range(5)]
        for column, image in enumerate(images):
            _show(axes[column], image)
        axes[0].set_ylabel(row.title, fontsize=9)
        if number == 0:
            for column, heading in enumerate(("raw", "mask", "MRAP", "age", "reduced")):
                axes[column].set_title(heading, fontsize=12)
    _legend(figure.add_subplot(grid[-1, :3]), rows)
    _age_bar(figure, figure.add_subplot(grid[-1, 3:]), max(oldest, 1.0))
    return _render(figure)


def _stretch(band: NDArray[np.int16], name: str) -> NDArray[np.uint8]:
    low, high = LIMITS.get(name, OTHERWISE)
    share = np.clip((band.astype(np.float32) - low) / (high - low), 0, 1)
    if name in TRUE_COLOUR:
        share = share**GAMMA
    stretched: NDArray[np.uint8] = np.rint(255 * share).astype(np.uint8)
    return stretched


def _fit(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    longest = max(image.shape[:2])
    if longest <= size:
        factor = size // longest
        return image.repeat(factor, 0).repeat(factor, 1)
    height, width = (max(1, round(side * size / longest)) for side in image.shape[:2])
    return _block_means(_block_means(image, height, axis=0), width, axis=1)


def _block_means(image: NDArray[np.uint8], blocks: int, *, axis: int) -> NDArray[np.uint8]:
    """Average along an axis in so many blocks, whose lengths differ by one pixel at most."""
    starts = np.arange(blocks) * image.shape[axis] // blocks
    lengths = np.diff(np.append(starts, image.shape[axis]))
    sums = np.add.reduceat(image, starts, axis, np.uint32)
    means: NDArray[np.uint8] = np.rint(sums / np.expand_dims(lengths, tuple({0, 1, 2} - {axis}))).astype(np.uint8)
    return means


def _figure(width: float, height: float, *, dpi: int) -> Figure:
    """Open a figure of its own canvas, sizes in inches: nothing is shared between threads."""
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _show(axes: Axes, image: NDArray[np.uint8]) -> None:
    # A whole tile is thirty million pixels and a panel some thousand across.
    drawn = _fit(image, 1_000) if max(image.shape) > 1_000 else image
    axes.imshow(drawn, interpolation="nearest" if max(image.shape) < 200 else "antialiased")
    axes.set_xticks([])
    axes.set_yticks([])


def _legend(axes: Axes, rows: Sequence[SheetRow]) -> None:
    """Explain the colours of the classes that occur."""
    codes = np.unique(np.concatenate([np.unique(row.classes) for row in rows]))
    known = [Class(code) for code in codes if code in MEANINGS]
    patches = [Patch(facecolor=f"#{MEANINGS[c].color}", edgecolor="#888888", label=MEANINGS[c].title) for c in known]
    axes.axis("off")
    axes.legend(handles=patches, ncols=5, loc="center", fontsize=8, frameon=False, handlelength=1.2, columnspacing=1.0)


def _age_bar(figure: Figure, axes: Axes, oldest: float) -> None:
    axes.axis("off")
    inset = axes.inset_axes((0.05, 0.55, 0.9, 0.3))
    bar = figure.colorbar(ScalarMappable(Normalize(0, oldest), AGE), cax=inset, orientation="horizontal")
    bar.set_label("age, days (grey: never seen clear)", fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    imsave(buffer, image, format="png", metadata=_NO_METADATA)
    return buffer.getvalue()


def _render(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata=_NO_METADATA)
    return buffer.getvalue()
