"""An embedder tuned to a customer's parts: learned, kept in their tables, judged, used, and gone on with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue
from blocks.collection import CatalogueBlock, CustomerBlock
from blocks.customer import NEVER, Customer, Embed, Pools, Release
from blocks.tables import VECTORS, schema
from flows import tune
from flows.inline import run_adapt, run_reembed
from infra.cli.reembed import _untuned
from tasks import codec, release
from tasks.embed import embedder
from tasks.progress import Silent
from tasks.publish import stay_live
from tasks.reembedding import opened
from tasks.release import RefusedError, Verdict
from tasks.search import search
from tasks.tuning import shelf
from tasks.tuning.course import Course
from tasks.tuning.work import Adaptation
from tasks.tuning.work import opened as learning

Run = Callable[..., dict[str, Any]]
ROOT = Path(__file__).resolve().parents[2]
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


@pytest.fixture
def flow(catalogue: Catalogue, who: Customer, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Run Prefect's flow in a process of its own: first it only looks ahead; returns its summary."""

    def run() -> dict[str, Any]:
        (tmp_path / "run.py").write_text(
            "import json, sys\n"
            "from blocks.customer import Customer\n"
            "from blocks.collection import CatalogueBlock, CustomerBlock\n"
            "from flows.adapt import adapt\n"
            "from tasks.tuning.course import Course\n"
            "if __name__ == '__main__':\n"
            "    fields = adapt.parameters.properties\n"
            "    assert list(fields) == ['customer', 'course', 'limits', 'force', 'dry_run'], fields\n"
            "    assert all(field.description.endswith('.') for field in Course.model_fields.values())\n"
            "    who = Customer.model_validate_json(sys.argv[1])\n"
            "    block = CustomerBlock(settings=who, catalogue=CatalogueBlock(uri=sys.argv[2]))\n"
            "    course = Course.model_validate_json(sys.argv[3])\n"
            "    assert set(adapt(block, course=course, dry_run=True)['seconds']) >= {'learn', 'total'}\n"
            "    print(json.dumps(adapt(block, course=course)))\n"
        )
        environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_LOGGING_LEVEL": "CRITICAL"}
        environment |= {"PARTSIGHT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, tmp_path / "run.py", who.model_dump_json(), catalogue.uri, QUICK.model_dump_json()]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


def test_it_goes_live_and_onboarding_goes_on_with_it(
    onboard: Run,
    flow: Callable[[], dict[str, Any]],
    catalogue: Catalogue,
    who: Customer,
    cad: Path,
    washer: Any,
    tmp_path: Path,
) -> None:
    """Searches read its vectors, nothing is left to do, new parts get vectors of it, and no scratch file stays."""
    onboard(who)
    plain = catalogue.served().vectors
    summary = flow()
    served = catalogue.served()
    assert summary["released"]
    assert served.embed is not None
    assert served.embed.tuned == summary["weights"]
    assert served.vectors.startswith(f"{VECTORS}partsight_small_tuned_")
    assert served.vectors != plain
    assert {name for name in catalogue.tables() if name.startswith(VECTORS)} == {served.vectors, plain}
    (card,) = shelf.cards(catalogue)
    assert (card.status, card.reason, card.made, card.parts) == ("live", "", served.run, 3)
    assert not (tmp_path / "home" / "customers" / "acme" / "tuning").exists()
    there = {name: catalogue.table(name).version for name in catalogue.tables()}
    assert onboard(who)["parts"]["unchanged"] == 3
    assert {name: catalogue.table(name).version for name in catalogue.tables()} == there
    assert (summary["parts"], summary["vectors"]) == (3, catalogue.table(served.vectors).count_rows())
    assert set(summary["figures"]["recall"]) == {"1", "5", "10"}
    assert len(summary["figures"]["compared"]["after_interval"]) == 2
    assert {"render", "learn", "embed", "evaluate", "publish", "total"} == set(summary["seconds"])

    washer(7).export(cad / "washer-7.stl")
    assert onboard(who)["parts"]["new"] == 1
    assert (catalogue.served().vectors, catalogue.served().embed) == (served.vectors, served.embed)
    model = embedder(served.embed, ("*",), catalogue)
    (row,) = catalogue.rows("images", ("image",), (col("part") == lit("washer-7")) & (col("place") == lit(0)))[:1]
    hits = search(catalogue, model, [codec.decode(row["image"])], "", 4).hits
    assert "washer-7" in {hit.part for hit in hits}

    back = _untuned(Embed(), who, catalogue)
    assert back.tuned == NEVER
    with opened(who, catalogue, Embed(), tmp_path / "home", 1) as same:
        assert same.nothing_to_do()  # the file's model means the tuned weights
    run_reembed(who, catalogue, embed=back, progress=Silent(), home=tmp_path / "home", workers=1)
    assert catalogue.served().vectors == plain
    assert [(card.status, card.digest) for card in shelf.cards(catalogue)] == [("aside", summary["weights"])]
    assert onboard(who)["parts"]["unchanged"] == 4
    assert catalogue.served().vectors == plain


def test_a_run_that_was_stopped_goes_on_and_one_that_is_refused_changes_nothing(
    onboard: Run, adapt: Run, catalogue: Catalogue, who: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same weights as without a stop; they wait to be judged; refused, they stay aside with the reason."""
    onboard(who)
    live = catalogue.served()
    whole = Adaptation(who, catalogue, QUICK, tmp_path / "whole", 1)
    whole.render()
    whole.learn(1.0)
    stopped = Adaptation(who, catalogue, QUICK, tmp_path / "home", 1)
    first, *_ = stopped.stretches()
    stopped.learn(first)
    resumed = Adaptation(who, catalogue, QUICK, tmp_path / "home", 1)
    for until in resumed.stretches():
        resumed.learn(until)
    assert any(note.startswith("The learning went on where it was stopped") for note in resumed.notes)
    digest = resumed.keep()
    assert digest == shelf.named(shelf.packed(whole.loop.result()), "acme")
    assert (shelf.cards(catalogue)[0].status, shelf.cards(catalogue)[0].made) == ("aside", "")
    assert catalogue.served() == live

    monkeypatch.setattr(release, "judge", lambda *_: Verdict(refusal="It finds less."))
    with pytest.raises(RefusedError, match="It finds less") as refused:
        adapt()
    assert refused.value.summary["weights"] == digest
    assert any("wait to be judged" in note for note in refused.value.summary["notes"])
    assert catalogue.served() == live
    (card,) = shelf.cards(catalogue)
    assert (card.status, card.reason, card.made) == ("aside", "It finds less.", refused.value.summary["run"])
    assert not (tmp_path / "home" / "customers" / "acme" / "tuning").exists()
    strict = who.model_copy(update={"release": who.release.model_copy(update={"tolerance": 0.05})})
    assert Adaptation(strict, catalogue, QUICK, tmp_path / "home", 1).waiting() == ""
    assert Adaptation(strict, catalogue, QUICK, tmp_path / "home", 1).switching(digest).customer.release.tolerance == 0
    assert Adaptation(who, catalogue, QUICK, tmp_path / "home", 1).waiting() == digest  # --even-if-worse
    assert onboard(who)["parts"]["unchanged"] == 3


def test_what_cannot_be_done_is_a_sentence(onboard: Run, adapt: Run, customer: Customer, cad: Path) -> None:
    """Nothing live, a model that is a plug-in, a file that wants none, fewer than two shapes."""

    def embedded_with(embed: Embed) -> Customer:
        return customer.model_copy(update={"recipe": customer.recipe.model_copy(update={"embed": embed})})

    with pytest.raises(ValueError, match="Nothing of 'acme' is live yet: onboard the customer first"):
        adapt(customer)
    (cad / "washer-3.stl").unlink()
    (cad / "washer-5.stl").unlink()
    onboard()
    with pytest.raises(ValueError, match=r"hog is a plug-in, which can't be tuned"):
        adapt(embedded_with(Embed(model="hog")))
    with pytest.raises(ValueError, match=r"wants no tuned weights: take tuned: never out of recipe\.embed"):
        adapt(embedded_with(Embed(tuned=NEVER)))
    with pytest.raises(ValueError, match="have 1 shapes with CAD, and two are the least"):
        adapt(customer)


def test_who_looks_ahead_changes_nothing(onboard: Run, catalogue: Catalogue, who: Customer, tmp_path: Path) -> None:
    """Seconds for each piece, and their sum; photographs are counted, and shapes that two parts share once."""
    onboard(who)
    photograph = catalogue.rows("images", schema("images").names)[0] | {"id": "f" * 32, "kind": "photo"}
    twin = catalogue.rows("parts", schema("parts").names, col("part") == lit("block"))[0] | {"part": "block-2"}
    catalogue.upsert("images", [photograph | {"part": "block-2"}])
    catalogue.upsert("parts", [twin])
    stay_live(catalogue)
    there = {name: catalogue.table(name).version for name in catalogue.tables()}
    work = Adaptation(who, catalogue, Course(minutes=2), tmp_path / "home", 2)
    ahead = work.outlook()
    assert (ahead["parts"], ahead["photographs"], ahead["model"]) == (3, 1, "partsight-small")
    assert [sitter.part.number for sitter in work.sitters] == ["block", "washer-3", "washer-5"]
    assert work.sitters[0].photographs == (photograph["image"],)
    seconds = dict(ahead["seconds"])
    total = seconds.pop("total")
    assert seconds["learn"] == 120
    assert all(value > 0 for value in seconds.values())
    assert total == pytest.approx(sum(seconds.values()), abs=0.3)
    assert {name: catalogue.table(name).version for name in catalogue.tables()} == there
    assert not (tmp_path / "home" / "customers" / "acme" / "tuning").exists()


def test_where_the_learning_is_done_in_a_pool(
    onboard: Run, catalogue: Catalogue, who: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one run of the flow tune; what it took is told, and its weights are found in the tables."""
    onboard(who)
    pooled = who.model_copy(update={"pools": Pools(gpu="gpu", on_gpu=("adapt",))})
    block = CustomerBlock(settings=pooled, catalogue=CatalogueBlock(uri=catalogue.uri))
    asked: list[Any] = []

    def elsewhere(flow: str, slug: str, given: dict[str, Any], shares: int) -> Iterator[dict[str, Any]]:
        asked.append((flow, slug, shares, given["course"], given["processes"]))
        with learning(pooled, catalogue, Course(**given["course"]), tmp_path / "there", 1) as there:
            there.render()
            there.learn(1.0)
            digest = there.keep()
        yield {} if len(asked) > 1 else {"weights": digest, "seconds": {"learn": 3.0}, "notes": ["Hot."]}

    monkeypatch.setattr(tune, "elsewhere", elsewhere)
    monkeypatch.setattr(tune, "in_pool", lambda customer, what: what in customer.pools.on_gpu)
    with learning(pooled, catalogue, QUICK, tmp_path / "here", 1) as work:
        digest = tune.tuned(work, block, 2)
        assert (work.seconds, work.notes) == ({"learn": 3.0}, ["Hot."])
        assert asked == [("tune", "acme", 1, QUICK.model_dump(mode="json"), 2)]
        assert tune.tuned(work, block, 2) == digest  # they wait to be judged: nothing is learned again
        assert len(asked) == 1
    with learning(pooled, catalogue, QUICK.model_copy(update={"seed": 2}), tmp_path / "here", 1) as work:
        other = tune.tuned(work, block, 2)  # somebody has ended that run by hand: its weights are there
        assert len(asked) == 2
    assert not (tmp_path / "here").exists()
    assert {card.digest for card in shelf.cards(catalogue)} == {digest, other}
