"""Made-up mechanical parts in many families: what the shipped model is trained on, and tested on."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.generate.draw import Draft, Draw, Family
from tasks.records import Part, Record, content_id, generator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MODULES", "Draft", "Draw", "Family", "Specimen", "caption", "families", "specimen", "spoken"]

MODULES: Final = ("fasteners", "turned", "brackets", "housings", "printed", "composed")


class Specimen(Record):
    """One made-up part: its mesh in mm, what it is called and what is said of it."""

    family: str = Field(description="Usual name of the kind of part.")
    series: int = Field(ge=0, description="Which design; parts of one are siblings.")
    sibling: int = Field(ge=0, description="Which of the design's sizes; 0 is the design itself.")
    names: tuple[str, ...] = Field(description="What the kind of part is called, the usual name first.")
    says: tuple[str, ...] = Field(description="Its attributes in a buyer's words, the most telling first.")
    material: str = Field(description="What it is made of, as people write it.")
    vertices: NDArray[np.float64] = Field(repr=False, description="Corners (n, 3) in mm.")
    faces: NDArray[np.int64] = Field(repr=False, description="Triangles (m, 3), counter-clockwise from outside.")

    @property
    def number(self) -> str:
        """Part number: the family and which one of it."""
        return f"{self.family.replace(' ', '-')}-{self.series:03d}-{self.sibling}"

    @property
    def part(self) -> Part:
        """The part as a catalogue knows it, described in full."""
        description = ", ".join(self.says)
        geometry = content_id("specimen", self.family, self.series, self.sibling)
        named = {"name": self.names[0], "description": description, "material": self.material}
        return Part(number=self.number, geometry=geometry, size_mm=tuple(np.ptp(self.vertices, axis=0)), **named)


@lru_cache(maxsize=1)
def families() -> Mapping[str, Family]:
    """All families by their usual name, in a fixed order."""
    found = {}
    for module in MODULES:
        for family in import_module(f"tasks.generate.{module}").FAMILIES:
            if family.name in found:
                raise ValueError(f"two families are called {family.name!r}")
            found[family.name] = family
    return found


def specimen(family: str, series: int, sibling: int) -> Specimen:
    """The part of `family` with these numbers: always the same one.

    Raises KeyError when there is no such family, ValueError when its solid is not sound.
    """
    kind = families()[family]
    draft = kind.make(Draw(family, series, sibling))
    vertices, faces = mesh(draft)
    if not len(faces):
        raise ValueError(f"{family} {series}-{sibling} is empty")
    return Specimen(
        family=family,
        series=series,
        sibling=sibling,
        names=kind.names,
        says=draft.says,
        material=draft.look,
        vertices=vertices,
        faces=faces,
    )


def mesh(draft: Draft) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices (n, 3) in mm and faces (m, 3) of a draft's solid."""
    if isinstance(draft.solid, tuple):
        vertices, faces = draft.solid
        return np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
    found = draft.solid.to_mesh()
    return np.asarray(found.vert_properties[:, :3], np.float64), np.asarray(found.tri_verts, np.int64)


def caption(made: Specimen, seed: object) -> str:
    """How somebody might describe the part; `seed` decides how."""
    return spoken(made.names, made.says, made.material, generator("caption", made.number, seed))


def spoken(names: Sequence[str], says: Sequence[str], material: str, rng: np.random.Generator) -> str:
    """A description: a name, some of the attributes in some order, perhaps the material."""
    name = names[int(rng.integers(len(names)))] if rng.random() < 0.5 else names[0]
    kept = [phrase for phrase in says if rng.random() < 0.75] or list(says[:1])
    if rng.random() < 0.5:
        rng.shuffle(kept)
    words = [name, *kept] if rng.random() < 0.8 else [*kept, name]
    if material and rng.random() < 0.4:
        words.insert(int(rng.integers(len(words) + 1)), material)
    return (", " if rng.random() < 0.7 else " ").join(words)
