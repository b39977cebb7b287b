"""The gate lets usable pictures pass and says in words why another does not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.augment import chain, flatten
from tasks.gate import CheckError, checks, installed, verdict
from tasks.variants import recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tasks.conftest import Shown


def test_untouched_render_passes(shown: Shown) -> None:
    """The render itself, on the backdrop, is accepted with a perfect silhouette."""
    view = shown()
    found = verdict(flatten(view), view)
    assert (found.accepted, found.reason) == (True, "")
    assert found.scores["iou"] == found.scores["seen"] == 1
    assert all(isinstance(score, float) for score in found.scores.values())


def test_ordinary_variants_pass(shown: Shown) -> None:
    """Of variants by the default stages, occlusion included, nearly all are accepted."""
    made = chain(["wear", "background", "occlude", "camera"])
    views = [shown(shape, grey=grey) for shape in ("ball", "block") for grey in (0.08, 0.5, 0.9)]
    found = [verdict(variant, view) for view in views for variant in made.variants(view, "gate", 6)]
    assert np.mean([one.accepted for one in found]) > 0.9


@pytest.mark.parametrize(("grey", "word"), [(255, "over-exposed"), (0, "too dark")])
def test_lost_exposure_is_refused(shown: Shown, grey: int, word: str) -> None:
    """A part that is plain white or plain black is refused in those words."""
    view = flatten(shown())
    image = view.image.copy()
    image[view.mask] = grey
    found = verdict(view.replace(image=image), view)
    assert not found.accepted
    assert word in found.reason


def test_blank_picture_is_refused(shown: Shown) -> None:
    """One grey all over shows no part."""
    view = flatten(shown())
    found = verdict(view.replace(image=np.full_like(view.image, 128)), view)
    assert "blank" in found.reason


def test_part_like_its_surroundings_passes_by_its_own_relief(shown: Shown) -> None:
    """A grey part on the same grey is still seen by its own shading."""
    view = flatten(shown())
    image = view.image.copy()
    image[~view.mask] = int(view.image[view.mask].mean())
    assert verdict(view.replace(image=image), view).accepted


def test_hidden_part_is_refused(shown: Shown) -> None:
    """When most of the part is covered the reason says how much."""
    view = flatten(shown())
    mask = view.mask.copy()
    mask[:, :72] = False
    found = verdict(view.replace(mask=mask), view)
    assert "hidden" in found.reason
    assert f"{1 - mask.sum() / view.mask.sum():.0%}" in found.reason


def test_moved_outline_is_refused(shown: Shown) -> None:
    """A silhouette that is not where the CAD says is another part or another pose."""
    view = flatten(shown())
    found = verdict(view.replace(mask=np.roll(view.mask, 6, axis=1)), view)
    assert "outline moved" in found.reason
    assert found.scores["iou"] < 0.95


def test_empty_mask_is_refused(shown: Shown) -> None:
    """A variant that shows nothing of the part is refused, not an error."""
    view = flatten(shown())
    assert not verdict(view.replace(mask=np.zeros_like(view.mask)), view).accepted


BLURRED = '''
from pydantic import BaseModel, Field

class Bright(BaseModel):
    """The picture must be bright."""

    least: float = Field(0.0, description="Least mean brightness.")

    def __call__(self, variant, view):
        found = variant.image.mean()
        return {"bright": found}, "" if found >= self.least else f"Too dark for {view.part.number}."

class Broken(BaseModel):
    """Always fails."""

    def __call__(self, variant, view):
        raise KeyError("nothing")

class Leaving(BaseModel):
    """Ends the process, it thinks."""

    def __call__(self, variant, view):
        raise SystemExit(3)
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A module with two checks of somebody else's on the import path."""
    (tmp_path / "bright_checks.py").write_text(BLURRED)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield monkeypatch
    sys.modules.pop("bright_checks", None)


def test_built_ins_are_plug_ins_in_an_order_that_gives_the_most_telling_reason() -> None:
    """Where nothing can be seen that is the reason, not that the outline is not found; the names do not matter."""
    there = installed()
    assert {check.package for check in there.values()} == {"partsight"}
    assert [name for name, _ in checks()] == ["stray", "hidden", "exposure", "contrast", "outline", "matter"]


def test_every_setting_of_a_check_is_described_with_a_default() -> None:
    """The customer's file and the documentation show a sentence for each."""
    for name, found in installed().items():
        assert found.summary.endswith("."), name
        for field, info in found.fields.items():
            assert (info.description or "").endswith("."), f"{name}.{field}"
            assert not info.is_required(), f"{name}.{field}"


def test_a_check_of_somebody_else_takes_part(shown: Shown, plugin: pytest.MonkeyPatch) -> None:
    """Its score is kept, its settings are asked for by its name, and it comes after ours."""
    plugin.setenv("PARTSIGHT_CHECKS", "bright=bright_checks:Bright")
    view = flatten(shown())
    found = verdict(view, view)
    assert found.accepted
    assert found.scores["bright"] == pytest.approx(view.image.mean(), abs=1e-3)
    refused = verdict(view, view, checks({"bright": {"least": 256}}))
    assert (refused.check, refused.reason) == ("bright", "Too dark for block-1.")


def test_a_check_that_fails_is_named(shown: Shown, plugin: pytest.MonkeyPatch) -> None:
    """What it raises becomes a sentence with its name and the part's."""
    view = flatten(shown())
    for name, said in (("Broken", "KeyError"), ("Leaving", "SystemExit: 3")):
        plugin.setenv("PARTSIGHT_CHECKS", f"bad=bright_checks:{name}")
        with pytest.raises(CheckError, match=f"Check 'bad' failed on part 'block-1': {said}"):
            verdict(view, view)


def test_a_check_that_does_not_load_stops_the_run(plugin: pytest.MonkeyPatch) -> None:
    """Somebody wants it to judge: without it the gate would stand open, so nothing is made."""
    plugin.setenv("PARTSIGHT_CHECKS", "gone=bright_checks:Gone")
    with pytest.raises(CheckError, match="The check 'gone' cannot be used"):
        checks()


def test_other_checks_judge_anew(plugin: pytest.MonkeyPatch) -> None:
    """A setting, or one more check, is another way to make variants; saying the default aloud is none."""
    steps = chain(["background"])
    usual = recipe(steps, 1, {})
    assert recipe(steps, 1, {"outline": {"gap": 6}}) == usual
    assert recipe(steps, 1, {"outline": {"gap": 3}}) != usual
    plugin.setenv("PARTSIGHT_CHECKS", "bright=bright_checks:Bright")
    assert recipe(steps, 1, {}) != usual


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"outlin": {}}, "no check 'outlin'; did you mean 'outline'"),
        ({"outline": {"gpa": 3}}, "has no setting 'gpa'; did you mean 'gap'"),
        ({"hidden": {"least": 3}}, "Check 'hidden', setting 'least'"),
    ],
)
def test_wrong_settings_are_refused_in_words(settings: dict[str, dict[str, int]], said: str) -> None:
    """A typing mistake in a customer's file is answered with what is right."""
    with pytest.raises(CheckError, match=said):
        checks(settings)


def test_a_picture_without_cad_is_not_held_against_geometry(shown: Shown) -> None:
    """What comes from a photograph has no depth: no score against the CAD, and no reason."""
    view = flatten(shown()).replace(depth=np.zeros((128, 128), np.float32))
    found = verdict(view.replace(image=np.roll(view.image, 9, axis=1)), view)
    assert found.accepted
    assert not {"shift", "edge", "crease", "gap", "grown", "closed"} & set(found.scores)
