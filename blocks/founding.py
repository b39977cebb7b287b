"""A table that is made once, however many make it at the same time.

LanceDB looks whether there is a table and makes it if not; who looked before it was there replaces it with an empty
one, and what others wrote to it meanwhile is gone (lance issue 4451).
So a new table is made where nobody else is, and its first version put in its place only if there is none.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from blocks.scratch import scratch

if TYPE_CHECKING:
    import pyarrow as pa

    from blocks.storage import Storage


def found(storage: Storage, name: str, schema: pa.Schema) -> bool:
    """Make the empty table `name` in the database at `storage`; says whether it was this one that did."""
    import lancedb

    root = None if storage.is_bucket else storage.folder
    if root:
        root.mkdir(parents=True, exist_ok=True)
    with scratch("founding", root) as folder:
        lancedb.connect(folder).create_table(name, schema=schema)
        made = folder / f"{name}.lance"
        if root:
            try:
                made.rename(root / made.name)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise  # else there is one, or what is left of one
            else:
                return True
        (manifest,) = (made / "_versions").glob("*.manifest")
        won = storage.create(manifest.relative_to(folder).as_posix(), manifest.read_bytes())
        for file in (made / "_transactions").iterdir() if won else ():  # the manifest has it in it too
            storage.write(file.relative_to(folder).as_posix(), file.read_bytes())
        return won
