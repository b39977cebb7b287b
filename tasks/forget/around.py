"""What a run leaves beside the tables: reports, exports, adapters, what learning left, what killed processes left.

HOME/customers/<slug>/{reports,exports,adapters,models,finetune,tuning}
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from blocks.storage import Storage
from tasks import report
from tasks.delivery import PLACES
from tasks.diffusion import adapters

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from blocks.customer import Customer

WHOLE: Final = ("reports", "exports", "models", "finetune", "tuning")  # go as they are: a run makes them anew
LEFTOVERS: Final = ("partsight-source-*", "partsight-sandbox-*", "partsight-workshop-*")
OLD: Final = 86_400.0  # seconds after which nobody is at work there any more


def folder(home: Path, slug: str) -> Path:
    """Everything of a customer that lies on this machine."""
    return home / "customers" / slug


def removed(home: Path, customer: Customer, photographs: Collection[str], pictures: Collection[str]) -> dict[str, int]:
    """Remove what may show or have learned from forgotten parts; returns how many files went, by what they were.

    An adapter stays only where its card says that it learned from none of their `photographs` (digests) and
    `pictures` (ids); the sheet beside it goes all the same.
    """
    here = folder(home, customer.slug)
    gone = {name: _files(here / name) for name in WHOLE}
    for name in WHOLE:
        shutil.rmtree(here / name, ignore_errors=True)
    gone["adapters"] = sum(
        _without(file, photographs, pictures) for file in sorted((here / "adapters").rglob("*.safetensors"))
    )
    gone["leftovers"] = swept()
    return {name: count for name, count in gone.items() if count}


def _without(file: Path, photographs: Collection[str], pictures: Collection[str]) -> int:
    """Remove an adapter that learned from the parts, or whose card does not say; else only its sheet."""
    card = adapters.card_of(file)
    learned = card is None or set(card.photographs) & set(photographs) or set(card.renders) & set(pictures)
    suffixes = (".safetensors", ".json", ".png") if learned else (".png",)
    there = [file.with_suffix(suffix) for suffix in suffixes if file.with_suffix(suffix).exists()]
    for one in there:
        one.unlink()
    return len(there)


def swept() -> int:
    """Remove the folders that processes which were killed left in the temporary folder; returns how many."""
    before = time.time() - OLD
    left = [path for pattern in LEFTOVERS for path in Path(tempfile.gettempdir()).glob(pattern)]
    old = [path for path in left if path.is_dir() and not path.is_symlink() and _newest(path) < before]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return len(old)


def _newest(path: Path) -> float:
    """When something in a folder was changed last; now, where it cannot be seen."""
    try:
        return max(one.lstat().st_mtime for one in (path, *path.rglob("*")))
    except OSError:
        return time.time()


def beside(home: Path, slug: str, storage: Storage) -> dict[str, int]:
    """The files of a customer on this machine that are not among the tables in `storage`, with their bytes."""
    here = folder(home, slug)
    tables = here / "." if storage.is_bucket else storage.folder
    found = Storage(root=str(here)).sizes()
    return {name: size for name, size in found.items() if tables == here or not (here / name).is_relative_to(tables)}


def said(home: Path, slug: str) -> bytes:
    """What stays and may say what a part's number says as well: settings, cards of adapters, what every report says."""
    here = folder(home, slug)
    pages = sorted((Path(report.__file__).parent / "page").iterdir())
    there = (here / "customer.yaml", *sorted((here / "adapters").rglob("*.json")), *pages)
    files = [path for path in there if path.is_file()]
    return b"\n".join(path.read_bytes() for path in files)


def elsewhere(customer: Customer) -> Iterator[str]:
    """Sentences about what a customer's sinks wrote to places of their own: not ours to remove."""
    for name, settings in sorted(customer.sinks.items()):
        if PLACES & settings.keys():
            yield f"The sink {name} writes to a place of its own: what it wrote there is not ours to remove."


def _files(path: Path) -> int:
    return sum(1 for one in path.rglob("*") if one.is_file())
