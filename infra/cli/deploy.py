"""`partsight deploy`: bring the Prefect server to what the customers' files say, and show the difference first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from infra.cli.output import Answer, Json, WrongCallError, answer, complain
from infra.cli.who import customer as resolve
from infra.cli.who import everybody, here

if TYPE_CHECKING:
    from blocks.customer import Customer
    from infra.deploy import Change, Plan
    from infra.settings import Settings

_SIGNS: Final = {"create": ("+", "green"), "update": ("~", "yellow"), "remove": ("-", "red"), "same": ("=", "dim")}


def deploy(
    *customers: str,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    prune: Annotated[bool, Parameter(negative="")] = False,
    prefect_yaml: Path | None = None,
    as_json: Json = False,
) -> int:
    """Make blocks, pools, limits, automations and deployments on the Prefect server as the customers' files say.

    For example:

    ```
    partsight deploy --dry-run
    partsight deploy acme
    partsight deploy --prune
    ```

    Args:
        customers: Slugs or YAML files; none takes everybody in the customers' folder.
        dry_run: Only show what would be changed.
        prefect_yaml: Write the deployments to this file for Prefect's own CLI, and do nothing else.
        prune: Also remove what is ours on the server and belongs to no customer any more; catalogues stay.
        as_json: Print JSON alone on stdout.
    """
    if prune and customers:
        raise WrongCallError("--prune looks at all customers: leave the slugs out.")
    machine = here()
    known = everybody(machine)
    people = [resolve(name, machine) for name in customers] if customers else known
    if not people:  # with --prune a mistyped folder would remove everybody
        raise WrongCallError(f"There is no customer in {machine.customers}: make one with partsight customer new.")
    from infra.deploy import ServerError, planned, wanted
    from infra.deploy.server import connected

    if prefect_yaml is not None:
        return _written(prefect_yaml, people, machine, as_json=as_json)

    with answer(as_json) as out:
        try:
            with connected() as server:
                plan = planned(wanted(people, machine, known), server, prune=prune, whole=not customers)
                if not as_json:
                    _show(out, plan)
                for change in () if dry_run else plan.changes:
                    server.apply(change)
        except ServerError as error:
            complain(f"{error} Mend it and deploy again: what was done before it stays done.")
            return 1
        if as_json:
            out.json(_told(plan, dry_run=dry_run))
        else:
            out.line(_total(plan, dry_run=dry_run), style="bold")
    return 0


def _written(path: Path, people: list[Customer], machine: Settings, *, as_json: bool) -> int:
    from infra.deploy.prefect_yaml import written

    path.write_text(written(people, machine), encoding="utf-8")
    with answer(as_json) as out:
        if as_json:
            out.json({"file": str(path)})
        else:
            out.line(f"Wrote {path}. Use it with: prefect --no-prompt deploy --all --prefect-file {path}")
    return 0


def _show(out: Answer, plan: Plan) -> None:
    """The plan, thing by thing; what stays the same is only counted."""
    for change in plan.changes:
        if change.what == "same":
            continue
        sign, style = _SIGNS[change.what]
        out.line(f"{sign} {change.thing.kind} {change.thing.name}", style=style)
        for field in change.fields:
            out.line(f"    {field}", style="dim")
    for name in plan.left:
        out.line(f"? {name} belongs to no customer: remove it with --prune", style="dim")


def _total(plan: Plan, *, dry_run: bool) -> str:
    counts = f"{plan.count('create')} to create, {plan.count('update')} to update, {plan.count('remove')} to remove"
    if dry_run:
        return f"{counts}, {plan.count('same')} as they should be; nothing was done."
    done = counts.replace(" to create", " created").replace(" to update", " updated").replace(" to remove", " removed")
    return f"{done}, {plan.count('same')} as they should be."


def _told(plan: Plan, *, dry_run: bool) -> dict[str, Any]:
    def one(change: Change) -> dict[str, Any]:
        thing = change.thing
        return {"what": change.what, "kind": thing.kind, "name": thing.name, "fields": list(change.fields)}

    return {"applied": not dry_run, "changes": [one(change) for change in plan.changes], "left": list(plan.left)}
