"""What Prefect keeps of results: nothing; and who makes it keep them all the same gets plain JSON, never a pickle.

Prefect's own serializers make objects of any class that a stored result names: a pickle by design, its JSON by the keys
`__class__` and `__exc_type__`. Whoever can write to the storage of results could have a worker import and call what
they like. This one knows numbers, words, lists and groups of these, and nothing it reads can name anything else. What a
run has to say to another one stands in its state, as a sentence and JSON (`flows.elsewhere`).
"""

from __future__ import annotations

import json
from typing import Any, Final

from prefect.serializers import D, Serializer
from pydantic import Field


class PlainSerializer(Serializer[D]):
    """Writes and reads JSON as it is: no class is named in it, and none is looked up."""

    type: str = Field(default="partsight-plain", frozen=True)

    def dumps(self, obj: D) -> bytes:
        """`obj` as JSON. Raises TypeError for what is no number, word, list or group of these."""
        return json.dumps(obj).encode()

    def loads(self, blob: bytes) -> D:
        """What is written in `blob`, as numbers, words, lists and groups of these."""
        found: D = json.loads(blob.decode())
        return found


unkept: Final[dict[str, Any]] = {"persist_result": False, "result_serializer": PlainSerializer[Any]()}
