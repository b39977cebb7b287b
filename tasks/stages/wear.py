"""What use does to a part: dirt, dust, scratches, rust, oil and fingerprints, painted on its surface."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.stages.props import marks
from tasks.stages.props.skin import Skin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.records import Part, View

RUSTY = re.compile(
    r"steel|stahl|iron|eisen|guss|guß|acier|fonte|acero|hierro|acciaio|ghisa|\bfer\b"
    r"|\b(?:gg|gjl|gjs|st|s)[- ]?\d{2,3}|\bc\d{2}\b|\b(?:16mncr5|42crmo4|100cr6)|\b(?:8\.8|10\.9|12\.9)\b",
    re.IGNORECASE,
)
PROTECTED = re.compile(
    r"stainless|edelstahl|inox|rostfrei|\ba[24](?:-\d\d)?\b|\b1\.4\d{3}|x\d+cr|18[/-]8|zinc|zink|galvani|chrom(?!o)"
    r"|nickel|plated|paint|lack|coat",
    re.IGNORECASE,
)


class Wear(BaseModel):
    """Make the part look used: dirt, dust, scratches, oil, fingerprints, and rust where it can rust."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    revision: ClassVar[int] = 1

    dirt: float = Field(0.35, ge=0, le=1, description="How dirty a part can be; 0 leaves it clean.")
    dust: float = Field(0.3, ge=0, le=1, description="How dusty surfaces that face up can be.")
    scratches: float = Field(0.4, ge=0, le=1, description="How scratched a part can be.")
    rust: float = Field(0.35, ge=0, le=1, description="Largest share of the surface that is rusty.")
    rusting: Literal["steel", "everything", "nothing"] = Field(
        "steel", description="Which parts rust: those whose material or words say plain steel or iron, all, or none."
    )
    oil: float = Field(0.25, ge=0, le=1, description="How large the oil stains can be.")
    fingerprints: float = Field(0.25, ge=0, le=1, description="Chance of fingerprints.")

    def __call__(self, view: View) -> Iterator[View]:
        """The same part, used: silhouette, depth and normals kept, only the part's own pixels changed."""
        rng = view.rng
        skin = Skin.of(view)
        if skin is None:
            yield view
            return
        # amounts lean to the small side: most parts on a shelf are nearly new
        dirt, dust, scratches, rust, oil = rng.beta(0.8, 2.0, 5)
        noises = skin.noises(rng)
        if rusts(view.part, self.rusting):
            marks.rust(skin, rng, self.rust * rust, noises)
        marks.dirt(skin, rng, self.dirt * dirt, noises)
        marks.scratches(skin, rng, self.scratches * scratches)
        marks.oil(skin, rng, self.oil * oil, noises)
        if rng.random() < self.fingerprints:
            marks.fingerprints(skin, rng)
        marks.dust(skin, self.dust * dust, noises)
        yield view.replace(image=skin.painted(view.image))


def rusts(part: Part, rusting: Literal["steel", "everything", "nothing"]) -> bool:
    """Whether rust may grow on the part, by what is said of it."""
    if rusting != "steel":
        return rusting == "everything"
    said = part.material or part.words
    return bool(RUSTY.search(said)) and not PROTECTED.search(said)
