"""A table that is made once, however many make it at the same time.

LanceDB looks whether there is a table and makes it if not; who looked before it was there replaces it with an empty
one, and what others wrote to it meanwhile is gone (lance issue 4451; on S3, eight at once: 4 of 40 times).
So a new table is made where nobody else is, and its first version put in its place only if there is none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from blocks.scratch import scratch

if TYPE_CHECKING:
    import pyarrow as pa

    from blocks.storage import Storage


def found(storage: Storage, name: str, schema: pa.Schema) -> bool:
    """Make the empty table `name` in the database at `storage`; says whether it was this one that did."""
    import lancedb

    with scratch("founding") as folder:
        lancedb.connect(folder).create_table(name, schema=schema)
        made = Path(folder, f"{name}.lance")
        (manifest,) = (made / "_versions").glob("*.manifest")
        for file in (made / "_transactions").iterdir():  # of a name that nobody else has; the version names it
            storage.write(file.relative_to(folder).as_posix(), file.read_bytes())
        return storage.create(manifest.relative_to(folder).as_posix(), manifest.read_bytes())
