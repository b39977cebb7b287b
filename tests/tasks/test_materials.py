"""A part looks like what its metadata says it is made of, in the words of many countries."""

from __future__ import annotations

import pytest

from tasks.materials import MATERIALS, look
from tasks.records import Colour, Part

SPELLINGS = {
    "Edelstahl A2": "polished steel",
    "Stainless steel AISI 304": "polished steel",
    "1.4301": "polished steel",
    "X5CrNi18-10": "polished steel",
    "acier inoxydable": "polished steel",
    "нержавеющая сталь": "polished steel",
    "316L": "polished steel",
    "Stahl": "brushed steel",
    "S235JR": "brushed steel",
    "St37-2": "brushed steel",
    "C45": "brushed steel",
    "42CrMo4": "brushed steel",
    "1.0037": "brushed steel",
    "acciaio": "brushed steel",
    "SS400": "brushed steel",
    "Steel 8.8": "brushed steel",
    "Stahl verzinkt": "zinc",
    "galvanised steel": "zinc",
    "Zamak": "zinc",
    "Stahl, brüniert": "black oxide",
    "Steel, black oxide": "black oxide",
    "verchromt": "chrome",
    "AlMg3": "aluminium",
    "EN AW-6082 T6": "aluminium",
    "6061-T6": "aluminium",
    "Aluminum": "aluminium",
    "алюминий": "aluminium",
    "CuZn39Pb3": "brass",
    "Messing": "brass",
    "laiton": "brass",
    "CuSn8": "bronze",
    "Cu-ETP": "copper",
    "Kupfer": "copper",
    "GG25": "cast iron",
    "EN-GJL-250": "cast iron",
    "Gußeisen": "cast iron",
    "NBR": "rubber",
    "EPDM 70 Shore": "rubber",
    "Gummi": "rubber",
    "PA6": "nylon",
    "PA 66 GF30": "nylon",
    "Polyamid": "nylon",
    "POM-C": "pom",
    "Delrin": "pom",
    "ABS": "abs",
    "PLA": "pla",
    "PETG": "petg",
    "PMMA": "acrylic",
    "PTFE": "ptfe",
    "HDPE": "polyethylene",
    "PC": "polycarbonate",
    "Ti-6Al-4V": "titanium",
    "Plastik": "abs",
}


@pytest.mark.parametrize("words", SPELLINGS)
def test_a_material_is_known_by_its_many_names(words: str) -> None:
    """Standards, trade names and languages all lead to the table of materials."""
    assert look(Part(number="1", material=words)).name == SPELLINGS[words]


@pytest.mark.parametrize("words", ["", "see drawing", "TBD", "n/a", "assorted"])
def test_words_that_say_nothing_choose_the_default(words: str) -> None:
    """Without a material or a colour a part is plain grey."""
    assert look(Part(number="1", material=words)) == MATERIALS["grey"]


@pytest.mark.parametrize(
    ("words", "brightest"),
    [("ABS red", 0), ("Kunststoff rot", 0), ("POM grün", 1), ("plastique bleu", 2), ("Polyamid blau", 2)],
)
def test_a_colour_in_the_words_dyes_plastic(words: str, brightest: int) -> None:
    """The colour's name decides the body colour."""
    base = look(Part(number="1", material=words)).base
    assert max(range(3), key=lambda channel: base[channel]) == brightest
    assert max(base) > 3 * sorted(base)[1]


def test_black_and_white_are_what_they_say() -> None:
    """Black plastic is dark but not a hole, white plastic bright but not a lamp."""
    assert 0.01 < max(look(Part(number="1", material="ABS schwarz")).base) < 0.06
    assert 0.6 < min(look(Part(number="1", material="POM weiß")).base) < 0.85


def test_a_files_colour_paints_what_has_no_material_and_dyes_plastic() -> None:
    """The file's colour is used where the words leave it open."""
    red: Colour = (0.9, 0.1, 0.1)
    assert look(Part(number="1", colour=red)).metallic == 0
    assert look(Part(number="1", colour=red)).base[0] > 5 * look(Part(number="1", colour=red)).base[1]
    assert look(Part(number="1", material="ABS", colour=red)).base[0] > 0.5


def test_bare_metal_keeps_its_own_colour() -> None:
    """CAD systems colour parts as they please: brass stays brass, and rubber stays black."""
    blue: Colour = (0.1, 0.1, 0.9)
    assert look(Part(number="1", material="brass", colour=blue)) == MATERIALS["brass"]
    assert look(Part(number="1", material="NBR", colour=blue)) == MATERIALS["rubber"]


def test_anodised_aluminium_takes_a_colour_and_stays_metal() -> None:
    """Red anodised aluminium is red and metallic."""
    made = look(Part(number="1", material="Aluminium rot eloxiert"))
    assert made.metallic == 1
    assert made.base[0] > 2 * made.base[1]
