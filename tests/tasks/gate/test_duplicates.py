"""The same picture twice teaches nothing: the second one is left out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tasks.augment import chain, flatten
from tasks.gate.duplicates import Duplicates

if TYPE_CHECKING:
    from tasks.records import Bytes
    from tests.tasks.conftest import Shown


def _saved_again(picture: Bytes) -> Bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=70)
    return np.asarray(Image.open(file))


def test_a_copy_that_was_saved_again_is_refused(shown: Shown) -> None:
    """JPEG does not make it another picture; the first one stays."""
    picture = flatten(shown()).image
    first, second = Duplicates()([picture, _saved_again(picture)], [])
    assert (first.reason, first.scores["apart"]) == ("", 1)
    assert "Nearly the same picture" in second.reason


def test_what_was_there_before_counts(shown: Shown) -> None:
    """A picture of an earlier batch is compared with as well; one that was left out is not."""
    picture, kept = flatten(shown()).image, []
    Duplicates()([picture, picture], kept)
    assert len(kept) == 1
    (found,) = Duplicates()([picture], kept)
    assert found.scores["apart"] == 0
    assert found.reason


def test_variants_in_other_places_pass(shown: Shown) -> None:
    """Wear, place and camera make other pictures of one view."""
    made = [variant.image for variant in chain(["wear", "background", "camera"]).variants(shown(), "twice", 4)]
    assert [finding.reason for finding in Duplicates()(made, [])] == [""] * 4
