"""A customer's adapters: one in use, the others aside, and rare words for what they learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from blocks.customer import Customer, Recipe
from tasks.diffusion import adapters
from tasks.diffusion.adapters import Card, Figures
from tasks.records import Part

if TYPE_CHECKING:
    from tests.tasks.conftest import Tiny

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Install an adapter of a name, finished at a time, and return its file."""

    def put(name: str, at: str, *, used: bool = True, base: str = "b" * 32) -> Path:
        file, sheet = tmp_path / "new.safetensors", tmp_path / "sheet.png"
        save_file({"weight": np.zeros(1, np.float32)}, file)
        sheet.write_bytes(b"png")
        figures = {"with": Figures(views=1, passed=1, found=1)}
        told = {"customer": "acme", "finished": at, "model": "m", "base": base, "digest": "d", "used": used}
        card = Card(name=name, photographs=(), renders=(), words={}, settings={}, losses=(), figures=figures, **told)
        return adapters.install(file, card, sheet, tmp_path / "home")

    return put


def test_one_adapter_is_in_use(install: Install, tmp_path: Path) -> None:
    """The newest that may be; the one before goes aside and its card says so."""
    home = tmp_path / "home"
    assert adapters.in_use(home, "acme") is None
    first = install("one", "2026-01-01")
    install("worse", "2026-01-02", used=False)
    assert adapters.in_use(home, "acme") == (first, adapters._card(first))
    second = install("two", "2026-01-03")
    found = adapters.in_use(home, "acme")
    assert found is not None
    assert found[0] == second
    left = {path.name for path in adapters.aside(home, "acme").iterdir()}
    assert left == {f"{name}.{end}" for name in ("one", "worse") for end in ("json", "png", "safetensors")}
    card = adapters._card(adapters.aside(home, "acme") / "one.safetensors")
    assert card is not None
    assert (card.used, card.reason) == (False, "two took its place.")


def test_a_stop_in_the_middle_leaves_one_in_use(install: Install, tmp_path: Path) -> None:
    """Weights without a card are nothing yet, and of two with a card the newer one counts."""
    home = tmp_path / "home"
    first = install("one", "2026-01-01")
    (first.parent / "two.safetensors").write_bytes(first.read_bytes())
    assert adapters.in_use(home, "acme") == (first, adapters._card(first))
    card = adapters._card(first)
    assert card is not None
    adapters._written(first.parent / "two.json", card.replace(name="two", finished="2026-01-02"))
    found = adapters.in_use(home, "acme")
    assert found is not None
    assert found[0].stem == "two"


def test_an_adapter_of_another_model_is_not_worn(install: Install, tmp_path: Path, tiny: Tiny) -> None:
    """Nor where the customer's pictures are made without the stage; other settings stay as they are."""
    home = tmp_path / "home"
    settings = {"diffuse": {"model": str(tiny()), "adapters": {"own.safetensors": 0.5}}}
    customer = Customer(slug="acme", recipe=Recipe(stages=("diffuse",), settings=settings))
    install("one", "2026-01-01")
    assert adapters.wearing(customer, home) == customer
    file = install("two", "2026-01-02", base=adapters.base(settings["diffuse"]).digest)
    worn = adapters.wearing(customer, home).recipe.settings["diffuse"]
    assert worn == {"model": str(tiny()), "adapters": {str(file): 1.0, "own.safetensors": 0.5}}
    gone = customer.model_copy(update={"recipe": Recipe(stages=("diffuse",), settings={"diffuse": {"model": "gone"}})})
    assert adapters.wearing(gone, home) == gone
    plain = customer.model_copy(update={"recipe": Recipe()})
    assert adapters.wearing(plain, home) == plain
    assert adapters.added({"adapters": {str(file): 0.0}}, file)["adapters"] == {str(file): 0.0}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Sechskantschraube M8x20", "sechskantschraube"),
        ("Unterlegscheibe groß 8,4", "unterlegscheibe gross"),
        ("Winkel 60x40, 2 Bohrungen", "winkel"),
        ("AK30 SHEAVE 0.875 BORE", "sheave bore"),
        ("6204-2RS", ""),
        ("", ""),
    ],
)
def test_the_family_is_read_off_the_name(name: str, family: str) -> None:
    """Its first words, without numbers and sizes, in any language."""
    assert adapters.family(Part(number="P", name=name)) == family


def test_a_family_with_enough_photographs_has_its_own_word() -> None:
    """All others share one; words that the customer uses are left to them, and the order of photographs is nothing."""
    screws = [Part(number=f"S{n}", name=f"Screw M{n}") for n in range(3)]
    nuts = [Part(number=f"N{n}", name=f"Nut M{n}") for n in range(2)]
    words = adapters.words([*nuts, *screws], {"ohwx"})
    assert words == adapters.words([*screws, *nuts], {"ohwx"}) == {"": "sks", "screw": "zwx"}
    assert [adapters.word(words, part) for part in (screws[0], nuts[0])] == ["zwx", "sks"]
    assert len(set(adapters.WORDS)) == len(adapters.WORDS)


def test_the_file_itself_tells_its_words(tmp_path: Path) -> None:
    """In the header of the weights; a stranger's adapter has none, and two adapters speak one after the other."""
    one, two, strange = (tmp_path / f"{name}.safetensors" for name in ("one", "two", "strange"))
    weight = {"weight": np.zeros(1, np.float32)}
    save_file(weight, one, {"partsight": '{"": "sks", "screw": "zwx"}'})
    save_file(weight, two, {"partsight": '{"": "qxk"}'})
    save_file(weight, strange, {"format": "pt"})
    screw = Part(number="S", name="Screw M8")
    assert adapters.spoken([one, strange, two], screw) == "zwx qxk"
    assert adapters.spoken([strange], screw) == ""
