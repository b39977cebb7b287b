"""Pictures by Stable Diffusion: a place around the part, another light on it, or a whole photograph of it."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from blocks.models.pipelines import SHIPPED, Condition, Pipeline, pipeline, shipped
from tasks.diffusion import compose, conditions, marking, pipelines, prompts
from tasks.diffusion.adapters import spoken
from tasks.diffusion.pipelines import CONTROLLED, Mode, Precision, Schedule, Way, Wish
from tasks.records import generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.diffusion.pipelines import Engine
    from tasks.diffusion.prompts import Prompt
    from tasks.records import Floats, View

STRENGTHS: Final[dict[Mode, float]] = {"background": 1.0, "relight": 0.35, "photo": 0.5}
STRONGEST: Final[dict[Mode, float]] = {"background": 1.0, "relight": 0.6, "photo": 0.9}
FEWEST: Final = 4  # steps that are really gone when nobody says how many, as far as the model needs so many
HANDS: Final = 4  # threads that prepare and finish pictures
AT_ONCE: Final = 64  # views that are prepared together: what waits for its batch takes memory too
SOFTER: Final = 0.5  # strength of the second try of a picture that was made from geometry alone


class Diffuse(BaseModel):
    """Make photographs with Stable Diffusion: a place around the part, another light, or all of it anew."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    needs_gpu: ClassVar[bool] = True
    revision: ClassVar[int] = 1

    mode: Mode = Field(
        "background",
        description="What is made: background around the part, relight of the render, restyle from its geometry alone, "
        "photo from one photograph, or text from its description.",
    )
    model: str = Field(SHIPPED, description="Folder in diffusers' form, hf-hub:owner/name@revision, or what ships.")
    pinned: str = Field("", description="Revision of the model's repository, where its name has none.")
    controlnet: str = Field(
        "", description="ControlNet as a folder or on the hub; empty: the one in the model's folder."
    )
    condition: Condition | None = Field(
        None, description="What the ControlNet reads; empty: what its name says, geometry where it has four channels."
    )
    control: float = Field(1.0, ge=0, le=2, description="How strictly the geometry is kept.")
    adapters: dict[str, float] = Field({}, description="LoRA adapters (safetensors files) and how much of each.")
    strength: float | None = Field(
        None, gt=0, le=1, description="How far a picture may go from what it is made of; empty: what suits the mode."
    )
    steps: int = Field(0, ge=0, le=200, description="Steps from noise to picture; 0: what the model was made for.")
    guidance: float | None = Field(None, ge=0, le=30, description="Guidance by the words; empty: the model's own.")
    schedule: Schedule = Field("own", description="Schedule of the steps; own: the model's.")
    size: int = Field(0, ge=0, le=2048, description="Longer side of the picture that is diffused; 0: the model's own.")
    words: str = Field("", max_length=500, description="More words for every prompt.")
    avoid: str = Field("", max_length=500, description="More of what is not wanted in a picture.")
    precision: Precision = Field("best", description="Arithmetic of the networks; best: what the device does fastest.")
    compiled: bool = Field(False, description="Whether the networks are compiled first: minutes once, then faster.")
    attempt: int = Field(0, ge=0, le=9, description="Which try of a rejected picture this is; the gate counts it up.")

    @model_validator(mode="after")
    def _takes_a_step(self) -> Self:
        """Refuse what diffusers would answer in the middle of the run, with a stack trace."""
        strongest = STRONGEST.get(self.mode)
        if self.strength is not None and strongest is None:
            raise ValueError(f"mode {self.mode} begins with nothing, so it has no strength; leave it out.")
        if self.strength is not None and strongest is not None and self.strength > strongest:
            raise ValueError(f"strength {self.strength:g} makes another part in mode {self.mode}; up to {strongest:g}.")
        share = self.share
        if self.steps and int(self.steps * share) < 1:
            raise ValueError(
                f"{self.steps} steps at strength {share:g} change nothing: take {_steps(1, share)} steps or more."
            )
        return self

    def __call__(self, view: View) -> Iterator[View]:
        """One picture: same size, opaque, silhouette as the CAD has it."""
        yield from self.many([view])

    def many(self, views: Sequence[View]) -> list[View]:
        """One picture of each view, made in batches; each depends on its own view alone."""
        engine = pipelines.engine(self.found, self.schedule, self.precision, compiled=self.compiled)
        made: list[View] = []
        for start in range(0, len(views), AT_ONCE):
            made += self._some(engine, views[start : start + AT_ONCE])
        return made

    def _some(self, engine: Engine, views: Sequence[View]) -> list[View]:
        """The pictures of so many views as are held in memory at once."""
        way = self.way
        asked = [self._asked(view) for view in views]
        with ThreadPoolExecutor(HANDS) as hands:  # a GPU makes a picture in the time that one thread needs around it
            frames = [self._frame(view) for view in views]
            sources = list(hands.map(_opaque, views))
            wishes = list(hands.map(self._wish, views, sources, frames, asked))
            pictures = engine.make(way, wishes)
            finished = list(hands.map(self._finished, views, sources, frames, pictures))
        return [
            view.replace(lineage={**view.lineage, "diffuse": self._told(way, *words)})
            for view, words in zip(finished, asked, strict=True)
        ]

    def _frame(self, view: View) -> compose.Frame:
        """Where the view lies in the picture that is diffused."""
        height, width = view.mask.shape
        return compose.Frame.of((height, width), self.size or self.found.size, self.found.grain)

    def gentler(self, attempt: int) -> Diffuse | None:
        """Less strength at the second try; at the third the part's own pixels are put back; then the render stays."""
        if self.mode == "text":
            return self.model_copy(update={"attempt": attempt}) if attempt < 3 else None
        if attempt == 1:
            strength = SOFTER if self.mode == "restyle" else self.share / 2
            mode = "relight" if self.mode == "restyle" else self.mode
            steps = self.steps and max(self.steps, _steps(1, strength))
            return self.model_copy(update={"mode": mode, "strength": strength, "steps": steps, "attempt": 1})
        if attempt == 2 and self.mode in CONTROLLED:
            return self.model_copy(update={"mode": "background", "strength": None, "attempt": 2})
        return None

    @property
    def source(self) -> Literal["view", "photo", "part"]:
        """What it starts from: a rendered view, a supplied photograph, or the words of a part alone."""
        return "photo" if self.mode == "photo" else "part" if self.mode == "text" else "view"

    @property
    def share(self) -> float:
        """Share of the way from noise to picture that is gone."""
        return self.strength or STRENGTHS.get(self.mode, 1.0)

    @property
    def absent(self) -> str:
        """Why a run has to go on without it: the model that ships is not here, and no other is named."""
        if self.model != SHIPPED or shipped():
            return ""
        return f"{SHIPPED} is not part of this installation, and the customer's file names no other model."

    @cached_property
    def found(self) -> Pipeline:
        """The model, with ControlNet and adapters; raises ValueError with a sentence when one is missing."""
        return pipeline(self.model, self.pinned, self.controlnet, self.adapters)

    @cached_property
    def shows(self) -> Condition | None:
        """What the ControlNet reads, None where none takes part; raises ValueError when that does not fit."""
        net = self.found.controlnet
        if net is None or not self.control:
            if self.mode in CONTROLLED:
                raise ValueError(f"mode {self.mode} holds to the geometry with a ControlNet, and {self._none()}.")
            return None
        shows = self.condition or net.condition
        if shows is None:
            raise ValueError(f"say what {net.name} reads: condition depth, normals or edges.")
        if (shows == "geometry") != (net.channels == 4):
            raise ValueError(f"{net.name} reads {net.channels} channels, so its condition is not {shows}.")
        return shows

    @cached_property
    def mark(self) -> str:
        """Name and digest of model, ControlNet and adapters; raises ValueError when they do not do for the mode."""
        if self.found.inpainting and self.mode != "background":
            raise ValueError(f"{self.found.name} was trained to fill in: it can do mode background alone.")
        shows = self.shows
        return f"{self.found.name} {self.found.digest}{f' {shows}' if shows else ''}"

    @property
    def way(self) -> Way:
        """How the pictures are made: what the settings leave open is as the model wants it."""
        found, share = self.found, self.share
        fewest = found.steps if share == 1 else max(found.steps, _steps(min(found.steps, FEWEST), share))
        guidance = found.guidance if self.guidance is None else self.guidance
        return Way(mode=self.mode, steps=self.steps or fewest, strength=share, guidance=guidance, control=self.control)

    def _asked(self, view: View) -> tuple[Prompt, int]:
        """Prompt and seed of a picture: of its own random numbers, and others at every try."""
        rng = generator("diffuse", int(view.rng.integers(2**62)), self.attempt)
        learned = spoken([one.file for one in self.found.adapters], view.part)
        return prompts.prompt(view.part, rng, self.words, self.avoid, learned), int(rng.integers(2**62))

    def _wish(self, view: View, source: View, frame: compose.Frame, asked: tuple[Prompt, int]) -> Wish:
        """What is asked for of one view."""
        prompt, seed = asked
        given: dict[str, Any] = {}
        if self.mode in STRENGTHS:
            given["picture"] = frame.picture(source.image)
        if self.mode == "background":
            given["repaint"] = compose.repainted(view, frame, self.found.cell)
        if self.mode in {*CONTROLLED, "background"} and self.shows is not None:
            given["condition"] = frame.planes(_condition(view, self.shows))
        return Wish(prompt=prompt.text, negative=prompt.negative, seed=seed, shape=frame.padded, **given)

    def _finished(self, view: View, source: View, frame: compose.Frame, picture: Any) -> View:
        """What came back, as a view: of its size, with what had to stay."""
        made = frame.back(picture)
        cell = self.found.cell * max(frame.shape) / max(frame.scaled)
        if self.mode == "background":
            made = compose.put_back(view, made, cell)
        elif self.mode in STRENGTHS:
            made = frame.detailed(made, source.image, 1 - self.share)
        if self.mode in CONTROLLED:
            made = compose.through(view, made, source.image if self.mode == "relight" else made, cell)
        return view.replace(image=made, alpha=np.ones_like(view.alpha))

    def _told(self, way: Way, prompt: Prompt, seed: int) -> dict[str, Any]:
        """What the picture's row says of it."""
        found = self.found
        return {
            "mode": self.mode,
            "prompt": prompt.text,
            "negative": prompt.negative,
            "drawn": prompt.drawn,
            "seed": seed,
            "attempt": self.attempt,
            "steps": way.steps,
            "strength": way.strength,
            "guidance": way.guidance,
            "model": found.name,
            "digest": found.digest,
            "controlnet": found.controlnet.name if found.controlnet and self.shows else "",
            "condition": self.shows or "",
            "adapters": {one.name: one.weight for one in found.adapters},
            "source_type": marking.COMPOSITE if self.mode == "background" else marking.GENERATED,
        }

    def _none(self) -> str:
        return f"{self.found.name} has none" if self.found.controlnet is None else "it is switched off (control 0)"


def _steps(fewest: int, share: float) -> int:
    """The least number of steps of which `fewest` are gone at that strength, counted as diffusers counts them."""
    steps = math.ceil(fewest / share)
    while int(steps * share) < fewest:
        steps += 1
    return steps


def _opaque(view: View) -> View:
    from tasks.augment import flatten

    return flatten(view)


def _condition(view: View, shows: Condition) -> Floats:
    if not view.mask.any() or not view.depth.any():
        raise ValueError(f"{view.part.number} has no CAD, so there is no geometry to hold to: take mode photo or text.")
    return conditions.condition(view, shows)
