"""What is said of a picture to learn from, in the words of prompts: the part first, then place, wear and light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import Field

from tasks.generate import spoken
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.records import Colour, Floats
    from tasks.rig import Look

TRACED: Final = {
    "wood": "on a wooden workbench",
    "concrete": "on a concrete floor",
    "mat": "on a cutting mat",
    "paper": "on a sheet of white paper",
    "print": "on a printed sheet",
    "steel": "on a steel table",
    "cloth": "on a shop towel",
    "worktop": "on a painted shelf",
    "cardboard": "on brown cardboard",
    "pegboard": "on a perforated board",
}
DRAWN: Final = {
    "wood": "on a wooden workbench",
    "steel": "on a steel table",
    "concrete": "on a concrete floor",
    "cardboard": "on brown cardboard",
    "mat": "on a cutting mat",
    "cloth": "on a shop towel",
    "gravel": "on gravel",
    "paper": "on a sheet of white paper",
    "laminate": "on a painted shelf",
    "rubber": "on a rubber mat",
    "workshop": "in front of a workshop",
}
LIGHTS: Final = {
    ("soft", "cold"): ("soft daylight from a window", "overcast daylight"),
    ("soft", "white"): ("fluorescent workshop light",),
    ("soft", "warm"): ("warm evening light",),
    ("hard", "cold"): ("flash of a phone",),
    ("hard", "white"): ("a bright lamp from the side",),
    ("hard", "warm"): ("light of a desk lamp",),
}
WEARS: Final = (("new", "clean"), ("slightly used", "dusty"), ("used, with scratches", "with oil stains", "worn"))
CAMERAS: Final = ("phone photo", "sharp photo")
ABOVE, CLOSE = "photo from above", "close-up photo"
CLUTTERED: Final = "with other parts around"
# linear reflectance of what people call these colours
COLOURS: Final = {
    "black": (0.03, 0.03, 0.03),
    "dark grey": (0.10, 0.10, 0.10),
    "grey": (0.30, 0.30, 0.30),
    "white": (0.74, 0.74, 0.72),
    "red": (0.55, 0.025, 0.02),
    "orange": (0.80, 0.18, 0.012),
    "yellow": (0.80, 0.51, 0.03),
    "green": (0.04, 0.29, 0.065),
    "blue": (0.02, 0.085, 0.43),
    "brown": (0.15, 0.065, 0.03),
    "beige": (0.66, 0.56, 0.40),
}
METALS: Final = {
    "steel": (0.56, 0.57, 0.58),
    "aluminium": (0.83, 0.84, 0.85),
    "zinc": (0.62, 0.66, 0.72),
    "brass": (0.80, 0.60, 0.24),
    "copper": (0.88, 0.50, 0.36),
    "bronze": (0.62, 0.40, 0.20),
    "black oxide": (0.09, 0.09, 0.10),
    "cast iron": (0.24, 0.235, 0.23),
}
WARM, COLD = 1.2, 0.97  # red to blue of the lamps
SOFT: Final = 0.04  # share of the sky from which half of its light comes
OFTEN: Final = {
    "material": 0.9, "place": 0.9, "wear": 0.5, "around": 0.8, "light": 0.7, "camera": 0.5, "details": 0.6
}  # fmt: skip


class Words(Record):
    """What is said of a picture besides the part's name and details; empty where nothing is known."""

    material: str = Field("", description="What it is made of.")
    place: str = Field("", description="Where it lies.")
    wear: str = Field("", description="How used it looks.")
    around: str = Field("", description="What lies about.")
    light: str = Field("", description="What light shines on it.")
    camera: str = Field("", description="How it is taken.")


def nearest(colour: Colour, names: dict[str, tuple[float, float, float]]) -> str:
    """Which of `names` the linear `colour` is most like, to the eye."""
    seen = np.sqrt(np.array(list(names.values())))
    return list(names)[int(np.abs(seen - np.sqrt(np.array(colour))).sum(1).argmin())]


def material(finish: Look, *, printed: bool = False) -> str:
    """A finish in plain words: "brass", "black plastic", "orange 3d printed plastic"."""
    if finish.metallic > 0.5:
        return nearest(finish.base, METALS)
    kind = finish.name if finish.name in {"rubber", "wood", "ceramic"} else "plastic"
    return " ".join(filter(None, (nearest(finish.base, COLOURS), "3d printed" if printed else "", kind)))


def light(around: Floats, white: Sequence[float], rng: np.random.Generator) -> str:
    """The light `around` (h, w, 3), the zenith first, with lamps of that `white` (red, green, blue), in words."""
    rows = len(around)
    area = np.broadcast_to(np.sin((np.arange(rows)[:, None] + 0.5) * np.pi / rows), around.shape[:2])
    power = np.sort((around.mean(-1) * area)[: rows // 2].ravel())[::-1]
    most = int(np.searchsorted(np.cumsum(power), 0.5 * power.sum()) + 1)
    warmth = white[0] / white[2]
    colour = "warm" if warmth > WARM else "cold" if warmth < COLD else "white"
    return chosen(LIGHTS["soft" if most / power.size > SOFT else "hard", colour], rng)


def wear(dirt: float, rng: np.random.Generator) -> str:
    """How used something looks of which `dirt`, 0 to 1, is soiled."""
    return chosen(WEARS[0 if dirt < 0.02 else 1 if dirt < 0.3 else 2], rng)


def camera(steepness: float, fill: float, rng: np.random.Generator) -> str:
    """How a picture is taken that looks down by `steepness` degrees, and of which the part takes `fill`."""
    if steepness > 65:
        return ABOVE
    return CLOSE if fill > 0.85 and rng.random() < 0.5 else chosen(CAMERAS, rng)


def chosen(words: Sequence[str], rng: np.random.Generator) -> str:
    """One of `words`."""
    return words[int(rng.integers(len(words)))]


def written(names: Sequence[str], says: Sequence[str], said: Words, rng: np.random.Generator) -> str:
    """A caption in the order of a prompt: name, material, place, wear, light, camera, details; some of it left out.

    What a text side of 40 tokens can't hold is at the end, and the picture's geometry tells it anyway.
    """
    name = chosen(names, rng) if rng.random() < 0.5 else names[0]
    details = spoken(says[:1], says[1:], "", rng) if says else ""
    words = said.model_dump() | {"details": details}
    return ", ".join(filter(None, [name, *(words[kind] for kind, share in OFTEN.items() if rng.random() < share)]))
