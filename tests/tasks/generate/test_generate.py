"""The collection of families as a whole: enough of them, all of their own, some kept for testing."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.generate import Draw, caption, families, specimen, spoken
from tasks.records import generator


def test_there_are_more_families_to_train_on_than_the_model_card_promises() -> None:
    """Thirty families to train on at least, eight to test on, each under a name of its own."""
    trained = [family for family in families().values() if not family.held_out]
    held_out = [family for family in families().values() if family.held_out]
    assert len(trained) >= 30
    assert len(held_out) >= 8
    assert all(name == family.name for name, family in families().items())


def test_names_do_not_give_held_out_families_away() -> None:
    """No synonym of a family that is tested on is a name of one that is trained on."""
    trained = {name for family in families().values() if not family.held_out for name in family.names}
    tested = {name for family in families().values() if family.held_out for name in family.names}
    assert not trained & tested


def test_siblings_share_most_of_their_values() -> None:
    """A sibling differs from its design in some values, not in all, and only within their range."""

    def drawn(sibling: int) -> dict[str, float]:
        draw = Draw("test", 3, sibling)
        return {name: draw.size(name, 1, 9) for name in "abcdefghijklmnopqrst"}

    design, again, sibling = drawn(0), drawn(0), drawn(1)
    changed = sum(design[name] != sibling[name] for name in design)
    assert design == again
    assert 0 < changed < len(design)
    assert all(1 <= value <= 9 for value in sibling.values())


def test_values_depend_on_their_names_and_not_on_their_order() -> None:
    """A family may ask for another thing first without changing the parts that it draws."""
    one, other = Draw("test", 1, 0), Draw("test", 1, 0)
    first = (one.size("width", 1, 5), one.count("holes", 2, 9))
    second = (other.count("holes", 2, 9), other.size("width", 1, 5))
    assert first == second[::-1]


def test_a_specimen_is_a_part_with_all_that_is_said_of_it() -> None:
    """Its part carries name, description, material and the size of its mesh."""
    made = specimen("hex bolt", 2, 1)
    part = made.part
    assert part.number == "hex-bolt-002-1"
    assert part.name == "hex bolt"
    assert all(phrase in part.description for phrase in made.says)
    assert part.size_mm == pytest.approx(np.ptp(made.vertices, axis=0))
    assert specimen("hex bolt", 2, 1).part == part


def test_captions_vary_but_always_name_the_family() -> None:
    """Twenty captions of one part are different sentences, each with one of its family's names."""
    made = specimen("spur gear", 0, 0)
    captions = {caption(made, turn) for turn in range(20)}
    assert len(captions) > 10
    assert all(any(name in text for name in made.names) for text in captions)
    assert caption(made, 1) == caption(made, 1)


def test_a_part_of_which_nothing_is_said_is_still_named() -> None:
    """Without attributes the caption is the name."""
    assert spoken(("washer",), (), "", generator(1)) == "washer"
