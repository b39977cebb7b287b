"""`partsight review`: look at the variants beside their renders, and overrule the gate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.output import Json, WrongCallError, answer, complain
from infra.cli.who import catalogue, database, here
from infra.cli.who import customer as resolve

if TYPE_CHECKING:
    from blocks.catalogue import Catalogue
    from blocks.customer import Customer


def review(
    customer: str,
    /,
    *,
    part: Sequence[str] = (),
    accept: Sequence[str] = (),
    reject: Sequence[str] = (),
    out: Path | None = None,
    as_json: Json = False,
) -> int:
    """Write a page with every variant beside its render, the scores and the reasons; or overrule the gate.

    What you decide is remembered: the same picture is accepted or rejected in every run to come.

    For example:

    ```
    partsight review demo
    partsight review acme --reject 3fa9c0d2e7b14c65a08d3c1f9be72a44
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        part: Number of a part to show, may be given several times; without it, all parts.
        accept: Id of a variant to accept, may be given several times.
        reject: Id of a variant to reject, may be given several times.
        out: File to write the page to; without it, among the customer's reports.
        as_json: Print JSON alone on stdout.
    """
    machine = here()
    who = resolve(customer, machine)
    catalogue(who, machine)  # says so where there is none
    there = database(who, machine)  # what runs made, also what is not live yet
    if both := sorted(set(accept) & set(reject)):
        raise WrongCallError(f"{both[0]} is to be accepted and rejected: say one of them.")
    from tasks.report import review as page

    path = out or machine.home / "customers" / who.slug / "reports" / "review.html"
    try:
        decided = _decided(there, who, accept, reject)
        shown = page.write(there, who.slug, path, parts=tuple(part))
    except (ValueError, OSError) as error:
        complain(str(error))
        return 1
    with answer(as_json) as say:
        if as_json:
            say.json({"customer": who.slug, **shown, **decided, "page": str(path)})
            return 0
        if decided:
            when = "searches see it now" if decided["live"] else "the next run that goes live brings it to searches"
            say.line(f"{decided['changed']} pictures changed: {when}.")
        say.line(f"{shown['variants']} variants, {shown['rejected']} rejected, {shown['reviewed']} decided by hand")
        say.line(f"  {'page':<10} {path}")
    return 0


def _decided(there: Catalogue, who: Customer, accept: Sequence[str], reject: Sequence[str]) -> dict[str, int | bool]:
    """Write down what was decided; empty where nothing was."""
    from tasks.embed import embedder
    from tasks.reviews import decide

    if not accept and not reject:
        return {}
    model = embedder(there.served().embed or who.recipe.embed, who.plugins, there)
    changed, live = 0, True
    for names, accepted in ((accept, True), (reject, False)):
        if names:
            at_once, count = decide(there, model, names, accepted=accepted)
            changed, live = changed + count, live and at_once
    return {"changed": changed, "live": live}
