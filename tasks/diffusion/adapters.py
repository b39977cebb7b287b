"""The LoRA adapters of a customer: where they lie, which one is in use, and the words that call up what they learned.

    HOME/customers/<slug>/adapters/look-3fa9c0d2.safetensors       the one in use, with .json and .png beside it
    HOME/customers/<slug>/adapters/aside/look-81c2aa07.safetensors those that are not, with the reason

The words stand in the header of the weights too, so that the file alone is enough for who makes pictures with it.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from tasks.progress import log
from tasks.records import Record, bytes_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from blocks.customer import Customer
    from blocks.models import Pipeline
    from tasks.records import Part

STAGE: Final = "diffuse"
HEADER: Final = "partsight"  # key of the words in the header of the weights
# rare ones, whose meaning nothing else takes; DreamBooth's own is the first
WORDS: Final = (
    *("sks", "ohwx", "zwx", "xqj", "vzq", "qxk", "jzv", "wqz", "kqx", "zqv", "xvj", "qjw"),
    *("vxk", "jqx", "zkq", "wxv", "qzj", "xkw", "vqj", "kzx", "jwq", "zxj", "qvk", "xwz"),
)
FEWEST: Final = 3  # photographs of a family from which on it has a word of its own
_LETTERS: Final = re.compile(r"[^\W\d_]{3,}")
_KIND_WORDS: Final = 2


class Figures(Record):
    """What the gate and the catalogue say of the pictures that were made, all from the same views and seeds."""

    views: int = Field(ge=0, description="Views that pictures were made of.")
    passed: float = Field(ge=0, le=1, description="Share of the pictures that the gate accepts.")
    found: float = Field(ge=0, le=1, description="Share of them that find their own part first.")
    reasons: dict[str, int] = Field({}, description="How often the gate rejected, by the name of the check.")


class Card(Record):
    """Where an adapter comes from, and what it is worth."""

    name: str = Field(description="Name of its file, without the ending.")
    customer: str = Field(description="Slug of the customer whose photographs they are.")
    finished: str = Field(description="When it was measured, in UTC.")
    model: str = Field(description="Name of the model that it is added to.")
    base: str = Field(description="Digest of that model and of its ControlNet, 32 hex digits.")
    digest: str = Field(description="Digest of the adapter's file, 32 hex digits.")
    photographs: tuple[str, ...] = Field(description="Digests of the photographs that it learned from.")
    renders: tuple[str, ...] = Field(description="Ids of the renders that kept it to the geometry.")
    words: dict[str, str] = Field(description="Word for the look of each family; that of '' is for all others.")
    settings: dict[str, Any] = Field(description="How it was trained: steps, seed, rank, rates.")
    losses: tuple[dict[str, float], ...] = Field(description="What was logged on the way.")
    figures: dict[str, Figures] = Field(description="Without it, with it, and with the one that was in use.")
    used: bool = Field(description="Whether pictures are made with it.")
    reason: str = Field("", description="Why not, in a sentence.")


def folder(home: Path, slug: str) -> Path:
    """Where the customer's adapter lies that is in use."""
    return home / "customers" / slug / "adapters"


def aside(home: Path, slug: str) -> Path:
    """Where those lie that are not in use."""
    return folder(home, slug) / "aside"


def in_use(home: Path, slug: str) -> tuple[Path, Card] | None:
    """The customer's adapter and its card, None where there is none."""
    found = [(file, card) for file in folder(home, slug).glob("*.safetensors") if (card := _card(file))]
    return max(found, key=lambda one: one[1].finished, default=None)


def wearing(customer: Customer, home: Path) -> Customer:
    """The customer with their adapter among the settings of the stage that makes pictures with it.

    The same customer where there is none, or where it was trained for another model than they use now.
    """
    there = in_use(home, customer.slug)
    if there is None or STAGE not in customer.recipe.stages:
        return customer
    file, card = there
    settings = customer.recipe.settings.get(STAGE, {})
    try:
        now = base(settings).digest
    except ValueError:  # the run says so itself, before it begins
        return customer
    if now != card.base:
        log.warning("The adapter %s was trained for another model than %s uses now.", card.name, customer.slug)
        return customer
    changed = {**customer.recipe.settings, STAGE: added(settings, file)}
    return customer.model_copy(update={"recipe": customer.recipe.model_copy(update={"settings": changed})})


def added(settings: Mapping[str, Any], file: Path | None) -> dict[str, Any]:
    """Settings of the stage with one more adapter on the stack; an adapter that stands there keeps its weight."""
    if file is None:
        return dict(settings)
    return {**settings, "adapters": {str(file.absolute()): 1.0, **settings.get("adapters", {})}}


def base(settings: Mapping[str, Any]) -> Pipeline:
    """The model with its ControlNet that the stage of these settings makes pictures with, without any adapter.

    Raises ValueError with a sentence when it is not there.
    """
    from blocks.models import SHIPPED_PIPELINE, pipeline

    model, pinned, controlnet = (settings.get(name, "") for name in ("model", "pinned", "controlnet"))
    return pipeline(model or SHIPPED_PIPELINE, pinned, controlnet)


def digest(file: Path) -> str:
    """Digest of an adapter's file: 32 hex digits."""
    return bytes_id(file.read_bytes())


def install(weights: Path, card: Card, sheet: Path, home: Path) -> Path:
    """Put an adapter where it belongs, its card and its sheet beside it; returns its file.

    Where it is in use, the one before goes aside. Stopped anywhere, one of the two is in use.
    """
    place = folder(home, card.customer) if card.used else aside(home, card.customer)
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{card.name}.safetensors"
    _written(file.with_suffix(".json"), card)
    sheet.replace(file.with_suffix(".png"))
    weights.replace(file)  # the last one: before it the others mean nothing
    _forget(aside(home, card.customer) if card.used else folder(home, card.customer), card.name)
    if card.used:
        for old in set(folder(home, card.customer).glob("*.safetensors")) - {file}:
            _retire(old, card, home)
    return file


def _retire(old: Path, newer: Card, home: Path) -> None:
    place = aside(home, newer.customer)
    place.mkdir(parents=True, exist_ok=True)
    card = _card(old)
    if card is not None:
        _written(place / f"{old.stem}.json", card.replace(used=False, reason=f"{newer.name} took its place."))
    for suffix in (".png", ".safetensors"):
        if old.with_suffix(suffix).is_file():
            old.with_suffix(suffix).replace(place / f"{old.stem}{suffix}")
    old.with_suffix(".json").unlink(missing_ok=True)


def _forget(place: Path, name: str) -> None:
    """Remove an adapter that was judged otherwise this time."""
    for suffix in (".safetensors", ".json", ".png"):
        (place / f"{name}{suffix}").unlink(missing_ok=True)


def _written(file: Path, card: Card) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(card.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
    new.replace(file)


def card_of(file: Path) -> Card | None:
    """What is known of the adapter in a file; None where nothing is that can be read."""
    return _card(file)


def _card(file: Path) -> Card | None:
    """The card beside an adapter; None where there is none that can be read."""
    try:
        return Card.model_validate_json(file.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


# words


def family(part: Part) -> str:
    """What kind of part its name says it is: the first words without numbers; empty where there are none."""
    said = _LETTERS.findall(" ".join(word for word in part.name.split(",")[0].split() if not re.search(r"\d", word)))
    return " ".join(said[:_KIND_WORDS]).casefold()


def words(photographed: Iterable[Part], taken: Collection[str]) -> dict[str, str]:
    """A word for each family of which there are enough photographs, and under "" the one for all others.

    `photographed` has a part once for each of its photographs; words that are `taken` mean something already.
    """
    count: dict[str, int] = {}
    for part in photographed:
        count[family(part)] = count.get(family(part), 0) + 1
    many = [name for name, some in sorted(count.items(), key=lambda one: (-one[1], one[0])) if name and some >= FEWEST]
    free = [word for word in WORDS if word not in taken]
    return dict(zip(["", *many], free, strict=False))


def word(known: Mapping[str, str], part: Part) -> str:
    """The word for the look of a part."""
    return known.get(family(part), known.get("", ""))


def spoken(files: Iterable[Path], part: Part) -> str:
    """The words that call up what the adapters in `files` learned of the look of a part; empty where they have none."""
    return " ".join(dict.fromkeys(filter(None, (word(_header(file), part) for file in files))))


@lru_cache(maxsize=16)
def _header(file: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(str(file), framework="np") as opened:
        told = (opened.metadata() or {}).get(HEADER)
    return {str(name): str(said) for name, said in json.loads(told).items()} if told else {}
