"""How people type part numbers, sizes and names, and what they find."""

from __future__ import annotations

import pytest

from tasks.words import coverage, fold, match

CATALOGUE = (
    "A-1002-33 hex bolt M6x20 DIN 933 steel, zinc plated",
    "A-1002-34 hex bolt M6x30 DIN 933 steel, zinc plated",
    "B-40 bracket 40 mm aluminium",
    "B-60 bracket 60 mm aluminium",
    "Z-7 Zahnrad Modul 2,5 Stahl",
    "S-1 Schlüsselschraube Messing",
)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("M6x20", "A-1002-33"),
        ("m6 x 20", "A-1002-33"),
        ("M 6 × 30", "A-1002-34"),  # noqa: RUF001 - the sign that people paste from data sheets
        ("a-1002-34", "A-1002-34"),
        ("1002-33", "A-1002-33"),
        ("DIN933 zinc m6x30", "A-1002-34"),
        ("bracket 40", "B-40"),
        ("brackets 60mm", "B-60"),
        ("zahnräder", "Z-7"),
        ("modul 2.5", "Z-7"),
        ("schluesselschraube", "S-1"),
        ("SCHRAUBE messing", "S-1"),
    ],
)
def test_people_find_a_part_as_they_type_it(query: str, number: str) -> None:
    """Case, umlauts, signs, spaces, plurals and fragments do not stand in the way."""
    shares = coverage(query, CATALOGUE)
    assert CATALOGUE[int(shares.argmax())].startswith(number)


def test_every_word_said_exactly_is_one_and_none_is_zero() -> None:
    """The share is a share."""
    shares = coverage("bracket 40 aluminium", CATALOGUE)
    assert shares.max() == shares[2] == 1
    assert coverage("quark", CATALOGUE).max() == 0


def test_a_rare_word_counts_for_more_than_a_common_one() -> None:
    """Of two parts that say one word of two, the one with the rarer word comes first."""
    shares = coverage("messing steel", ("x messing", "y steel", "z steel", "w steel"))
    assert shares[0] > shares[1] > 0


def test_closer_words_count_for_more() -> None:
    """The word, a piece of it, its start, its stem, its middle: in this order."""
    order = [
        match("1002", text) for text in ("1002", "a-1002-33", "10025", "100", "the 10 and the 02", "x91002x", "none")
    ]
    assert order[0] > order[1] > order[2] > order[5] > order[6] == 0


def test_no_words_and_no_parts_are_no_error() -> None:
    """A query of signs alone says nothing, and an empty catalogue holds nothing."""
    assert coverage("!?", CATALOGUE).tolist() == [0] * len(CATALOGUE)
    assert coverage("bolt", ()).tolist() == []


def test_folding_is_the_same_for_what_is_written_and_what_is_asked() -> None:
    """Folding twice changes nothing more."""
    for text in (*CATALOGUE, "M 6 x 20 x 30", "Größe Ø8, 2,5 mm"):
        assert fold(fold(text)) == fold(text)
