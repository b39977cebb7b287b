"""A customer forgotten as a whole: their database, what lies on this machine, and a receipt that says so.

Stopped anywhere, it is begun again, and goes on with the receipt that was begun. The customer's settings go last, so
that their slug is known until then.
"""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from blocks import upkeep
from blocks.storage import Storage
from tasks.forget import around, look, receipts, tables
from tasks.forget.doom import Doom, doomed
from tasks.forget.look import JOURNAL
from tasks.forget.receipts import Receipt
from tasks.forget.traces import MANY
from tasks.forget.work import by_kind
from tasks.tally import named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer

SETTINGS: Final = "customer.yaml"
UNREADABLE: Final = (
    "The database could not be read: it went all the same, and what parts and rows were in it is not said here."
)


def begun(customer: Customer, catalogue: Catalogue, home: Path, why: str = "") -> Receipt:
    """The receipt of forgetting this customer: the one that a run which was stopped began, or a new one.

    Raises ValueError with a sentence where other things lie among the tables: then the place may be somebody else's.
    """
    storage, place = catalogue.storage(), receipts.place(catalogue, customer.slug, home)
    if others := storage.strangers((JOURNAL,)):
        raise ValueError(
            f"{others[0]} lies at {storage.root} and belongs to no table of '{customer.slug}': nothing was removed, "
            "since the place may hold something else."
        )
    if waiting := stopped(customer, catalogue, home):
        return waiting
    notes: tuple[str, ...] = ()
    try:
        names = [row["part"] for row in catalogue.rows("parts", ("part",))]
        doom = doomed([catalogue], names)
        found = tables.traces(catalogue, doom, most=MANY)  # nothing of the customer stays that could hold them
        seen = {one.trace for one in look.raw(storage, found).left}
        counts = {name: {"before": catalogue.table(name).count_rows(), "after": 0} for name in catalogue.tables()}
    except (RuntimeError, ValueError, OSError):
        logging.getLogger("partsight").debug("a database that goes could not be read", exc_info=True)
        doom, found, seen, counts, notes = Doom(parts=frozenset()), (), set(), {}, (UNREADABLE,)
    now, key = datetime.now(UTC), receipts.new_key()
    return receipts.put(
        place,
        Receipt(
            id=named(now),
            customer=customer.slug,
            what="customer",
            why=why,
            begun=now.isoformat(timespec="seconds"),
            key=key,
            parts=tuple(receipts.hashed(number, key) for number in sorted(doom.parts)),
            tables=counts,
            files={"files beside the tables": len(around.beside(home, customer.slug, storage))},
            bytes_before=sum(storage.sizes().values()),
            patterns=tuple(one.hashed(key) for one in found if one.where != "shared"),
            looked_for=by_kind(found, seen),
            elsewhere=notes,
        ),
    )


def stopped(customer: Customer, catalogue: Catalogue, home: Path) -> Receipt | None:
    """The receipt of forgetting this customer that was begun and is not done."""
    last = next(reversed(receipts.all_of(receipts.place(catalogue, customer.slug, home))), None)
    return last if last and last.what == "customer" and last.status != "done" else None


def removed(customer: Customer, catalogue: Catalogue, home: Path) -> None:
    """Remove the database and everything beside it, the customer's settings last."""
    catalogue.storage().clear()
    upkeep.session.cache_clear()  # parts of their tables would stay in memory, and be taken for those of new ones
    here = around.folder(home, customer.slug)
    for path in sorted(here.iterdir()) if here.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != SETTINGS:
            path.unlink()
    around.swept()
    (here / SETTINGS).unlink(missing_ok=True)
    shutil.rmtree(here, ignore_errors=True)


def finished(
    receipt: Receipt, customer: Customer, catalogue: Catalogue, home: Path, notes: Sequence[str] = ()
) -> Receipt:
    """Look whether anything is left, and write the receipt. Raises RuntimeError where something is."""
    storage, place = catalogue.storage(), receipts.place(catalogue, customer.slug, home)
    left = [*storage.sizes(), *Storage(root=str(around.folder(home, customer.slug))).sizes()]
    if hidden := storage.hidden():
        left.append(f"{hidden} earlier versions of objects")
    elsewhere = (
        "The customer's own CAD is theirs and was not touched; an onboarding would make all of it anew.",
        *around.elsewhere(customer),
        *notes,
    )
    done = receipts.put(
        place,
        receipt.replace(
            status="failed" if left else "done",
            finished="" if left else datetime.now(UTC).isoformat(timespec="seconds"),
            left=tuple(left[:100]),
            elsewhere=tuple(dict.fromkeys((*receipt.elsewhere, *elsewhere))),
        ),
    )
    if left:
        raise RuntimeError(
            f"{len(left)} objects of '{customer.slug}' are still there ({left[0]}): start it again, when nothing else "
            "works on this customer."
        )
    return done
