"""Pictures of a part that show another shape than its CAD: faults that are planted to see whether the gate finds them.

    filled hole    a through-hole is gone; the surface around it goes on where it was
    added flange   a block stands out of the part where its CAD has nothing
    shifted        the part lies some pixels from where the view has it
    sibling        another size of the same design, as large in the picture, from the same camera

A fault is planted before the stages, so that it is as worn, lit and blurred as the rest of its picture. The picture is
then handed to the gate with the mask, depth and normals of the true view, as a stage does that did not notice.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from scipy import ndimage

from blocks.customer import Render
from tasks.generate import families, specimen
from tasks.records import Bools, Record, View, generator
from tasks.rig import cameras

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.augment import Chain
    from tasks.generate import Specimen
    from tasks.records import Camera
    from tasks.render import Studio

Fault = Literal["filled hole", "added flange", "shifted", "sibling"]
FAULTS = get_args(Fault)
SIZE = 256
LEAST_HOLE = 40  # pixels of a hole that is filled: 7 across
FLANGE = 0.015  # of the part's area that a flange adds outside the silhouette, at least
SHIFT = (4.0, 12.0)  # pixels
SIBLINGS = 4
ROUNDS = 40  # of smoothing, over what is filled
MARGIN = 12  # pixels around it that the smoothing looks at


class Case(Record):
    """A true view and a picture that is said to be made of it; `fault` is empty when nothing is wrong.

    `change` is the share of the part's area in which silhouette or depth differ.
    """

    part: str
    stages: tuple[str, ...]
    fault: Fault | Literal[""]
    change: float
    variant: View
    view: View


class Sitter:
    """One part before one of its cameras, and its faulty likenesses; only a made-up one has siblings.

    With `material` and `light` the likenesses are of another material and in another light than the view, as a
    diffusion stage may leave them.
    """

    def __init__(self, studio: Studio, made: Specimen, place: int, *, material: str = "", light: str = "") -> None:
        self._studio, self._material, self._light = studio, material, light
        self.specimen = made
        self.seed = ("gate", made.family, made.series, place)
        stands = cameras(self.specimen.vertices, Render(views=16, size=SIZE), self.seed)
        self.camera = stands[place]
        self.view = self._taken(self.specimen, plain=True)

    @property
    def shown(self) -> View:
        """What a sound picture is made of: the view, in the material and the light of the likenesses."""
        return self._taken(self.specimen) if self._material or self._light else self.view

    def faulty(self, fault: Fault) -> View | None:
        """The view with that fault, or None where this part cannot have it."""
        ways = (self._filled, self._flanged, self._shifted, self._sibling)
        planted: View | None = dict(zip(FAULTS, ways, strict=True))[fault]()
        return planted

    def flanged(self, *, plain: bool = False) -> View | None:
        """The part with a block that stands out of it; `plain` as the view is lit."""
        block = self._block
        return None if block is None else self._taken(self.specimen, block, plain=plain)

    def siblings(self) -> list[View]:
        """The other sizes of the design from the same camera, each in the middle and as large as this one."""
        return [self._sized(number) for number in range(1, SIBLINGS)] if self._drawn else []

    @property
    def _drawn(self) -> bool:
        return self.specimen.family in families()

    def _taken(self, one: Specimen, extra: tuple[Any, Any] | None = None, *, plain: bool = False) -> View:
        vertices, faces = one.vertices, one.faces
        if extra is not None:
            faces = np.concatenate([faces, extra[1] + len(vertices)])
            vertices = np.concatenate([vertices, extra[0]])
        part = one.part if plain or not self._material else one.part.replace(material=self._material)
        seed = self.seed if plain or not self._light else (*self.seed, self._light)
        stands: dict[int, Camera] = {0: self.camera}
        return next(view for _, view in self._studio.taken(vertices, faces, part, stands, seed))

    def _filled(self) -> View | None:
        found = [hole for hole in holes(self.view.mask) if np.count_nonzero(hole) >= LEAST_HOLE]
        if not found:
            return None
        hole = found[int(generator("hole", *self.seed).integers(len(found)))]
        return filled(self.shown, hole)

    def _flanged(self) -> View | None:
        return self.flanged()

    @cached_property
    def _block(self) -> tuple[Any, Any] | None:
        """Corners and triangles of a block that is seen beside the part; None where none was found."""
        import trimesh

        rng = generator("flange", *self.seed)
        vertices = self.specimen.vertices
        size = _size(vertices)
        hull = trimesh.Trimesh(vertices, self.specimen.faces, process=False).convex_hull.vertices
        for _ in range(12):
            if rng.random() < 0.4:
                wide, thick = rng.uniform((0.04, 0.02), (0.1, 0.08)) * size
                block = trimesh.creation.cylinder(wide, thick, sections=48)
            else:
                block = trimesh.creation.box(rng.uniform((0.05, 0.05, 0.02), (0.16, 0.16, 0.06)) * size)
            block.apply_transform(trimesh.transformations.random_rotation_matrix(rng.random(3)))
            block.apply_translation(hull[int(rng.integers(len(hull)))])
            made = self._taken(self.specimen, (block.vertices, block.faces), plain=True)
            added = np.count_nonzero(made.mask & ~self.view.mask) / max(int(np.count_nonzero(self.view.mask)), 1)
            if added >= FLANGE:
                return block.vertices, block.faces
        return None

    def _shifted(self) -> View:
        rng = generator("shift", *self.seed)
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(*SHIFT)
        down, right = round(length * np.sin(angle)), round(length * np.cos(angle))
        shown = self.shown
        moved = {
            name: np.roll(getattr(shown, name), (down, right), (0, 1))
            for name in ("image", "alpha", "mask", "depth", "normals")
        }
        return shown.replace(**moved)

    def _sibling(self) -> View | None:
        if not self._drawn:
            return None
        return self._sized(int(generator("sibling", *self.seed).integers(1, SIBLINGS)))

    def _sized(self, number: int) -> View:
        middle, size = _middle(self.specimen.vertices), _size(self.specimen.vertices)
        one = specimen(self.specimen.family, self.specimen.series, number)
        vertices = (one.vertices - _middle(one.vertices)) * (size / _size(one.vertices)) + middle
        return self._taken(one.replace(vertices=vertices))  # its own look stays: siblings may be of another material


def _middle(vertices: Any) -> Any:
    return (vertices.min(axis=0) + vertices.max(axis=0)) / 2


def _size(vertices: Any) -> float:
    return float(np.linalg.norm(np.ptp(vertices, axis=0)))


def cases(sitter: Sitter, fault: Fault | Literal[""], chain: Chain) -> Iterator[Case]:
    """The variant of that sitter by `chain`, with the fault; nothing where the part cannot have it."""
    view = sitter.view
    planted = sitter.faulty(fault) if fault else sitter.shown
    if planted is None:
        return
    for variant in chain.variants(planted, "-".join(map(str, sitter.seed)), 1):
        yield Case(
            part=sitter.specimen.number,
            stages=chain.names,
            fault=fault,
            change=apart(planted, view).share,
            variant=variant.replace(mask=view.mask, depth=view.depth, normals=view.normals) if fault else variant,
            view=view,
        )


class Apart(NamedTuple):
    """Where two views of one camera differ, (h, w), and what share of both silhouettes that is."""

    pixels: Bools
    share: float


def apart(one: View, other: View) -> Apart:
    """Where two views of one camera differ: by outline, or by 5 % of the depth."""
    either = one.mask | other.mask
    deep = other.depth[other.mask]
    span = max(float(np.ptp(deep)) if deep.size else 0.0, 1e-9)
    pixels = ((one.mask != other.mask) | (np.abs(one.depth - other.depth) > 0.05 * span)) & either
    return Apart(pixels, float(np.count_nonzero(pixels) / max(int(np.count_nonzero(either)), 1)))


def holes(mask: Bools) -> list[Bools]:
    """Each through-hole of a silhouette: what is not the part and does not reach the picture's rim."""
    labels, count = ndimage.label(~mask)
    rim = set(np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])))
    return [labels == number for number in range(1, count + 1) if number not in rim]


def filled(view: View, hole: Bools) -> View:
    """The view without that hole: colour, depth and normals of its rim go on into it."""
    area = ndimage.binary_dilation(hole, iterations=2)
    known = view.mask & ~area
    arrays: dict[str, Any] = {name: spread(getattr(view, name), known, area) for name in ("image", "depth", "normals")}
    length = np.maximum(np.linalg.norm(arrays["normals"], axis=-1, keepdims=True), 1e-6)
    arrays["normals"] = (arrays["normals"] / length * (view.mask | area)[..., None]).astype(np.float32)
    alpha = np.where(area, np.float32(1), view.alpha)
    return view.replace(mask=view.mask | area, alpha=alpha, **arrays)


def spread(values: Any, known: Bools, area: Bools) -> Any:
    """`values` with those in `area` taken from the nearest known pixels and smoothed, of the same type."""
    rows, columns = (np.flatnonzero(area.any(axis=axis)) for axis in (1, 0))
    near = tuple(slice(max(found[0] - MARGIN, 0), found[-1] + MARGIN + 1) for found in (rows, columns))
    made = values.copy()
    made[near] = _spread(values[near], known[near], area[near])
    return made


def _spread(values: Any, known: Bools, area: Bools) -> Any:
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    where = area[..., None] if values.ndim == 3 else area
    plain = np.where(where, values[tuple(nearest)], values).astype(np.float64)
    for _ in range(ROUNDS):
        smooth = ndimage.gaussian_filter(plain, (1.5, 1.5, 0)[: values.ndim])
        plain = np.where(where, smooth, plain)
    return np.rint(plain).clip(0, 255).astype(np.uint8) if values.dtype == np.uint8 else plain.astype(values.dtype)
