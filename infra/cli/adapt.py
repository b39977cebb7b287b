"""`partsight adapt`: an embedder that has seen the customer's own parts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from infra.cli.output import Answer, Json, answer, complain
from infra.cli.who import catalogue, database, here
from infra.cli.who import customer as resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blocks.customer import Customer
    from infra.settings import Settings

_PHASES = {
    "render": "render the parts",
    "learn": "learn them",
    "embed": "embed the pictures",
    "evaluate": "ask both models",
    "publish": "write and tidy",
}


def adapt(
    customer: str,
    /,
    *,
    minutes: Annotated[float | None, Parameter(validator=Number(gt=0, lte=1440))] = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    even_if_worse: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Tune the embedder to a customer's own parts, and switch to it when it finds no less.

    It says first how long it will take. Searches go on against the old vectors until the switch. Stopped and started
    again, it goes on where it was; the next onboarding goes on with the tuned weights.

    For example:

    ```
    partsight adapt acme --dry-run
    partsight adapt acme --minutes 60 --json
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        minutes: Minutes that it learns, 30 without it; rendering and embedding come on top.
        dry_run: Only say how long it would take.
        even_if_worse: Switch also when less is found than before; without it such a run is refused.
        as_json: Print JSON alone on stdout.
    """
    from tasks.release import RefusedError

    machine = here()
    who = resolve(customer, machine)
    catalogue(who, machine)  # says so where there is none
    if even_if_worse:
        who = who.model_copy(update={"release": who.release.model_copy(update={"tolerance": 1.0})})
    machine.hush()
    with answer(as_json) as out:
        try:
            summary = _run(who, machine, minutes, out, dry_run=dry_run, as_json=as_json)
        except RefusedError as error:
            _tell(out, who, error.summary, as_json=as_json)
            complain(str(error))
            return 1
        except (ValueError, OSError, RuntimeError) as error:
            logging.getLogger("partsight").debug("the run failed", exc_info=True)
            complain(str(error))
            return 1
        if not dry_run:
            _tell(out, who, summary, as_json=as_json)
        elif as_json:
            out.json(summary)
    return 0


def _run(
    who: Customer, machine: Settings, minutes: float | None, out: Answer, *, dry_run: bool, as_json: bool
) -> dict[str, Any]:
    from flows.inline import run_adapt
    from infra.progress import progress
    from tasks.tuning.course import Course

    def told(ahead: dict[str, Any]) -> bool:
        if not as_json:
            _announce(out, who, ahead)
        return not dry_run

    with progress() as bars:
        return run_adapt(
            who,
            database(who, machine),
            course=Course(minutes=minutes) if minutes else Course(),
            told=told,
            progress=bars,
            home=machine.home.absolute(),
            workers=machine.workers,
        )


def _announce(out: Answer, who: Customer, ahead: Mapping[str, Any]) -> None:
    """How long it will take, and for what."""
    supplied = f" and {ahead['photographs']} photographs" if ahead["photographs"] else ""
    out.line(f"{who.name or who.slug}: {ahead['model']} is to learn {ahead['parts']} parts{supplied}", style="bold")
    _seconds(out, "about", ahead["seconds"])


def _seconds(out: Answer, head: str, seconds: Mapping[str, float]) -> None:
    rows = [(said, _spent(seconds[name])) for name, said in _PHASES.items() if name in seconds]
    out.table(("", head), [*rows, ("in all", _spent(seconds["total"]))], right=(head,))


def _spent(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def _tell(out: Answer, who: Customer, summary: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        out.json(dict(summary))
        return
    out.line(
        f"{who.name or who.slug}: {summary['model']}, {summary['minutes']:.1f} minutes with {summary['parts']} parts",
        style="bold",
    )
    both = summary["figures"]["compared"]
    if both:
        heads = ("recall@1", "95 % interval")
        rows = [(when, f"{both[when]:.1%}", _interval(both, when)) for when in ("before", "after")]
        out.table(("", *heads), rows, right=heads)
    _seconds(out, "took", summary["seconds"])
    if summary["released"]:
        out.line("  It is live: searches and the next onboarding use it.")
    for note in summary["notes"]:
        out.line(f"  note: {note}", style="yellow")
    out.line(f"  {'report':<9} {summary['report']}")


def _interval(both: Mapping[str, Any], when: str) -> str:
    found = both.get(f"{when}_interval")
    return f"{found[0]:.1%} to {found[1]:.1%}" if found else ""
