"""Weights tuned to a customer, in the customer's own tables: what differs from the model that they were tuned from.

A process that has the tables has the weights; nobody else's tables are looked into. Which of them are live says the row
of the run that went live, as it says of everything else: there is no second place that could say otherwise.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from blocks.catalogue import Catalogue
from tasks.progress import log
from tasks.records import Record, bytes_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from blocks.customer import Customer, Embed

TABLE: Final = "models"
KEPT: Final = 2  # tuned weights of a customer that are kept: those in use, and those before


class Card(Record):
    """What is known of tuned weights; `base_digest` is that of the model below them."""

    digest: str = Field(description="Hash of the tensors, by which they are asked for.")
    customer: str = Field(description="Slug of the customer whose parts they know.")
    base: str = Field(description="Name of the model that they were tuned from.")
    base_digest: str = Field(description="Digest of that model.")
    course: dict[str, Any] = Field({}, description="How long and how hard they learned.")
    parts: int = Field(0, ge=0, description="How many parts they learned from.")
    trained_on: str = Field("", description="Hash of the geometries and photographs that they learned from.")
    minutes: float = Field(0.0, ge=0, description="Minutes of learning.")
    made: str = Field("", description="The run that judged them.")
    at: str = Field("", description="When they were made, or judged.")
    status: Literal["live", "aside"] = Field("aside", description="What became of them when they were judged last.")
    reason: str = Field("It was not judged yet.", description="Why they are aside; empty where they went live.")
    figures: dict[str, Any] = Field({}, description="What they find, and what was found before.")


def packed(tensors: Mapping[str, Tensor]) -> bytes:
    """Tensors by name as the bytes of a safetensors file, real numbers in half precision."""
    import torch
    from safetensors.torch import save

    halved = {
        name: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in sorted(tensors.items())
    }
    broken = [name for name, value in halved.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        raise ValueError(f"What was learned cannot be kept: {broken[0]} holds numbers that are not finite.")
    return bytes(save(halved))


def put(catalogue: Catalogue, card: Card, data: bytes) -> str:
    """Write tuned weights into the customer's tables, aside until they are judged; returns their digest."""
    digest = named(data, card.customer)
    row = _row(card.replace(digest=digest, at=_now())) | {"tensors": data}
    if digest not in catalogue.read(TABLE, ("digest",))["digest"].to_pylist():
        catalogue.upsert(TABLE, [row])
    return digest


def named(data: bytes, customer: str) -> str:
    """Digest of the packed tensors of a customer: 32 hex digits."""
    return bytes_id(data, salt=customer)


def tell(catalogue: Catalogue, digest: str, run: str, figures: Mapping[str, Any], reason: str) -> None:
    """Write down what a run found tuned weights to be worth, and why they are aside, where they are."""
    from lancedb.expr import col, lit

    told = {"made": run, "figures": json.dumps(figures), "reason": reason, "at": _now()}
    catalogue.table(TABLE).update(where=col("digest") == lit(digest), values=told)


def use(catalogue: Catalogue, digest: str) -> None:
    """Write down which tuned weights are live; without a digest, that none are."""
    from lancedb.expr import col, lit

    if TABLE not in catalogue.tables():
        return
    others = (col("status") == lit("live")) & (col("digest") != lit(digest))
    table, reason = catalogue.table(TABLE), f"{digest[:8] or 'A model that is not tuned'} took their place."
    table.update(where=others, values={"status": "aside", "reason": reason})
    asleep = (col("digest") == lit(digest)) & (col("status") != lit("live"))  # a row that is written anew is a copy
    table.update(where=asleep, values={"status": "live", "reason": ""})


def forget(catalogue: Catalogue, used: str) -> tuple[str, ...]:
    """Remove all tuned weights but those that are `used` and the newest others; returns which went."""
    from lancedb.expr import col

    others = [card for card in cards(catalogue) if card.digest != used]
    gone = tuple(card.digest for card in others[KEPT - 1 if used else KEPT :])
    if gone:
        catalogue.delete(TABLE, col("digest").isin(list(gone)))
        catalogue.compact(TABLE)
    return gone


def cards(catalogue: Catalogue) -> tuple[Card, ...]:
    """What is known of all tuned weights of a customer, the newest first."""
    found = [_card(row) for row in _all(catalogue).rows(TABLE, tuple(Card.model_fields))]
    return tuple(sorted(found, key=lambda card: card.at, reverse=True))


def card(catalogue: Catalogue, digest: str, base_digest: str = "") -> Card:
    """What is known of tuned weights; with `base_digest`, only when they were tuned from that model.

    Raises ValueError with a sentence when the customer's tables do not have them, or they belong to another model.
    """
    from lancedb.expr import col, lit

    rows = _all(catalogue).rows(TABLE, tuple(Card.model_fields), col("digest") == lit(digest))
    if not rows:
        raise ValueError(
            f"The tuned weights {digest[:8]} are not among this customer's: they are somebody else's, or were removed. "
            "Take what tuned names out of recipe.embed, or tune the model anew with partsight adapt."
        )
    found = _card(rows[0])
    if base_digest and found.base_digest != base_digest:
        raise ValueError(
            f"The tuned weights {digest[:8]} were tuned from another {found.base} than the one that is here: "
            "onboard the customer again, and tune the model anew with partsight adapt."
        )
    return found


def tensors(catalogue: Catalogue, digest: str) -> dict[str, Tensor]:
    """Tuned weights by name, whole and unchanged. Raises ValueError with a sentence where they are not."""
    from safetensors.torch import load

    known = card(catalogue, digest)
    return dict(load(_kept_here(catalogue, known) if "://" in catalogue.uri else _read(catalogue, known)))


def resolved(embed: Embed, catalogue: Catalogue, plugins: tuple[str, ...] = ("*",)) -> Embed:
    """The model that `embed` means for a customer: where it leaves that open, with the weights that are live.

    They count only as long as they were tuned from the model that `embed` names, as it is here.
    """
    from tasks.embed import embedder

    live = catalogue.served().embed
    if embed.tuned or live is None or not live.digest or live.base != embed:
        return embed
    try:
        card(catalogue, live.digest, embedder(embed, plugins).digest)
    except ValueError as error:
        log.warning("The model goes on without tuned weights. %s", error)
        return embed
    return live


def tuned(customer: Customer, catalogue: Catalogue) -> Customer:
    """The customer with the model that their runs use: the tuned weights that went live, where there are some."""
    embed = resolved(customer.recipe.embed, catalogue, customer.plugins)
    if embed == customer.recipe.embed:
        return customer
    return customer.model_copy(update={"recipe": customer.recipe.model_copy(update={"embed": embed})})


def _kept_here(catalogue: Catalogue, known: Card) -> bytes:
    """The tensors out of a bucket, kept on this machine's disk; what does not have their digest is fetched anew."""
    home = Path(os.environ.get("PARTSIGHT_HOME") or ".partsight").absolute()
    file = home / "customers" / known.customer / TABLE / f"{known.digest}.safetensors"
    if file.is_file() and named(data := file.read_bytes(), known.customer) == known.digest:
        return data
    data = _read(catalogue, known)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}.new")
    new.write_bytes(data)
    new.replace(file)
    return data


def _read(catalogue: Catalogue, known: Card) -> bytes:
    from lancedb.expr import col, lit

    (row,) = _all(catalogue).rows(TABLE, ("tensors",), col("digest") == lit(known.digest))
    data: bytes = row["tensors"] or b""
    if named(data, known.customer) != known.digest:
        raise ValueError(f"The tuned weights {known.digest[:8]} are damaged: tune the model anew with partsight adapt.")
    return data


def _all(catalogue: Catalogue) -> Catalogue:
    """The customer's tables, also those that do not go live with a run."""
    return Catalogue(uri=catalogue.uri, storage_options=catalogue.storage_options)


def _row(one: Card) -> dict[str, Any]:
    return one.model_dump() | {name: json.dumps(getattr(one, name)) for name in ("course", "figures")}


def _card(row: Mapping[str, Any]) -> Card:
    told = {name: json.loads(row[name] or "{}") for name in ("course", "figures")}
    return Card(**{name: value for name, value in row.items() if value is not None} | told)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
