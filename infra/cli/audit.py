"""`partsight audit`: a customer's tables held against what they should hold."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from infra.cli.output import Answer, Json, WrongCallError, answer, complain
from infra.cli.who import customer as resolve
from infra.cli.who import database, here

if TYPE_CHECKING:
    from blocks.customer import Customer
    from infra.settings import Settings

SHOWN: Final = 12  # findings that are named at the terminal; --json has up to a thousand


def audit(
    customer: str,
    /,
    *,
    repair: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Compare every table of a customer with what it should hold, and mend it where that is wanted.

    Exit code 0 where all is as it should be, 1 where something is not. Nothing else may work on the customer meanwhile.

    For example:

    ```
    partsight audit acme
    partsight audit acme --repair --json
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        repair: Mend what can be mended; what needs the CAD is marked, and the next onboarding makes it again.
        as_json: Print JSON alone on stdout.
    """
    machine = here()
    who = resolve(customer, machine)
    machine.hush()
    with answer(as_json) as out:
        try:
            found = _run(who, machine, repair=repair)
        except (ValueError, OSError, RuntimeError) as error:
            if isinstance(error, WrongCallError):
                raise
            logging.getLogger("partsight").debug("the audit failed", exc_info=True)
            complain(str(error))
            return 1
        _tell(out, who, found, as_json=as_json, repair=repair)
    return 0 if found["clean"] else 1


def _run(who: Customer, machine: Settings, *, repair: bool) -> dict[str, Any]:
    from flows.audit import audited

    there = database(who, machine)
    if not there.tables():
        raise WrongCallError(f"There is no catalogue of '{who.slug}' yet; make one with: partsight onboard {who.slug}")
    return audited(who, there, repair=repair)


def _tell(out: Answer, who: Customer, found: dict[str, Any], *, as_json: bool, repair: bool) -> None:
    if as_json:
        out.json(found)
        return
    from flows.audit import sentence
    from tasks.audit.finding import KINDS

    out.line(f"{who.name or who.slug}: {sentence(found)}", style="bold")
    for head, counted, named in (("found", "findings", "first"), ("mended", "repaired", "mended")):
        if found[counted]:
            rows = [(kind, KINDS[kind], count) for kind, count in found[counted].items()]
            out.table((head, "", "count"), rows, right=("count",))
            out.table(("table", "what", "repair"), [(o["table"], o["what"], o["repair"]) for o in found[named][:SHOWN]])
    if found["findings"] and not repair:
        out.line(f"  Mend what can be mended with: partsight audit {who.slug} --repair")
    if found["unfinished"]:
        out.line(
            "  note: a run was stopped or refused; what it left counts when the next one is through.", style="yellow"
        )
    if found["waiting"]["parts"] or found["waiting"]["files"]:
        out.line(f"  note: what is marked is made again by: partsight onboard {who.slug}", style="yellow")
