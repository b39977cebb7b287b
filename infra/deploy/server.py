"""The Prefect server that is deployed to: what it holds, and how it is changed."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from infra.deploy.wanted import OURS, TITLE, Thing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from infra.deploy.plan import Change

_DEPLOYMENT: Final = (
    *("entrypoint", "description", "work_pool_name", "job_variables", "parameters", "paused"),
    *("parameter_openapi_schema", "enforce_parameter_schema", "concurrency_limit"),
)
_SETS: Final = ("after", "expect", "for_each")
_PAGE: Final = 200


class ServerError(ValueError):
    """The server cannot be reached, or refuses what is asked: a sentence."""


class Server:
    """A server, through its client; what it holds is read once for each thing."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._blocks: dict[str, UUID] = {}

    # what is there

    def present(self, thing: Thing) -> dict[str, Any] | None:
        """What the server says of `thing`, in the form that it is wanted in; None where it is not there."""
        from prefect.exceptions import ObjectNotFound

        try:
            found: dict[str, Any] | None = self._reader(thing.kind)(thing)
        except ObjectNotFound:
            return None
        return found

    def surplus(self, things: Sequence[Thing]) -> list[Thing]:
        """What is ours on the server and not among `things`, in the order in which it can be removed."""
        names = {(thing.kind, thing.name) for thing in things}
        there = [*self._our_automations(), *self._our_deployments(), *self._our_limits(), *self._our_blocks()]
        surplus = [thing for thing in there if (thing.kind, thing.name) not in names]
        # a block that an operator made besides, a second source say, belongs to nobody's file and stays
        gone = {thing.name.partition("/")[2] for thing in surplus if thing.name.startswith(f"{OURS}-customer/")}
        return [thing for thing in surplus if thing.kind != "block" or thing.name.partition("/")[2] in gone]

    def _reader(self, kind: str) -> Callable[[Thing], dict[str, Any] | None]:
        readers: dict[str, Callable[[Thing], dict[str, Any] | None]] = {
            "block type": self._block_type,
            "block": self._block,
            "pool": self._pool,
            "limit": self._limit,
            "deployment": self._deployment,
            "automation": self._automation,
        }
        return readers[kind]

    def _block_type(self, thing: Thing) -> dict[str, Any] | None:
        kind = self._client.read_block_type_by_slug(thing.name)
        schema = self._client.get_most_recent_block_schema_for_block_type(kind.id)
        return {"checksum": schema.checksum if schema else ""}

    def _block(self, thing: Thing) -> dict[str, Any] | None:
        found = self._read_block(thing.name)
        # what an operator put in besides, such as credentials, is not ours to compare
        return {key: self._content(found, key) for key in thing.body}

    def _content(self, found: Any, key: str) -> Any:
        """What a block says under `key`: a value, or the name of another block."""
        inner = (found.block_document_references or {}).get(key, {}).get("block_document")
        if inner is None:
            return found.data.get(key)
        return {"$ref": {"block": f"{inner['block_type']['slug']}/{inner['name']}"}}

    def _read_block(self, name: str) -> Any:
        kind, _, slug = name.partition("/")
        found = self._client.read_block_document_by_name(slug, kind, include_secrets=False)
        self._blocks[name] = found.id
        return found

    def _pool(self, thing: Thing) -> dict[str, Any] | None:
        self._client.read_work_pool(thing.name)
        return dict(thing.body)  # a pool of another type was made on purpose: it stays what it is

    def _limit(self, thing: Thing) -> dict[str, Any] | None:
        found = self._client.read_global_concurrency_limit_by_name(thing.name)
        return {"limit": found.limit, "active": found.active}

    def _deployment(self, thing: Thing) -> dict[str, Any] | None:
        found = self._client.read_deployment_by_name(thing.name)
        options, limit = found.concurrency_options, found.global_concurrency_limit
        body = {field: getattr(found, field) for field in _DEPLOYMENT} | {
            "concurrency_limit": limit.limit if limit else found.concurrency_limit,
            "collision_strategy": options.collision_strategy.value if options else None,
            "tags": list(found.tags),
            "schedules": [
                {"cron": one.schedule.cron, "timezone": one.schedule.timezone, "active": one.active}
                if hasattr(one.schedule, "cron")
                else {"other": str(one.schedule)}
                for one in found.schedules
            ],
        }
        return {key: self._named(value) for key, value in body.items()}

    def _automation(self, thing: Thing) -> dict[str, Any] | None:
        found = self._client.read_automations_by_name(thing.name)
        if not found:
            return None
        for action in thing.body["actions"]:
            with suppress(ServerError):  # that there is no such block is said when it is used
                self._resolved(action)
        whole = found[0].model_dump(mode="json")
        trigger = {key: whole["trigger"].get(key) for key in thing.body["trigger"]}
        trigger |= {key: sorted(trigger[key]) for key in _SETS}
        trigger["within"] = found[0].trigger.within.total_seconds()
        thing.body["trigger"] |= {key: sorted(thing.body["trigger"][key]) for key in _SETS}
        pairs: Any = zip_longest(whole["actions"], thing.body["actions"], fillvalue={})
        actions = [
            {key: self._named(value, whole=key == "block_document_id") for key, value in one.items() if key in asked}
            for one, asked in pairs
        ]
        return {
            "enabled": whole["enabled"],
            "description": whole["description"],
            "trigger": trigger,
            "actions": actions,
        }

    # what is too much

    def _our_deployments(self) -> list[Thing]:
        from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
        from prefect.client.schemas.sorting import DeploymentSort

        ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[OURS]))
        order = DeploymentSort.NAME_ASC  # without one the server refuses what its own client sends
        found = list(_pages(self._client.read_deployments, deployment_filter=ours, sort=order))
        flows = {flow: self._client.read_flow(flow).name for flow in {one.flow_id for one in found}}
        return [Thing("deployment", f"{flows[one.flow_id]}/{one.name}", {"id": str(one.id)}) for one in found]

    def _our_limits(self) -> list[Thing]:
        prefixes = (f"{OURS}-customer-", f"{OURS}-gpu-")
        found = _pages(self._client.read_global_concurrency_limits)
        return [Thing("limit", one.name, {"limit": one.limit}) for one in found if one.name.startswith(prefixes)]

    def _our_automations(self) -> list[Thing]:
        from prefect.client.schemas.sorting import AutomationSort

        found = _pages(self._client.read_automations, sort=AutomationSort.NAME_ASC)
        return [Thing("automation", one.name, {"id": str(one.id)}) for one in found if one.name.startswith(TITLE)]

    def _our_blocks(self) -> list[Thing]:
        from prefect.exceptions import ObjectNotFound

        kinds = ("customer", "catalogue", "source", "model")  # a customer's block first: it names their catalogue's
        found = []
        for kind in (f"{OURS}-{kind}" for kind in kinds):
            with suppress(ObjectNotFound):  # nothing was deployed here yet
                documents = _pages(self._client.read_block_documents_by_type, block_type_slug=kind)
                found += [Thing("block", f"{kind}/{one.name}", {"id": str(one.id)}) for one in documents if one.name]
        return found

    def block_id(self, name: str) -> str:
        """The server's id of the block `name` (type/name)."""
        return str(self._blocks.get(name) or self._read_block(name).id)

    # changes

    def apply(self, change: Change) -> None:
        """Make one change. Raises ServerError when the server refuses it."""
        from httpx import HTTPStatusError
        from prefect.exceptions import PrefectException

        thing = change.thing
        if change.what == "same":
            return
        do = self._remove if change.what == "remove" else self._writer(thing.kind)
        try:
            do(thing)
        except HTTPStatusError as error:
            raise ServerError(f"The server refuses the {thing.kind} {thing.name}: {error.response.text}") from error
        except PrefectException as error:
            raise ServerError(f"The {thing.kind} {thing.name} cannot be made: {error}") from error

    def _writer(self, kind: str) -> Callable[[Thing], None]:
        writers: dict[str, Callable[[Thing], None]] = {
            "block type": self._write_block_type,
            "block": self._write_block,
            "pool": self._write_pool,
            "limit": self._write_limit,
            "deployment": self._write_deployment,
            "automation": self._write_automation,
        }
        return writers[kind]

    def _write_block_type(self, thing: Thing) -> None:
        self._class(thing.name).register_type_and_schema(client=None)

    def _write_block(self, thing: Thing) -> None:
        from prefect.exceptions import ObjectNotFound

        kind, _, slug = thing.name.partition("/")
        made, data = self._class(kind), dict(thing.body)
        with suppress(ObjectNotFound):  # what an operator put in besides, such as credentials, stays
            data = self._client.read_block_document_by_name(slug, kind, include_secrets=True).data | data
        if kind == f"{OURS}-customer":
            data["catalogue"] = self._class(f"{OURS}-catalogue").load(slug)  # and nobody else's
        made(**data).save(slug, overwrite=True)
        self._read_block(thing.name)

    def _write_pool(self, thing: Thing) -> None:
        from prefect.client.schemas.actions import WorkPoolCreate
        from prefect.workers.process import ProcessWorker

        template = ProcessWorker.get_default_base_job_template()
        self._client.create_work_pool(WorkPoolCreate(name=thing.name, base_job_template=template, **thing.body))

    def _write_limit(self, thing: Thing) -> None:
        from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

        self._client.upsert_global_concurrency_limit_by_name(thing.name, thing.body["limit"])
        self._client.update_global_concurrency_limit(thing.name, GlobalConcurrencyLimitUpdate(**thing.body))

    def _write_deployment(self, thing: Thing) -> None:
        from prefect.client.schemas.actions import DeploymentScheduleCreate
        from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
        from prefect.client.schemas.schedules import CronSchedule

        body = {key: self._resolved(value) for key, value in thing.body.items()}
        flow, _, slug = thing.name.partition("/")
        strategy = body.pop("collision_strategy")
        schedules = [
            DeploymentScheduleCreate(
                schedule=CronSchedule(cron=one["cron"], timezone=one["timezone"]), active=one["active"]
            )
            for one in body.pop("schedules")
        ]
        options = ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy(strategy)) if strategy else None
        self._client.create_deployment(
            flow_id=self._client.create_flow_from_name(flow),
            name=slug,
            schedules=schedules,
            concurrency_options=options,
            **body,
        )

    def _write_automation(self, thing: Thing) -> None:
        from prefect.events.schemas.automations import AutomationCore

        body = self._resolved(thing.body)
        for action in body["actions"]:
            if "block_document_id" in action:
                action["block_document_id"] = action["block_document_id"]["$ref"]["block_document_id"]
        trigger = body["trigger"] | {"type": "event", "within": timedelta(seconds=body["trigger"]["within"])}
        made = AutomationCore.model_validate({"name": thing.name, **body, "trigger": trigger})
        there = self._client.read_automations_by_name(thing.name)
        if there:
            self._client.update_automation(there[0].id, made)
        else:
            self._client.create_automation(made)

    def _remove(self, thing: Thing) -> None:
        if thing.kind == "deployment":
            self._client.delete_deployment(thing.body["id"])
        elif thing.kind == "automation":
            self._client.delete_automation(thing.body["id"])
        elif thing.kind == "limit":
            self._client.delete_global_concurrency_limit_by_name(thing.name)
        elif thing.kind == "block":
            self._client.delete_block_document(thing.body["id"])

    # blocks by name and by id

    def _class(self, slug: str) -> Any:
        from blocks.collection import BLOCKS

        return next(one for one in BLOCKS if one.get_block_type_slug() == slug)

    def _resolved(self, value: Any) -> Any:
        """`value` with the server's ids for the names of blocks. Raises ServerError where there is no such block."""
        from prefect.exceptions import ObjectNotFound

        if isinstance(value, dict):
            name = value.get("$ref", {}).get("block") if set(value) == {"$ref"} else None
            if name is None:
                return {key: self._resolved(one) for key, one in value.items()}
            try:
                found = self._blocks.get(name) or self._read_block(name).id
            except ObjectNotFound as error:
                raise ServerError(f"There is no block {name} on the server: make it in the UI first.") from error
            return {"$ref": {"block_document_id": str(found)}}
        return [self._resolved(one) for one in value] if isinstance(value, list) else value

    def _named(self, value: Any, *, whole: bool = False) -> Any:
        """The reverse: names for ids, as far as they are known."""
        names = {str(there): name for name, there in self._blocks.items()}
        if whole:
            return {"$ref": {"block": names.get(str(value), str(value))}}
        if isinstance(value, dict):
            there = value.get("$ref") if set(value) == {"$ref"} else None
            if isinstance(there, dict) and "block_document_id" in there:
                return {"$ref": {"block": names.get(there["block_document_id"], there["block_document_id"])}}
            return {key: self._named(one) for key, one in value.items()}
        return [self._named(one) for one in value] if isinstance(value, list) else value


def _pages(read: Callable[..., Sequence[Any]], **asked: Any) -> Iterator[Any]:
    """Everything that `read` has, page by page."""
    offset, more = 0, True
    while more:
        page = read(limit=_PAGE, offset=offset, **asked)
        yield from page
        offset, more = offset + _PAGE, len(page) == _PAGE


@contextmanager
def connected() -> Iterator[Server]:
    """The server that PREFECT_API_URL names. Raises ServerError where none is named or none answers."""
    from httpx import HTTPError
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    address = get_current_settings().api.url
    if not address:
        raise ServerError("No Prefect server is named: start one with `partsight up`, or set PREFECT_API_URL.")
    with get_client(sync_client=True) as client:
        try:
            failure = client.api_healthcheck()
        except HTTPError as error:
            failure = error
        if failure is not None:
            raise ServerError(f"There is no Prefect server at {address} ({failure}): start one with `partsight up`.")
        yield Server(client)
