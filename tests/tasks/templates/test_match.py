"""A picture of a part finds the side that it shows, how it is turned, and no other part."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tasks.generate import specimen
from tasks.records import Bytes, Camera, Part, View, generator, over
from tasks.render import Studio
from tasks.templates import features, plates
from tasks.templates.leading import rolled
from tasks.templates.match import compared
from tasks.templates.projection import projection
from tasks.templates.relief import reliefs

if TYPE_CHECKING:
    from tasks.records import Floats

VIEWS = 60
FAMILIES = ("angle bracket", "clevis", "hinge")


@cache
def mesh(family: str, mirrored: bool = False) -> tuple[Any, Any]:
    """Corners and triangles of a made-up part, or of its mirror image."""
    made = specimen(family, 0, 0)
    if not mirrored:
        return made.vertices, made.faces
    return made.vertices * [-1, 1, 1], made.faces[:, ::-1]


@cache
def templates(family: str, mirrored: bool = False) -> Floats:
    """The templates of a part, from all sides."""
    vertices, faces = mesh(family, mirrored)
    shown = reliefs(vertices, faces, plates.around(vertices, VIEWS))
    return projection().short(np.concatenate([features.described(some) for some in shown]))


def camera(family: str, view: int, turn: float) -> Camera:
    """The camera of a template, rolled to the left by `turn` degrees, for a picture of 224 pixels."""
    stand = plates.around(mesh(family)[0], VIEWS)[view]
    pose = stand.matrix @ rolled(np.deg2rad(turn))
    return Camera(pose=tuple(tuple(row) for row in pose.tolist()), yfov=stand.yfov * 1.3, size=224)


def photograph(family: str, stand: Camera) -> tuple[Bytes, Floats]:
    """What that camera sees of a part on a grey ground, and where the part is."""
    ((_, seen),) = Studio(224).taken(*mesh(family), Part(number="p"), {0: stand}, "photograph", shadow=False)
    view: View = seen
    return over(view, np.full(view.image.shape, 150, np.uint8)), view.mask.astype(np.float32)


def asked(family: str, view: int, turn: float) -> Floats:
    """The picture of a part from one of its sides, turned through a circle and made short."""
    return projection().short(features.asked(*photograph(family, camera(family, view, turn))))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_from_a_templates_side_finds_that_side_and_how_it_is_turned(family: str) -> None:
    """At any turn in the picture's plane; some sides of a part look like others of it, but seldom many."""
    rng = generator("sides", family)
    errors = []
    for _ in range(8):
        view, turn = int(rng.integers(VIEWS)), float(rng.uniform(0, 360))
        _, found, step = compared(asked(family, view, turn), templates(family))
        pose = np.eye(4)
        pose[:3, :3] = plates.facing(VIEWS)[found]
        pose = pose @ rolled(2 * np.pi * step / features.TURNS)
        apart = pose[:3, :3].T @ camera(family, view, turn).matrix[:3, :3]
        errors.append(np.rad2deg(np.arccos(np.clip((np.trace(apart) - 1) / 2, -1, 1))))
    assert np.median(errors) < 360 / features.TURNS / 2 + 1, errors
    assert sum(error < 15 for error in errors) >= 6, errors


def test_of_several_parts_the_one_in_the_picture_fits_best() -> None:
    """Whichever side of it is shown."""
    for family in FAMILIES:
        for view in (3, 20, 41):
            question = asked(family, view, 77.0)
            scores = {other: compared(question, templates(other))[0] for other in FAMILIES}
            assert max(scores, key=lambda other: scores[other]) == family, scores


def test_a_part_and_its_mirror_image_are_told_apart() -> None:
    """Left and right are two parts, and a turn of the picture makes neither the other."""
    better = []
    for view in range(2, VIEWS, 6):
        question = asked("P-clamp", view, 40.0)
        own, other = (compared(question, templates("P-clamp", mirrored))[0] for mirrored in (False, True))
        better.append(own - other)
    assert np.mean(np.array(better) > 0) >= 0.7
    assert np.mean(better) > 0.02


def test_a_byte_for_each_number_loses_next_to_nothing() -> None:
    """The score of every side of every turn is what it was, to less than 0.01."""
    for family in FAMILIES:
        exact = templates(family)
        kept = plates.read(plates.printed(exact).tobytes(), VIEWS)
        question = asked(family, 5, 10.0)
        assert np.abs(exact @ question.T - kept @ question.T).max() < 0.01


def test_the_turns_of_a_picture_are_its_turns() -> None:
    """A picture that was turned by a quarter before gives the same numbers, six steps on."""
    picture, mask = photograph("hinge", camera("hinge", 7, 0.0))
    plain = features.asked(picture, mask)
    turned = features.asked(np.rot90(picture).copy(), np.rot90(mask).copy())
    alike = (np.roll(plain, -features.TURNS // 4, axis=0) * turned).sum(axis=1)
    assert alike.min() > 0.98
    assert (plain * turned).sum(axis=1).max() < 0.9


def test_the_circle_about_an_object_is_the_smallest_and_turns_with_it() -> None:
    """Within a pixel or two, wherever the object lies."""
    y, x = np.mgrid[:120, :160]
    masks = np.stack([(x - 90) ** 2 + (y - 50) ** 2 < 30**2, (abs(x - 60) < 40) & (abs(y - 70) < 10), x < 0])
    found = features.framed(masks)
    assert found[0] == pytest.approx([90.5, 50.5, 31], abs=1.5)
    assert found[1] == pytest.approx([60.5, 70.5, np.hypot(40, 10) + 1], abs=1.5)
    assert found[2] == pytest.approx([80, 60, np.hypot(80, 60) + 1], abs=3)  # nothing: all of the picture


def test_a_picture_in_which_nothing_was_found_is_asked_whole() -> None:
    """Whatever its shape: no error, and numbers."""
    for shape in ((50, 400, 3), (3, 3, 3), (300, 2, 3)):
        picture = generator("noise", shape).integers(0, 256, shape, dtype=np.uint8)
        found = projection().short(features.asked(picture, np.zeros(shape[:2], np.float32)))
        assert np.isfinite(found).all()
        assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-4)
