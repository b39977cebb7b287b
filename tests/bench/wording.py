"""Parts found by their description: families and attributes that training has never seen.

words and vectors   `partsight search` on a catalogue that knows each part's name and description, as customers'
                    catalogues do; the question says some of it in another order
vectors alone       the text's vector against those of the pictures: the catalogue knows no word

What neither can tell apart are siblings whose difference nobody speaks of: recall is also that of siblings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks import score
from tasks.embed import embedder
from tasks.generate import caption
from tasks.score import Ranking
from tasks.search import search

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from galleries import Gallery
    from numpy.typing import NDArray

SEED = "bench"
TOP = 10


def measured(
    gallery: Gallery, vectors: NDArray[np.float32], owners: Sequence[str], advance: Callable[[str, int, int], None]
) -> dict[str, Any]:
    """Recall of the parts of `gallery` by a description of each, both ways; `vectors` (n, d) show `owners`."""
    own = embedder(gallery.customer.recipe.embed)
    numbers = list(gallery.parts)
    texts = {number: caption(gallery.made[number], SEED) for number in numbers}
    found = []
    for place, number in enumerate(numbers):
        advance("words", place, len(numbers))
        hits = search(gallery.shown, own, [], texts[number], TOP).hits
        found.append([hit.part for hit in hits])
    both = {"words and vectors": figures(gallery, numbers, found)}
    if own.trained:
        asked = own.texts([texts[number] for number in numbers])
        both["vectors alone"] = figures(gallery, numbers, nearest(asked, vectors, owners))
    return {**both, "example": next(iter(texts.values()))}


def nearest(asked: NDArray[np.float32], vectors: NDArray[np.float32], owners: Sequence[str]) -> list[list[str]]:
    """The `TOP` owners whose most similar vector is most like each of `asked` (n, d)."""
    found = []
    for row in asked @ vectors.T:
        order = [owners[int(place)] for place in np.argsort(-row, kind="stable")]
        found.append(list(dict.fromkeys(order))[:TOP])
    return found


def figures(gallery: Gallery, numbers: Sequence[str], found: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Recall of the part itself, of it or a sibling, and of any of its family."""
    families = {number: gallery.made[number].family for number in numbers}
    same = {name: frozenset(n for n in numbers if families[n] == name) for name in set(families.values())}
    relevant = {
        "part": [gallery.identical({number}) for number in numbers],
        "siblings": [gallery.siblings(number) for number in numbers],
        "family": [same[families[number]] for number in numbers],
    }
    return {
        name: _recall(
            [
                Ranking(part=number, relevant=right, parts=tuple(parts), scores=(0.0,) * len(parts))
                for number, right, parts in zip(numbers, some, found, strict=True)
            ]
        )
        for name, some in relevant.items()
    }


def _recall(rankings: Sequence[Ranking]) -> dict[str, Any]:
    ranks = [one.rank for one in rankings]
    return {str(depth): score.recall(ranks, depth).model_dump() for depth in (1, 5)} | {"queries": len(ranks)}
