"""`partsight forget`: a part, or a customer, taken out of everything, with a receipt."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from infra.cli.output import Answer, Json, WrongCallError, answer, complain
from infra.cli.who import customer as resolve
from infra.cli.who import database, file_of, here

if TYPE_CHECKING:
    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from infra.settings import Settings


def forget(
    customer: str,
    /,
    *,
    part: Sequence[str] = (),
    may_return: Annotated[bool, Parameter(negative="")] = False,
    retention: Annotated[bool, Parameter(negative="")] = False,
    yes: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Remove parts, or the customer as a whole, everywhere; look for what is left, and write a receipt.

    It cannot be undone. Stopped anywhere, start it again, and it goes on. Nothing else may work on the customer.

    For example:

    ```
    partsight forget acme --part ZQ-4711 --dry-run
    partsight forget acme --part ZQ-4711 --yes
    partsight forget acme --yes
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        part: Number of a part, may be given several times; without it, the customer as a whole.
        may_return: Let the next onboarding bring the parts back, where they are still in the customer's CAD.
        retention: Go on with what was stopped, else do what the customer's retention says is due, as its schedule does.
        yes: Do it; without it, you are asked.
        dry_run: Only say what would be removed.
        as_json: Print JSON alone on stdout.
    """
    machine = here()
    who = _who(customer, machine)
    if retention and part:
        raise WrongCallError("--retention knows its parts: leave --part out.")
    machine.hush()
    there, whole = database(who, machine), not (part or retention)
    with answer(as_json) as out:
        try:
            if dry_run:
                _tell(out, _outlook(who, there, machine, list(part), whole=whole), as_json=as_json)
                return 0
            _agreed(who, list(part), whole=whole, yes=yes or retention)
            found = _whole(who, there, machine) if whole else _parts(who, there, machine, list(part), may_return)
            if whole and (path := file_of(customer, machine)):
                found["elsewhere"] = [*found["elsewhere"], f"{path} says who they are: remove it if it is not needed."]
        except (ValueError, OSError, RuntimeError) as error:
            if isinstance(error, WrongCallError):
                raise
            logging.getLogger("partsight").debug("the forgetting failed", exc_info=True)
            complain(str(error))
            return 1
        _tell(out, found, as_json=as_json)
    return 0


def _who(name: str, machine: Settings) -> Customer:
    """The customer; also one of whom nothing but a receipt that was begun is left."""
    from blocks.customer import Customer
    from tasks.forget.whole import stopped

    try:
        return resolve(name, machine)
    except WrongCallError:
        try:
            left = Customer(slug=name)
        except ValueError:
            left = None
        if left is None or stopped(left, database(left, machine), machine.home.absolute()) is None:
            raise
        return left


def _agreed(who: Customer, parts: list[str], *, whole: bool, yes: bool) -> None:
    """Raise WrongCallError unless somebody said so: with --yes, or by writing the slug at the terminal."""
    if yes:
        return
    what = f"All of '{who.slug}'" if whole else f"{', '.join(parts) or 'What was begun'} of '{who.slug}'"
    if not sys.stdin.isatty():
        raise WrongCallError(f"{what} would be gone for good: say --yes, or look first with --dry-run.")
    sys.stderr.write(f"{what} will be gone for good. Write {who.slug} to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != who.slug:
        raise WrongCallError("Nothing was removed.")


def _parts(who: Customer, there: Catalogue, machine: Settings, parts: list[str], may_return: bool) -> dict[str, Any]:
    from flows import history
    from flows.forget import forgotten

    with history.apart(who.slug):
        home = machine.home.absolute()
        return forgotten(who, there, home, parts, may_return=may_return, processes=machine.workers)


def _whole(who: Customer, there: Catalogue, machine: Settings) -> dict[str, Any]:
    from flows import history
    from tasks.forget import receipts, whole

    home, notes = machine.home.absolute(), []
    with history.apart(who.slug):
        if history.is_there():
            history.refuse(who.slug)
        receipt = whole.begun(who, there, home, "a person")
        if history.is_there():
            gone = history.removed(who.slug)
            if gone.working:
                raise ValueError(f"{gone.working} runs of '{who.slug}' are under way: cancel them first.")
            notes.append(f"{gone.runs} runs with {gone.artifacts} artifacts were removed from the Prefect server.")
        whole.removed(who, there, home)
        told = receipts.told(whole.finished(receipt, who, there, home, notes))
    return told | {"server": _undeployed(who.slug)}


def _undeployed(slug: str) -> list[str]:
    """Remove the customer's deployments, blocks, limit and automation from the server, where there is one."""
    from prefect.settings import get_current_settings

    from flows.place import limit
    from infra.deploy.plan import Change
    from infra.deploy.server import connected
    from infra.deploy.wanted import TITLE

    if not get_current_settings().api.url:
        return []
    names = {limit(slug), f"{TITLE}tell of runs of {slug} that fail"}
    with connected() as server:
        gone = [thing for thing in server.surplus([]) if thing.name in names or thing.name.partition("/")[2] == slug]
        for thing in gone:
            server.apply(Change("remove", thing))
    return [f"{thing.kind} {thing.name}" for thing in gone]


def _outlook(who: Customer, there: Catalogue, machine: Settings, parts: list[str], *, whole: bool) -> dict[str, Any]:
    """What would go: rows of each table, and files beside them."""
    from tasks.forget import around, retention
    from tasks.forget.doom import doomed
    from tasks.forget.tables import batches

    if not whole and not parts:
        parts = retention.due(there, who)
    numbers = [row["part"] for row in there.rows("parts", ("part",))] if whole else parts
    doom = doomed([there], numbers)
    tables = {}
    for name in there.tables():
        before = there.table(name).count_rows()
        after = 0 if whole else sum(doom.stays(name, rows).num_rows for rows in batches(there, name))
        tables[name] = {"before": before, "after": after}
    beside = around.beside(machine.home.absolute(), who.slug, there.storage())
    return {
        "customer": who.slug,
        "what": "customer" if whole else "parts",
        "status": "would be removed",
        "parts": len(numbers),
        "tables": tables,
        "files": {"beside the tables": len(beside)},
        "elsewhere": list(around.elsewhere(who)),
    }


def _tell(out: Answer, found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        out.json(found)
        return
    count = "1 part" if found["parts"] == 1 else f"{found['parts']} parts"
    out.line(f"{found['customer']}: {count}, {found.get('status', 'nothing was due')}", style="bold")
    rows = [(name, counts["before"], counts["after"]) for name, counts in found["tables"].items()]
    if rows:
        out.table(("table", "rows", "rows left"), rows, right=("rows", "rows left"))
    if found.get("objects"):
        patterns = sum(counts["patterns"] for counts in found["looked_for"].values())
        out.line(f"  looked for  {patterns} patterns in {found['objects']} objects and {found['rows']} rows: none left")
    if found.get("id"):
        out.line(f"  receipt     {found['id']}.json")
    for note in found.get("elsewhere", ()):
        out.line(f"  note: {note}", style="yellow")
