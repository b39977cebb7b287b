"""A plug-in that breaks its contract is told so, with what to mend; one that keeps it passes."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tasks.contract import Finding, Report, check, found
from tasks.plugins import PluginError
from tasks.records import Body

FAULTS = '''
import itertools, os, random, time
from typing import Annotated, ClassVar, Literal, Union

import numpy as np
from pydantic import BaseModel, Field

COUNT = itertools.count()


class Sound(BaseModel):
    """Brighten the part."""

    amount: float = Field(0.2, ge=0, le=1, description="How much brighter.")

    def __call__(self, view):
        level = (view.rng.uniform(0.5, 1.0) * self.amount * 255 * view.mask)[..., None]
        yield view.replace(image=np.clip(view.image + level, 0, 255).astype(np.uint8))


class Dice(Sound):
    """Draws from the global random state."""

    def __call__(self, view):
        yield view.replace(image=view.image + np.uint8(random.randrange(1, 99)))


class Memory(Sound):
    """Remembers what it saw."""

    def __call__(self, view):
        yield view.replace(image=view.image + np.uint8(next(COUNT) % 50))


class Shifts(Sound):
    """Moves the part."""

    def __call__(self, view):
        yield view.replace(image=np.roll(view.image, 5, 1), mask=np.roll(view.mask, 5, 1))


class Moves(Shifts):
    """Moves the part, and says so."""

    keeps_geometry: ClassVar[bool] = False


class Dents(Sound):
    """Changes the depth."""

    def __call__(self, view):
        yield view.replace(depth=view.depth * np.float32(1.1))


class Fades(Sound):
    """Makes the part transparent."""

    def __call__(self, view):
        yield view.replace(alpha=view.alpha * np.float32(0.5))


class Writes(Sound):
    """Writes into the view."""

    def __call__(self, view):
        view.image[:] = 0
        yield view


class Floats(Sound):
    """Yields floats."""

    def __call__(self, view):
        yield view.replace(image=view.image / 255)


class Silent(Sound):
    """Yields nothing."""

    def __call__(self, view):
        return iter(())


class Idle(Sound):
    """Does nothing."""

    def __call__(self, view):
        yield view


class Stubborn(Sound):
    """Does the same each time."""

    def __call__(self, view):
        yield view.replace(image=255 - view.image)


class Fussy(Sound):
    """Wants a part in the picture."""

    def __call__(self, view):
        assert view.depth[view.mask].min() > 0
        yield from super().__call__(view)


class Slow(Sound):
    """Takes its time."""

    def __call__(self, view):
        time.sleep(1.2 if len(view.image) == 256 else 0)
        yield from super().__call__(view)


class Exits(Sound):
    """Ends the process."""

    def __call__(self, view):
        os._exit(1)


class Hangs(Sound):
    """Never comes back."""

    def __call__(self, view):
        time.sleep(900)


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class Form(BaseModel):
    amount: float = 0.5
    pet: Annotated[Union[Cat, Dog], Field(discriminator="kind")] = Field(Cat(), description="Which pet.")
    made: list = Field(default_factory=list, description="A list.")
    file: int = Field(description="A number.", ge=0, le=9)

    def __call__(self, view):
        yield view


class Unbounded(Sound):
    """Has a number without an end."""

    strength: float = Field(1.0, ge=0, description="How strong.")


class Strict(BaseModel):
    """Rejects all."""

    def __call__(self, variant, view):
        return {"x": 1}, "No."


class Moody(BaseModel):
    """Says something else each time."""

    def __call__(self, variant, view):
        return {"x": random.random()}, ""


class Bare(BaseModel):
    """Says only whether."""

    def __call__(self, variant, view):
        return True


class Hoards(BaseModel):
    """Keeps all pictures."""

    def __call__(self, pictures, to):
        (to.folder / "count").write_text(str(len(list(pictures))))


class Dated(BaseModel):
    """Writes when it was."""

    def __call__(self, pictures, to):
        (to.folder / "when").write_text(f"{sum(1 for _ in pictures)} {time.time_ns()}")


class Leaves(BaseModel):
    """Takes one picture."""

    def __call__(self, pictures, to):
        for picture in pictures:
            return {"first": picture.id}


class Long:
    dimension = 4

    def images(self, pictures):
        return np.ones((len(pictures), 4), dtype=np.float32)


class Unnormed(BaseModel):
    """Gives vectors of another length."""

    def __call__(self):
        return Long()


class Same:
    dimension = 4

    def images(self, pictures):
        return np.full((len(pictures), 4), 0.5, dtype=np.float32)


class Blind(BaseModel):
    """Gives every picture one vector."""

    def __call__(self):
        return Same()


class Lenient:
    """Reads anything."""

    suffixes = (".lenient",)

    def companions(self, path):
        return ()

    def __call__(self, path):
        from tasks.records import Body
        return [Body(vertices=np.eye(3), faces=np.array([[0, 1, 2]]))]
'''


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """A module with plug-ins that break their contract in one way each."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "contract_faults.py").write_text(FAULTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield importlib.import_module("contract_faults")


def levels(report: Report) -> dict[str, str]:
    """The worst level by what was looked at, but for what passed."""
    order = ("warn", "fail")
    worst: dict[str, str] = {}
    for one in report.findings:
        if one.level in order and worst.get(one.name) != "fail":
            worst[one.name] = one.level
    return worst


def test_a_sound_stage_passes(faults: ModuleType) -> None:
    """Every probe says that it passed."""
    report = check(faults.Sound)
    assert (report.kind, report.ok, levels(report)) == ("stage", True, {}), str(report)
    assert {one.name for one in report.findings} == {
        *("loads", "form", "types", "determinism", "geometry", "bad input", "processes", "speed")
    }


@pytest.mark.parametrize(
    ("stage", "wrong", "said"),
    [
        ("Dice", {"determinism": "fail"}, "Draw from view.rng alone"),
        ("Memory", {"determinism": "fail"}, "gave another picture"),
        ("Shifts", {"geometry": "fail"}, "The mask has pixels where the part is not."),
        ("Moves", {"geometry": "warn"}, "keeps_geometry = False"),
        ("Dents", {"geometry": "fail"}, "It changed depth on the part."),
        ("Fades", {"geometry": "fail"}, "The part became transparent: its alpha is 0.50"),
        ("Writes", {"types": "fail"}, "read-only"),
        ("Floats", {"types": "fail"}, "made image float64; it must stay uint8"),
        ("Silent", {"types": "fail"}, "yielded nothing"),
        ("Idle", {"effect": "warn"}, "It changed none of four pictures."),
        ("Stubborn", {"effect": "warn"}, "draw from view.rng"),
        ("Fussy", {"bad input": "fail"}, "A view with no part in it (an empty mask)"),
        ("Slow", {"speed": "warn"}, "pictures a second of 256 px"),
        ("Unbounded", {"form": "warn"}, "strength is a number without le."),
    ],
)
def test_what_a_stage_breaks_is_named(faults: ModuleType, stage: str, wrong: dict[str, str], said: str) -> None:
    """And how to mend it; nothing else is complained of."""
    report = check(getattr(faults, stage))
    extra = {"effect": "warn"} if stage in {"Shifts", "Moves", "Dents", "Fades"} else {}
    assert {**extra, **levels(report)} == {**extra, **wrong}, str(report)
    assert said in str(report)
    assert report.ok is ("fail" not in wrong.values())


def test_a_form_that_nobody_can_fill_in_is_taken_apart(faults: ModuleType) -> None:
    """Field by field."""
    report = str(check(faults.Form))
    assert "With defaults alone it cannot be made" in report
    faults.Form.model_fields["file"].default = 3
    faults.Form.model_rebuild(force=True)
    report = str(check(faults.Form))
    for said in (
        "The class has no docstring.",
        "A field is a discriminated union.",
        "amount has no description that is a sentence.",
        "made has a default_factory.",
    ):
        assert said in report


def test_one_that_ends_its_process_or_hangs_is_told_of(faults: ModuleType) -> None:
    """The command looks at it in a process of its own."""
    report = check(f"{faults.__name__}:Exits")
    assert not report.ok
    assert "Not all of it could be looked at: its process was ended" in str(report)
    report = check(f"{faults.__name__}:Hangs", seconds=5)
    assert "it took longer than 5 s and was ended in contract_faults.py, line" in str(report)


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("Strict", {"fairness": "warn"}, "It rejects a render as it is"),
        ("Moody", {"determinism": "fail"}, "Asked again, it said otherwise"),
        ("Bare", {"types": "fail"}, "Return its scores and a reason"),
        ("Hoards", {"memory": "warn"}, "It held 200 pictures at once."),
        ("Dated", {"determinism": "warn"}, "other bytes the second time (when)"),
        ("Leaves", {"types": "fail"}, "It took 1 of 200 pictures."),
        ("Unnormed", {"types": "fail"}, "vectors of length 2 to 2; it must be 1."),
        ("Blind", {"effect": "fail"}, "A ball and a ring have the same vector."),
        ("Lenient", {"bad input": "fail"}, "an empty file as .lenient: it read 1 bodies in it."),
    ],
)
def test_other_kinds_are_looked_at_too(faults: ModuleType, name: str, wrong: dict[str, str], said: str) -> None:
    """Checks, sinks, embedders and readers, by what they are called with."""
    report = check(getattr(faults, name))
    assert levels(report) == wrong, str(report)
    assert said in str(report)


@pytest.mark.parametrize(
    "name", ["background", "camera", "occlude", "wear", "contrast", "stray", "matter", "coco", "hog", "iges"]
)
def test_what_ships_keeps_the_contract(name: str) -> None:
    """The built-ins come through the same door."""
    report = check(name, apart=False)
    assert report.ok, str(report)


def test_a_plug_in_is_found_by_name_or_class(faults: ModuleType) -> None:
    """What is meant is said where it is not clear."""
    assert found("wear").kind == "stage"
    assert found(f"{faults.__name__}:Strict").kind == "check"
    with pytest.raises(PluginError, match=r"There is no plug-in 'weer'; did you mean 'wear'\?"):
        found("weer")
    with pytest.raises(PluginError, match="nowhere:Gone does not load: ModuleNotFoundError"):
        found("nowhere:Gone")
    with pytest.raises(PluginError, match=r"Body is called with \(nothing\), which says nothing of its kind"):
        found(Body)


def test_one_that_does_not_load_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else is looked at."""
    (tmp_path / "contract_broken.py").write_text("import contract_nowhere")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_STAGES", "broken=contract_broken:B")
    report = check("broken", apart=False)
    (finding,) = report.findings
    assert isinstance(finding, Finding)
    assert "contract_nowhere" in finding.what


@pytest.mark.parametrize("kind", ["stage", "sink"])
def test_what_the_documentation_shows_keeps_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The first plug-in of docs/plugins.md, and its sink, as they stand there."""
    text = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "documented.py").write_text("\n\n".join(blocks[:2]))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "documented", raising=False)
    report = check("documented:Frost" if kind == "stage" else "documented:Names", apart=False)
    assert (report.kind, report.ok) == (kind, True), str(report)
