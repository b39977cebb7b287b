"""Who has the identity of one customer reaches nothing of another: no command, no flow, no table, no file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from prefect import Flow
from pydantic import ValidationError

import flows
from blocks.collection import CatalogueBlock, CustomerBlock
from blocks.customer import Customer
from blocks.storage import Storage
from blocks.tables import KEYS, VECTORS
from infra.cli import app
from infra.cli.images import folder_names
from infra.settings import Settings

THEIR_WORD = "Geheimnis-der-zweiten"

# a command -> its words with the name of the one customer and what belongs to the other ({image}, {out}, {photos} and
# {theirs} are filled in), its exit code, and what it says. Who adds a command adds a row here, or a test fails.
ATTEMPTS: dict[str, dict[str, tuple[int, str]]] = {
    "onboard": {"onboard acme --json": (0, '"released": true')},
    "search": {
        "search acme --text Geheimnis --json": (0, '"part": "washer"'),
        "search acme --text only-theirs --json": (0, '"part": "washer"'),
    },
    "evaluate": {"evaluate acme --photos {photos} --json": (1, "'only-theirs' is no part of this catalogue")},
    "adapt": {"adapt acme --dry-run --json": (1, "two are the least that can be told apart")},
    "reembed": {"reembed acme --model partsight-small --weights {theirs} --json": (1, "is not loaded")},
    "review": {
        "review acme --accept {image}": (1, "There is no picture"),
        "review acme --part only-theirs --out {out}/review.html": (0, "0 variants"),
    },
    "finetune": {"finetune acme --photos {photos} --json": (1, "Nothing of this customer is rendered yet")},
    "parts": {"parts acme --json": (0, '"part": "washer"')},
    "images": {
        "images acme --out {out}/all --json": (0, '"parts": 1'),
        "images acme --part only-theirs --out {out}/one": (2, "There is no part 'only-theirs'"),
    },
    "export": {"export acme --to webdataset --out {out}/tar --json": (0, '"pictures": 2')},
    "forget": {
        "forget acme --part only-theirs --yes --json": (1, "There is no part 'only-theirs'"),
        "forget acme --retention --json": (0, '"parts": 0'),
    },
    "audit": {"audit acme --json": (0, '"clean": true'), "audit acme --repair --json": (0, '"clean": true')},
}
NOBODYS = {  # commands that are about no one customer, and what they read
    "deploy": "customers' files, which the operator has all of; one block each (tests/infra/test_deploy_wanted.py)",
    "up": "starts server and workers for all",
    "stages": "what is installed",
    "doctor": "this machine",
    "customer": "writes and lists customers' files, which the operator has all of",
    "plugin": "what is installed",
}


def commands() -> set[str]:
    """Every command there is."""
    names = {name for names in app for name in (names if isinstance(names, tuple) else (names,))}
    return {name for name in names if not name.startswith("-")}


def test_every_command_has_a_row() -> None:
    """A new command is tried too, or says why it need not be."""
    assert commands() == set(ATTEMPTS) | set(NOBODYS)


@pytest.mark.parametrize("words", [words for rows in ATTEMPTS.values() for words in rows])
def test_no_command_reaches_another_customer(two: Any, partsight: Any, tmp_path: Path, words: str) -> None:
    """Whatever of theirs it is given: it does its work or says why not; nothing of theirs is said, written, changed."""
    wanted, told = next(rows[words] for rows in ATTEMPTS.values() if words in rows)
    before = two.state()
    photos = tmp_path / "photos"
    (photos / "only-theirs").mkdir(parents=True)
    (photos / "only-theirs" / "1.jpg").write_bytes(b"no picture")
    filled = words.format(image=two.image(), out=tmp_path / "out", photos=photos, theirs=two.theirs.uri)
    code, said = partsight(*filled.split())
    assert (code, told in said) == (wanted, True), said
    handed = set(filled.split())
    assert THEIR_WORD not in said
    assert [one for one in two.handles() - handed if one in said] == []
    assert two.state() == before
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert [path for path in written if THEIR_WORD.encode() in path.read_bytes() or "only-theirs" in path.name] == []


@pytest.mark.parametrize("words", ["review acme --accept {image}", "images acme --part only-theirs --out {out}"])
def test_what_is_theirs_is_not_there(two: Any, partsight: Any, tmp_path: Path, words: str) -> None:
    """A part or a picture of another customer is one that does not exist."""
    code, said = partsight(*words.format(image=two.image(), out=tmp_path / "out").split())
    assert code != 0
    assert said.strip()


def test_a_file_under_another_name_is_refused(two: Any, partsight: Any) -> None:
    """Their slug asks for their file; a file in their place that names somebody else is not taken."""
    remembered = two.machine.folder("acme-2") / "customer.yaml"
    kept = remembered.read_text()
    try:
        remembered.write_text(kept.replace("slug: acme-2", "slug: acme"))
        code, said = partsight("parts", "acme-2")
    finally:
        remembered.write_text(kept)
    assert code == 2
    assert "describes 'acme', not 'acme-2'" in said


def test_equal_files_have_other_ids(two: Any) -> None:
    """No key of one customer's tables is one of the other's, but for part numbers, which are names."""
    for table in sorted(set(two.mine.tables()) & set(two.theirs.tables())):
        column = "id" if table.startswith(VECTORS) else KEYS[table]
        if table == "parts":
            continue
        mine, theirs = ({row[column] for row in one.rows(table, (column,))} for one in (two.mine, two.theirs))
        assert mine, table
        assert mine & theirs == set(), table
    geometry = [{row["geometry"] for row in one.rows("parts", ("geometry",))} for one in (two.mine, two.theirs)]
    assert geometry[0] & geometry[1] == set()


def all_flows() -> Iterator[Flow]:
    """Every flow there is."""
    for module in pkgutil.iter_modules(flows.__path__):
        for value in vars(importlib.import_module(f"flows.{module.name}")).values():
            if isinstance(value, Flow) and value.fn.__module__ == f"flows.{module.name}":
                yield value


THEIRS = [one for one in all_flows() if "customer" in inspect.signature(one.fn).parameters]


def test_every_flow_knows_whose_it_is() -> None:
    """But for those that make what ships, from parts that the project made."""
    others = {one.name for one in all_flows()} - {one.name for one in THEIRS}
    assert {name for name in others if not name.startswith("train")} == set()
    assert len(THEIRS) >= 11


@pytest.mark.parametrize("flow", THEIRS, ids=lambda flow: flow.name)
def test_no_flow_works_for_another_customer(two: Any, monkeypatch: pytest.MonkeyPatch, flow: Any) -> None:
    """The block of one customer in the deployment of the other is refused before a table is opened."""
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__NAME", "acme-2")
    before = two.state()
    block = CustomerBlock(settings=Customer(slug="acme"), catalogue=CatalogueBlock(uri=two.theirs.uri))
    with pytest.raises(ValueError, match="This is the deployment of acme-2: start that of acme for acme"):
        flow.fn(block)
    assert two.state() == before


@pytest.mark.parametrize("flow", THEIRS, ids=lambda flow: flow.name)
@pytest.mark.parametrize("deployed", [False, True])
def test_no_flow_works_in_tables_of_another_customer(
    two: Any, monkeypatch: pytest.MonkeyPatch, flow: Any, deployed: bool
) -> None:
    """One's own block with the other's catalogue in it is refused: the tables say whose they are."""
    if deployed:
        monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "00000000-0000-0000-0000-000000000001")
        monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__NAME", "acme")
    before = two.state()
    block = CustomerBlock(settings=Customer(slug="acme"), catalogue=CatalogueBlock(uri=two.theirs.uri))
    with pytest.raises(ValueError, match="is that of acme-2: nothing is done there for acme"):
        flow.fn(block)
    assert two.state() == before


@settings(deadline=None, max_examples=60)
@given(some.text(max_size=70))
@example("..")
@example("../acme")
@example("acme/../beta")
@example("/etc")
@example("acme\n")
@example("ACME")
@example("s3://x")
def test_no_slug_leads_out_of_its_folder(slug: str) -> None:
    """It is refused, or names one folder of its own; beside it, nobody else's."""
    machine = Settings(home=Path("/home-of-all"), catalogues="s3://bucket/all/")
    try:
        who = Customer(slug=slug)
    except ValidationError:
        return
    assert machine.folder(who.slug).parent == Path("/home-of-all/customers")
    assert machine.folder(who.slug).resolve() == machine.folder(who.slug)
    assert machine.uri(who.slug) == f"s3://bucket/all/{who.slug}"
    assert "/" not in who.slug
    assert who.slug.isprintable()


@settings(deadline=None, max_examples=60)
@given(some.lists(some.text(min_size=1, max_size=80), min_size=1, max_size=6, unique=True))
@example(["..", ".", "/etc/passwd", "a/../../b", "\\\\host\\x", "nul\0", "CON", "a" * 80, "A", "a"])
def test_no_part_number_leads_out_of_its_folder(numbers: list[str]) -> None:
    """Each number becomes one step of a path, and no two the same, also where letters' case does not count."""
    names = folder_names(numbers)
    assert len({name.casefold() for name in names.values()}) == len(numbers)
    for name in names.values():
        assert Path(name).name == name
        assert name not in {"", ".", ".."}
        assert "\0" not in name


def test_a_prefix_that_begins_alike_is_another_one(tmp_path: Path) -> None:
    """What lies below `acme` is listed, and removed, without what lies below `acme-2`; in a bucket too."""
    import fsspec

    memory = fsspec.filesystem("memory")
    for name in ("acme/t/1", "acme-2/t/1", "acme2", "acme.yaml"):
        memory.pipe(f"/{tmp_path.name}/{name}", b"x")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert {name.lstrip("/") for name in Storage(root=f"memory://{tmp_path.name}/acme").sizes()} == {"t/1"}
    folder = Storage(root=str(tmp_path / "acme"))
    assert set(folder.sizes()) == {"t/1"}
    assert folder.clear() == 1
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"acme-2/t/1", "acme2", "acme.yaml"}
