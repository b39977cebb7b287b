"""What is live, handed to a sink: in a process of its own, a batch of pictures at a time, and whole or not at all.

A sink writes into an empty folder beside its own; when it is done, that takes the place of the former export. A file in
it says what it holds, so a run that changed nothing writes nothing again, and no other folder is ever replaced.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from blocks.catalogue import Catalogue, Served
from blocks.customer import Customer
from tasks import sinks
from tasks.plugins import configured
from tasks.records import Record
from tasks.sinks import SINKS, Destination, SinkError
from tasks.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MARK: Final = "partsight-export.json"  # the file that says what a folder holds
PLACES: Final = frozenset({"folder", "path", "url", "uri", "bucket"})  # settings of a sink that writes elsewhere


class Consignment(Record):
    """What a sink is to write, and where. Goes to the process that does it."""

    sink: str
    settings: dict[str, Any]
    customer: Customer
    there: Served
    folder: Path


class Delivery(Record):
    """What a sink has written: how many pictures, where, and what it says of them."""

    sink: str
    folder: Path
    run: str
    pictures: int = 0
    told: dict[str, Any] = Field({}, description="What the sink says of them.")
    failure: str = ""


def check(customer: Customer) -> None:
    """Raise SinkError with a sentence when a sink in the customer's file cannot be used."""
    for name, settings in customer.sinks.items():
        configured(SINKS, sinks.sink(name, customer.plugins), settings)


def delivered(customer: Customer, catalogue: Catalogue, home: Path) -> tuple[str, ...]:
    """Write what is live to the customer's sinks, where it is not there yet; returns what to know of it."""
    notes, far = [], []
    for name, settings in customer.sinks.items():
        folder = home / "customers" / customer.slug / "exports" / name
        try:
            if _written(folder) != _wanted(name, settings, customer, catalogue.served()):
                export(name, settings, customer, catalogue, folder)
                far += [name] if "://" in catalogue.uri and not PLACES & settings.keys() else []
        except (ValueError, OSError, RuntimeError) as error:
            notes.append(f"The sink {name} wrote nothing, and will be tried again: {error}")
    if far:
        where = f"on the disk of {platform.node()} alone, in {folder.parent}, not where the tables are"
        mend = f"where that disk does not last, write it yourself with partsight export {customer.slug}."
        notes.append(f"What {' and '.join(far)} wrote is {where}: {mend}")
    return tuple(notes)


def export(name: str, settings: Mapping[str, Any], customer: Customer, catalogue: Catalogue, folder: Path) -> Delivery:
    """Write what is live to a sink, into `folder`, which an earlier export may have made.

    Raises SinkError with a sentence when the sink cannot be used, fails, crashes or takes too long, and when the folder
    holds other things: then all that was there is as before.
    """
    configured(SINKS, sinks.sink(name, customer.plugins), settings)
    folder = folder.expanduser().absolute()
    _claim(folder)
    there = catalogue.served()
    if not there.vectors:
        raise SinkError(f"Nothing of '{customer.slug}' is live yet: onboard the customer first.")
    order = Consignment(sink=name, settings=dict(settings), customer=customer, there=there, folder=folder)
    limit = customer.quotas.sink_seconds
    try:
        with Workshop(1, write, _lost, seconds=limit, name="sink_seconds") as workshop:
            (done,) = workshop.make([order])
    except MemoryError as error:
        raise SinkError(f"The sink {name!r} failed: it needs more memory than there is.") from error
    finally:
        _sweep(folder)
    if done.failure:
        raise SinkError(done.failure)
    return done  # type: ignore[no-any-return] # what `write` or `_lost` gave


def write(order: Consignment) -> Delivery:
    """The sink's own process: call it with the pictures, then put what it wrote in its place."""
    from tasks.consignment import count, parts, pictures

    found = sinks.sink(order.sink, order.customer.plugins)
    plug = configured(SINKS, found, order.settings)
    there, embed = order.there, order.there.embed or order.customer.recipe.embed
    active = parts(there)
    ids = count(there, active)
    dimension = there.table(there.vectors).schema.field("vector").type.list_size
    with _aside(order.folder) as folder:
        to = Destination(
            customer=order.customer.slug,
            name=order.customer.name,
            run=there.run,
            model=embed.model,
            dimension=dimension,
            count=len(ids),
            parts=tuple(active[number] for number in sorted(active)),
            folder=folder,
        )
        told = _called(order.sink, plug, pictures(there, active, ids), to)
        wanted = _wanted(order.sink, order.settings, order.customer, there)
        mark = json.dumps(wanted | {"pictures": len(ids), "told": told}, indent=1, sort_keys=True)
        (folder / MARK).write_text(mark + "\n", encoding="utf-8")
    return Delivery(sink=order.sink, folder=order.folder, run=there.run, pictures=len(ids), told=told)


def _called(name: str, plug: Any, pictures: Iterator[Any], to: Destination) -> dict[str, Any]:
    """What the sink says it did; whatever it raises becomes a SinkError with its name."""
    try:
        told = plug(pictures, to)
        return dict(json.loads(json.dumps(told or {})))
    except (SinkError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise SinkError(f"The sink {name!r} failed: {type(error).__name__}: {error}") from error


def _lost(order: Consignment, reason: str) -> Delivery:
    failure = f"The sink {order.sink!r} failed: {reason}"
    return Delivery(sink=order.sink, folder=order.folder, run=order.there.run, failure=failure)


def _wanted(name: str, settings: Mapping[str, Any], customer: Customer, there: Served) -> dict[str, Any]:
    """What an export of what is live would be called by: equal means that it is there already."""
    found = sinks.sink(name, customer.plugins)
    said = configured(SINKS, found, settings).model_dump(mode="json")
    return {"customer": customer.slug, "run": there.run, "sink": name, "release": found.release, "settings": said}


def _written(folder: Path) -> dict[str, Any]:
    """What the export in a folder is called by; nothing where there is none."""
    try:
        told = dict(json.loads((folder / MARK).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
    return {key: told.get(key) for key in ("customer", "run", "sink", "release", "settings")}


def _claim(folder: Path) -> None:
    """Raise SinkError when a folder holds what no export wrote; bring back the former export of one that was killed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        former = sorted(folder.parent.glob(f".{folder.name}.*.former"))
        if former:
            former[-1].rename(folder)
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).is_file()):
        raise SinkError(
            f"{folder} holds something else, and an export would take its place: give a folder that is empty, new, or "
            f"from an earlier export (it has a file {MARK})."
        )


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """An empty folder that takes the place of `folder` at the end of the block, if that goes well."""
    aside, former = (folder.with_name(f".{folder.name}.{os.getpid()}.{kind}") for kind in ("part", "former"))
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield aside
        if folder.exists():
            folder.rename(former)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(former, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what exports left aside whose process is no more."""
    if not folder.exists():
        return
    for kind in ("part", "former"):
        for left in folder.parent.glob(f".{folder.name}.*.{kind}"):
            number = left.name.split(".")[-2]
            if number.isdigit() and not _alive(int(number)):
                shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
