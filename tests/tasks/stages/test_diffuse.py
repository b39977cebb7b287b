"""The stage diffuse: the part stays the part, a picture says where it comes from, what is missing is a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage

from tasks.augment import Task, chain
from tasks.diffusion import compose, marking
from tasks.records import View, generator
from tasks.stages import StageError, stage
from tasks.stages.diffuse import Diffuse

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tasks.conftest import Shown, Tiny

MODES = ("background", "relight", "restyle", "photo", "text")
QUICK = {"steps": 4, "guidance": 2.0, "precision": "float32"}


def diffuse(folder: Path, **settings: Any) -> Diffuse:
    """The stage with a tiny model and few steps."""
    return Diffuse.model_validate({"model": str(folder), **QUICK, **settings})


def seeded(view: View, *seed: object) -> View:
    """The view with random numbers of its own."""
    return view.replace(rng=generator(*seed))


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_keeps_size_and_geometry(tiny: Tiny, shown: Shown, mode: str) -> None:
    """Views that are larger and smaller than what is diffused come back opaque, in their size, as the CAD has them."""
    views = [seeded(shown(), 1), seeded(shown("ball", size=48), 2)]
    for view, made in zip(views, diffuse(tiny(), mode=mode).many(views), strict=True):
        assert made.image.shape == view.image.shape
        assert made.image.dtype == np.uint8
        assert (made.alpha == 1).all()
        assert all(
            getattr(made, name) is getattr(view, name) for name in ("mask", "depth", "normals", "camera", "part")
        )
        assert np.abs(made.image.astype(int) - view.image).mean() > 3


@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_a_picture_is_the_same_alone_and_in_any_batch(tiny: Tiny, shown: Shown, kind: str) -> None:
    """It depends on its own seed alone: prompt, noise and pixels."""
    made = diffuse(tiny(kind), mode="relight")
    views = [shown(), shown("ball"), shown("block", elevation=70)]
    together = made.many([seeded(view, number) for number, view in enumerate(views)])
    turned = made.many([seeded(view, number) for number, view in reversed(list(enumerate(views)))])[::-1]
    alone = [next(made(seeded(view, number))) for number, view in enumerate(views)]
    for one, two, three in zip(together, turned, alone, strict=True):
        assert one.lineage == two.lineage == three.lineage
        for other in (two, three):
            assert np.abs(one.image.astype(int) - other.image).max() <= 2
    (another,) = made(seeded(views[0], "another seed"))
    assert another.lineage["diffuse"]["seed"] != together[0].lineage["diffuse"]["seed"]
    assert (another.image != together[0].image).any()


def test_many_views_are_held_in_memory_a_few_at_a_time(
    tiny: Tiny, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, each comes back in its place, as it would alone."""
    made = diffuse(tiny(), mode="background")
    views = [shown(shape) for shape in ("ball", "block", "ball", "block", "ball")]
    whole = made.many([seeded(view, number) for number, view in enumerate(views)])
    monkeypatch.setattr("tasks.stages.diffuse.AT_ONCE", 2)
    parts = made.many([seeded(view, number) for number, view in enumerate(views)])
    assert [one.part.number for one in parts] == [view.part.number for view in views]
    for one, other in zip(whole, parts, strict=True):
        assert one.lineage == other.lineage
        assert np.abs(one.image.astype(int) - other.image).max() <= 2


def test_around_the_part_everything_is_new_and_the_part_is_its_render(tiny: Tiny, shown: Shown) -> None:
    """Mode background changes no pixel that the part covers."""
    view = seeded(shown(), 1)
    (made,) = diffuse(tiny(), mode="background")(view)
    covered = view.mask & (view.alpha == 1)
    assert (made.image[covered] == view.image[covered]).all()
    assert made.image[~view.mask].std() > 1


def test_through_a_narrow_hole_one_sees_what_is_around(tiny: Tiny, shown: Shown) -> None:
    """In modes that hold to the geometry nothing grows in a small bore."""
    view = shown()
    y, x = np.mgrid[:128, :128]
    bore = (y - 64) ** 2 + (x - 64) ** 2 < 3**2
    assert view.mask[bore].all()
    view = seeded(view.replace(mask=view.mask & ~bore, alpha=np.where(bore, 0, view.alpha).astype(np.float32)), 1)
    for mode in ("background", "restyle"):
        (made,) = diffuse(tiny(), mode=mode)(view)
        seen = compose.surroundings(made.image, view.mask)[bore].astype(int)
        assert np.abs(made.image[bore] - seen).mean() < 12


def test_the_picture_says_where_it_comes_from(tiny: Tiny, shown: Shown) -> None:
    """Prompt, seed, strength, model with digest, ControlNet and the kind of source are told; what was told stays."""
    view = seeded(shown(name="angle bracket", material="brass", size_mm=(40, 26, 18)), 1)
    view = view.replace(lineage={"wear": {"dirt": 1}})
    made = {mode: next(diffuse(tiny(), mode=mode, words="on a lathe")(view)) for mode in ("background", "relight")}
    for mode, one in made.items():
        assert one.lineage["wear"] == {"dirt": 1}
        told = one.lineage["diffuse"]
        assert told["mode"] == mode
        assert "angle bracket, brass" in told["prompt"]
        assert "on a lathe" in told["prompt"]
        assert told["negative"]
        assert told["model"] == "tiny-sd"
        assert len(told["digest"]) == 32
        assert told["condition"] == "geometry"
    assert marking.source(made["background"].lineage) == marking.COMPOSITE
    assert marking.source(made["relight"].lineage) == marking.GENERATED
    assert made["relight"].lineage["diffuse"]["strength"] == 0.35


def test_it_is_a_link_of_a_chain_like_any_other(tiny: Tiny, shown: Shown) -> None:
    """Found by its name, it runs where a GPU is; the model's digest belongs to what names a picture."""
    assert stage("diffuse").needs_gpu
    settings = {"diffuse": {"model": str(tiny()), **QUICK}}
    made = chain(("wear", "diffuse", "camera"), settings)
    assert made.needs_gpu
    assert made.lineage[1]["mark"] == f"tiny-sd {Diffuse(**settings['diffuse']).found.digest} geometry"
    views = [Task(view=shown(shape), seed=shape, numbers=(0, 1)) for shape in ("ball", "block")]
    found = made.batch(views)
    assert [len(some) for some in found] == [2, 2]
    assert (found[0][0].image != found[0][1].image).any()


def test_it_says_what_it_starts_from(tiny: Tiny) -> None:
    """A photograph, the words of a part, or a view: the flow brings it what it needs."""
    started = {mode: chain(("diffuse",), {"diffuse": {"model": str(tiny()), "mode": mode}}).source for mode in MODES}
    assert started == {"background": "view", "relight": "view", "restyle": "view", "photo": "photo", "text": "part"}


def test_a_small_model_costs_a_relit_render_no_detail(tiny: Tiny, shown: Shown) -> None:
    """What is too fine for the picture that is diffused comes back from the render: threads, edges, small type."""
    fine = generator("fine").integers(-60, 60, (128, 128, 1)) * np.ones(3, int)
    view = shown()
    view = seeded(view.replace(image=np.clip(view.image.astype(int) + fine, 0, 255).astype(np.uint8)), 1)
    (made,) = diffuse(tiny(), mode="relight")(view)
    before, after = (
        (picture.astype(float) - ndimage.uniform_filter(picture.astype(float), (5, 5, 1)))[view.mask].ravel()
        for picture in (view.image, made.image)
    )
    assert np.corrcoef(before, after)[0, 1] > 0.5


def test_a_second_try_is_gentler_and_draws_anew(tiny: Tiny, shown: Shown) -> None:
    """Half the strength, then the part's own pixels, then nothing; and each try has another seed."""
    first = diffuse(tiny(), mode="relight")
    second, third = first.gentler(1), first.gentler(2)
    assert second is not None
    assert third is not None
    assert (second.mode, second.share) == ("relight", 0.175)
    assert (third.mode, third.share) == ("background", 1.0)
    assert first.gentler(3) is None
    tries = [next(one(seeded(shown(), 1))) for one in (first, second, third)]
    assert len({one.lineage["diffuse"]["seed"] for one in tries}) == 3
    assert [one.lineage["diffuse"]["attempt"] for one in tries] == [0, 1, 2]
    change = [np.abs(one.image.astype(int) - compose.put_back(shown(), one.image, 4)).mean() for one in tries]
    assert change[2] < change[1] < change[0]


def test_geometry_alone_becomes_a_relit_render_at_the_second_try(tiny: Tiny) -> None:
    """Restyle has no strength to halve: the render comes in; a background has no part to give back."""
    restyle = diffuse(tiny(), mode="restyle").gentler(1)
    assert restyle is not None
    assert (restyle.mode, restyle.share) == ("relight", 0.5)
    background = diffuse(tiny(), mode="background")
    softer = background.gentler(1)
    assert softer is not None
    assert softer.share == 0.5
    assert background.gentler(2) is None
    assert [bool(diffuse(tiny(), mode="text").gentler(attempt)) for attempt in (1, 2, 3)] == [True, True, False]


def test_halved_strength_still_takes_a_step(tiny: Tiny) -> None:
    """Steps that were given grow when the strength shrinks."""
    softer = diffuse(tiny(), mode="relight", steps=3).gentler(1)
    assert softer is not None
    assert int(softer.way.steps * softer.way.strength) >= 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"mode": "relight", "steps": 2}, r"2 steps at strength 0.35 change nothing: take 3 steps or more"),
        ({"mode": "photo", "steps": 1, "strength": 0.9}, r"1 steps at strength 0.9 change nothing: take 2 steps"),
        ({"mode": "relight", "strength": 0.9}, r"strength 0.9 makes another part in mode relight; up to 0.6"),
        ({"mode": "restyle", "strength": 0.5}, r"mode restyle begins with nothing, so it has no strength"),
        ({"mode": "text", "strength": 0.5}, r"mode text begins with nothing"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], sentence: str) -> None:
    """Before the run, with the way out."""
    with pytest.raises(StageError, match=f"Stage 'diffuse', .*{sentence}"):
        chain(("diffuse",), {"diffuse": settings})


def test_what_is_missing_is_a_sentence_before_the_run(tiny: Tiny, tmp_path: Path) -> None:
    """A model, a ControlNet or an adapter that is not there stops nothing in the middle."""
    bare = str(tiny(controlnet=0))
    for settings, sentence in (
        ({"model": str(tmp_path / "gone")}, r"There is no model at .*gone: give a folder, or hf-hub"),
        (
            {"model": bare, "mode": "relight"},
            r"mode relight holds to the geometry with a ControlNet, and tiny-sd has none",
        ),
        ({"model": str(tiny()), "mode": "relight", "control": 0}, r"mode relight .* it is switched off"),
        ({"model": bare, "controlnet": str(tmp_path)}, r"config.json is missing"),
        ({"model": bare, "mode": "text", "adapters": {"gone.safetensors": 1}}, r"no adapter at gone.safetensors"),
        ({"model": bare, "mode": "text", "adapters": {"a.bin": 1}}, r"a.bin is not loaded: such a file can run code"),
        ({"model": str(tiny()), "condition": "depth"}, r"reads 4 channels, so its condition is not depth"),
        ({"model": str(tiny(controlnet=3))}, r"say what tiny-sd reads: condition depth, normals or edges"),
        ({"model": str(tiny(fills=True, controlnet=0)), "mode": "text"}, r"trained to fill in: it can do mode back"),
    ):
        with pytest.raises(StageError, match=f"Stage 'diffuse': .*{sentence}"):
            chain(("diffuse",), {"diffuse": settings})
    assert chain(("diffuse",), {"diffuse": {"model": bare, "mode": "background"}}).names == ("diffuse",)


def test_other_controlnets_read_depth_normals_and_edges(tiny: Tiny, shown: Shown) -> None:
    """A ControlNet of three channels is told by a setting what it is shown."""
    folder = tiny(controlnet=3)
    made = [next(diffuse(folder, condition=kind)(seeded(shown(), 1))) for kind in ("depth", "normals", "edges")]
    assert len({one.image.tobytes() for one in made}) == 3
    assert [one.lineage["diffuse"]["condition"] for one in made] == ["depth", "normals", "edges"]


def test_a_photograph_has_no_geometry_to_hold_to(tiny: Tiny, shown: Shown) -> None:
    """Mode photo takes a picture without CAD; the modes that need geometry say so."""
    photograph = seeded(shown().replace(depth=np.zeros((128, 128), np.float32)), 1)
    (made,) = diffuse(tiny(), mode="photo")(photograph)
    assert (made.image != photograph.image).any()
    with pytest.raises(ValueError, match="block-1 has no CAD, so there is no geometry"):
        next(diffuse(tiny(), mode="relight")(photograph))


def test_steps_and_guidance_are_what_the_model_was_made_for(tiny: Tiny) -> None:
    """Nothing said: the model's own; at little strength as many more steps as it takes to go some of them."""
    made = Diffuse(model=str(tiny()), mode="text").way
    assert (made.steps, made.guidance) == (25, 6.0)
    assert Diffuse(model=str(tiny()), mode="relight", strength=0.1).way.steps == 40
