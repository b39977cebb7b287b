"""Each fault that is planted in a real catalogue is found and mended, and searches then find what they found before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
import trimesh
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Recipe, Release, Render
from blocks.source import Source
from tasks import codec, publish, variants
from tasks.audit.finding import Finding
from tasks.audit.work import Audit
from tasks.embed import embedder
from tasks.job import opened
from tasks.records import content_id
from tasks.reviews import decide
from tasks.search import search
from tasks.tuning.shelf import Card, put

RECIPE = Recipe(render=Render(views=3, size=64), stages=("background",), templates=8)
ACME = Customer(slug="acme", recipe=RECIPE, release=Release(queries=0))
Row = dict[str, Any]


class Made(NamedTuple):
    """A catalogue that went live, the folder that it was made of, and what searches answer."""

    catalogue: Catalogue
    cad: Path
    answers: list[Any]


def onboarded(catalogue: Catalogue, cad: Path, home: Path) -> None:
    """Run the steps of an onboarding."""
    with opened(ACME, catalogue, Source(location=str(cad)), None, home, 1) as job:
        if job.nothing_to_do():
            return
        for files in job.file_batches():
            job.read(files)
        job.find_parts()
        for parts in job.part_batches():
            job.make(parts)
        for shapes in job.shape_batches():
            job.casting.make(shapes)
        job.finish()


def answers(catalogue: Catalogue) -> list[Any]:
    """What searches answer, to four digits, asked with every picture that is live."""
    model = embedder(RECIPE.embed)
    rows = catalogue.served().rows("images", ("id", "image"), col("kind") == lit("view"))
    asked = sorted(rows, key=lambda row: str(row["id"]))[:3]
    found = [search(catalogue, model, [codec.decode(row["image"])], "", 3) for row in asked]
    return [[(hit.part, round(hit.score, 4)) for hit in one.hits] for one in found]


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A catalogue of two rings and a block, with two variants that a person rejected; made once."""
    folder = tmp_path_factory.mktemp("audited")
    cad = folder / "cad"
    cad.mkdir()
    for inner in (3, 5):
        trimesh.creation.annulus(inner, 10, 2).export(cad / f"washer-{inner}.stl")
    trimesh.creation.box((30, 20, 10)).export(cad / "block.ply")
    (cad / "parts.csv").write_text("number,name,material\nwasher-3,Washer small,brass\nblock,Spacer,POM\n")
    catalogue = Catalogue(uri=str(folder / "db"))
    onboarded(catalogue, cad, folder / "home")
    names = sorted(row["id"] for row in catalogue.rows("images", ("id",), col("kind") == lit("variant")))
    decide(catalogue, embedder(RECIPE.embed), names[:2], accepted=False)
    return Made(catalogue, cad, answers(catalogue))


@pytest.fixture
def copy(master: Made, tmp_path: Path) -> Catalogue:
    """A catalogue of one's own to damage."""
    shutil.copytree(master.catalogue.uri, tmp_path / "db")
    return Catalogue(uri=str(tmp_path / "db"))


@pytest.fixture
def look() -> Iterator[Callable[[Catalogue], Audit]]:
    """Audits that end their processes."""
    begun: list[Audit] = []

    def started(catalogue: Catalogue) -> Audit:
        begun.append(Audit(ACME, catalogue))
        begun[-1].look()
        return begun[-1]

    yield started
    for audit in begun:
        audit.close()


def whole(catalogue: Catalogue, table: str, where: Any = None) -> list[Row]:
    """Rows with all their columns, in the order of their keys."""
    columns = catalogue.table(table).schema.names
    return sorted(catalogue.rows(table, columns, where), key=lambda row: str(next(iter(row.values()))))


class Planter:
    """Damages a catalogue, one fault of each sort; `due` is what an audit must find: table, kind and key."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue, self.vectors = catalogue, catalogue.live()
        self.due: set[tuple[str, str, str]] = set()
        self.views = whole(catalogue, "images", (col("kind") == lit("view")) & (col("part") == lit("block")))
        self.variants = whole(
            catalogue, "images", (col("kind") == lit("variant")) & (col("accepted") == lit(value=True))
        )
        self.rejected = whole(catalogue, "images", col("accepted") == lit(value=False))
        self.dimension = int(catalogue.table(self.vectors).schema.field("vector").type.list_size)

    def finds(self, table: str, kind: str, key: str) -> None:
        """Say what must be found."""
        self.due.add((table, kind, key))

    def vector(self, name: str) -> Row:
        """The row of a vector."""
        return whole(self.catalogue, self.vectors, col("id") == lit(name))[0]

    def rows(self) -> None:
        """Rows that are there twice, or belong to nothing."""
        put_in, view, variant = self.catalogue.upsert, self.views[0], self.variants[0]
        self.catalogue.table("images").add([view])
        self.finds("images", "duplicate", view["id"])
        self.catalogue.table("parts").add(whole(self.catalogue, "parts", col("part") == lit("block")))
        self.finds("parts", "duplicate", "block")
        put_in("images", [variant | {"id": content_id("stray"), "kind": "photo", "part": "ghost"}])
        self.finds("images", "orphan", content_id("stray"))
        nobody = variants.name("nobody", variant["recipe"], 0)
        put_in("images", [variant | {"id": nobody, "parent": "nobody", "seed": "nobody:0", "accepted": False}])
        self.finds("images", "orphan", nobody)
        put_in("images", [variant | {"id": "misnamed", "accepted": False}])
        self.finds("images", "id", "misnamed")
        put_in(self.vectors, [self.vector(view["id"]) | {"id": "lonely"}], dimension=self.dimension)
        self.finds(self.vectors, "orphan", "lonely")
        put_in("queries", [{"id": "asked", "part": "ghost", "image": variant["image"]}])
        self.finds("queries", "orphan", "asked")
        put_in("files", [whole(self.catalogue, "files")[0] | {"id": "misnamed"}])
        self.finds("files", "id", "misnamed")
        shape = whole(self.catalogue, "shapes")[0]
        put_in("shapes", [shape | {"geometry": "unused", "same_as": "unused"}])
        self.finds("shapes", "orphan", "unused")
        put_in("templates", [whole(self.catalogue, "templates")[0] | {"geometry": "unused"}])
        self.finds("templates", "orphan", "unused")
        put_in("orders", [{"part": "block", "record": "{}", "recipe": "", "run": "20200101-000000-000000"}])
        self.finds("orders", "orphan", "block")

    def numbers(self) -> None:
        """Vectors that are missing, too many, or wrong."""
        gone, stale, long, endless = (row["id"] for row in self.variants[1:5])
        kept = {name: self.vector(name) for name in (stale, long, endless, self.views[1]["id"])}
        self.catalogue.delete(self.vectors, col("id") == lit(gone))
        self.finds(self.vectors, "missing", gone)
        stretched = [number * 3 for number in kept[long]["vector"]]
        infinite = [float("inf"), *kept[endless]["vector"][1:]]
        changed = [
            kept[stale] | {"material": "lead"},
            kept[long] | {"vector": stretched},
            kept[endless] | {"vector": infinite},
            kept[self.views[1]["id"]] | {"id": self.rejected[0]["id"], "kind": "variant"},
        ]
        self.catalogue.upsert(self.vectors, changed, dimension=self.dimension)
        self.finds(self.vectors, "stale", stale)
        self.finds(self.vectors, "vector", long)
        self.finds(self.vectors, "vector", endless)
        self.finds(self.vectors, "rejected", self.rejected[0]["id"])
        self.set("images", self.rejected[1]["id"], accepted=True)
        self.finds("images", "rejected", self.rejected[1]["id"])
        self.finds(self.vectors, "missing", self.rejected[1]["id"])
        self.catalogue.upsert("parts", [whole(self.catalogue, "parts")[0] | {"part": "old", "status": "retired"}])
        picture = self.variants[5] | {"id": content_id("old"), "part": "old", "kind": "photo"}
        self.catalogue.upsert("images", [picture])
        row = kept[long] | {"id": picture["id"], "part": "old"}
        self.catalogue.upsert(self.vectors, [row], dimension=self.dimension)
        self.finds(self.vectors, "stale", picture["id"])

    def set(self, table: str, name: str, **values: Any) -> None:
        """Write into the columns of a row."""
        column = "geometry" if table in {"shapes", "templates"} else "id"
        self.catalogue.table(table).update(where=col(column) == lit(name), values=values)

    def bytes(self) -> None:
        """Pictures, meshes, templates and weights that are damaged, and a view that is missing."""
        view, blind, missing = self.views
        self.set("images", view["id"], image=view["image"][: len(view["image"]) // 2])
        self.finds("images", "unreadable", view["id"])
        self.set("images", blind["id"], depth=b"no picture")
        self.finds("images", "unreadable", blind["id"])
        self.catalogue.delete("images", col("id") == lit(missing["id"]))
        self.finds("images", "missing", missing["id"])
        spoilt = next(row for row in self.variants if row["part"] == "washer-5")
        self.set("images", spoilt["id"], image=spoilt["image"][:300])
        self.finds("images", "unreadable", spoilt["id"])
        self.catalogue.upsert("queries", [{"id": "torn", "part": "block", "image": b"torn"}])
        self.finds("queries", "unreadable", "torn")
        first, second, *_ = whole(self.catalogue, "shapes", col("geometry") != lit("unused"))
        self.set("shapes", first["geometry"], mesh=first["mesh"][:-9])
        self.finds("shapes", "unreadable", first["geometry"])
        self.set("shapes", second["geometry"], mesh=first["mesh"][:20] + bytes(len(first["mesh"]) - 20))
        self.finds("shapes", "unreadable", second["geometry"])
        torn, gone, *_ = whole(self.catalogue, "templates", col("geometry") != lit("unused"))
        self.set("templates", torn["geometry"], plates=torn["plates"][:-1])
        self.finds("templates", "unreadable", torn["geometry"])
        self.catalogue.delete("templates", col("geometry") == lit(gone["geometry"]))
        self.finds("templates", "missing", gone["geometry"])
        digest = put(self.catalogue, Card(digest="", customer="acme", base="x", base_digest="x"), b"weights")
        self.catalogue.table("models").update(where=col("digest") == lit(digest), values={"tensors": b"others"})
        self.finds("models", "unreadable", digest)


def found(audit: Audit) -> set[tuple[str, str, str]]:
    """Table, kind and key of what an audit found."""
    return {(one.table, one.kind, one.key) for one in audit.found}


def test_a_catalogue_as_it_should_be_has_no_findings(master: Made, look: Callable[[Catalogue], Audit]) -> None:
    """Also after a person rejected pictures, which leaves no vectors of them."""
    audit = look(master.catalogue)
    assert audit.found == ()
    assert audit.summary()["clean"]


def test_rows_and_numbers_are_mended_from_the_tables_alone(
    copy: Catalogue, master: Made, look: Callable[[Catalogue], Audit]
) -> None:
    """Each fault is found by its key; the repair leaves none, and searches find what they found before the damage."""
    planter = Planter(copy)
    planter.numbers()
    planter.rows()
    publish.stay_live(copy)
    audit = look(copy)
    assert found(audit) == planter.due
    assert all(one.remedy for one in audit.found)
    assert audit.repair() == ()
    told = audit.summary()
    assert (told["clean"], told["switched"], told["waiting"]) == (True, True, {"parts": 0, "files": 0})
    assert answers(copy) == master.answers
    rows = {name: copy.table(name).count_rows() for name in ("images", "files", "shapes", "templates")}
    before = {name: master.catalogue.table(name).count_rows() for name in rows}
    assert rows == before | {"images": before["images"] + 1}  # the retired part keeps its picture


def test_what_needs_the_cad_is_marked_for_the_next_onboarding(
    copy: Catalogue, master: Made, look: Callable[[Catalogue], Audit], tmp_path: Path
) -> None:
    """Damaged bytes are found and go; their parts and files are marked, and only what is whole again goes live."""
    planter = Planter(copy)
    planter.bytes()
    publish.stay_live(copy)
    live = copy.served()
    audit = look(copy)
    assert planter.due <= found(audit)
    others = {kind for _, kind, _ in found(audit) - planter.due}
    assert others <= {"orphan"}  # the vector of the picture that is missing, and its variants
    left = audit.repair()
    assert {one.remedy for one in left} == {"later"}
    told = audit.summary()
    assert (told["waiting"], told["switched"]) == ({"parts": 2, "files": 2}, False)
    assert copy.served() == live  # searches lose nothing until an onboarding has made it again
    onboarded(copy, master.cad, tmp_path / "home")
    assert answers(copy) == master.answers


@pytest.mark.parametrize("how", ["gone", "cut", "zeros"])
def test_a_lost_data_file_costs_its_rows_and_no_others(
    how: str, copy: Catalogue, master: Made, look: Callable[[Catalogue], Audit], tmp_path: Path
) -> None:
    """The table is read around it; the rows that were in it go, and an onboarding makes them again."""
    data = Path(copy.uri, "images.lance", "data")
    there = set(data.iterdir())
    some = whole(copy, "images", col("kind") == lit("view"))[:2]
    copy.upsert("images", some)
    publish.stay_live(copy)
    (file,) = set(data.iterdir()) - there
    if how == "gone":
        file.unlink()
    else:
        whole_file = file.read_bytes()
        half = len(whole_file) // 2
        file.write_bytes(whole_file[:half] + (bytes(len(whole_file) - half) if how == "zeros" else b""))
    moved = Catalogue(
        uri=str(Path(copy.uri).rename(tmp_path / "moved"))
    )  # what this process remembers of it is of no use
    audit = look(moved)
    (lost,) = (one for one in audit.found if one.kind == "lost")
    assert (lost.table, len(lost.rows)) == ("images", 2)
    missing = {one.key for one in audit.found if (one.table, one.kind) == ("images", "missing")}
    assert missing == {row["id"] for row in some}
    assert audit.repair() == ()
    if how == "gone":
        onboarded(moved, master.cad, tmp_path / "home")
        assert answers(moved) == master.answers
        assert look(moved).found == ()


def test_a_repair_that_is_stopped_changes_nothing_for_searches_and_is_gone_on_with(
    copy: Catalogue, master: Made, look: Callable[[Catalogue], Audit], tmp_path: Path
) -> None:
    """Stopped between its commits, searches read what they did; an onboarding makes all again, by the same ids."""
    planter = Planter(copy)
    planter.bytes()
    publish.stay_live(copy)
    live = copy.served()
    for most in (0, 1, 2, 1):
        audit = look(Stopping(uri=copy.uri))
        Stopping.left = most
        with pytest.raises(KeyboardInterrupt):
            audit.repair()
        assert copy.served() == live
    Stopping.left = 1_000
    look(copy).repair()
    onboarded(copy, master.cad, tmp_path / "home")
    assert look(copy).found == ()
    assert answers(copy) == master.answers
    for name in ("images", "shapes", "templates", "files", "parts"):
        columns = copy.table(name).schema.names[:1]
        keys = [sorted(str(row[columns[0]]) for row in one.rows(name, columns)) for one in (copy, master.catalogue)]
        assert keys[0] == keys[1], name


class Stopping(Catalogue):
    """A catalogue whose process is interrupted after so many commits."""

    left: ClassVar[int] = 1_000

    def _writable(self, name: str, dimension: int = 0) -> Any:
        cls = type(self)
        if cls.left == 0:
            raise KeyboardInterrupt
        cls.left -= 1
        return super()._writable(name, dimension)


def test_versions_that_are_gone_and_vectors_of_another_length_are_named(
    copy: Catalogue, look: Callable[[Catalogue], Audit]
) -> None:
    """A live row that names what is not there cannot be mended by itself; vectors are made again."""
    vectors = copy.live()
    copy.empty(vectors, 8)
    copy.upsert(vectors, [{"id": "x", "part": "block", "vector": [1.0, *[0.0] * 7]}], dimension=8)
    publish.stay_live(copy)
    audit = look(copy)
    assert (vectors, "vector", "") in found(audit)
    assert audit.repair() == ()
    assert len(copy.served().rows(vectors, ("id",))) == copy.table(vectors).count_rows() > 8
    (row,) = whole(copy, "runs", col("run") == lit(copy.served().run))
    copy.upsert("runs", [row | {"versions": json.dumps(json.loads(row["versions"]) | {"parts": 999})}])
    assert ("parts", "missing", "version 999") in found(look(copy))


def test_every_kind_and_every_remedy_has_words() -> None:
    """What people read is a sentence for each."""
    told = Finding(table="images", kind="orphan", key="x", what="A sentence").told()
    assert told == {
        "table": "images",
        "kind": "orphan",
        "key": "x",
        "what": "A sentence",
        "repair": "cannot be mended from the tables alone",
    }


def test_the_flow_says_what_came_of_it(copy: Catalogue) -> None:
    """A sentence for a person, after a repair too."""
    from flows.audit import audited, sentence

    copy.table("images").add(whole(copy, "images")[:1])
    publish.stay_live(copy)
    assert "1 findings" in sentence(audited(ACME, copy, repair=False))
    assert "are as they should be, 1 were mended" in sentence(audited(ACME, copy, repair=True))
