"""What was forgotten, when, and what was found when it was looked for: nothing of what was forgotten is in it.

    RECEIPTS/<customer>/<when>.json

They lie outside of what a customer has, so that they outlive it: below PARTSIGHT_HOME, or beside the customers'
databases where these are in a bucket, or where PARTSIGHT_RECEIPTS says. Whoever knows a part number can ask a receipt
whether it is about that part; from the receipt alone nobody learns it.
"""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from blocks.storage import Storage
from tasks.forget.traces import Trace
from tasks.records import Record, bytes_id, jsonable

if TYPE_CHECKING:
    from pathlib import Path

    from blocks.catalogue import Catalogue

FOLDER: Final = "_receipts"  # no slug begins so


class Receipt(Record):
    """A forgetting, from its beginning on; `status` is "done" only after the storage was looked through."""

    id: str = Field(description="When it began; receipts sort by it.")
    customer: str = Field(description="Slug of the customer.")
    what: Literal["parts", "customer"] = Field(description="Whether parts went, or the customer as a whole.")
    why: str = Field("", description="Who asked for it: a person, or the customer's retention.")
    status: Literal["begun", "verified", "done", "failed"] = "begun"
    begun: str = Field(description="When it began, in UTC.")
    finished: str = Field("", description="When it was done, in UTC.")
    key: str = Field(description="What the hashes below are keyed with.")
    parts: tuple[str, ...] = Field((), description="Keyed hashes of the part numbers.")
    tables: dict[str, dict[str, int]] = Field({}, description="Rows of each table before and after.")
    files: dict[str, int] = Field({}, description="Files beside the tables that went, by what they were.")
    bytes_before: int = Field(0, description="Bytes of the customer's database before.")
    bytes_after: int = Field(0, description="Bytes of it afterwards.")
    looked_for: dict[str, dict[str, int]] = Field(
        {}, description="Patterns by kind: how many, how many the raw bytes showed before, and how many are left."
    )
    patterns: tuple[str, ...] = Field((), description="Keyed hashes of the patterns.")
    shared: int = Field(0, description="Patterns that are not looked for: what stays says the same.")
    objects: int = Field(0, description="Objects whose bytes were looked through.")
    bytes: int = Field(0, description="Bytes that were looked through.")
    rows: int = Field(0, description="Rows that were read out and looked through.")
    left: tuple[str, ...] = Field((), description="What was found that should not be there; nothing where it is done.")
    elsewhere: tuple[str, ...] = Field((), description="What is not ours to remove, and what to know.")
    digest: str = Field("", description="Hash of all the rest.")

    def sealed(self) -> Receipt:
        """With the hash of its content."""
        return self.replace(digest=self._hash())

    def is_whole(self) -> bool:
        """Whether nobody changed it since it was written."""
        return self.digest == self._hash()

    def is_about(self, number: str) -> bool:
        """Whether the part of this number was forgotten with it."""
        return hashed(number, self.key) in self.parts

    def _hash(self) -> str:
        return bytes_id(jsonable(self.replace(digest="")).encode(), salt="receipt")


def hashed(number: str, key: str) -> str:
    """What a receipt calls a part by."""
    return Trace(kind="part", data=number.encode(), text=True).hashed(key)


def new_key() -> str:
    """A key that no other receipt has."""
    return secrets.token_hex(16)


def place(catalogue: Catalogue, slug: str, home: Path) -> Storage:
    """Where the receipts of a customer lie, and nobody else's."""
    said = os.environ.get("PARTSIGHT_RECEIPTS", "")
    options = catalogue.storage_options
    if said:
        return Storage(root=f"{said.rstrip('/')}/{slug}", options=options)
    if "://" in catalogue.uri:
        return Storage(root=f"{catalogue.uri.rstrip('/').rpartition('/')[0]}/{FOLDER}/{slug}", options=options)
    return Storage(root=str(home / "receipts" / slug))


def put(storage: Storage, receipt: Receipt) -> Receipt:
    """Write a receipt, sealed, in the place of what was written of it before."""
    whole = receipt.sealed()
    text = json.dumps(whole.model_dump(mode="json"), indent=2)
    storage.write(f"{whole.id}.json", text.encode() + b"\n")
    return whole


def all_of(storage: Storage) -> tuple[Receipt, ...]:
    """The receipts of a customer, the oldest first. Raises ValueError with a sentence where one was changed."""
    found = []
    for name in sorted(name for name in storage.sizes() if name.endswith(".json") and "/" not in name):
        try:
            receipt = Receipt.model_validate_json(storage.read(name) or b"")
        except ValueError as error:
            raise ValueError(f"The receipt {name} cannot be read: bring it back from a copy, or remove it.") from error
        if not receipt.is_whole():
            raise ValueError(f"The receipt {name} was changed after it was written.")
        found.append(receipt)
    return tuple(found)


def told(receipt: Receipt) -> dict[str, Any]:
    """A receipt for people and scripts: without the hashes, which say nothing to them."""
    return receipt.model_dump(mode="json", exclude={"patterns", "key", "parts"}) | {"parts": len(receipt.parts)}
