"""What a Prefect server should hold for these customers: plain data, in the order in which it has to be made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from blocks.customer import Customer

if TYPE_CHECKING:
    from infra.settings import Settings

OURS: Final = "partsight"  # the tag of everything that is ours
LOST_AFTER: Final = 90  # seconds without a heartbeat (one comes every 30) until a run counts as crashed
TITLE: Final = "Partsight: "  # how the names of our automations begin
CRASHED: Final = f"{TITLE}a run that gives no sign of life has crashed"
ENVIRONMENT: Final = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "partsight",
    "DO_NOT_TRACK": "1",
}

Kind = Literal["block type", "block", "pool", "limit", "deployment", "automation"]


class Thing(NamedTuple):
    """One thing on the server: its kind, its name, and what it says."""

    kind: Kind
    name: str
    body: dict[str, Any]


class Offer(NamedTuple):
    """A flow that customers have a deployment of, the pool that it runs in, and what its form shows first.

    A `helper` is started by other runs, in shares that work side by side; a customer has it where `when` says so.
    """

    flow: str
    pool: Literal["cpu", "shares", "gpu"]
    form: tuple[str, ...] = ("customer",)
    helper: bool = False
    when: Callable[[Customer], bool] = lambda _: True


def _on_gpu(step: str) -> Callable[[Customer], bool]:
    return lambda customer: bool(customer.pools.gpu) and step in customer.pools.on_gpu


OFFERS: Final = (
    Offer("onboard", "cpu", ("customer", "source", "stages")),
    Offer("evaluate", "cpu"),
    Offer("reembed", "cpu", ("customer", "model")),
    Offer("adapt", "cpu"),
    Offer("finetune", "gpu"),
    Offer("audit", "cpu"),
    Offer("forget", "cpu"),
    Offer("make", "shares", helper=True, when=lambda customer: customer.pools.workers > 1),
    Offer("augment", "gpu", helper=True, when=_on_gpu("augment")),
    Offer("embed", "gpu", helper=True, when=_on_gpu("embed")),
    Offer("tune", "gpu", helper=True, when=_on_gpu("adapt")),
)


def wanted(customers: Sequence[Customer], machine: Settings, all_of_them: Sequence[Customer] = ()) -> list[Thing]:
    """Everything that should be there for `customers`; what they share with others follows from `all_of_them`."""
    return [
        *_block_types(),
        *(block for customer in customers for block in _blocks(customer, machine)),
        *_pools(customers),
        *_limits(customers, all_of_them or customers),
        *(deployment for customer in customers for deployment in _deployments(customer, machine)),
        *_automations(customers),
    ]


def block(kind: str, slug: str) -> dict[str, Any]:
    """A block as the value of a parameter, by its name; the server's own id is put in when it is known."""
    return {"$ref": {"block": f"partsight-{kind}/{slug}"}}


def _block_types() -> Iterator[Thing]:
    from blocks.collection import BLOCKS

    for one in BLOCKS:
        checksum = one._calculate_schema_checksum()  # noqa: SLF001 no other way
        yield Thing("block type", one.get_block_type_slug(), {"checksum": checksum})


def _blocks(customer: Customer, machine: Settings) -> Iterator[Thing]:
    slug, embed = customer.slug, customer.recipe.embed
    yield Thing("block", f"partsight-catalogue/{slug}", {"uri": machine.uri(slug)})
    yield Thing("block", f"partsight-source/{slug}", {"location": customer.source, "customer": slug})
    yield Thing("block", f"partsight-model/{slug}", embed.model_dump(mode="json"))
    settings = customer.model_dump(mode="json")
    yield Thing("block", f"partsight-customer/{slug}", {"settings": settings, "catalogue": block("catalogue", slug)})


def _pools(customers: Sequence[Customer]) -> Iterator[Thing]:
    for name in sorted({pool for customer in customers for pool in used(customer)}):
        yield Thing("pool", name, {"type": "process"})


def used(customer: Customer) -> set[str]:
    """The pools that the customer's runs need workers in."""
    pools = customer.pools
    return {pools.cpu} | ({pools.shares} if pools.workers > 1 else set()) | ({pools.gpu} if pools.gpu else set())


def _limits(customers: Sequence[Customer], all_of_them: Sequence[Customer]) -> Iterator[Thing]:
    from flows.place import limit, slots

    for customer in customers:
        yield Thing("limit", limit(customer.slug), {"limit": 1, "active": True})
    for pool in sorted({customer.pools.gpu for customer in customers} - {""}):
        most = max(one.pools.slots for one in [*all_of_them, *customers] if one.pools.gpu == pool)
        yield Thing("limit", slots(pool), {"limit": most, "active": True})


def _deployments(customer: Customer, machine: Settings) -> Iterator[Thing]:
    for offer in OFFERS:
        if not offer.when(customer):
            continue
        yield Thing("deployment", f"{offer.flow}/{customer.slug}", _deployment(offer, customer, machine))


def _deployment(offer: Offer, customer: Customer, machine: Settings) -> dict[str, Any]:
    from importlib import import_module

    flow = getattr(import_module(f"flows.{offer.flow}"), offer.flow)
    pool = getattr(customer.pools, offer.pool)
    environment = dict(ENVIRONMENT)
    if "://" not in machine.uri(customer.slug):  # a disk that this machine and its workers share
        environment["PARTSIGHT_HOME"] = str(machine.home.absolute())
    return {
        "entrypoint": f"flows.{offer.flow}.{offer.flow}",
        "description": _description(flow, customer),
        "tags": [OURS, f"customer:{customer.slug}"],
        "work_pool_name": pool or customer.pools.cpu,
        "job_variables": {"env": environment},
        "parameters": _parameters(offer, customer),
        "parameter_openapi_schema": flow.parameters.model_dump(mode="json"),
        "enforce_parameter_schema": True,
        "paused": False,
        "schedules": _schedules(offer, customer),
        "concurrency_limit": None if offer.helper else 1,
        "collision_strategy": None if offer.helper else "ENQUEUE",
    }


def _description(flow: Any, customer: Customer) -> str:
    said = (flow.description or "").strip().splitlines()[0]
    return f"**{customer.name or customer.slug}** — {said}"


def _parameters(offer: Offer, customer: Customer) -> dict[str, Any]:
    from flows.form import defaults

    found: dict[str, Any] = {}
    for name in offer.form:
        if name == "stages":
            found |= defaults(customer)
        else:
            found[name] = block(name, customer.slug)
    return found


def _schedules(offer: Offer, customer: Customer) -> list[dict[str, Any]]:
    schedule = customer.schedule
    cron = {"onboard": schedule.cron, "forget": customer.retention.cron}.get(offer.flow, "")
    active = schedule.active or offer.flow == "forget"  # what is due is due, also of a customer who is at rest
    return [{"cron": cron, "timezone": schedule.timezone, "active": active}] if cron else []


def _automations(customers: Sequence[Customer]) -> Iterator[Thing]:
    ends = ("Completed", "Failed", "Cancelled", "Crashed", "Paused", "Suspended")
    yield Thing(
        "automation",
        CRASHED,
        {
            "enabled": True,
            "description": "A worker that dies cannot say so. A run whose heartbeats stop is marked as crashed, and "
            "the next one goes on with what is missing.",
            "trigger": {
                "match": {"prefect.resource.id": "prefect.flow-run.*"},
                "match_related": {"prefect.resource.id": f"prefect.tag.{OURS}", "prefect.resource.role": "tag"},
                "after": ["prefect.flow-run.heartbeat"],
                "expect": ["prefect.flow-run.heartbeat", *(f"prefect.flow-run.{end}" for end in ends)],
                "for_each": ["prefect.resource.id"],
                "posture": "Proactive",
                "threshold": 1,
                "within": float(LOST_AFTER),
            },
            "actions": [
                {
                    "type": "change-flow-run-state",
                    "name": None,
                    "state": "CRASHED",
                    "message": f"No sign of life for {LOST_AFTER} s: the worker is gone. Start it again, and it goes "
                    "on with what is missing.",
                    "force": False,
                }
            ],
        },
    )
    for customer in customers:
        if customer.notify:
            yield Thing("automation", f"{TITLE}tell of runs of {customer.slug} that fail", _notice(customer))


def _notice(customer: Customer) -> dict[str, Any]:
    tag = f"prefect.tag.customer:{customer.slug}"
    return {
        "enabled": True,
        "description": f"Tells {customer.notify} when a run of {customer.slug} failed or crashed.",
        "trigger": {
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": {"prefect.resource.id": tag, "prefect.resource.role": "tag"},
            "after": [],
            "expect": ["prefect.flow-run.Crashed", "prefect.flow-run.Failed"],
            "for_each": ["prefect.resource.id"],
            "posture": "Reactive",
            "threshold": 1,
            "within": 0.0,
        },
        "actions": [
            {
                "type": "send-notification",
                "block_document_id": {"$ref": {"block": customer.notify}},
                "subject": f"Partsight: {{{{ flow.name }}}} of {customer.slug} ended as {{{{ flow_run.state.name }}}}",
                "body": "{{ flow_run.name }}: {{ flow_run.state.message }}\n{{ flow_run|ui_url }}",
            }
        ],
    }
