"""One fine-tuning, step by step: a customer's photographs, an adapter that learns from them, and its trial."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, Final

from tasks.budget import counted, refuse
from tasks.diffusion import adapters, exercise, lessons
from tasks.diffusion.adapters import STAGE, Card
from tasks.diffusion.lora import Lesson, Lora, Tuning
from tasks.progress import Progress, Silent, log
from tasks.records import content_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from blocks.models import Pipeline
    from tasks.augment import Chain
    from tasks.embed import Embedder
    from tasks.records import Part, View
    from tasks.stages.diffuse import Diffuse

VERSION: Final = 1  # count it up when the same photographs would give another adapter
STRETCHES: Final = 60  # most pieces of the training: a flow run stays under 200 task runs
SHORTEST: Final = 20  # steps in a piece
DRAWN: Final = frozenset({"photo", "text"})  # modes that paint no part whose geometry is known
KEPT: Final = "background"  # mode of the trial in their place


class FineTuning:
    """The fine-tuning of a customer's diffusion model; each step may be called again after a failure.

    `photos` is a folder or a CSV of photographs whose part is known; without it, those of the catalogue.
    """

    def __init__(self, customer: Customer, catalogue: Catalogue, photos: str, home: Path, tuning: Tuning) -> None:
        self.customer, self.catalogue, self.photos, self.tuning = customer, catalogue, photos, tuning
        self.shown = catalogue.served()
        self.progress: Progress = Silent()
        self.notes: list[str] = []
        self._home = home
        self._begun = time.perf_counter()
        self._lora: Lora | None = None

    def check(self) -> None:
        """Raise ValueError with a sentence when there is nothing to learn from, to tune, or to judge by."""
        if not self.shown.vectors:
            raise ValueError("This catalogue has no pictures to compare with yet: onboard the customer first.")
        if self.shown.vectors != self._embedder.table:
            raise ValueError(f"This catalogue was not embedded with {self._embedder.name}: onboard the customer again.")
        _ = self._views, self._photographs
        try:
            _ = self._stage.mark, self._base
        except ValueError as error:
            raise ValueError(f"The diffusion model cannot be tuned. {error}") from error

    # learning

    def stretches(self) -> Iterator[int]:
        """The steps at which pieces of the training end, from where it stands to its last one."""
        size = max(SHORTEST, -(-self.tuning.steps // STRETCHES))
        self.progress.start("learn", self.tuning.steps)
        begun = self.lora.learner.step
        self.progress.advance("learn", begun)
        yield from range((begun // size + 1) * size, self.tuning.steps, size)
        if begun < self.tuning.steps:
            yield self.tuning.steps
        self.progress.finish("learn")

    def learn(self, until: int) -> int:
        """Learn up to the step `until` and write a checkpoint; returns the step."""
        learner = self.lora.learner
        begun = learner.step
        refuse(self.customer, self.catalogue)
        with self._enough_memory(), counted(self.catalogue, "finetune"):
            learner.run(self.lora.losses, lambda told: log.info("%s", told), until=until)
        self.progress.advance("learn", learner.step - begun)
        return learner.step

    @property
    def lora(self) -> Lora:
        """The training, where its last checkpoint left it."""
        if self._lora is None:
            with self._enough_memory():
                made = Lora(self._base, self._lessons(), self.tuning, self._folder, self._identity)
            self._lora = made
            if step := made.learner.resume():
                more = " These are more than were asked for now." if step > self.tuning.steps else ""
                self.notes.append(f"The training went on from step {step}.{more}")
        return self._lora

    @contextmanager
    def _enough_memory(self) -> Iterator[None]:
        """Say in a sentence that memory ran out."""
        from tasks import batches

        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not batches.exhausted(error):
                raise
            raise ValueError(
                f"The memory does not hold the training of {self._base.name}: take a smaller model, or a larger GPU."
            ) from error

    def _lessons(self) -> tuple[list[Lesson], list[Lesson]]:
        """The photographs and the renders with what is said of them."""
        size, photographs = self._base.size, []
        for one in self._photographs:
            said = lessons.caption(one.part, adapters.word(self._words, one.part))
            photographs += [Lesson(pixels=pixels, caption=said) for pixels in one.squares(size)]
        learned = lessons.loaded(self.shown, self._parts, self._views[1])
        return photographs, [self._render(view) for view in learned.values()]

    def _render(self, view: View) -> Lesson:
        """A render in the size that the model was made for, with what the ControlNet reads of it."""
        from tasks.augment import flatten
        from tasks.diffusion import conditions
        from tasks.diffusion.compose import Frame

        size = self._base.size
        frame = Frame.of((view.mask.shape[0], view.mask.shape[1]), size, size)
        shows = self._stage.shows
        condition = frame.planes(conditions.condition(view, shows)) if shows else None
        said = lessons.plain_caption(view.part)
        return Lesson(pixels=frame.picture(flatten(view).image), caption=said, condition=condition)

    # the trial

    def finish(self) -> dict[str, Any]:
        """Write the adapter, try it, put it where it belongs, and return the summary."""
        learner = self.lora.learner
        losses, steps = self.lora.told(), learner.step
        file = self.lora.write("adapter.safetensors", self._words)
        self._lora = None  # the trial loads the model as the stage does, and both may not fit
        views = lessons.loaded(self.shown, self._parts, self._views[0])
        with counted(self.catalogue, "finetune"):
            trials = self._trials(file, views)
        figures = {name: trial.figures for name, trial in trials.items()}
        reason = exercise.refusal(figures)
        digest = adapters.digest(file)
        card = Card(
            name=f"look-{digest[:8]}",
            customer=self.customer.slug,
            finished=datetime.now(UTC).isoformat(timespec="milliseconds"),
            model=self._base.name,
            base=self._base.digest,
            digest=digest,
            photographs=tuple(one.digest for one in self._photographs),
            renders=self._views[1],
            words=self._words,
            settings={**self.tuning.model_dump(), "steps": steps},
            losses=losses,
            figures=figures,
            used=not reason,
            reason=reason,
        )
        drawn = self._folder / "sheet.png"
        exercise.sheet(views, trials["without"], trials["with"]).save(drawn)
        file = adapters.install(file, card, drawn, self._home)
        for old in set(self._folder.parent.iterdir()) - {self._folder}:
            rmtree(old, ignore_errors=True)  # checkpoints of other photographs, which nobody goes on from
        return self._summary(card, file)

    def _trials(self, file: Path, views: Mapping[str, View]) -> dict[str, exercise.Trial]:
        """Pictures of the same views without an adapter, with this one and, where there is one, with the one in use."""
        from tasks.jury import Jury

        known = exercise.Known(self.shown, self.shown.vectors, self._parts)
        used = adapters.in_use(self._home, self.customer.slug)
        stacks: dict[str, Path | None] = {"without": None, "with": file}
        if used is not None and used[1].base == self._base.digest and used[1].digest != adapters.digest(file):
            stacks["before"] = used[0]
        self.progress.start("judge", len(stacks) * len(views))
        found = {}
        for name, worn in stacks.items():
            # one of its own for each: pictures of the same seeds are no repetitions of each other
            jury = Jury(self.shown, self._embedder, self.customer.recipe.checks, self.customer.plugins)
            found[name] = exercise.tried(self._chain(worn), views, known, jury, self._embedder)
            self.progress.advance("judge", len(views))
        self.progress.finish("judge")
        return found

    def _chain(self, worn: Path | None) -> Chain:
        """The stages that make this customer's pictures, with an adapter or without."""
        from tasks.augment import chain

        recipe = self.customer.recipe
        names = recipe.stages if STAGE in recipe.stages else (STAGE,)
        given = {name: settings for name, settings in recipe.settings.items() if name in names}
        return chain(names, {**given, STAGE: adapters.added(self._settings, worn)}, self.customer.plugins)

    def _summary(self, card: Card, file: Path) -> dict[str, Any]:
        said = [
            {**{key: round(value, 4) for key, value in told.items()}, "step": int(told["step"])} for told in card.losses
        ]
        return {
            "customer": card.customer,
            "model": card.model,
            "photographs": len(card.photographs),
            "renders": len(card.renders),
            "words": card.words,
            "steps": card.settings["steps"],
            "losses": {"first": said[0], "last": said[-1]},
            "figures": {name: figures.model_dump() for name, figures in card.figures.items()},
            "used": card.used,
            "reason": card.reason,
            "adapter": str(file),
            "sheet": str(file.with_suffix(".png")),
            "seconds": round(time.perf_counter() - self._begun, 3),
            "notes": self.notes,
        }

    # what it is made from

    @cached_property
    def _settings(self) -> dict[str, Any]:
        """Settings of the stage, with a mode in which the CAD can say whether a picture is right."""
        settings = dict(self.customer.recipe.settings.get(STAGE, {}))
        if settings.get("mode") in DRAWN:
            self.notes.append(f"Judged in mode {KEPT}: what mode {settings['mode']} paints, no CAD can judge.")
            settings = {key: value for key, value in settings.items() if key != "strength"} | {"mode": KEPT}
        return settings

    @cached_property
    def _stage(self) -> Diffuse:
        from tasks.augment import chain

        found: Any = chain((STAGE,), {STAGE: self._settings}).links[0].settings
        return found  # type: ignore[no-any-return]

    @cached_property
    def _base(self) -> Pipeline:
        """The model and its ControlNet, without the adapters that the customer's file names."""
        return adapters.base(self._settings)

    @cached_property
    def _identity(self) -> str:
        """Name of all that decides the adapter but the number of steps."""
        tuning = self.tuning.model_dump(exclude={"steps"})
        pictures = [one.digest for one in self._photographs]
        made = (VERSION, self._base.digest, pictures, self._views[1], self._words, tuning)
        return content_id("adapter", *made, salt=self.customer.slug)

    @property
    def _folder(self) -> Path:
        """Where checkpoint and log are kept: other photographs begin in another one."""
        return self._home / "customers" / self.customer.slug / "finetune" / self._identity[:12]

    @cached_property
    def _parts(self) -> dict[str, Part]:
        return lessons.parts(self.shown)

    @cached_property
    def _views(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return lessons.views(self.shown, self._parts)

    @cached_property
    def _photographs(self) -> tuple[lessons.Photograph, ...]:
        place = Path(self.photos) if self.photos else None
        found, notes = lessons.photographs(self.shown, self._parts, place, self.customer.slug)
        self.notes += notes
        return found

    @cached_property
    def _words(self) -> dict[str, str]:
        return adapters.words((one.part for one in self._photographs), lessons.taken(self._parts))

    @cached_property
    def _embedder(self) -> Embedder:
        """The model of what is live."""
        from tasks.embed import embedder

        return embedder(self.shown.embed or self.customer.recipe.embed, self.customer.plugins, self.shown)


@contextmanager
def opened(
    customer: Customer,
    catalogue: Catalogue,
    photos: str,
    home: Path,
    tuning: Tuning,
    progress: Progress | None = None,
) -> Iterator[FineTuning]:
    """A fine-tuning that can be begun.

    Raises ValueError with a sentence when there is nothing to learn from, to tune, or to judge by.
    """
    work = FineTuning(customer, catalogue, photos, home, tuning)
    work.progress = progress or Silent()
    work.check()
    yield work
