"""`partsight reembed` knows an embedder by its settings too, and what it says of them can be used as it stands."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import yaml

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed, Recipe
from infra.cli.reembed import _asked
from infra.deploy.wanted import _blocks
from infra.settings import Settings
from tasks.reembedding import Reembedding

if TYPE_CHECKING:
    from pathlib import Path

OWN = Embed(model="hog", settings={"cells": 4, "turned": True})


def test_what_is_asked_for_is_the_files_model_with_the_changes() -> None:
    """Another model has none of its settings."""
    assert _asked(OWN, "", "", ()) == OWN
    assert _asked(OWN, "hog", "", ()) == OWN
    assert _asked(OWN, "", "", ("cells=8",)).settings == {"cells": 8, "turned": True}
    assert _asked(OWN, "grey", "", ("side=3",)) == Embed(model="grey", settings={"side": 3})
    tagged = Embed(model="ViT-B-32", weights="openai")
    assert _asked(tagged, "", "", ()) == tagged
    assert _asked(tagged, "ViT-B-32", "random", ()) == Embed(model="ViT-B-32", weights="random")


def test_what_it_says_to_write_and_to_call_is_the_model_with_its_settings(tmp_path: Path) -> None:
    """The file's line as YAML, and the command as a shell reads it."""
    wanted = Embed(model="hog", settings={"cells": 8, "look": {"from": "the side"}})
    work = Reembedding(Customer(slug="acme"), Catalogue(uri=str(tmp_path / "db")), wanted, tmp_path, 1)
    (note,) = work._notes
    line = note.partition("settings: ")[2].partition(" below")[0]
    assert yaml.safe_load(line) == wanted.settings
    words = shlex.split(f"reembed {{slug}} {work._asked}".format(slug="acme"))
    asked: Any = dict(zip(words[2::2], words[3::2], strict=True))
    given = tuple(word for flag, word in zip(words[2::2], words[3::2], strict=True) if flag == "--set")
    assert _asked(Embed(), asked["--model"], "", given) == wanted


def test_the_customers_block_has_the_settings(tmp_path: Path) -> None:
    """As a deployed run gets them."""
    from blocks.collection import ModelBlock

    who = Customer(slug="acme", recipe=Recipe(embed=OWN))
    (body,) = (one.body for one in _blocks(who, Settings(home=tmp_path)) if one.name == "partsight-model/acme")
    assert ModelBlock(**body).embed() == OWN
