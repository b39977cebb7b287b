"""Shape templates come with onboarding, once for each shape, and searches use what is live of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from blocks.source import Source
from tasks.codec import decode
from tasks.embed import embedder
from tasks.job import opened
from tasks.search import search
from tasks.templates.plates import edition

VIEWS = 24


@pytest.fixture
def customer(customer: Customer) -> Customer:
    """One whose parts get templates, if few."""
    return customer.model_copy(update={"recipe": customer.recipe.model_copy(update={"templates": VIEWS})})


def rows(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """The templates, by geometry."""
    columns = ("geometry", "version", "views", "plates", "stands", "run")
    return {row["geometry"]: row for row in catalogue.rows("templates", columns)}


def test_every_shape_gets_templates_and_searches_say_how_the_part_lies(
    onboard: Callable[..., dict[str, Any]], catalogue: Catalogue, customer: Customer
) -> None:
    summary = onboard(customer)
    assert summary["templates"] == 3
    assert summary["seconds"]["templates"] > 0
    for row in rows(catalogue).values():
        assert row["version"] == edition()
        assert np.frombuffer(row["plates"], np.int8).reshape(VIEWS, -1).any(axis=1).all()
        assert len(row["stands"]) == VIEWS * 4 * 4
    picture = catalogue.rows("images", ("part", "image"))[0]
    found = search(catalogue, embedder(customer.recipe.embed), [decode(picture["image"])], "", 3)
    assert found.hits[0].part == picture["part"]
    assert all(hit.shape is not None and hit.pose is not None for hit in found.hits)
    assert onboard(customer)["templates"] == 0, "nothing is made twice"
