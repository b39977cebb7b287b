"""Noise that is made once per process and looked up afterwards: tiles, volumes and soft fields."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

TILE = 512
VOLUME = 128


def spectral(shape: Sequence[int], beta: float, seed: int, stretch: Sequence[float] = ()) -> Floats:
    """Noise whose power falls with frequency, that wraps around: `shape` float32, mean 0, deviation 1.

    `beta` 0 is white, 1 is fine, 2 is cloudy; `stretch` lengthens its features along each axis.
    """
    waves = _white(tuple(shape), seed)
    frequency = _frequency(tuple(shape), tuple(stretch) or (1.0,) * len(shape))
    return _coloured(waves, frequency, beta, shape)


def _white(shape: tuple[int, ...], seed: int) -> NDArray[np.complex64]:
    rng = np.random.default_rng((seed, *shape))
    return np.asarray(np.fft.rfftn(rng.standard_normal(shape, dtype=np.float32)), dtype=np.complex64)


def _frequency(shape: tuple[int, ...], stretch: tuple[float, ...]) -> Floats:
    axes = [np.fft.fftfreq(n) * n * s for n, s in zip(shape[:-1], stretch, strict=False)]
    axes.append(np.fft.rfftfreq(shape[-1]) * shape[-1] * stretch[-1])
    squares = sum(grid.astype(np.float32) ** 2 for grid in np.meshgrid(*axes, indexing="ij", sparse=True))
    return np.maximum(np.sqrt(np.asarray(squares, dtype=np.float32)), np.float32(1))


def _coloured(waves: NDArray[np.complex64], frequency: Floats, beta: float, shape: Sequence[int]) -> Floats:
    weighted = waves * frequency ** np.float32(-beta)
    weighted.flat[0] = 0
    noise = np.fft.irfftn(weighted, s=tuple(shape), axes=range(len(shape)))
    return np.asarray(noise / noise.std(), dtype=np.float32)


def quantised(noise: Floats, deviation: float = 48.0) -> Bytes:
    """Noise of deviation 1 as bytes around 128."""
    values: Bytes = np.clip(noise * np.float32(deviation) + 128, 0, 255).astype(np.uint8)
    values.flags.writeable = False
    return values


@cache
def cloud(beta: float = 1.5, seed: int = 0) -> Bytes:
    """A cloudy tile, (512, 512) uint8, that wraps around."""
    return quantised(spectral((TILE, TILE), beta, seed))


@cache
def volume() -> NDArray[np.uint32]:
    """Four noises in space, two cloudy and two fine, packed as bytes: (128 ** 3,) uint32, wraps around.

    One look-up gives all four, and the look-up is what costs.
    """
    shape, half = (VOLUME,) * 3, VOLUME // 2
    waves, frequency = _white(shape, 0), _frequency(shape, (1.0,) * 3)
    cloudy, fine = (quantised(_coloured(waves, frequency, beta, shape)) for beta in (2.4, 1.5))
    # the second of each is the first from another side and another place: half the work, no likeness
    layers = [cloudy, np.roll(cloudy.transpose(1, 2, 0), half, 2), np.roll(fine, half // 2, 1)]
    layers.append(np.roll(fine.transpose(2, 0, 1), half, 0))
    packed = np.ascontiguousarray(np.stack(layers, axis=-1)).view(np.uint32).ravel()
    packed.flags.writeable = False
    return packed


def in_space(points: Floats) -> Floats:
    """Four noises at `points` (3, n) in cells of the volume, each about -1 to 1: (4, n) float32."""
    index = np.zeros(points.shape[1], dtype=np.int32)
    for axis in points:
        index *= VOLUME
        index += np.floor(axis).astype(np.int32) & (VOLUME - 1)
    layers = volume()[index].view(np.uint8).reshape(-1, 4).T.astype(np.float32, order="C")
    layers -= 128
    layers *= np.float32(1 / 96)
    return layers


@cache
def _pool() -> Floats:
    pool = np.random.default_rng(53).standard_normal(1 << 20, dtype=np.float32)
    pool.flags.writeable = False
    return pool


def grains(rng: np.random.Generator, count: int) -> Floats:
    """Normal random numbers, (count,) float32: a stretch of a million made once, from a random place on."""
    start = int(rng.integers(1 << 20))
    return np.take(_pool(), np.arange(start, start + count), mode="wrap")


def sampled(tile: Bytes, x: Floats, y: Floats) -> Floats:
    """Values of a square wrap-around tile at texel coordinates, between texels linear: as `x`, 0 to 255."""
    side = tile.shape[0]
    left, top = np.floor(x), np.floor(y)
    across, down = x - left, y - top
    column, row = left.astype(np.int32) & (side - 1), top.astype(np.int32) & (side - 1)
    right, below = (column + 1) & (side - 1), ((row + 1) & (side - 1)) * side
    row *= side
    flat = tile.ravel()
    upper = flat[row + column] * (1 - across) + flat[row + right] * across
    lower = flat[below + column] * (1 - across) + flat[below + right] * across
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)


def enlarged(small: Floats, shape: tuple[int, int]) -> Floats:
    """A small field (a, b) float32 drawn out smoothly to `shape`."""
    size = (shape[1], shape[0])
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
