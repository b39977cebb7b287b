"""`partsight evaluate`: how well a catalogue finds its parts."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.cli.output import Answer, Json, WrongCallError, answer, complain
from infra.cli.who import catalogue, database, here
from infra.cli.who import customer as resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blocks.customer import Customer
    from infra.settings import Settings

_GROUPS = 8  # look-alike groups listed at the terminal; the report has them all
_PARTS = 6  # parts of a group that are named
_SAID = {"views": "in views alone", "views+variants": "in views, variants"}


def evaluate(
    customer: str,
    /,
    *,
    photos: Path | None = None,
    as_json: Json = False,
) -> int:
    """Measure how well a customer's parts are found, with photographs or with pictures the index has not seen.

    For example:

    ```
    partsight evaluate demo
    partsight evaluate acme --photos photos/ --json
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        photos: A folder with one folder of photographs for each part, or a CSV with the columns file and part.
        as_json: Print JSON alone on stdout.
    """
    machine = here()
    who = resolve(customer, machine)
    catalogue(who, machine)
    if photos is not None and not photos.exists():
        raise WrongCallError(f"There is no folder or file {photos} to take photographs from.")
    machine.hush()
    with answer(as_json) as out:
        try:
            summary = _run(who, machine, photos)
        except (ValueError, OSError) as error:
            logging.getLogger("partsight").debug("the evaluation failed", exc_info=True)
            complain(str(error))
            return 1
        if as_json:
            out.json(summary)
        else:
            _show(out, who, summary)
    return 0


def _run(who: Customer, machine: Settings, photos: Path | None) -> dict[str, Any]:
    from flows.inline import run_evaluate
    from infra.progress import progress

    with progress() as bars:
        return run_evaluate(
            who,
            database(who, machine),
            photos=str(photos.absolute()) if photos else "",
            progress=bars,
            home=machine.home.absolute(),
            workers=machine.workers,
        )


def _show(out: Answer, who: Customer, summary: dict[str, Any]) -> None:
    queries, asked, parts = summary["queries"], summary["asked"], summary["parts"]
    out.line(f"{who.name or who.slug}: {queries} queries about {asked} of {parts} parts", style="bold")
    heads = ("queries", "recall@1", "@5", "@10", "mAP")
    out.table(("", *heads), _rows(summary), right=heads)
    out.line("In percent, with 95 % intervals.", style="dim")
    gain = summary["variants"]
    out.line(f"  {'variants':<10} {_verdict(gain)}: recall@1 {100 * gain['value']:+.1f} points ({_span(gain)})")
    out.line(f"  {'threshold':<10} {_cut(summary['threshold'])}")
    for group in summary["groups"][:_GROUPS]:
        more = f" and {len(group['parts']) - _PARTS} more" if len(group["parts"]) > _PARTS else ""
        told = f"{', '.join(group['parts'][:_PARTS])}{more}"
        out.line(f"  {'look-alike':<10} {told} ({group['confused']} of {group['queries']} queries confused)")
    if len(summary["groups"]) > _GROUPS:
        out.line(f"  … and {len(summary['groups']) - _GROUPS} more groups, all in the report.")
    for note in summary["notes"]:
        out.line(f"  note: {note}", style="yellow")
    out.line(f"  {'report':<10} {summary['report']}")


def _rows(summary: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    yield _row("all", summary)
    for key in ("by_difficulty", "by_renderer", "by_source"):
        if len(summary[key]) > 1:
            for name, figures in summary[key].items():
                if name != "all":  # that is the first row
                    yield _row(f"  {_SAID.get(name, name)}", figures)


def _row(name: str, figures: Mapping[str, Any]) -> tuple[object, ...]:
    shares = [*(figures["recall"][depth] for depth in ("1", "5", "10")), figures["map"]]
    return (name, figures["queries"], *(f"{100 * share['value']:.1f} ({_span(share)})" for share in shares))


def _span(figure: Mapping[str, float]) -> str:
    return f"{100 * figure['low']:.0f} to {100 * figure['high']:.0f}"


def _cut(cut: Mapping[str, float]) -> str:
    """The score below which a part is called absent, and how often that is wrong."""
    if cut["value"] <= 0:
        return "none: the scores do not tell parts that are there from parts that are not"
    accepted, rejected = (f"{100 * cut[rate]:.0f} %" for rate in ("false_accept", "false_reject"))
    told = f"{accepted} of absent parts pass for another one, {rejected} of present ones are called absent"
    return f"{cut['value']:.3f}: below it a part is called absent; {told}"


def _verdict(gain: Mapping[str, float]) -> str:
    """What the variants do to recall, as far as the interval allows to say."""
    if gain["low"] > 0:
        return "they help"
    return "they harm" if gain["high"] < 0 else "no clear difference"
