"""`partsight finetune`: pictures that look like the customer's own photographs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from infra.cli.output import Answer, Json, WrongCallError, answer, complain
from infra.cli.who import catalogue, database, here
from infra.cli.who import customer as resolve

if TYPE_CHECKING:
    from blocks.customer import Customer
    from infra.settings import Settings

_WAYS = {"without": "without it", "before": "with the one in use", "with": "with it"}


def finetune(
    customer: str,
    /,
    *,
    photos: Path | None = None,
    steps: Annotated[int | None, Parameter(validator=Number(gte=1, lte=100_000))] = None,
    as_json: Json = False,
) -> int:
    """Tune the diffusion model to a customer's photographs, and use the result if its pictures are no worse.

    Stopped and started again, it goes on where it was. The next onboarding makes pictures with what it learned.

    For example:

    ```
    partsight finetune acme
    partsight finetune acme --photos photos/ --steps 1500 --json
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        photos: A folder with one folder of photographs for each part, or a CSV with the columns file and part;
            without it, the photographs of the catalogue.
        steps: Steps of the training, 800 without it.
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
            summary = _run(who, machine, photos, steps)
        except (ValueError, OSError) as error:
            logging.getLogger("partsight").debug("the fine-tuning failed", exc_info=True)
            complain(str(error))
            return 1
        if as_json:
            out.json(summary)
        else:
            _show(out, who, summary)
    return 0


def _run(who: Customer, machine: Settings, photos: Path | None, steps: int | None) -> dict[str, Any]:
    from flows.inline import run_finetune
    from infra.progress import progress
    from tasks.diffusion.lora import Tuning

    with progress() as bars:
        return run_finetune(
            who,
            database(who, machine),
            photos=str(photos.absolute()) if photos else "",
            progress=bars,
            home=machine.home.absolute(),
            tuning=Tuning(steps=steps) if steps else Tuning(),
        )


def _show(out: Answer, who: Customer, summary: dict[str, Any]) -> None:
    counts = f"{summary['photographs']} photographs and {summary['renders']} renders"
    out.line(f"{who.name or who.slug}: {summary['steps']} steps with {counts}", style="bold")
    heads = ("accepted", "find their part")
    figures = summary["figures"]
    rows = [
        (f"{figures[name]['views']} pictures {said}", *(f"{figures[name][key]:.0%}" for key in ("passed", "found")))
        for name, said in _WAYS.items()
        if name in figures
    ]
    out.table(("", *heads), rows, right=heads)
    if summary["used"]:
        out.line("  It is used: the next onboarding makes its pictures with it.")
    else:
        out.line(f"  It is not used. {summary['reason']}", style="yellow")
    for note in summary["notes"]:
        out.line(f"  note: {note}", style="yellow")
    out.line(f"  {'adapter':<10} {summary['adapter']}")
    out.line(f"  {'sheet':<10} {summary['sheet']}")
