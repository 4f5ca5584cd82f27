"""Self-similar random fields."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree


def fractal(
    random: np.random.Generator,
    shape: tuple[int, int],
    *,
    slope: float,
    outer: float,
    stretch: tuple[float, float] = (1.0, 1.0),
    turn: float = 0.0,
) -> NDArray[np.float32]:
    """Draw a Gaussian field whose amplitude falls as a power of its spatial frequency; it repeats at its edges.

    Args:
        random: Consumed.
        shape: Rows, columns.
        slope: Power of the fall; 1 is rough, 2.5 is smooth.
        outer: Size of the largest structures, pixels.
        stretch: Factors by which structures are longer in y and in x,
        turn: before they are turned by so many radians.

    Returns:
        (y, x), mean 0, standard deviation 1.

    Source: spectral synthesis, Saupe in Peitgen & Saupe (1988), The Science of Fractal Images, §2.4.
    """
    down, right = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    y = (down * math.cos(turn) - right * math.sin(turn)) * stretch[0]
    x = (down * math.sin(turn) + right * math.cos(turn)) * stretch[1]
    amplitude = (y**2 + x**2 + outer**-2.0) ** (-slope / 2)
    amplitude[0, 0] = 0.0
    field = np.fft.irfft2(np.fft.rfft2(random.standard_normal(shape)) * amplitude, s=shape)
    standard: NDArray[np.float32] = (field / field.std()).astype(np.float32)
    return standard


def cells(random: np.random.Generator, shape: tuple[int, int], size: float) -> NDArray[np.float32]:
    """Draw the cellular pattern of shallow convection: bright lumps parted by dark seams; it repeats at its edges.

    Args:
        random: Consumed.
        shape: Rows, columns.
        size: Distance between the middles of neighbouring cells, pixels.

    Returns:
        (y, x), mean 0, standard deviation 1.

    Source: cellular texture, Worley (1996), Proc. SIGGRAPH 96:291.
    """
    number = max(4, round(shape[0] * shape[1] / size**2))
    middles = KDTree(random.random((number, 2)) * shape, boxsize=np.array(shape))
    bent = [0.15 * size * fractal(random, shape, slope=2.0, outer=2 * size) for _ in shape]
    places = np.stack([axis + by for axis, by in zip(np.indices(shape), bent, strict=True)], -1)
    away = np.asarray(middles.query(np.mod(places, shape), k=2)[0])
    nearest, second = away[..., 0], away[..., 1]
    seams = np.sqrt((second - nearest) / size)
    field = seams / seams.std() + 0.9 * fractal(random, shape, slope=1.7, outer=6 * size)
    standard: NDArray[np.float32] = ((field - field.mean()) / field.std()).astype(np.float32)
    return standard
