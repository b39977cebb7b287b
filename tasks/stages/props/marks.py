"""One mark of use each, painted on a part's skin."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tasks.stages.props.noise import Floats

if TYPE_CHECKING:
    from tasks.stages.props.skin import Skin

LEAST = 0.01
GRIME = ((0.82, 0.85, 0.88), (0.88, 0.88, 0.88), (0.72, 0.77, 0.84))
DUST = np.array([[176], [166], [150]], dtype=np.float32)
RUST = ((48, 22, 14), (98, 44, 20), (148, 74, 32), (186, 112, 62))


def rust(skin: Skin, rng: np.random.Generator, amount: float, noises: Floats) -> None:
    """Corroded patches over about `amount` of the surface: brown in the middle, orange stain around."""
    if amount < LEAST:
        return
    broad, fine = noises[0], noises[2]
    grown = broad + np.float32(0.55) * fine
    cover = skin.patches(grown, amount, 0.22)
    cover *= np.float32(rng.uniform(0.75, 0.95))
    stain = skin.patches(grown, min(1.0, amount * 1.6), 0.7)
    tone = np.clip(fine * np.float32(34) - broad * np.float32(19) + np.float32(32), 0, 63).astype(np.uint8)
    colour = _rust_tones()[:, tone]
    colour *= skin.light()
    skin.darken((0.12, 0.3, 0.45), stain)
    skin.mix(colour, cover)


@cache
def _rust_tones() -> Floats:
    """64 tones from the darkest rust to the palest, (3, 64) float32."""
    places = np.linspace(0, 63, len(RUST))
    return np.stack([np.interp(np.arange(64), places, channel) for channel in zip(*RUST, strict=True)]).astype(
        np.float32
    )


def dirt(skin: Skin, rng: np.random.Generator, amount: float, noises: Floats) -> None:
    """Grime: dark and uneven, thicker towards one side, never hiding what lies below."""
    if amount < LEAST:
        return
    side = rng.normal(0, 0.25, 3).astype(np.float32)
    thick = noises[1] + np.float32(0.5) * noises[3] + side @ skin.normals
    cover = skin.patches(thick, min(0.9, 0.15 + amount), 1.2)
    cover *= np.float32(0.15 + 0.55 * amount)
    skin.darken(GRIME[rng.integers(len(GRIME))], cover)


def dust(skin: Skin, amount: float, noises: Floats) -> None:
    """A pale veil on what faces up."""
    if amount < LEAST:
        return
    settled = np.clip(skin.up, 0, 1) * np.clip(np.float32(0.6) + np.float32(0.6) * noises[1], 0, 1)
    settled *= np.float32(0.45 * amount)
    skin.mix(DUST * skin.light(), settled)


def oil(skin: Skin, rng: np.random.Generator, amount: float, noises: Floats) -> None:
    """Wet dark stains with a small bright reflection."""
    if amount < 2 * LEAST:
        return
    cover = skin.patches(noises[0] - noises[1] + np.float32(0.2) * noises[2], 0.45 * amount, 0.5)
    half = np.array([rng.normal(0, 0.35), rng.uniform(0.1, 0.6), 1.0])
    shine = np.clip((half / np.linalg.norm(half)).astype(np.float32) @ skin.normals, 0, 1)
    for _ in range(5):
        shine *= shine
    skin.darken((0.38, 0.41, 0.47), cover)
    skin.colours += cover * shine * np.float32(90)


def scratches(skin: Skin, rng: np.random.Generator, amount: float) -> None:
    """Fine straight cuts along the surface, each bright or dark, a few of them long."""
    if amount < LEAST:
        return
    for _ in range(round(1 + 14 * amount)):
        middle = skin.points[:, rng.integers(len(skin.index))]
        length = rng.uniform(0.04, 0.3) * (1 + rng.random())
        across = rng.normal(0, 1, 3)
        across = (across / np.linalg.norm(across)).astype(np.float32)
        width = np.float32(skin.pixel * rng.uniform(0.35, 0.8))
        target, strength = np.float32(235 if rng.random() < 0.6 else 18), rng.uniform(0.08, 0.35)
        away = np.abs(across @ skin.points - across @ middle)
        near = np.flatnonzero(away < 1.5 * width)
        reach = ((skin.points[:, near] - middle[:, None]) ** 2).sum(axis=0) * np.float32(1 / length**2)
        line = np.clip(np.float32(1.5) - away[near] / width, 0, 1) * np.clip(1 - reach, 0, 1) * np.float32(strength)
        skin.colours[:, near] += (target - skin.colours[:, near]) * line


def fingerprints(skin: Skin, rng: np.random.Generator) -> None:
    """One to three greasy prints: fine ridges that bend around a centre, faint as they are in life."""
    for _ in range(int(rng.integers(1, 4))):
        offset = skin.points - skin.points[:, rng.integers(len(skin.index)), None]
        size = float(rng.uniform(0.1, 0.2))
        axis = rng.normal(0, 1, 3)
        tone = np.float32(rng.uniform(-0.16, 0.14))
        distance = np.einsum("ij,ij->j", offset, offset)
        near = np.flatnonzero(distance < size * size)
        away = np.sqrt(distance[near])
        bend = (axis / np.linalg.norm(axis)).astype(np.float32) @ offset[:, near]
        ridge = max(4.5 * skin.pixel, size / 7)
        wave = np.sin((away + np.float32(0.6) * np.abs(bend)) * np.float32(2 * np.pi / ridge))
        skin.colours[:, near] *= 1 + tone * (1 + wave) / 2 * np.clip(np.float32(1.6) * (1 - away / size), 0, 1)
