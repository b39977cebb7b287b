"""One forgetting, step by step: some parts of a customer, out of everything; each step may be done again.

What to look for is written down below the tables before anything goes (the journal), and is the last that goes: a run
that was stopped finds it there and goes on. Until then the receipt says that it was begun, and nothing more.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lancedb.expr import col, lit

from blocks.storage import Storage
from blocks.tables import VECTORS, schema
from tasks.forget import around, listed, look, receipts, tables
from tasks.forget.doom import Doom, doomed, scrubbed, scrubbed_runs
from tasks.forget.look import JOURNAL
from tasks.forget.receipts import Receipt
from tasks.forget.traces import packed, unpacked
from tasks.tally import named

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    import pyarrow as pa

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.forget.look import Looked
    from tasks.forget.traces import Trace

GRACE: Final = 5.0  # seconds that a search which began before the switch has to end
WEIGHTS: Final = (
    "Weights that were tuned to the customer's parts went, since the forgotten ones were among those: searches read "
    "the model as it ships again, until partsight adapt."
)
SOURCE: Final = {
    True: "The customer's own CAD is theirs and was not touched: the next onboarding leaves the parts out of it.",
    False: "The customer's own CAD is theirs and was not touched: the next onboarding brings back what is in it.",
}
MACHINE: Final = (
    "Reports, adapters and exports were removed from this machine's PARTSIGHT_HOME, not from other machines' own."
)


class Forgetting:
    """Takes parts of a customer out of everything that is kept, or goes on with what a run that was stopped began."""

    def __init__(
        self,
        customer: Customer,
        catalogue: Catalogue,
        numbers: Sequence[str],
        home: Path,
        *,
        why: str = "",
        may_return: bool = False,
        grace: float = GRACE,
    ) -> None:
        self.customer, self.catalogue, self.home = customer, catalogue, home
        self.storage = catalogue.storage()
        self.receipts = receipts.place(catalogue, customer.slug, home)
        self.receipt, self.doom, self.traces = self._begun(numbers, why, may_return=may_return)
        self._grace = grace

    # beginning

    def _begun(self, numbers: Sequence[str], why: str, *, may_return: bool) -> tuple[Receipt, Doom, tuple[Trace, ...]]:
        """What a run that was stopped wrote down, or a new journal and a new receipt."""
        if journal := self.storage.read(JOURNAL):
            told = json.loads(journal)
            there = {one.id: one for one in receipts.all_of(self.receipts)}
            doom = Doom.model_validate(told["doom"])
            more = sorted(set(numbers) - doom.parts)
            if more:
                raise ValueError(
                    f"A forgetting of other parts of '{self.customer.slug}' was stopped and is not done: "
                    f"partsight forget {self.customer.slug} --retention, and then forget {', '.join(more[:5])}."
                )
            return there.get(told["receipt"]["id"]) or Receipt.model_validate(told["receipt"]), doom, unpacked(told)
        if not numbers:
            raise ValueError(f"Nothing of '{self.customer.slug}' is to be forgotten.")
        for scrap in look.scraps(self.catalogue, self.storage):
            self.storage.remove(scrap)
        if others := self.storage.strangers():
            raise ValueError(
                f"{others[0]} lies among the tables at {self.storage.root} and belongs to none of them: "
                "move it away first."
            )
        doom = doomed(self._both(), numbers)
        found = tables.traces(self.catalogue, doom, around.said(self.home, self.customer.slug))
        receipt = self._new(doom, found, why)
        told = {"doom": doom.model_dump(mode="json"), "receipt": receipt.model_dump(mode="json")}
        self.storage.write(JOURNAL, packed(found, **told, may_return=may_return))
        return receipts.put(self.receipts, receipt), doom, found

    def _both(self) -> list[Catalogue]:
        """What searches read, and what is newest."""
        served = self.catalogue.served()
        return [served, self.catalogue] if served.vectors else [self.catalogue]

    def _new(self, doom: Doom, found: Sequence[Trace], why: str) -> Receipt:
        now, key = datetime.now(UTC), receipts.new_key()
        seen = {one.trace for one in look.raw(self.storage, found).left}
        wanted = [one for one in found if one.where != "shared"]
        return Receipt(
            id=named(now),
            customer=self.customer.slug,
            what="parts",
            why=why,
            begun=now.isoformat(timespec="seconds"),
            key=key,
            parts=tuple(receipts.hashed(number, key) for number in sorted(doom.parts)),
            bytes_before=sum(self.storage.sizes().values()),
            patterns=tuple(one.hashed(key) for one in wanted),
            shared=len(found) - len(wanted),
            looked_for=by_kind(found, seen),
        )

    # the steps

    def fall_back(self, workers: int = 0) -> bool:
        """Let searches read the model as it ships again, where they read one tuned to the customer; returns whether."""
        from blocks.customer import NEVER
        from tasks import reembedding

        embed = self.catalogue.served().embed
        if embed is None or not embed.digest:
            return False
        release = self.customer.release.model_copy(update={"tolerance": 1.0})
        quotas = self.customer.quotas.model_copy(update={"gpu_seconds": 0.0})  # who has used theirs up may forget
        who = self.customer.model_copy(update={"release": release, "quotas": quotas})
        plain = embed.model_copy(update={"tuned": NEVER})
        with reembedding.opened(who, self.catalogue, plain, self.home, workers) as work:
            for batch in work.filling.batches():
                work.filling.make(batch)
            work.finish()
        return True

    def _drop_tuned(self) -> None:
        """Drop vectors that are not live and were made by what learned from the parts."""
        live = self.catalogue.live()
        for name in self.catalogue.tables():
            if name.startswith(VECTORS) and "_tuned_" in name and live not in {"", name}:
                self.catalogue.drop(name)

    def tables(self) -> list[str]:
        """The tables that are written anew, the one that says which versions are live left out."""
        return sorted(set(self.catalogue.tables()) - {"runs", listed.TABLE})

    def rewrite(self) -> dict[str, int]:
        """Write the tables without the parts; returns the version of each that searches are to read.

        Nothing changes for searches: they read the versions that they read before.
        """
        if not self._may_return():  # first: an onboarding in between must not bring them back
            listed.add(self.catalogue, self.customer.slug, self._entries())
        found, counts = {}, dict(self.receipt.tables)
        masked = look.masked(self.storage)
        for table in self.tables():
            found[table], before, after = tables.rewritten(
                self.catalogue,
                table,
                self.doom,
                masked=table in masked,
                note=partial(self._note, table),
                waits=self._told().get("waits", {}).get(table, ()),
            )
            kept = counts.get(table, {}).get("before", before)
            counts[table] = {"before": kept, "after": after}
        self.receipt = receipts.put(self.receipts, self.receipt.replace(tables=counts))
        return found

    def switch(self, versions: dict[str, int]) -> None:
        """Let searches read the new versions, in one commit, and take the parts out of what is said of runs."""
        if "runs" not in self.catalogue.tables():
            return
        served = self.catalogue.served()
        tables.aged(self.catalogue, "runs")
        self.catalogue.rewrite("runs", lambda rows: self._runs(rows, served.run, versions))
        if "models" in self.catalogue.tables() and not self.catalogue.rows("models", ("digest",)):
            self.catalogue.drop("models")

    def _runs(self, rows: pa.Table, live: str, versions: dict[str, int]) -> pa.Table:
        """Rows of runs without the parts; the one that is live names the new versions."""
        import pyarrow as pa

        found = scrubbed_runs(rows, self.traces).to_pylist()
        for row in found:
            pinned = json.loads(row["versions"] or "null")  # null: searches read what is newest
            if live and row["run"] == live and pinned is not None:
                row["versions"] = json.dumps({name: versions.get(name, number) for name, number in pinned.items()})
        return pa.Table.from_pylist(found, schema=rows.schema)

    def clean(self) -> None:
        """Remove what the new versions do not need: old versions, old indices, what lies beside the tables.

        A search that began before the switch has a grace to end; after that it would fail.
        """
        time.sleep(self._grace)
        self._drop_tuned()
        pinned = tables.pinned(self.catalogue)
        for table in self.catalogue.tables():
            self.catalogue.sweep(table, pinned.get(table) or int(self.catalogue.table(table).version))
        for scrap in look.scraps(self.catalogue, self.storage):
            self.storage.remove(scrap)
        photographs = self._digests()
        files = around.removed(self.home, self.customer, photographs, self.doom.reviews)
        if past := self.storage.purge():
            files["earlier versions of objects"] = past
        self.receipt = receipts.put(self.receipts, self.receipt.replace(files=_sum(self.receipt.files, files)))

    def report(self) -> None:
        """Write the report of what is live again, from what is left."""
        from pathlib import Path

        from tasks import report

        served = self.catalogue.served()
        if not served.vectors:
            return
        (row,) = self.catalogue.rows("runs", schema("runs").names, col("run") == lit(served.run))
        summary = json.loads(row["summary"])
        if summary.get("report") and "files" in summary:
            path = around.folder(self.home, self.customer.slug) / "reports" / Path(summary["report"]).name
            report.write(served, summary, path)

    def verify(self) -> Looked:
        """Look through the raw storage, and through what lies beside it; write down what was found."""
        beside = Storage(root=str(around.folder(self.home, self.customer.slug)))
        looked = (
            look.raw(self.storage, self.traces)
            + look.rows(self.catalogue, self.storage, self.traces)
            + look.account(self.catalogue, self.storage)
            + look.raw(beside, self._told_beside(), around.beside(self.home, self.customer.slug, self.storage))
        )
        if hidden := self.storage.hidden():
            looked += look.Looked(left=(look.Left(where="the bucket", what=f"keeps {hidden} earlier versions"),))
        kinds = Counter(self.traces[place].kind for place in {one.trace for one in looked.left} if place >= 0)
        self.receipt = receipts.put(
            self.receipts,
            self.receipt.replace(
                status="failed" if looked.left else "verified",
                looked_for={kind: told | {"left": kinds[kind]} for kind, told in self.receipt.looked_for.items()},
                objects=looked.objects,
                bytes=looked.bytes,
                rows=looked.rows,
                left=tuple(self._unnamed(one) for one in looked.left[:100]),
                bytes_after=sum(self.storage.sizes().values()),
            ),
        )
        return looked

    def finish(self, notes: Sequence[str] = ()) -> Receipt:
        """Remove the journal and say that it is done. Raises RuntimeError where something was found."""
        if self.receipt.status != "verified":
            first = self.receipt.left[0] if self.receipt.left else "it was not looked for yet"
            raise RuntimeError(
                f"Not everything of '{self.customer.slug}' that was to be forgotten is gone ({first}): start it again, "
                "when nothing else works on this customer."
            )
        elsewhere = (SOURCE[not self._may_return()], *around.elsewhere(self.customer), MACHINE, *notes)
        self.receipt = receipts.put(self.receipts, self.receipt.replace(elsewhere=elsewhere))  # before the journal goes
        self.storage.remove(JOURNAL)
        self.storage.purge()
        done = datetime.now(UTC).isoformat(timespec="seconds")
        self.receipt = receipts.put(self.receipts, self.receipt.replace(status="done", finished=done))
        return self.receipt

    # what the steps share

    def _told_beside(self) -> list[Trace]:
        """The traces that can be told beside the tables: not what every report says, such as words of its style."""
        said = around.said(self.home, self.customer.slug)
        return [one.replace(where="shared") if one.data in said else one for one in self.traces]

    def _unnamed(self, one: look.Left) -> str:
        """What was found, without what it is: an object's name may say that."""
        where = scrubbed(one.where, self.traces)
        return f"{where}: {one.what}"

    def _may_return(self) -> bool:
        return bool(self._told().get("may_return"))

    def _told(self) -> dict[str, Any]:
        """The journal."""
        return dict(json.loads(self.storage.read(JOURNAL) or b"{}"))

    def _note(self, table: str, versions: tuple[int, ...]) -> None:
        """Write into the journal which two versions of a table are being written anew; none when both are."""
        told = self._told()
        waits = {name: both for name, both in told.get("waits", {}).items() if name != table}
        told["waits"] = waits | ({table: versions} if versions else {})
        self.storage.write(JOURNAL, json.dumps(told, indent=1).encode())

    def _entries(self) -> list[tuple[str, str]]:
        return [
            *(("part", number) for number in sorted(self.doom.parts)),
            *(("geometry", name) for name in sorted(self.doom.geometries)),
            *(("file", name) for name in sorted(self.doom.files)),
        ]

    def _digests(self) -> set[str]:
        """Digests of the photographs that go, as the traces have them: the rows are gone."""
        return {one.data.decode() for one in self.traces if one.kind == "digest of a file"}


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def by_kind(found: Sequence[Trace], seen: Collection[int]) -> dict[str, dict[str, int]]:
    """The traces that are looked for, by kind: how many, how many raw bytes showed (their places), and none left."""
    kinds = sorted({one.kind for one in found if one.where != "shared"})
    places = {kind: {n for n, one in enumerate(found) if one.kind == kind and one.where != "shared"} for kind in kinds}
    return {kind: {"patterns": len(some), "seen": len(some & set(seen)), "left": 0} for kind, some in places.items()}


def settled(customer: Customer, catalogue: Catalogue, home: Path) -> Receipt | None:
    """The receipt of a forgetting that was stopped when all was done but the last word; None where there is none."""
    place = receipts.place(catalogue, customer.slug, home)
    storage = catalogue.storage()
    last = next(reversed(receipts.all_of(place)), None)
    if last is None or last.status != "verified" or last.what != "parts" or storage.read(JOURNAL) is not None:
        return None
    storage.purge()
    done = datetime.now(UTC).isoformat(timespec="seconds")
    return receipts.put(place, last.replace(status="done", finished=done))


def is_stopped(catalogue: Catalogue) -> bool:
    """Whether a forgetting of parts was begun and is not done."""
    return catalogue.storage().read(JOURNAL) is not None
