"""A chain makes the same variants of the same view wherever it runs, and holds every stage to its promise."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from blocks.customer import Recipe
from tasks.augment import Chain, Task, backdrop, chain, flatten, usable
from tasks.stages import StageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tasks.conftest import Shown

DEFAULT = ("wear", "background", "camera")
ROOT = Path(__file__).resolve().parents[2]

MODULE = """
import numpy as np
from pydantic import BaseModel

class S(BaseModel):
    def __call__(self, view):
        """


@pytest.fixture
def stage_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Registers a stage with the given body of `__call__` and gives its name."""

    def registered(body: str) -> str:
        name = "s" + hashlib.sha256(body.encode()).hexdigest()[:10]
        (tmp_path / f"{name}.py").write_text(MODULE + body)
        monkeypatch.syspath_prepend(str(tmp_path))
        known = os.environ.get("PARTSIGHT_STAGES", "")
        monkeypatch.setenv("PARTSIGHT_STAGES", ",".join(filter(None, (known, f"{name}={name}:S"))))
        return name

    return registered


def digests(made: Chain, shown: Shown, seed: str, count: int) -> list[str]:
    """What the chain's variants of one view look like, in short."""
    view = shown(material="steel")
    return [hashlib.sha256(v.image.tobytes()).hexdigest() for v in made.variants(view, seed, count)]


def test_variants_depend_on_view_seed_and_number_alone(shown: Shown) -> None:
    """Same seed, same pictures, however many are made; another seed or number, other pictures."""
    made = chain([*DEFAULT, "occlude"])
    first = digests(made, shown, "a", 3)
    assert digests(made, shown, "a", 3) == first
    assert digests(made, shown, "a", 1) == first[:1]
    assert len({*first, *digests(made, shown, "b", 3)}) == 6


def test_another_process_makes_the_same_bytes(shown: Shown) -> None:
    """A fresh process with another hash seed makes the very same pictures."""
    here = digests(chain(DEFAULT), shown, "p", 2)
    code = (
        "import sys, importlib.util as u\n"
        "s = u.spec_from_file_location('c', 'tests/tasks/conftest.py')\n"
        "c = u.module_from_spec(s); s.loader.exec_module(c)\n"
        "import hashlib; from tasks.augment import chain\n"
        f"made = chain({DEFAULT!r}).variants(c._shown(material='steel'), 'p', 2)\n"
        "sys.stdout.write(' '.join(hashlib.sha256(v.image.tobytes()).hexdigest() for v in made))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "77", "OPENBLAS_NUM_THREADS": "1"}
    there = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert there.stdout.split() == here


def test_variants_are_opaque_pictures_of_the_same_size(shown: Shown) -> None:
    """A variant can be shown and embedded as it is."""
    for variant in chain(["wear"]).variants(shown(), "o", 2):
        assert variant.alpha.min() == 1
        assert variant.image.shape == (128, 128, 3)
        assert variant.image.dtype == np.uint8


def test_source_view_is_never_changed(shown: Shown) -> None:
    """The view that variants are made from is the same afterwards, to the last byte."""
    view = shown(material="steel")
    before = [getattr(view, name).copy() for name in ("image", "alpha", "mask", "depth", "normals")]
    list(chain(["occlude", *DEFAULT]).variants(view, "s", 3))
    after = [getattr(view, name) for name in ("image", "alpha", "mask", "depth", "normals")]
    assert all((b == a).all() for b, a in zip(before, after, strict=True))


def test_no_stages_give_the_render_on_the_studio_backdrop(shown: Shown) -> None:
    """An empty chain shows the plain render: the part's own pixels, light backdrop around."""
    view = shown()
    (made,) = chain([]).variants(view, "e", 1)
    assert (made.image[view.mask] == view.image[view.mask]).all()
    assert made.image[~view.mask].min() > 200
    assert (made.image == flatten(view).image).all()


def test_backdrop_is_light_and_even() -> None:
    """The studio backdrop is light grey everywhere and darker towards the foot."""
    scene = backdrop(64)
    assert scene.shape == (64, 64, 3)
    assert scene.min() > 205
    assert scene[:8].mean() > scene[-8:].mean()


def test_digest_covers_order_settings_and_release() -> None:
    """Whatever changes the pictures changes the digest; saying a default aloud does not."""
    base = chain(["wear", "camera"])
    assert chain(["wear", "camera"], {"camera": {"strength": 1.0}}).digest == base.digest
    others = [
        chain(["camera", "wear"]),
        chain(["wear"]),
        chain(["wear", "camera"], {"camera": {"strength": 0.5}}),
        Chain(links=tuple(x.model_copy(update={"stage": x.stage.replace(version="9")}) for x in base.links)),
    ]
    assert len({base.digest, *(other.digest for other in others)}) == 5


def test_digest_covers_the_customers_photographs(tmp_path: Path) -> None:
    """Other photographs in the folder make other pictures, so they change the digest."""
    from PIL import Image

    Image.new("RGB", (64, 64), (9, 9, 9)).save(tmp_path / "a.png")
    settings = {"background": {"folder": str(tmp_path)}}
    first = chain(["background"], settings).digest
    Image.new("RGB", (64, 64), (99, 9, 9)).save(tmp_path / "b.png")
    assert chain(["background"], settings).digest != first


@pytest.mark.parametrize(
    ("names", "settings", "sentence"),
    [
        (["waer"], {}, r"no stage 'waer'; did you mean 'wear'\?"),
        (["wear"], {"camra": {}}, r"no stage 'camra'; did you mean 'camera'\?"),
        (["wear"], {"wear": {"rsut": 1}}, r"'wear' has no setting 'rsut'; did you mean 'rust'\?"),
        (["wear"], {"wear": {"rust": 3}}, r"'wear', setting 'rust': .*less than or equal to 1.*given: 3"),
        (["background"], {"background": {"folder": "nowhere/at/all"}}, r"'background': nowhere/at/all is not a folder"),
    ],
)
def test_wrong_recipe_names_stage_and_field(
    names: list[str], settings: dict[str, dict[str, object]], sentence: str
) -> None:
    """A mistake in a recipe is answered before anything runs, with stage, field and the nearest right name."""
    with pytest.raises(StageError, match=sentence):
        chain(names, settings)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("raise ZeroDivisionError('oh')", "failed on part 'block-1': ZeroDivisionError: oh"),
        ("raise SystemExit('no licence')", "failed on part 'block-1': SystemExit: no licence"),
        ("return iter(())", "yielded nothing"),
        ("return None", "failed on part 'block-1': TypeError"),
        ("yield view.image", "yielded a ndarray"),
        ("yield view.replace(image=view.image[::2, ::2])", "changed image from .* the size must stay"),
        ("yield view.replace(image=view.image.astype(np.float32))", "made image float32; it must stay uint8"),
        ("yield view.replace(depth=None)", "made depth NoneType; it must stay float32"),
        ("yield view.replace(alpha=view.alpha * 2)", "alpha 0 to 2; it must lie between 0 and 1"),
        ("yield view.replace(alpha=view.alpha * np.float32('nan'))", "alpha nan"),
        ("yield view.replace(part=view.part.replace(number='other'))", "changed the part or the camera"),
        ("view.image[:] = 0; yield view", "failed on part 'block-1': ValueError.*read-only"),
    ],
)
def test_stage_that_breaks_its_promise_is_named(
    shown: Shown, stage_of: Callable[[str], str], body: str, sentence: str
) -> None:
    """Whatever a stage does wrong, the error says which stage it was and what it did."""
    name = stage_of(body)
    with pytest.raises(StageError, match=f"Stage '{name}'.*{sentence}"):
        list(chain([name]).variants(shown(), "x", 1))


def test_stage_that_yields_several_views_multiplies(shown: Shown, stage_of: Callable[[str], str]) -> None:
    """Two views from one stage become two variants, each with random numbers of its own."""
    twice = stage_of("yield view; yield view")
    made = chain([twice, "camera"]).variants(shown(), "m", 2)
    assert len(made) == 4
    assert len({v.image.tobytes() for v in made}) == 4


def test_random_numbers_of_a_stage_do_not_depend_on_those_before(shown: Shown, stage_of: Callable[[str], str]) -> None:
    """A stage that draws many numbers leaves those of the next stage as they are."""
    idle, greedy = stage_of("yield view"), stage_of("view.rng.random(999); yield view")
    first, second = (chain([name, "camera"]).variants(shown(), "r", 1)[0] for name in (idle, greedy))
    assert (first.image == second.image).all()


def test_a_batch_makes_what_each_view_makes_alone(shown: Shown, stage_of: Callable[[str], str]) -> None:
    """In their order, also where a stage yields several and where only some numbers are wanted."""
    twice = stage_of("yield view; yield view")
    made = chain(["wear", twice, "camera"])
    views = [shown(), shown("ball"), shown(material="steel")]
    together = made.batch([Task(view=view, seed=f"v{place}", numbers=(0, 1)) for place, view in enumerate(views)])
    for place, view in enumerate(views):
        alone = made.variants(view, f"v{place}", 2)
        assert [one.image.tobytes() for one in together[place]] == [one.image.tobytes() for one in alone]
    ((third, fourth),) = made.batch([Task(view=views[0], seed="v0", numbers=(1,))])
    assert [third.image.tobytes(), fourth.image.tobytes()] == [one.image.tobytes() for one in together[0][2:]]


def test_a_stage_that_takes_many_gets_them_all(shown: Shown, stage_of: Callable[[str], str]) -> None:
    """All views of a batch at once, each with random numbers of its own; what it makes of each is its variant."""
    name = stage_of(
        "raise NotImplementedError\n"
        "    def many(self, views):\n"
        "        told = {'together': len(views)}\n"
        "        return [view.replace(image=np.full_like(view.image, view.rng.integers(256)),"
        " lineage={'s': told}) for view in views]"
    )
    tasks = [Task(view=shown(shape), seed=shape, numbers=(0, 1)) for shape in ("ball", "block")]
    made = [one for some in chain(["camera", name]).batch(tasks) for one in some]
    assert {one.lineage["s"]["together"] for one in made} == {4}
    assert len({int(one.image[64, 64, 0]) for one in made}) == 4
    assert [one.part.number for one in made] == ["ball-1", "ball-1", "block-1", "block-1"]


def test_a_stage_that_takes_many_makes_one_of_each(shown: Shown, stage_of: Callable[[str], str]) -> None:
    """Fewer results than views would be given to the wrong parts."""
    name = stage_of("yield view\n    def many(self, views):\n        return views[:1]")
    tasks = [Task(view=shown(shape), seed=shape, numbers=(0,)) for shape in ("ball", "block")]
    with pytest.raises(StageError, match=f"'{name}' made 1 views of 2; it must make one of each"):
        chain([name]).batch(tasks)
    failing = stage_of("yield view\n    def many(self, views):\n        raise OSError('no device')")
    with pytest.raises(StageError, match=r"a batch of 2 parts \('ball-1' and others\): OSError: no device"):
        chain([failing]).batch(tasks)


def test_a_gentler_chain_is_what_its_stages_say(stage_of: Callable[[str], str]) -> None:
    """Until none of them has anything gentler; the others stay as they are. Without such a stage there is no other."""
    name = stage_of(
        "yield view\n    strength: float = 0.8\n    def gentler(self, attempt):\n"
        "        return None if attempt > 2 else S(strength=self.strength / 2 ** attempt)"
    )
    made = chain(["wear", name])
    found = [made.gentler(attempt) for attempt in (1, 2, 3)]
    assert [one and one.lineage[1]["settings"]["strength"] for one in found] == [0.4, 0.2, None]
    assert found[0] is not None
    assert found[0].links[0] == made.links[0]
    assert chain(["wear"]).gentler(1) is None


def test_a_stage_that_cannot_work_here_is_left_out_with_its_reason(stage_of: Callable[[str], str]) -> None:
    """The others stay in their order; where all can work the recipe is as it was."""
    name = stage_of(
        "yield view\n    model: str = ''\n    @property\n    def absent(self):\n"
        "        return '' if self.model else 'its weights are not here.'"
    )
    recipe = Recipe(stages=("wear", name, "camera"))
    left, notes = usable(recipe)
    assert left.stages == ("wear", "camera")
    assert notes == (f"The stage {name} was left out: its weights are not here.",)
    named = recipe.model_copy(update={"settings": {name: {"model": "x"}}})
    assert usable(named) == (named, ())


def test_lineage_says_what_made_a_variant() -> None:
    """Lineage lists stage, release and all settings, defaults included."""
    (wear,) = chain(["wear"], {"wear": {"rust": 0.1}}).lineage
    assert wear["stage"] == "wear"
    assert wear["release"].startswith("partsight ")
    assert wear["settings"]["rust"] == 0.1
    assert wear["settings"]["rusting"] == "steel"
