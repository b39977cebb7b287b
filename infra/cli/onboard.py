"""`partsight onboard`: from a folder of CAD to a searchable catalogue."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from infra.cli.output import Answer, Json, WrongCallError, answer, complain
from infra.cli.who import customer as resolve
from infra.cli.who import database, here, location, remember

if TYPE_CHECKING:
    from blocks.customer import Customer

_SHOWN = 20  # quarantined files listed at the terminal; the report has them all


def onboard(
    customer: str,
    /,
    *,
    source: str = "",
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    even_if_worse: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Turn a customer's CAD into a searchable catalogue; a second run does only what changed.

    For example:

    ```
    partsight onboard demo
    partsight onboard acme --source ./acme-cad --json
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file. With --source also a new slug.
        source: Folder, zip file or URL with the CAD, instead of the one in the customer's file.
        limit: Take no more than so many files: for a first look.
        even_if_worse: Go live also when less is found than before; without it such a run is refused.
        as_json: Print JSON alone on stdout.
    """
    machine = here()
    who = resolve(customer, machine, source=source)
    if source:
        who = who.model_copy(update={"source": location(source)})
    _check_source(who)
    from tasks.release import RefusedError

    # what fails is raised to us and said in one sentence: Prefect need not print its stack before
    machine.hush()
    with answer(as_json) as out:
        try:
            summary = _run(who, source=who.source if source else "", limit=limit, even_if_worse=even_if_worse)
        except RefusedError as error:
            _tell(out, who, error.summary, as_json=as_json)
            complain(str(error))
            return 1
        except (ValueError, OSError, RuntimeError) as error:
            logging.getLogger("partsight").debug("the run failed", exc_info=True)
            complain(str(error))
            return 1
        _tell(out, who, summary, as_json=as_json)
    return 0


def _run(who: Customer, *, source: str, limit: int | None, even_if_worse: bool) -> dict[str, Any]:
    from flows.inline import run_onboard
    from infra.progress import progress

    machine = here()
    remember(who, machine)
    if even_if_worse:
        who = who.model_copy(update={"release": who.release.model_copy(update={"tolerance": 1.0})})
    catalogue = database(who, machine)
    with progress() as bars:
        return run_onboard(
            who,
            catalogue,
            source=source,
            limit=limit,
            progress=bars,
            home=machine.home.absolute(),
            workers=machine.workers,
        )


def _check_source(who: Customer) -> None:
    if not who.source:
        raise WrongCallError(f"'{who.slug}' has no source: say where the CAD is with --source FOLDER, ZIP or URL.")
    if "://" not in who.source and not Path(who.source).exists():
        raise WrongCallError(f"There is no folder or file {who.source} to take the CAD from.")


def _tell(out: Answer, who: Customer, summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        out.json(summary)
    else:
        _show(out, who, summary)


def _show(out: Answer, who: Customer, summary: dict[str, Any]) -> None:
    files, parts, images = summary["files"], summary["parts"], summary["images"]
    out.line(f"{who.name or who.slug}: run {summary['run']}", style="bold")
    rows = [
        ("files", f"{files['ok']} read, {files['unchanged']} unchanged, {files['quarantined']} in quarantine"),
        ("parts", ", ".join(f"{parts[key]} {key}" for key in ("new", "changed", "unchanged", "retired"))),
        ("pictures", f"{images['views']} views, {images['variants']} variants, {images['rejected']} rejected"),
        ("vectors", summary["vectors"]),
        ("templates", f"of {summary['templates']} parts" if summary["templates"] else ""),
        ("recall", recall(summary)),
        ("seconds", ", ".join(f"{phase} {spent:.1f}" for phase, spent in summary["seconds"].items())),
        ("report", summary["report"]),
    ]
    for head, value in rows:
        if value == "":
            continue
        out.line(f"  {head:<9} {value}")
    for entry in summary["quarantine"][:_SHOWN]:
        told = entry["reason"] if entry["file"] in entry["reason"] else f"{entry['file']}: {entry['reason']}"
        out.line(f"  quarantine: {told}", style="yellow")
    for note in summary.get("notes", ()):
        out.line(f"  note: {note}", style="yellow")
    if len(summary["quarantine"]) > _SHOWN:
        out.line(f"  … and {len(summary['quarantine']) - _SHOWN} more, all in the report.", style="yellow")


def recall(summary: dict[str, Any]) -> str:
    """The line about what is found: at the first places, before this run, and from which likeness on."""
    if not summary["recall"]:
        return ""
    told = [", ".join(f"@{depth} {100 * share:.1f} %" for depth, share in summary["recall"].items())]
    if both := summary["compared"]:
        told.append(f"of parts that were live @1 {100 * both['before']:.1f} % before, {100 * both['after']:.1f} % now")
    if summary["threshold"] is not None:
        told.append(f"in the catalogue from {summary['threshold']:.2f}")
    return "; ".join(told if summary["released"] else [*told, "not released"])
