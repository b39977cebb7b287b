"""The light: a room with furniture, a window and lamps, as a picture of all that is around the bench."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.records import Floats

ROWS, COLUMNS = 64, 128
Array = NDArray[np.float64]
WARM, NEUTRAL, DAY = np.array([1.0, 0.72, 0.42]), np.array([1.0, 0.93, 0.84]), np.array([0.82, 0.94, 1.1])


def room(rng: np.random.Generator) -> tuple[Floats, Array]:
    """Light from all around, (64, 128, 3) float32, the zenith in the first row; and its white (3,)."""
    up = 90 - (np.arange(ROWS)[:, None] + 0.5) * 180 / ROWS
    around = (np.arange(COLUMNS)[None] + 0.5) * 360 / COLUMNS
    wall = rng.uniform(0.12, 0.42) * rng.uniform(0.9, 1.1, 3)
    light = np.where(up[..., None] > 38, wall * rng.uniform(1.0, 2.2), wall) * np.where(up[..., None] < -8, 0.4, 1.0)
    light = np.broadcast_to(light, (ROWS, COLUMNS, 3)).copy()
    for _ in range(rng.integers(8, 20)):
        spot = patch(up, around, rng.uniform(0, 360), rng.uniform(-10, 30), rng.uniform(4, 24), rng.uniform(3, 20))
        light[spot] = wall * rng.uniform(0.1, 2.0) * rng.uniform(0.7, 1.3, 3)
    lamps = [window, tube, bulb]
    first = int(rng.integers(3))
    sources = [lamps[first], *(lamp for lamp in lamps if rng.random() < 0.35)]
    total = np.zeros(3)
    for lamp in sources:
        total += lamp(light, up, around, rng)
    white = total / total.mean()
    light *= 1 + 0.8 * (white - 1) * (light.max(-1, keepdims=True) < 1)
    return light.astype(np.float32), white


def patch(up: Array, around: Array, azimuth: float, elevation: float, width: float, height: float) -> NDArray[np.bool_]:
    """Cells within `width` and `height` degrees of a direction, (rows, columns)."""
    away = (around - azimuth + 180) % 360 - 180
    return np.asarray((np.abs(away) < width) & (np.abs(up - elevation) < height))


def power(up: Array, spot: NDArray[np.bool_]) -> float:
    """Light on the bench, of a spot of unit brightness."""
    cell = (np.pi / ROWS) * (2 * np.pi / COLUMNS)
    weights = np.cos(np.radians(up)) * np.maximum(np.sin(np.radians(up)), 0.15) * cell
    return float((spot * weights).sum()) + 1e-6


def window(light: Array, up: Array, around: Array, rng: np.random.Generator) -> Array:
    """Daylight through one or two windows with bars."""
    azimuth, height, tone = rng.uniform(0, 360), rng.uniform(12, 24), DAY * (1 - 0.4 * rng.random()) + 0.3 * NEUTRAL
    width = rng.uniform(14, 32)
    spot = patch(up, around, azimuth, height + rng.uniform(4, 18), width, height)
    bars = rng.integers(1, 4)
    for bar in range(1, bars):
        spot &= ~patch(up, around, azimuth - width + 2 * width * bar / bars, 30, 1.2, 60)
    strength = rng.uniform(1.5, 3.0) / power(up, spot)
    sky = 0.7 + 0.6 * np.clip((up - 5) / 50, 0, 1)
    light[spot] = (np.broadcast_to(sky, spot.shape)[spot])[:, None] * tone * strength
    return tone * strength * power(up, spot)


def tube(light: Array, up: Array, around: Array, rng: np.random.Generator) -> Array:
    """Fluorescent or LED panels at the ceiling."""
    tone = NEUTRAL if rng.random() < 0.6 else 0.5 * (NEUTRAL + DAY)
    spot = np.zeros((ROWS, COLUMNS), dtype=bool)
    away, bearing = 1 / np.tan(np.radians(np.clip(up, 8, 89.9))), np.radians(around)
    x, y = away * np.cos(bearing), away * np.sin(bearing)
    turn, width = rng.uniform(0, np.pi), rng.uniform(0.06, 0.3)
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    for offset in rng.uniform(-1.2, 1.2, rng.integers(1, 4)):
        inside = np.abs(along - rng.uniform(-0.6, 0.6)) < rng.uniform(0.4, 1.0)
        spot |= (np.abs(across - offset) < width) & inside & (up > 20)
    strength = rng.uniform(1.2, 2.6) / power(up, spot)
    light[spot] = tone * strength
    return tone * strength * power(up, spot)


def bulb(light: Array, up: Array, around: Array, rng: np.random.Generator) -> Array:
    """A desk lamp: small, bright, warm or white."""
    tone = WARM * (mix := rng.random()) + NEUTRAL * (1 - mix)
    azimuth, height, size = np.radians(rng.uniform(0, 360)), np.radians(rng.uniform(30, 75)), rng.uniform(4, 12)
    axis = np.array([np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.sin(height)])
    e, a = np.radians(up), np.radians(around)
    cosine = axis[0] * np.cos(e) * np.cos(a) + axis[1] * np.cos(e) * np.sin(a) + axis[2] * np.sin(e)
    spot = cosine > np.cos(np.radians(size))
    strength = rng.uniform(1.0, 2.4) / power(up, spot)
    light[spot] = tone * strength
    return tone * strength * power(up, spot)
