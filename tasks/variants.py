"""Variants as rows: what they are called before they are made, and what is written down about each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tasks.plugins import ALL
from tasks.records import content_id, jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.augment import Chain
    from tasks.gate import Verdict
    from tasks.records import Part, View

VARIANTS: Final = "variants-3"  # change it when the same settings give other variants
_EMPTY: Final = ("parent", "camera", "stage", "settings", "seed", "prompt", "scores", "reason", "recipe")


def recipe(chain: Chain, count: int, checks: Mapping[str, Mapping[str, Any]], plugins: Sequence[str] = ALL) -> str:
    """Name of the way that variants are made and judged: stages, how many of each view, checks, versions."""
    from tasks import gate

    return content_id("variants", chain.digest, count, gate.lineage(checks, plugins), VARIANTS)


def name(view: str, made: str, place: int) -> str:
    """Id of the variant number `place` of `view`, made by the recipe `made`."""
    return content_id("variant", view, made, place)


def words_id(part: Part, salt: str) -> str:
    """Id of what is said of a part, which pictures may be made from as from a view."""
    return content_id("words", part.words, salt=salt)


def row(parent: str, place: int, variant: View, verdict: Verdict, steps: Chain, made: str) -> dict[str, Any]:
    """Row of the variant number `place` of the picture `parent`, judged; `steps` are those that made it."""
    from tasks import codec
    from tasks.diffusion import marking

    said = variant.lineage
    image = marking.marked(codec.encode_photograph(variant.image), marking.source(said))
    settings = [*steps.lineage, *({"stage": stage, "told": told} for stage, told in said.items())]
    return blank(name(parent, made, place), variant.part, kind="variant", parent=parent, recipe=made) | {
        "image": image,
        "mask": codec.encode_mask(variant.mask),
        "stage": " + ".join(steps.names),
        "seed": f"{parent}:{place}",
        "settings": json.dumps(settings),
        "prompt": next((str(told["prompt"]) for told in said.values() if told.get("prompt")), ""),
        **judged(verdict),
    }


def judged(verdict: Verdict) -> dict[str, Any]:
    """The columns that say what the gate found."""
    scores = {check: round(score, 4) for check, score in verdict.scores.items()}
    return {"accepted": verdict.accepted, "reason": verdict.reason, "scores": jsonable(scores)}


def blank(picture: str, part: Part, **columns: Any) -> dict[str, Any]:
    """Row of a picture of a part of which only `columns` are known."""
    return {**dict.fromkeys(_EMPTY, ""), "id": picture, "part": part.number, "accepted": True, "place": 0, **columns}
