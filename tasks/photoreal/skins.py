"""What the part is made of in the picture: metal, plastic, print or paint, worn as things in use are."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tasks.materials import Look, look, named, plain
from tasks.photoreal.engine import mitsuba
from tasks.records import Colour, Floats, Part
from tasks.stages.props.noise import spectral

SIDE, LAYERS = 256, 24
METALS: tuple[tuple[Colour, float], ...] = (
    ((0.56, 0.57, 0.58), 0.30),  # steel
    ((0.66, 0.65, 0.63), 0.16),  # ground steel
    ((0.83, 0.84, 0.85), 0.34),  # aluminium
    ((0.62, 0.66, 0.72), 0.38),  # zinc
    ((0.80, 0.60, 0.24), 0.24),  # brass
    ((0.09, 0.09, 0.10), 0.34),  # black oxide
)
PLASTICS: tuple[Colour, ...] = (
    (0.028, 0.028, 0.03),
    (0.045, 0.045, 0.045),
    (0.10, 0.10, 0.11),
    (0.30, 0.31, 0.32),
    (0.72, 0.72, 0.70),
    (0.80, 0.17, 0.01),
    (0.55, 0.02, 0.015),
    (0.02, 0.08, 0.42),
    (0.04, 0.28, 0.06),
    (0.78, 0.50, 0.02),
)
PRINTED = {"pla", "petg", "abs", "nylon"}


class Finish(Look):
    """A look in a picture: `printed` has the layers of a 3D printer, `dirt` 0 to 1 is how much of it is soiled."""

    printed: bool = False
    dirt: float = 0.0


def finish(part: Part, rng: np.random.Generator) -> Finish:
    """How the part looks in one picture: as its material says, or any plausible way if it says none; a little worn."""
    material = named(plain(part.material))
    if material is not None or part.colour is not None:
        known = look(part)
        printed = (material is None or material in PRINTED) and not known.metallic and rng.random() < 0.45
        made = {**known.model_dump(), "printed": printed}
    elif rng.random() < 0.45:
        base, rough = METALS[rng.integers(len(METALS))]
        made = {"name": "metal", "base": base, "roughness": rough, "metallic": 1.0, "grain": "brushed", "relief": 0.08}
    else:
        made = {"name": "plastic", "base": PLASTICS[rng.integers(len(PLASTICS))], "printed": rng.random() < 0.6}
    tint = np.clip(np.array(made["base"]) * rng.uniform(0.8, 1.2) * rng.uniform(0.95, 1.05, 3), 0.015, 0.93)
    rough = float(np.clip(made.get("roughness", 0.45) * rng.uniform(0.6, 1.5), 0.06, 0.8))
    dirt = float(rng.beta(1, 3) * (rng.random() < 0.35))
    return Finish(**{**made, "base": tuple(tint.tolist()), "roughness": rough, "dirt": dirt})


@cache
def mottled(kind: int) -> Floats:
    """Tile (256, 256) float32 of stains, -1 to 1 or so, that wraps around."""
    stretch = ((1.0, 1.0), (1.0, 6.0), (6.0, 1.0))[kind % 3]
    return np.asarray(
        spectral((SIDE, SIDE), 1.7, 7300 + kind, stretch) + 0.4 * spectral((SIDE, SIDE), 0.7, 7400 + kind)
    )


@cache
def marks(grain: str) -> Floats:
    """Tile (256, 256) float32 of how much darker the marks are, about 0: printer's layers or tool's strokes."""
    if grain == "printed":
        phase = np.arange(SIDE)[:, None] * (2 * np.pi * LAYERS / SIDE)
        layers = np.cos(phase) + 0.5 * spectral((SIDE, SIDE), 0.9, 7501, (1.0, 14.0))
        return np.asarray(layers, np.float32)
    if grain == "brushed":
        return np.asarray(0.7 * spectral((SIDE, SIDE), 0.6, 7502, (0.5, 30.0)), np.float32)
    return np.asarray(0.7 * spectral((SIDE, SIDE), 0.8, 7503), np.float32)


def bitmap(values: Floats, rng: np.random.Generator, repeats: float) -> dict[str, Any]:
    """Mitsuba texture of a tile (h, w) or (h, w, 3), `repeats` to a part radius, put on anywhere."""
    place = mitsuba().ScalarTransform4f().translate([*rng.random(2), 0.0])
    pixels = values if values.ndim == 3 else values[..., None]
    return {
        "type": "bitmap",
        "bitmap": mitsuba().Bitmap(np.ascontiguousarray(pixels, np.float32)),
        "raw": True,
        "to_uv": place.scale([repeats, repeats, 1.0]),
    }


def skin(finish: Finish, rng: np.random.Generator, millimetre: float = 0.02) -> dict[str, Any]:
    """Mitsuba material of a finish on a thing on which a `millimetre` is so many part radii."""
    stains = mottled(int(rng.integers(6)))
    relief = "printed" if finish.printed else finish.grain
    repeats = 0.5
    shade = 1 + 0.05 * stains
    if finish.printed:
        # finer layers than a pixel cannot be seen, coarser ones nobody prints
        repeats = 1 / (LAYERS * max(rng.uniform(0.15, 0.35) * millimetre, 0.022))
        shade = 1 + rng.uniform(0.03, 0.14) * marks("printed") + 0.03 * stains
    elif relief:
        shade = shade + min(0.8 * finish.relief, 0.12) * marks(relief)
    colour = np.clip(shade, 0.5, 1.4)[..., None] * np.array(finish.base)
    if finish.dirt > 0:
        cover = np.clip((stains - 1.4 + finish.dirt) * 0.8, 0, 0.8)[..., None]
        colour = colour * (1 - cover) + cover * np.array([0.10, 0.075, 0.05])
    paint = bitmap(np.clip(colour, 0, 0.97), rng, repeats)
    made = metallic(finish, paint, rng) if finish.metallic > 0.5 else dielectric(finish, paint)
    return {"type": "twosided", "bsdf": made}


def metallic(finish: Finish, paint: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Mitsuba material of bare metal, brushed one way or worn all over."""
    made = {"type": "roughconductor", "material": "none", "distribution": "ggx", "specular_reflectance": paint}
    if finish.grain == "brushed" and rng.random() < 0.5:
        across = float(np.clip(finish.roughness**2, 0.006, 1))
        return {**made, "alpha_u": min(2.0 * across, 0.9), "alpha_v": 0.5 * across}
    stains = np.clip(finish.roughness * (1 + 0.22 * mottled(int(rng.integers(6)))), 0.06, 1)
    return {**made, "alpha": bitmap(stains**2, rng, 0.4)}


def dielectric(finish: Finish, paint: dict[str, Any]) -> dict[str, Any]:
    """Mitsuba material of plastic, rubber or paint."""
    return {
        "type": "principled",
        "base_color": paint,
        "roughness": finish.roughness,
        "specular": 0.5,
        "clearcoat": finish.coat,
        "clearcoat_gloss": 0.9,
    }
