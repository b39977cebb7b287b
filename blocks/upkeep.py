"""What keeps writing and searching a large table quick: caches that outlive a connection, and few files.

Measured (docs/scale.md). A commit writes the list of all files of its table, so many small commits are merged now and
then. A search reads partitions of an index, which stay in memory from one search to the next.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from lancedb.table import Table

LOOKS: Final = 32  # commits between two looks at the state of a table
FRAGMENTS: Final = 256  # small files of a table before they are merged
CACHED: Final = (1 << 30, 1 << 28)  # bytes of indices and of descriptions of files that a process keeps in memory
_FOR_EVER: Final = timedelta(days=36_500)  # versions are dropped by Catalogue.compact, which knows what is live
_log = logging.getLogger(__name__)


@cache
def session() -> Any:
    """What connections of this process share: parts of indices, and where the rows of each version are."""
    import lancedb

    indices, files = CACHED
    return lancedb.Session(index_cache_size_bytes=indices, metadata_cache_size_bytes=files)


def keep_up(table: Table) -> bool:
    """Merge the small files of a table where there are many; says whether it did.

    Looks at it only now and then. Another writer that commits meanwhile comes first: then it is left to a later commit.
    """
    state: Any = table.stats  # a dict of dicts, whatever its annotation says
    if table.version % LOOKS or state()["fragment_stats"]["num_small_fragments"] < FRAGMENTS:
        return False
    try:
        table.optimize(cleanup_older_than=_FOR_EVER)
    except (OSError, RuntimeError) as error:
        if "conflict" not in str(error).lower():
            raise
        _log.info("the files of %s are merged later: another writer came first", table.name)
        return False
    return True
