"""`partsight reembed`: the same pictures with another model."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from infra.cli.export import parsed
from infra.cli.onboard import recall
from infra.cli.output import Answer, Json, answer, complain
from infra.cli.who import catalogue, database, file_of, here
from infra.cli.who import customer as resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer, Embed
    from infra.settings import Settings


def reembed(
    customer: str,
    /,
    *,
    model: str = "",
    weights: str = "",
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    even_if_worse: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Give a customer's pictures the vectors of another model, and switch to it when it finds no less.

    Searches go on against the old vectors until the switch. Stopped and started again, it goes on where it was.

    For example:

    ```
    partsight reembed acme --model hog --set cells=8
    partsight reembed acme --model ViT-B-32 --weights models/vit-b-32.safetensors --json
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        model: An open_clip model name, the model that ships, or an embedder's name, as it was before it was tuned to
            the customer; without it, what the file says.
        weights: An open_clip pretrained tag, the path of a safetensors file, or random.
        settings: A setting of an embedder, as key=value; several may be given.
        even_if_worse: Switch also when less is found than before; without it such a run is refused.
        as_json: Print JSON alone on stdout.
    """
    from tasks.release import RefusedError

    machine = here()
    who = resolve(customer, machine)
    catalogue(who, machine)  # says so where there is none
    embed = _asked(who.recipe.embed, model, weights, settings)
    if model:
        embed = _untuned(embed, who, database(who, machine))
    if even_if_worse:
        who = who.model_copy(update={"release": who.release.model_copy(update={"tolerance": 1.0})})
    machine.hush()
    with answer(as_json) as out:
        try:
            summary = _run(who, machine, embed)
        except RefusedError as error:
            _tell(out, who, error.summary, as_json=as_json)
            complain(str(error))
            return 1
        except (ValueError, OSError, RuntimeError) as error:
            logging.getLogger("partsight").debug("the run failed", exc_info=True)
            complain(str(error))
            return 1
        _tell(
            out, who, summary | {"notes": [*summary["notes"], *_where(customer, who, machine, embed)]}, as_json=as_json
        )
    return 0


def _asked(own: Embed, model: str, weights: str, settings: Sequence[str]) -> Embed:
    """The model that is asked for; one that the customer's file names has its settings there."""
    from blocks.customer import Embed

    if not (model or weights or settings):
        return own
    kept = own.settings if model in {"", own.model} else {}
    weights = weights or ("" if model else own.weights)
    return Embed(model=model or own.model, weights=weights, settings=kept | parsed(settings))


def _untuned(asked: Embed, who: Customer, there: Catalogue) -> Embed:
    """The model as it is, where somebody asks for it by name: not the weights that were tuned from it."""
    from blocks.customer import NEVER
    from tasks.tuning.shelf import resolved

    tuned = resolved(asked, there, who.plugins) != asked
    return asked.model_copy(update={"tuned": NEVER}) if tuned else asked


def _run(who: Customer, machine: Settings, embed: Embed) -> dict[str, Any]:
    from flows.inline import run_reembed
    from infra.progress import progress

    with progress() as bars:
        return run_reembed(
            who,
            database(who, machine),
            embed=embed,
            progress=bars,
            home=machine.home.absolute(),
            workers=machine.workers,
        )


def _where(name: str, who: Customer, machine: Settings, embed: Embed) -> list[str]:
    """The place in the customer's file that still names the old model."""
    from blocks.customer_file import line

    path = file_of(name, machine)
    if path is None or who.recipe.embed.base == embed.base:
        return []
    return [f"That is {path}, line {line(path, 'recipe', 'embed', 'model')}."]


def _tell(out: Answer, who: Customer, summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        out.json(summary)
        return
    out.line(f"{who.name or who.slug}: {summary['vectors']} vectors of {summary['model']}", style="bold")
    rows = [
        ("recall", recall(summary)),
        ("seconds", f"{summary['seconds']['total']:.1f}"),
        ("report", summary["report"]),
    ]
    for head, value in rows:
        if value:
            out.line(f"  {head:<9} {value}")
    for note in summary["notes"]:
        out.line(f"  note: {note}", style="yellow")
