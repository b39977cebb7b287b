"""One onboarding by three processes: one that hands out and takes back, and two workers that share the parts."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import onboarding

PATIENCE: Final = 300.0  # seconds that the run waits for its workers
HANDED: Final = "handed.json"


def coordinator(told: dict[str, Any]) -> dict[str, Any]:
    """Read, hand out, write the name of the run, and wait for what is `told` of the shares; then end the run."""
    from blocks.catalogue import Catalogue
    from blocks.source import Source
    from tasks.job import opened

    home = Path(told["home"])
    where = Catalogue(uri=told["uri"]), Source(location=told["cad"]), None, home, 1
    with opened(onboarding.customer(told), *where) as job:
        for files in job.file_batches():
            onboarding.patient(job.read, files)
        onboarding.patient(job.find_parts)
        onboarding.patient(job.hand_out)
        (home / "unnamed").write_text(json.dumps({"run": job.tally.run}))
        (home / "unnamed").rename(home / HANDED)
        shares = [home / f"share-{number}.json" for number in range(told["shares"])]
        deadline = time.monotonic() + PATIENCE
        while not all(share.exists() for share in shares):
            if time.monotonic() > deadline:
                raise TimeoutError("The workers told nothing of their shares.")
            time.sleep(0.02)
        onboarding.patient(job.take_back, [json.loads(share.read_text()) for share in shares])
        return onboarding.ended(job)


def worker(told: dict[str, Any]) -> dict[str, Any]:
    """Make a share of what the run `told["run"]` handed out, part by part."""
    from blocks.catalogue import Catalogue
    from tasks import shares

    catalogue, count = Catalogue(uri=told["uri"]), told["shares"]
    with shares.opened(onboarding.customer(told), catalogue, told["run"], told["share"], count, 1) as work:
        for part in [part for batch in work.batches() for part in batch]:
            onboarding.patient(work.make, [part])
        return work.summary()
