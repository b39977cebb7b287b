"""An embedder tuned to a customer's parts: learned, kept in their tables, judged, used, and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blocks.catalogue import VECTORS, Catalogue
from blocks.customer import Customer, Release
from flows.inline import run_adapt
from tasks.embed import embedder
from tasks.progress import Silent
from tasks.tuning import shelf
from tasks.tuning.course import Course

Run = Callable[..., dict[str, Any]]
QUICK = Course(steps=4, parts=2, pictures=1, views=4)


@pytest.fixture
def who(customer: Customer) -> Customer:
    """The customer, whose recall is measured with a few questions."""
    return customer.model_copy(update={"release": Release(queries=6, tolerance=1.0)})


@pytest.fixture
def adapt(catalogue: Catalogue, who: Customer, tmp_path: Path) -> Run:
    """Run the steps of the flow with a course of a second."""

    def run(customer: Customer = who, course: Course = QUICK) -> dict[str, Any]:
        return run_adapt(
            customer,
            catalogue,
            course=course,
            told=lambda ahead: bool(ahead["seconds"]["total"]),
            progress=Silent(),
            home=tmp_path / "home",
            workers=1,
        )

    return run


def test_it_goes_live_and_onboarding_goes_on_with_it(
    onboard: Run, adapt: Run, catalogue: Catalogue, who: Customer, tmp_path: Path
) -> None:
    """Searches read its vectors, nothing is left to do, new parts get vectors of it, and no scratch file stays."""
    onboard(who)
    plain = catalogue.served().vectors
    summary = adapt()
    served = catalogue.served()
    assert summary["released"]
    assert served.embed is not None
    assert served.embed.tuned == summary["weights"]
    assert served.vectors.startswith(f"{VECTORS}partsight_small_tuned_")
    assert served.vectors != plain
    assert [name for name in catalogue.tables() if name.startswith(VECTORS)] == [served.vectors]
    (card,) = shelf.cards(catalogue)
    assert (card.status, card.reason, card.made, card.parts) == ("live", "", served.run, 3)
    assert not (tmp_path / "home" / "customers" / "acme" / "tuning").exists()
    there = {name: catalogue.table(name).version for name in catalogue.tables()}
    assert onboard(who)["parts"]["unchanged"] == 3
    assert {name: catalogue.table(name).version for name in catalogue.tables()} == there
    model = embedder(served.embed, ("*",), catalogue)
    assert model.looks([]).shape == (0, 1, model.dimension)
