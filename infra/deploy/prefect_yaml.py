"""The same deployments for Prefect's own CLI: `prefect deploy --all --prefect-file infra/prefect.yaml`.

What a file cannot say, the ids of blocks and the folders of this machine, a build step brings in: it also makes the
blocks, pools and limits that the deployments need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.deploy.wanted import Thing, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blocks.customer import Customer
    from infra.settings import Settings

HEAD: Final = """\
# The deployments of the customers in infra/customers/, for Prefect's own CLI:
#
#   prefect --no-prompt deploy --all --prefect-file infra/prefect.yaml
#
# Written by `partsight deploy --prefect-yaml infra/prefect.yaml`; a test sees that it is up to date. It cannot make the
# automations, nor the capital letters of the titles in the run form; `partsight deploy` does.
"""


def written(customers: Sequence[Customer], machine: Settings) -> str:
    """The text of prefect.yaml for `customers`."""
    import yaml
    from prefect import __version__

    whole = {
        "name": "partsight",
        "prefect-version": __version__,
        "pull": [],
        "deployments": list(_all(customers, machine)),
    }
    return HEAD + str(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=110))


def ready(customer: str) -> dict[str, Any]:
    """A build step: make what the deployments of a customer need, and say what their file cannot say.

    `customer` is a slug. Returns references to their blocks, what their run form shows first, and the environment.
    Raises ServerError where the server refuses something.
    """
    from infra.cli.who import customer as named
    from infra.cli.who import everybody
    from infra.deploy.plan import planned
    from infra.deploy.server import connected
    from infra.settings import settings

    machine = settings()
    things = wanted([named(customer, machine)], machine, everybody(machine))
    told: dict[str, Any] = {}
    with connected() as server:
        needed = [thing for thing in things if thing.kind in {"block type", "block", "pool", "limit"}]
        for change in planned(needed, server, whole=False).changes:
            server.apply(change)
        for thing in things:
            if thing.kind == "block":
                kind = thing.name.partition("/")[0].removeprefix("partsight-")
                told[kind] = {"$ref": {"block_document_id": server.block_id(thing.name)}}
            elif thing.kind == "deployment":
                told["environment"] = thing.body["job_variables"]["env"]
                told |= {key: value for key, value in thing.body["parameters"].items() if key in {"stages", "settings"}}
    return told


def _all(customers: Sequence[Customer], machine: Settings) -> Iterator[dict[str, Any]]:
    for customer in customers:
        for thing in wanted([customer], machine):
            if thing.kind == "deployment":
                yield _one(thing, customer.slug)


def _one(thing: Thing, slug: str) -> dict[str, Any]:
    """One deployment as prefect.yaml has it."""
    body, step = thing.body, slug.replace("-", "_")
    made: dict[str, Any] = {
        "name": slug,
        "description": body["description"],
        "entrypoint": body["entrypoint"],
        "tags": body["tags"],
        "parameters": {name: _parameter(name, value, step) for name, value in body["parameters"].items()},
        "enforce_parameter_schema": body["enforce_parameter_schema"],
        "schedules": body["schedules"],
        "work_pool": {
            "name": body["work_pool_name"],
            "job_variables": {"env": f"{{{{ {step}.environment }}}}"},
        },
        "build": [{"infra.deploy.prefect_yaml.ready": {"id": step, "customer": slug}}],
    }
    if body["concurrency_limit"]:
        made["concurrency_limit"] = {
            "limit": body["concurrency_limit"],
            "collision_strategy": body["collision_strategy"],
        }
    return made


def _parameter(name: str, value: Any, step: str) -> Any:
    """The value of a parameter: what the build step says, or as it is."""
    told = name in {"stages", "settings"} or (isinstance(value, dict) and set(value) == {"$ref"})
    return f"{{{{ {step}.{name} }}}}" if told else value
