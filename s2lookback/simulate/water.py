"""The sun's glitter on water."""

import math

_INDEX = 1.34
"""Refractive index of sea water."""


def glint(sun: tuple[float, float], eye: tuple[float, float], wind: float) -> float:
    """Compute the reflectance that glitter adds to open water, nearly the same in every band.

    Args:
        sun: Azimuth and zenith, degrees.
        eye: Azimuth and zenith of the satellite, degrees.
        wind: m/s.

    Source: Cox & Munk (1954), J. Opt. Soc. Am. 44:838, isotropic slopes; Fresnel's equations.
    """
    (toward_sun, zenith), (toward_eye, incidence) = (map(math.radians, pair) for pair in (sun, eye))
    between = math.cos(zenith) * math.cos(incidence) + math.sin(zenith) * math.sin(incidence) * math.cos(
        toward_sun - toward_eye
    )
    half = math.acos(min(1.0, between)) / 2
    upright = (math.cos(zenith) + math.cos(incidence)) / (2 * math.cos(half))
    variance = 0.003 + 0.00512 * wind
    slopes = math.exp(-(1 / upright**2 - 1) / variance) / (math.pi * variance)
    return math.pi * _fresnel(half) * slopes / (4 * math.cos(zenith) * math.cos(incidence) * upright**4)


def _fresnel(angle: float) -> float:
    """Compute the share of unpolarised light that a flat surface reflects."""
    inside = math.asin(math.sin(angle) / _INDEX)
    if angle == 0:
        return ((_INDEX - 1) / (_INDEX + 1)) ** 2
    across = math.sin(angle - inside) / math.sin(angle + inside)
    along = math.tan(angle - inside) / math.tan(angle + inside)
    return (across**2 + along**2) / 2
