"""Whose tables these are, as they say themselves: what is handed to a run need not be its customer's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blocks.catalogue import Catalogue


def owner(catalogue: Catalogue) -> str:
    """Slug of the customer whose runs the tables tell of, or "" where there was none yet."""
    if "://" not in catalogue.uri and not Path(catalogue.uri).is_dir():
        return ""
    newest = max(catalogue.rows("runs", ("run", "summary")), key=lambda row: str(row["run"]), default=None)
    return str(json.loads(newest["summary"] or "{}").get("customer") or "") if newest else ""


def check(catalogue: Catalogue, slug: str) -> None:
    """Raise ValueError with a sentence where the tables are another customer's than `slug`'s."""
    whose = owner(catalogue)
    if whose not in {"", slug}:
        raise ValueError(f"The catalogue at {catalogue.uri} is that of {whose}: nothing is done there for {slug}.")
