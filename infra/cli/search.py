"""`partsight search`: a picture, words or CAD find the part."""

from __future__ import annotations

import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from infra.cli.output import Answer, Json, WrongCallError, answer, complain
from infra.cli.who import catalogue, here
from infra.cli.who import customer as resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blocks.catalogue import Served
    from blocks.customer import Customer
    from tasks.embed import Embedder
    from tasks.records import Body, Bytes
    from tasks.search import Findings

_Images = Annotated[tuple[Path, ...], Parameter(consume_multiple=True)]


def search(  # noqa: PLR0913 - every one is an option of the command
    customer: str,
    /,
    *,
    image: _Images = (),
    text: str = "",
    cad: Path | None = None,
    each: bool = False,
    matched: Path | None = None,
    top: Annotated[int, Parameter(validator=Number(gte=1, lte=1000), show_default=True)] = 10,
    as_json: Json = False,
) -> int:
    """Find a customer's parts from pictures, words, a CAD file, or several of these together.

    For example:

    ```
    partsight search demo --image photo.jpg --text "bracket 40 mm"
    partsight search demo --image front.jpg --image side.jpg --top 5
    partsight search demo --image inbox/ --each --json
    partsight search demo --image photo.jpg --top 6 --matched sheet.png
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        image: A picture of the part; several are one query.
        text: Words: number, name, description or material.
        cad: A CAD file whose part is looked for.
        each: Every image, or every image of a folder, is a query of its own.
        matched: Picture file to write: the query beside each part that was found, rendered as it lies in the picture.
        top: How many parts to list.
        as_json: Print JSON alone on stdout.
    """
    machine = here()
    who = resolve(customer, machine)
    there = catalogue(who, machine)
    queries = tuple(_queries(image, text, cad, each=each))
    if matched and (each or not (image or cad)):
        raise WrongCallError("--matched shows what one picture found: it wants --image or --cad, and no --each.")
    with answer(as_json) as out:
        engine = _Engine(who, there, text.strip(), top, matched)
        if (image or cad) and not engine.embedder.trained:
            complain(f"the weights of {engine.embedder.name} are random: what it finds by picture is a rough guess.")
        if text.strip() and engine.embedder.trained and not engine.embedder.words:
            told = "the words are looked for in what is said of the parts, and not in the pictures"
            complain(f"the embedder {engine.embedder.name} knows no words: {told}.")
        failed = 0
        for query in queries:
            failed += _ask(engine, query, out, each=each, as_json=as_json)
    return 2 if failed else 0


class _Engine:
    """Model and catalogue, opened once for all queries of a call."""

    def __init__(self, who: Customer, there: Served, text: str, top: int, matched: Path | None = None) -> None:
        from tasks.embed import embedder

        self.who, self.there, self.text, self.top, self.matched = who, there, text, top, matched
        # what is live may be older than the customer's file, when a run with another model was refused
        self.embedder: Embedder = embedder(there.embed or who.recipe.embed, who.plugins, there)

    def find(self, query: _Query) -> Findings:
        from tasks.search import search as ranked

        # the threshold is calibrated for photographs; renders of CAD look more alike than that, whatever they show
        there = self.there.model_copy(update={"threshold": None}) if query.cad else self.there
        pictures = query.pictures(self.who)
        found = ranked(there, self.embedder, pictures, self.text, self.top)
        if self.matched:
            _write(self.matched, there, pictures, found)
        return found


def _write(path: Path, there: Served, pictures: Sequence[Bytes], found: Findings) -> None:
    """Write the sheet of what matched. Raises ValueError with a sentence that names the file when it can't be."""
    from tasks.report.matched import matched

    sheet = matched(there, pictures, found.hits)
    try:
        sheet.save(path)
    except (OSError, ValueError) as error:  # no such folder, or an ending that is no picture's
        raise ValueError(f"{path} can't be written as a picture: {error}") from error


class _Query:
    """One question: pictures that belong together, CAD, or neither (then it is all in the words)."""

    def __init__(self, name: str, images: Sequence[Path], cad: Path | None = None) -> None:
        self.name, self.images, self.cad = name, images, cad

    def pictures(self, who: Customer) -> list[Bytes]:
        """Everything that is to be looked at; raises ValueError with a sentence that names the file."""
        from tasks.photograph import opened

        photographs = [opened(path) for path in self.images]
        return photographs + (views_of(self.cad, who) if self.cad else [])


def _queries(images: Sequence[Path], text: str, cad: Path | None, *, each: bool) -> Iterator[_Query]:
    if not (images or text.strip() or cad):
        raise WrongCallError("Say what to look for: --image FILE, --text WORDS or --cad FILE.")
    for path in (*images, *([cad] if cad else [])):
        if not path.exists():
            raise WrongCallError(f"There is no file {path}.")
        if path.is_dir() and not (each and path != cad):
            raise WrongCallError(f"{path} is a folder: with --each every image in it is a query of its own.")
    if not each:
        yield _Query(" + ".join(map(str, images)), images, cad)
        return
    if cad or not images:
        raise WrongCallError("--each wants --image FILE or FOLDER, and no --cad.")
    for path in chain.from_iterable(map(_pictures_in, images)):
        yield _Query(str(path), (path,))


def _pictures_in(path: Path) -> list[Path]:
    from tasks.photograph import SUFFIXES

    if path.is_file():
        return [path]
    found = sorted(inner for inner in path.rglob("*") if inner.suffix.lower() in SUFFIXES and inner.is_file())
    if not found:
        raise WrongCallError(f"There is no image in the folder {path}.")
    return found


def _ask(engine: _Engine, query: _Query, out: Answer, *, each: bool, as_json: bool) -> int:
    """Answer one query; returns 1 when its files could not be read, else 0."""
    begun = time.perf_counter()
    reason, found = "", None
    try:
        found = engine.find(query)
    except ValueError as error:
        reason = str(error)
        complain(reason)
    seconds = round(time.perf_counter() - begun, 3)
    if as_json and (each or not reason):
        head: dict[str, Any] = {"query": query.name} if each else {}
        tail = {"error": reason} if reason else {}
        out.json(head | _told(found) | {"seconds": seconds} | tail)
    elif found:
        _show(out, query.name if each else "", found, seconds)
    return int(bool(reason))


def _told(found: Findings | None) -> dict[str, Any]:
    """What JSON says of an answer; of none when its question could not be read."""
    return {
        "results": [hit.model_dump(mode="json") for hit in found.hits] if found else [],
        "in_catalogue": found.in_catalogue if found else None,
        "threshold": found.threshold if found else None,
    }


def _show(out: Answer, name: str, found: Findings, seconds: float) -> None:
    if name:
        out.line(name, style="bold")
    if not found.hits:
        out.line("Nothing in the catalogue is like that.")
        return
    if found.in_catalogue is False:
        why = f"by its picture the best match scores {found.likeness:.2f}, below {found.threshold:.2f}"
        out.line(f"Not in the catalogue: {why}.", style="yellow")
    out.table(
        ("rank", "part", "name", "score", "matched"),
        ((hit.rank, hit.part, hit.name, f"{hit.score:.3f}", hit.source) for hit in found.hits),
        right=("rank", "score"),
        dim=[hit.below for hit in found.hits],
    )
    out.line(f"{len(found.hits)} parts in {seconds:.2f} s", style="dim")


def views_of(cad: Path, who: Customer) -> list[Bytes]:
    """Picture the part in the file `cad`, seen from all sides as the catalogue's own parts are.

    Of several bodies the largest counts. Raises ValueError with the reason when the file can't be read.
    """
    from tasks.augment import flatten
    from tasks.ingest import Found, read
    from tasks.records import Part
    from tasks.render import Studio

    found = Found(name=cad.name, digest="", kind="cad", path=cad, size=cad.stat().st_size)
    reading = read(found, who.quotas, plugins=who.plugins)
    if reading.reason:
        raise ValueError(f"{cad}: {reading.reason}")
    body = max(reading.bodies, key=_extent)
    if len(reading.bodies) > 1:
        complain(f"{cad} holds more than one part: looking for the largest, '{body.name or cad.stem}'.")
    part = Part(number=body.name or cad.stem, name=body.name, material=body.material, colour=body.colour)
    render = who.recipe.render
    views = Studio(render.size).views(body.vertices, body.faces, part, render, "query")
    return [flatten(view).image for _, view in views]


def _extent(body: Body) -> float:
    return float((body.vertices.max(axis=0) - body.vertices.min(axis=0)).prod())
