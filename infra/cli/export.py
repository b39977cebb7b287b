"""`partsight export`: what is live of a catalogue, written for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from infra.cli.output import Json, WrongCallError, answer, complain
from infra.cli.who import catalogue, here
from infra.cli.who import customer as resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

_Settings = Annotated[tuple[str, ...], Parameter(name="--set", negative="")]


def export(
    customer: str,
    /,
    *,
    to: str,
    out: Path,
    settings: _Settings = (),
    as_json: Json = False,
) -> int:
    """Write the accepted pictures that are live, with their vectors, to a sink such as webdataset or coco.

    For example:

    ```
    partsight export demo --to webdataset --out demo-shards --set shard=500
    partsight export demo --to coco --out demo-coco --json
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        to: Name of the sink; `partsight plugin list` names those that are installed.
        out: Folder to write to: a new one, an empty one, or of an earlier export, whose place it takes at the end.
        settings: A setting of the sink, as key=value; several may be given.
        as_json: Print JSON alone on stdout.
    """
    from tasks import sinks
    from tasks.delivery import export as delivery
    from tasks.plugins import PluginError, configured

    machine = here()
    who = resolve(customer, machine)
    there = catalogue(who, machine)
    given = who.sinks.get(to, {}) | parsed(settings)
    try:
        configured(sinks.SINKS, sinks.sink(to, who.plugins), given)
    except PluginError as error:
        raise WrongCallError(str(error)) from error
    with answer(as_json) as say:
        try:
            done = delivery(to, given, who, there, out)
        except (ValueError, OSError, RuntimeError) as error:
            complain(str(error))
            return 1
        if as_json:
            told = {"sink": done.sink, "out": str(done.folder), "run": done.run, "pictures": done.pictures}
            say.json(told | {"told": done.told})
        else:
            more = "".join(f", {name} {value}" for name, value in done.told.items())
            say.line(f"{done.pictures} pictures of run {done.run} are in {done.folder}{more}")
    return 0


def parsed(settings: Iterable[str]) -> dict[str, Any]:
    """Settings from key=value, the values read as YAML; raises WrongCallError for anything else."""
    import yaml

    given = {}
    for item in settings:
        key, equals, value = item.partition("=")
        if not (key.strip() and equals):
            raise WrongCallError(f"--set wants key=value, not {item!r}.")
        try:
            given[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise WrongCallError(f"--set {item!r}: the value cannot be read.") from error
    return given
