"""Printed parts are sound, described by what they are, and told apart from their siblings."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.generate import printed as group
from tasks.generate.draw import Draft, Draw, Family

SERIES = range(4)
BY_NAME = {family.name: family for family in group.FAMILIES}


def drawn(family: Family, series: int, sibling: int = 0) -> Draft:
    """One member of a family."""
    return family.make(Draw(family.name, series, sibling))


def corners(made: Draft) -> np.ndarray:
    """Vertices (n, 3) of a member."""
    return np.asarray(made.solid.to_mesh().vert_properties[:, :3], np.float64)


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_every_member_is_one_sound_body(family: Family) -> None:
    """Watertight, in one piece, with a volume, and with as many triangles as training can bear."""
    for series in SERIES:
        for sibling in (0, 1):
            solid = drawn(family, series, sibling).solid
            assert str(solid.status()) == "Error.NoError"
            assert len(solid.decompose()) == 1, (series, sibling)
            assert solid.volume() > 0
            assert 100 <= solid.num_tri() <= 15_000, (series, sibling)


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_every_member_is_described(family: Family) -> None:
    """Two to four names in small letters, three to seven phrases that differ, and a material."""
    assert 2 <= len(family.names) <= 4
    assert all(name == name.lower() for name in family.names)
    for series in SERIES:
        made = drawn(family, series)
        assert 3 <= len(made.says) <= 7, made.says
        assert len(set(made.says)) == len(made.says)
        assert all(phrase and phrase == phrase.strip() for phrase in made.says)
        assert made.look


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_a_member_is_always_the_same_and_its_siblings_differ_a_little(family: Family) -> None:
    """The same numbers give the same bytes; of three siblings one has another shape, none another order of size."""
    first = corners(drawn(family, 1))
    assert np.array_equal(first, corners(drawn(family, 1)))
    others = [corners(drawn(family, 1, sibling)) for sibling in (1, 2, 3)]
    assert any(len(other) != len(first) or not np.allclose(other, first) for other in others)
    for other in others:
        assert 0.25 < np.ptp(other, axis=0).max() / np.ptp(first, axis=0).max() < 4


def test_the_hinge_arm_and_the_chain_link_are_kept_for_testing() -> None:
    """Two families are never trained on."""
    assert {name for name, family in BY_NAME.items() if family.held_out} == {"door hinge arm", "cable chain link"}


@pytest.mark.parametrize("series", range(6))
def test_a_rod_goes_through_its_holder(series: int) -> None:
    """Along the bore of the first rod there is no material."""
    from tasks.generate.features import bore

    draw = Draw("rod holder", series, 0)
    made = BY_NAME["rod holder"].make(draw)
    values = draw.values
    spread = (values["rod"] + values["wall"] + values["gap"]) * (values["rods"] - 1)
    rod = bore((-spread / 2, 0, values["foot"] + values["rod"] / 2), values["rod"] * 0.9, 400, "y")
    assert (made.solid ^ rod).volume() < 1e-6
    assert any(f"{values['rod']} mm rod" in phrase for phrase in made.says)


@pytest.mark.parametrize("series", range(6))
def test_air_flows_through_a_fan_duct(series: int) -> None:
    """A hollow duct holds less material than its hull by far, and says for which fan it is."""
    draw = Draw("fan duct", series, 0)
    made = BY_NAME["fan duct"].make(draw)
    assert made.solid.volume() < 0.55 * made.solid.hull().volume()
    assert f"for a {draw.values['fan'][0]} mm fan" in made.says
