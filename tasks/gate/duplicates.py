"""Pictures of one part that are nearly the same: the second one teaches nothing, so it is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from tasks.gate import Finding
from tasks.records import Bytes

Marks = NDArray[np.bool_]  # a perceptual hash, (256,)
SIDE = 16  # frequencies along each side of the hash: 8 would call neighbouring views of a plain part the same


class Duplicates(BaseModel):
    """No two pictures of a part may be nearly the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: float = Field(
        0.03, ge=0, le=0.5, description="Least share of the perceptual hash in which two pictures must differ."
    )

    def __call__(self, pictures: Sequence[Bytes], kept: list[Marks]) -> list[Finding]:
        """A finding for each of `pictures`, opaque ones (h, w, 3) of one part, in order.

        Each is compared with those whose hashes are `kept`, to which it is added when it passes. The score `apart` is
        the share of the hash that differs from the one most alike; 1 where there is none.
        """
        findings = []
        for picture in pictures:
            mark = marks(picture)
            apart = min((float(np.mean(mark != other)) for other in kept), default=1.0)
            if apart < self.least:
                reason = f"Nearly the same picture of this part is there already: {1 - apart:.0%} of it is alike."
                findings.append(Finding({"apart": apart}, reason))
                continue
            findings.append(Finding({"apart": apart}))
            kept.append(mark)
        return findings


def marks(picture: Bytes) -> Marks:
    """Perceptual hash of a picture (h, w, 3), as (256,) bool: the signs of its lowest frequencies."""
    import imagehash

    found: Any = imagehash.phash(Image.fromarray(picture), hash_size=SIDE)
    return np.asarray(found.hash, dtype=np.bool_).ravel()
