"""Self-similar random fields."""

import numpy as np
from numpy.typing import NDArray


def fractal(
    random: np.random.Generator,
    shape: tuple[int, int],
    *,
    slope: float,
    outer: float,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> NDArray[np.float32]:
    """Draw a Gaussian field whose amplitude falls as a power of its spatial frequency; it repeats at its edges.

    Args:
        random: Consumed.
        shape: Rows, columns.
        slope: Power of the fall; 1 is rough, 2.5 is smooth.
        outer: Size of the largest structures, pixels.
        stretch: Factors by which structures are longer in y and in x.

    Returns:
        (y, x), mean 0, standard deviation 1.

    Source: spectral synthesis, Saupe in Peitgen & Saupe (1988), The Science of Fractal Images, §2.4.
    """
    y = np.fft.fftfreq(shape[0])[:, None] * stretch[0]
    x = np.fft.rfftfreq(shape[1])[None, :] * stretch[1]
    amplitude = (y**2 + x**2 + outer**-2.0) ** (-slope / 2)
    amplitude[0, 0] = 0.0
    field = np.fft.irfft2(np.fft.rfft2(random.standard_normal(shape)) * amplitude, s=shape)
    standard: NDArray[np.float32] = (field / field.std()).astype(np.float32)
    return standard
