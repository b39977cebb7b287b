"""Wear stays on the part, sticks to its surface, and rust grows only where it can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.records import Floats, Part, View, generator
from tasks.stages.props import marks
from tasks.stages.props.skin import Skin
from tasks.stages.wear import Wear, rusts

if TYPE_CHECKING:
    from tests.tasks.conftest import Shown

CLEAN = {"dirt": 0, "dust": 0, "scratches": 0, "rust": 0, "oil": 0, "fingerprints": 0}


def applied(view: View, *seed: object, **settings: Any) -> View:
    """The one worn view; marks that are not named are off."""
    (made,) = Wear(**{**CLEAN, **settings})(view.replace(rng=generator(*seed)))
    return made


def changed(made: View, view: View) -> NDArray[np.int_]:
    """How much each pixel changed."""
    return np.asarray(np.abs(made.image.astype(int) - view.image).sum(axis=-1))


@pytest.mark.parametrize("mark", ["dirt", "dust", "scratches", "oil", "fingerprints"])
def test_each_mark_shows_on_the_part_alone(shown: Shown, mark: str) -> None:
    """Each mark changes the part over a few seeds, and never a pixel outside it."""
    view = shown(material="steel", grey=0.25)
    change = np.max([changed(applied(view, mark, k, **{mark: 1.0}), view) for k in range(6)], axis=0)
    assert change[view.mask].max() > 20
    assert change[~view.mask].max() == 0


def test_softened_rim_wears_with_the_part(shown: Shown) -> None:
    """Half-covered pixels at the outline are painted too, else a clean line would frame every stain."""
    view = shown("ball", grey=0.9)
    rows, columns = np.nonzero(view.mask)
    beside = (rows[columns.argmax()], columns.max() + 1)
    alpha, image = view.alpha.copy(), view.image.copy()
    alpha[beside], image[beside] = 0.4, 200
    soft = view.replace(alpha=alpha, image=image)
    made = applied(soft, 1, rust=1, rusting="everything")
    assert sum(changed(applied(soft, k, rust=1, rusting="everything"), soft)[beside] > 0 for k in range(8)) > 2
    assert changed(made, soft)[0, 0] == 0


def test_clean_settings_leave_the_part_as_it_is(shown: Shown) -> None:
    """With every amount at zero nothing changes."""
    view = shown(material="steel")
    assert changed(applied(view, 1), view).max() == 0


def test_rust_covers_the_share_that_is_asked(shown: Shown) -> None:
    """The rusty share of the surface follows the amount: red well above blue."""
    view = shown("ball", size=192)
    shares = []
    for amount in (0.1, 0.4):
        skin = Skin.of(view)
        assert skin is not None
        rng = generator("share", amount)
        marks.rust(skin, rng, amount, skin.noises(rng))
        shares.append(float(np.mean(skin.colours[0] > 1.8 * skin.colours[2])))
    assert 0.05 < shares[0] < 0.2
    assert 0.3 < shares[1] < 0.6


@pytest.mark.parametrize(
    ("material", "grows"),
    [
        ("steel", True),
        ("Stahl S235JR", True),
        ("C45", True),
        ("Grauguss GG25", True),
        ("acier", True),
        ("42CrMo4", True),
        ("8.8", True),
        ("stainless steel", False),
        ("Edelstahl A2", False),
        ("1.4301", False),
        ("X5CrNi18-10 steel", False),
        ("Stahl verzinkt", False),
        ("steel, zinc plated", False),
        ("PA6", False),
        ("brass", False),
        ("", False),
    ],
)
def test_rust_grows_on_plain_steel_and_iron(material: str, grows: bool) -> None:
    """Plain steel and iron rust under their names in several languages; stainless, coated and plastic do not."""
    part = Part(number="7", material=material)
    assert rusts(part, "steel") is grows
    assert rusts(part, "everything")
    assert not rusts(part, "nothing")


def test_words_speak_where_no_material_is_given() -> None:
    """Without a material the part's name and description say what it is made of."""
    assert rusts(Part(number="7", name="Steel bracket"), "steel")
    assert not rusts(Part(number="7", name="Bracket"), "steel")


def test_texture_sticks_to_the_surface(shown: Shown) -> None:
    """A point of the part has the same place, hence the same mark, in two views from different sides."""
    front, above = (Skin.of(shown("ball", elevation=e, size=256)) for e in (30, 50))
    assert front is not None
    assert above is not None
    places = [skin.points / np.linalg.norm(skin.points, axis=0).mean() for skin in (front, above)]
    assert all(np.allclose(np.linalg.norm(p, axis=0), 1, atol=0.02) for p in places)
    common = np.array([np.cos(0.7) * np.cos(0.52), np.cos(0.7) * np.sin(0.52), np.sin(0.7)])
    nearest = [int((common @ p).argmax()) for p in places]
    assert np.allclose(places[0][:, nearest[0]], places[1][:, nearest[1]], atol=0.03)


def test_up_is_the_worlds(shown: Shown) -> None:
    """The top of a block faces up whatever the camera's angle, so that dust lies there."""
    for elevation in (20, 60):
        skin = Skin.of(shown(elevation=elevation))
        assert skin is not None
        assert skin.up.max() == pytest.approx(1, abs=1e-3)
        assert 0.02 < np.mean(skin.up > 0.99) < 0.98


def test_edges_of_the_part_survive(shown: Shown) -> None:
    """However worn, the shading by which one face is told from another remains."""
    view = shown(material="steel", size=192)
    worn = applied(view, "edges", **dict.fromkeys(CLEAN, 1.0))
    left, top = (np.abs(view.normals - n).max(axis=-1) < 1e-3 for n in _faces(view)[:2])
    before = abs(float(view.image[left].mean()) - float(view.image[top].mean()))
    after = abs(float(worn.image[left].mean()) - float(worn.image[top].mean()))
    assert after > 0.25 * before


def _faces(view: View) -> Floats:
    found, counts = np.unique(np.round(view.normals[view.mask], 4), axis=0, return_counts=True)
    return np.asarray(found[counts.argsort()[::-1]])


def test_empty_view_passes(shown: Shown) -> None:
    """A view that shows nothing of its part is handed through."""
    view = shown()
    nothing = np.zeros_like(view.mask)
    empty = view.replace(mask=nothing, depth=np.zeros_like(view.depth), alpha=np.zeros_like(view.alpha))
    assert (applied(empty, 1, dirt=1.0).image == empty.image).all()
