"""From a view to variants that look like photographs: stages one after another, each with its own seed."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ValidationError

from tasks.plugins import ALL, configured
from tasks.records import Bytes, Record, View, content_id, generator, over
from tasks.stages import STAGES, Stage, StageError, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from blocks.customer import Recipe

ARRAYS = {"image": np.uint8, "alpha": np.float32, "mask": np.bool_, "depth": np.float32, "normals": np.float32}


class Link(Record):
    """One stage of a chain with its settings."""

    stage: Stage
    settings: BaseModel

    @property
    def lineage(self) -> dict[str, Any]:
        """What a variant says about the stage that made it: name, release, settings with defaults, mark."""
        described: dict[str, Any] = {"stage": self.stage.name, "release": self.stage.release}
        described["settings"] = self.settings.model_dump(mode="json")
        if mark := getattr(self.settings, "mark", ""):
            described["mark"] = str(mark)
        return described


class Chain(Record):
    """Stages in the order in which they are applied."""

    links: tuple[Link, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The stages' names, in order."""
        return tuple(link.stage.name for link in self.links)

    @property
    def needs_gpu(self) -> bool:
        """Whether any of the stages does."""
        return any(link.stage.needs_gpu for link in self.links)

    @property
    def source(self) -> Literal["view", "photo", "part"]:
        """What the variants are made from: rendered views, supplied photographs, or a part's words alone."""
        found: list[Literal["view", "photo", "part"]] = [
            getattr(link.settings, "source", "view") for link in self.links
        ]
        return next((one for one in found if one != "view"), "view")

    @cached_property
    def lineage(self) -> tuple[dict[str, Any], ...]:
        """What made the pictures, stage by stage."""
        return tuple(link.lineage for link in self.links)

    @cached_property
    def digest(self) -> str:
        """Name of all that decides the pictures besides view and seed: order, settings, releases."""
        return content_id("chain", BACKDROP, *self.lineage)

    def variants(self, view: View, seed: str, count: int) -> tuple[View, ...]:
        """`count` times the view through all stages, each time otherwise: opaque views of the same size.

        The pictures depend on view, seed and settings alone. A stage that yields several views gives as
        many variants. Raises StageError with the stage's name when it fails or breaks its promise.
        """
        return self.batch([Task(view=view, seed=seed, numbers=tuple(range(count)))])[0]

    def batch(self, tasks: Sequence[Task]) -> list[tuple[View, ...]]:
        """The variants of each task: link by link, so that a stage which takes many views at once gets them all.

        They are the same in any batch, as far as the stages keep that promise.
        """
        ways = [
            Way(owner=owner, seed=(task.seed, number), view=guarded(task.view))
            for owner, task in enumerate(tasks)
            for number in task.numbers
        ]
        for place, link in enumerate(self.links):
            ways = _onwards(link, place, ways)
        found: list[list[View]] = [[] for _ in tasks]
        for way in ways:
            found[way.owner].append(flatten(way.view))
        return [tuple(some) for some in found]

    def gentler(self, attempt: int) -> Chain | None:
        """The chain for the try number `attempt` (from 1) of a picture that was rejected; None: the render stays.

        What may be gentler about it its stages say (`gentler`); where none has anything to say there is no other try.
        """
        links = [_gentler(link, attempt) for link in self.links]
        if not any(able for _, able in links):
            return None
        return Chain(links=tuple(link for link, _ in links))


class Task(Record):
    """A view whose variants `numbers` are to be made; `seed` is what they are drawn from."""

    view: View
    seed: str
    numbers: tuple[int, ...]


class Way(NamedTuple):
    """How far a variant is on its way through the links: whose it is, and what its random numbers come from."""

    owner: int
    seed: tuple[object, ...]
    view: View


def chain(
    names: Sequence[str], settings: Mapping[str, Mapping[str, Any]] | None = None, plugins: Sequence[str] = ALL
) -> Chain:
    """The stages of those names, in that order, with their settings by stage name; defaults elsewhere.

    Raises StageError with a sentence that names the stage and the field that is wrong, also where `plugins` do not
    allow a stage.
    """
    given = settings or {}
    for name in given:
        stage(name, plugins)
    return Chain(links=tuple(_link(stage(name, plugins), given.get(name, {})) for name in names))


def usable(recipe: Recipe, plugins: Sequence[str] = ALL) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe without the stages that cannot work here though nothing is set wrong, and a sentence for each.

    A stage says so itself, by its property `absent`: the weights that it takes by default are not there, say.
    """
    why = {name: _absent(stage(name, plugins), recipe.settings.get(name, {})) for name in recipe.stages}
    notes = tuple(f"The stage {name} was left out: {reason}" for name, reason in why.items() if reason)
    kept = tuple(name for name in recipe.stages if not why[name])
    return (recipe.model_copy(update={"stages": kept}), notes) if notes else (recipe, ())


def _absent(found: Stage, settings: Mapping[str, Any]) -> str:
    try:
        return str(getattr(found.settings and found.settings.model_validate(dict(settings)), "absent", ""))
    except ValidationError:  # what is wrong with the settings is said where the chain is made
        return ""


def _link(found: Stage, settings: Mapping[str, Any]) -> Link:
    link = Link(stage=found, settings=configured(STAGES, found, settings))
    try:
        _ = link.lineage
    except (OSError, ValueError) as error:
        raise StageError(f"Stage {found.name!r}: {error}") from error
    return link


def _onwards(link: Link, place: int, ways: Sequence[Way]) -> list[Way]:
    """All ways through one more link, in their order; a stage that yields several views makes several of one."""
    views = [way.view.replace(rng=generator(*way.seed, place)) for way in ways]
    return [
        Way(owner=way.owner, seed=(*way.seed, branch), view=guarded(made))
        for way, some in zip(ways, applied(link, views), strict=True)
        for branch, made in enumerate(some)
    ]


def applied(link: Link, views: Sequence[View]) -> list[list[View]]:
    """What the stage makes of each view, checked; whatever it raises becomes a StageError with its name."""
    name, many = link.stage.name, getattr(link.settings, "many", None)
    results: list[list[Any]]
    if many is None:
        results = [_called(name, [view], lambda view=view: list(link.settings(view))) for view in views]  # type: ignore[misc, operator] # checked when it was loaded
    else:
        results = [[one] for one in _called(name, views, lambda: list(many(views)))]
        if len(results) != len(views):
            raise StageError(f"Stage {name!r} made {len(results)} views of {len(views)}; it must make one of each.")
    for view, some in zip(views, results, strict=True):
        for result in some:
            _check(name, result, view)
        if not some:
            raise StageError(f"Stage {name!r} yielded nothing for part {view.part.number!r}; it must yield views.")
    return results


def _called(name: str, views: Sequence[View], call: Callable[[], list[Any]]) -> list[Any]:
    """What `call` returns for `views`."""
    try:
        return call()
    except (StageError, MemoryError):
        # memory is what a part needs too much of, not a fault of the stage
        raise
    except (Exception, SystemExit) as error:
        parts = sorted({view.part.number for view in views})
        which = f"part {parts[0]!r}" if len(parts) == 1 else f"a batch of {len(parts)} parts ({parts[0]!r} and others)"
        raise StageError(f"Stage {name!r} failed on {which}: {type(error).__name__}: {error}") from error


def _gentler(link: Link, attempt: int) -> tuple[Link, bool]:
    """The link for another try, and whether its stage has a gentler way at all."""
    ask = getattr(link.settings, "gentler", None)
    settings = ask(attempt) if ask else None
    return (link.replace(settings=settings), True) if settings is not None else (link, False)


def _check(name: str, result: object, view: View) -> None:
    """Raise a StageError when a stage's view is not what the next stage may rely on."""
    if not isinstance(result, View):
        raise StageError(f"Stage {name!r} yielded a {type(result).__name__}; it must yield view.replace(image=...).")
    for field, kind in ARRAYS.items():
        before, after = getattr(view, field), getattr(result, field)
        if not isinstance(after, np.ndarray) or after.dtype != kind:
            what = after.dtype if isinstance(after, np.ndarray) else type(after).__name__
            raise StageError(f"Stage {name!r} made {field} {what}; it must stay {np.dtype(kind).name}.")
        if after.shape != before.shape:
            raise StageError(
                f"Stage {name!r} changed {field} from {before.shape} to {after.shape}; the size must stay."
            )
    if result.part.number != view.part.number or result.camera is not view.camera:
        raise StageError(f"Stage {name!r} changed the part or the camera; it may change the picture alone.")
    low, high = float(result.alpha.min()), float(result.alpha.max())
    if not np.all((low >= -1e-3, high <= 1 + 1e-3)):
        raise StageError(f"Stage {name!r} made alpha {low:.3g} to {high:.3g}; it must lie between 0 and 1.")


def guarded(view: View) -> View:
    """The view with arrays that cannot be written to, so that no stage changes another one's input."""
    arrays = {}
    for field in ARRAYS:
        shared = getattr(view, field).view()
        shared.flags.writeable = False
        arrays[field] = shared
    return view.replace(**arrays)


BACKDROP = 1


@cache
def backdrop(size: int) -> Bytes:
    """The plain light studio behind a render that is shown or embedded: (size, size, 3) uint8."""
    y, x = np.linspace(-1, 1, size)[:, None], np.linspace(-1, 1, size)[None]
    level = 236 - 14 * np.clip(y, 0, 1) ** 2 - 12 * (x**2 + y**2) / 2
    scene: Bytes = np.rint(level[..., None] * np.array([1.0, 1.0, 1.005])).clip(0, 255).astype(np.uint8)
    scene.flags.writeable = False
    return scene


def flatten(view: View) -> View:
    """The view on the plain studio backdrop, opaque; unchanged where it already is."""
    if float(view.alpha.min()) >= 1:
        return view
    size = max(view.alpha.shape)
    scene = backdrop(size)[: view.alpha.shape[0], : view.alpha.shape[1]]
    return view.replace(image=over(view, scene), alpha=np.ones_like(view.alpha))
