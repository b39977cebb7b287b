"""What went live is written to the customer's sinks, whole or not at all; a sink that fails takes nothing back."""

from __future__ import annotations

import json
import platform
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from tasks import consignment, delivery
from tasks.sinks import SinkError

Run = Callable[..., dict[str, Any]]

SINKS = '''
import os, sys
from pydantic import BaseModel, Field


class Fickle(BaseModel):
    """Fails in a way that is asked for, in the middle."""

    fails: str = ""

    def __call__(self, pictures, to):
        with (to.folder / "ids").open("w") as file:
            for place, picture in enumerate(pictures):
                if place == 3 and self.fails == "exit":
                    os._exit(1)
                if place == 3 and self.fails == "leave":
                    sys.exit(3)
                if place == 3 and self.fails == "memory":
                    raise MemoryError
                if place == 3 and self.fails == "raise":
                    raise KeyError("colour")
                print(picture.id, file=file)
        return {"place": place}
'''


@pytest.fixture
def who(customer: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Customer]:
    """A maker of customers with these sinks; `fickle` is one that is installed without a package."""
    module = f"sunk_{tmp_path.name}"
    (tmp_path / f"{module}.py").write_text(SINKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_SINKS", f"fickle={module}:Fickle")
    render = customer.recipe.render.model_copy(update={"views": 2})
    recipe = customer.recipe.model_copy(
        update={"render": render, "stages": ("occlude", "background"), "settings": {"occlude": {"chance": 1.0}}}
    )

    def made(plugins: tuple[str, ...] = ("*",), **sinks: dict[str, Any]) -> Customer:
        return customer.model_copy(update={"recipe": recipe, "sinks": sinks, "plugins": plugins})

    return made


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """Where a run writes them."""
    return tmp_path / "home" / "customers" / "acme" / "exports"


def test_a_run_writes_what_went_live(
    onboard: Run, who: Callable[..., Customer], catalogue: Catalogue, exports: Path, cad: Path
) -> None:
    """Accepted pictures with their vectors; once for a run, and again when another setting or sink is asked for."""
    shades = np.random.default_rng(1).integers(40, 220, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(shades).resize((160, 120), Image.Resampling.BICUBIC).save(cad / "block.jpg")
    assert onboard(who(webdataset={}))["notes"] == []
    served = catalogue.served()
    with tarfile.open(exports / "webdataset" / "acme-000000.tar") as tar:
        keys = [name.removesuffix(".json") for name in tar.getnames() if name.endswith(".json")]
        marked = {name.removesuffix(".mask.png") for name in tar.getnames() if name.endswith(".mask.png")}
    assert keys == sorted(row["id"] for row in served.rows(served.vectors, ("id",)))
    kinds = {row["id"]: row["kind"] for row in served.rows("images", ("id", "kind"))}
    assert marked == {key for key in keys if kinds[key] != "photo"}
    assert {kinds[key] for key in keys} == {"view", "variant", "photo"}
    mark = json.loads((exports / "webdataset" / delivery.MARK).read_text())
    assert (mark["run"], mark["pictures"], mark["told"]) == (served.run, len(keys), {"shards": 1})
    before = (exports / "webdataset").stat().st_ino
    onboard(who(webdataset={}))
    assert (exports / "webdataset").stat().st_ino == before
    onboard(who(webdataset={"shard": 2}, coco={}))
    assert len(list((exports / "webdataset").glob("*.tar"))) == -(-len(keys) // 2)
    data = json.loads((exports / "coco" / "annotations.json").read_text())
    assert len(data["annotations"]) == len(keys) - 1
    assert {path.name for path in exports.iterdir()} == {"webdataset", "coco"}


def test_a_variant_has_its_own_silhouette_and_its_views_camera(
    onboard: Run, who: Callable[..., Customer], catalogue: Catalogue
) -> None:
    """Where something hides a share of the part, the mask is what is still seen of it."""
    onboard(who())
    served = catalogue.served()
    active = consignment.parts(served)
    found = {one.id: one for one in consignment.pictures(served, active, consignment.count(served, active))}
    variants = [one for one in found.values() if one.kind == "variant"]
    shares = []
    for one in variants:
        view = found[one.parent]
        assert one.mask is not None
        assert view.mask is not None
        assert not (one.mask & ~view.mask).any()
        assert one.camera == view.camera
        assert one.part.name == active[one.part.number].name
        assert abs(float(np.linalg.norm(one.vector)) - 1) < 1e-4
        shares.append(one.mask.sum() / view.mask.sum())
    assert min(shares) < 0.999


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ("exit", "its process was ended"),
        ("raise", "KeyError: 'colour'"),
        ("leave", "SystemExit: 3"),
        ("memory", "it needs more memory than there is."),
    ],
)
def test_a_sink_that_fails_is_a_note(
    onboard: Run, who: Callable[..., Customer], catalogue: Catalogue, exports: Path, fails: str, said: str
) -> None:
    """What went live stays, the former export stays whole, nothing is left beside it, and it is tried again."""
    onboard(who(fickle={}))
    ids = (exports / "fickle" / "ids").read_text()
    (note,) = onboard(who(fickle={"fails": fails}))["notes"]
    assert note.startswith("The sink fickle wrote nothing, and will be tried again: The sink 'fickle' failed: ")
    assert said in note
    assert catalogue.live()
    assert (exports / "fickle" / "ids").read_text() == ids
    assert [path.name for path in exports.iterdir()] == ["fickle"]


def test_what_lies_on_the_disk_of_a_worker_alone_is_said(
    onboard: Run, who: Callable[..., Customer], tmp_path: Path
) -> None:
    """Tables at an address are everywhere the same, exports are not; said once, of what was written."""
    far = Catalogue(uri=f"file://{tmp_path}/far")
    (note,) = onboard(who(webdataset={}), far)["notes"]
    assert note.startswith(f"What webdataset wrote is on the disk of {platform.node()} alone, in {tmp_path}/home/")
    assert note.endswith("write it yourself with partsight export acme.")
    assert onboard(who(webdataset={}), far)["notes"] == []


def test_sinks_are_checked_before_anything_is_done(
    onboard: Run, who: Callable[..., Customer], catalogue: Catalogue
) -> None:
    """A wrong name, a wrong setting, one that is not allowed: a sentence, and no work."""
    for customer, said in (
        (who(webdatset={}), "no sink 'webdatset'; did you mean 'webdataset'"),
        (who(coco={"outlines": "rle"}), "Sink 'coco' has no setting 'outlines'; did you mean 'outline'"),
        (who((), fickle={}), "'fickle' .* this customer may not use it"),
    ):
        with pytest.raises(SinkError, match=said):
            onboard(customer)
    assert catalogue.tables() == []


def test_no_other_folder_is_replaced(
    onboard: Run, who: Callable[..., Customer], catalogue: Catalogue, tmp_path: Path
) -> None:
    """A folder with anything else in it is left alone; an empty one is taken; a killed exchange is mended."""
    customer = who()
    with pytest.raises(SinkError, match="Nothing of 'acme' is live yet"):
        delivery.export("webdataset", {}, customer, catalogue, tmp_path / "out")
    onboard(customer)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(SinkError, match="holds something else"):
        delivery.export("webdataset", {}, customer, catalogue, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "out").mkdir()
    done = delivery.export("webdataset", {}, customer, catalogue, tmp_path / "out")
    assert done.pictures == len(list(catalogue.served().rows(catalogue.live(), ("id",))))
    (tmp_path / "out").rename(tmp_path / ".out.999999.former")  # what a kill between two steps leaves
    with pytest.raises(SinkError, match="Sink 'webdataset', setting 'shard'"):
        delivery.export("webdataset", {"shard": 0}, customer, catalogue, tmp_path / "out")
    delivery._claim(tmp_path / "out")
    assert (tmp_path / "out" / delivery.MARK).is_file()
