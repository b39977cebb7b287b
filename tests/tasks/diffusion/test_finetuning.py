"""Fine-tuning: an adapter learns from photographs, survives a stop, and is used only when it does no harm."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from blocks.source import Source
from tasks import codec, job
from tasks.augment import chain
from tasks.diffusion import adapters, exercise, finetuning, lora
from tasks.diffusion.finetuning import FineTuning
from tasks.diffusion.lora import Tuning

if TYPE_CHECKING:
    from tests.tasks.conftest import Tiny

QUICK = Tuning(steps=6, batch=2, rank=4, rate=0.05)
Paint = Callable[..., Customer]


@pytest.fixture
def tune(photographed: Catalogue, painted: Paint, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run the steps of the flow; `stop` after a step leaves it there, and nothing is returned."""

    def run(
        home: str = "home", kind: str = "sd", photos: str = "", stop: int = 0, tuning: Tuning = QUICK, **settings: Any
    ) -> dict[str, Any]:
        with finetuning.opened(painted(kind, **settings), photographed, photos, tmp_path / home, tuning) as work:
            if stop:
                work.learn(stop)
                return {}
            for until in work.stretches():
                work.learn(until)
            return work.finish()

    return run


def weights(summary: dict[str, Any]) -> dict[str, Any]:
    """The numbers of an adapter, by name."""
    return dict(load_file(summary["adapter"]))


def test_an_adapter_learns_and_is_used(
    tune: Callable[..., dict[str, Any]], painted: Paint, photographed: Catalogue, tmp_path: Path
) -> None:
    """Its losses are numbers, its file is in diffusers' form, its card says what it comes from, pictures change."""
    found = tune()
    assert (found["photographs"], found["renders"], found["steps"]) == (8, 4, 6)
    assert all(np.isfinite(value) for told in found["losses"].values() for value in told.values())
    assert {"loss", "photographs", "renders"} <= set(found["losses"]["last"])
    assert found["used"], found["reason"]
    assert found["figures"]["with"]["views"] == 4
    file = Path(found["adapter"])
    assert file.parent == tmp_path / "home" / "customers" / "acme" / "adapters"
    assert all(name.startswith("unet.") and ".lora_" in name for name in weights(found))
    assert any(np.abs(value).max() > 0 for name, value in weights(found).items() if "lora_B" in name)
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["digest"] == adapters.digest(file)
    assert len(card["base"]) == len(card["photographs"][0]) == 32
    assert (card["settings"]["seed"], card["words"]) == (1, {"": "sks", "spacer": "ohwx", "steel ball": "zwx"})
    with Image.open(found["sheet"]) as sheet:
        assert (sheet.format, sheet.width) == ("PNG", 3 * 64 + 8)
    (worn,) = chain(*_steps(adapters.wearing(painted(), tmp_path / "home"))).links
    (view,) = finetuning.lessons.loaded(photographed, finetuning.lessons.parts(photographed), ["block-1"]).values()
    idle = painted(adapters={str(file): 0.0})
    tuned, untuned, plain = (
        chain(*_steps(who)).variants(view, "seed", 1)[0]
        for who in (adapters.wearing(painted(), tmp_path / "home"), idle, painted())
    )
    assert worn.settings.found.adapters[0].file == file
    assert [one.lineage["diffuse"]["adapters"] for one in (tuned, plain)] == [{file.stem: 1.0}, {}]
    assert ["ohwx" in one.lineage["diffuse"]["prompt"] for one in (tuned, untuned, plain)] == [True, True, False]
    changed = np.abs(tuned.image.astype(int) - untuned.image)[~view.mask].mean()
    assert changed > 0.3  # the words are the same: the adapter makes the difference


def test_the_next_onboarding_makes_pictures_with_it(
    tune: Callable[..., dict[str, Any]], painted: Paint, photographed: Catalogue, tmp_path: Path
) -> None:
    """The run finds it by itself, in its home; with another model, or without the stage, it is left alone."""
    import trimesh

    (tmp_path / "cad").mkdir()
    trimesh.creation.box((30, 20, 10)).export(tmp_path / "cad" / "block.stl")
    file = tune()["adapter"]
    for who, worn in ((painted(), {file: 1.0}), (painted("sdxl"), None), (Customer(slug="acme"), None)):
        with job.opened(who, photographed, Source(location=str(tmp_path / "cad")), None, tmp_path / "home", 1) as run:
            assert run.customer.recipe.settings.get("diffuse", {}).get("adapters") == worn


def _steps(who: Customer) -> tuple[tuple[str, ...], dict[str, dict[str, Any]]]:
    return who.recipe.stages, who.recipe.settings


@pytest.mark.parametrize("stop", [3])
def test_a_stop_changes_nothing(tune: Callable[..., dict[str, Any]], stop: int) -> None:
    """Stopped and started again, the same numbers come out as without a stop; and more steps go on from there."""
    whole = tune("whole")
    assert tune("stopped", stop=stop) == {}
    resumed = tune("stopped")
    assert f"The training went on from step {stop}." in resumed["notes"]
    for name, value in weights(whole).items():
        np.testing.assert_array_equal(weights(resumed)[name], value)
    assert Path(resumed["adapter"]).name == Path(whole["adapter"]).name
    assert Path(resumed["adapter"]).read_bytes() == Path(whole["adapter"]).read_bytes()
    longer = tune("stopped", tuning=QUICK.model_copy(update={"steps": 8}))
    assert "The training went on from step 6." in longer["notes"]
    assert longer["steps"] == 8
    assert Path(longer["adapter"]).name != Path(whole["adapter"]).name


@pytest.mark.slow
def test_another_seed_is_another_adapter(tune: Callable[..., dict[str, Any]]) -> None:
    """And its training begins anew; the checkpoint of the first is gone, since nobody would go on from it."""
    first = tune()
    second = tune(tuning=QUICK.model_copy(update={"seed": 2}))
    assert second["notes"] == []
    assert Path(first["adapter"]).name != Path(second["adapter"]).name
    kept = Path(second["adapter"]).parent.parent / "finetune"
    assert len(list(kept.iterdir())) == 1
    assert "before" in second["figures"]


def test_what_is_worse_is_kept_aside(
    tune: Callable[..., dict[str, Any]], painted: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that only pictures with an adapter fail: not used, with both figures and the reason, and off the way."""
    (tmp_path / "strict.py").write_text(
        "from pydantic import BaseModel\n"
        "class Untuned(BaseModel):\n"
        "    def __call__(self, variant, view):\n"
        "        told = variant.lineage['diffuse']\n"
        "        return {}, 'It is tuned.' if told['adapters'] else ''\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_CHECKS", "untuned=strict:Untuned")
    found = tune()
    assert not found["used"]
    assert (found["figures"]["without"]["passed"], found["figures"]["with"]["passed"]) == (1.0, 0.0)
    assert found["figures"]["with"]["reasons"] == {"untuned": 4}
    assert found["reason"] == "The gate accepts 0% of the pictures made with it, and 100% without it."
    assert Path(found["adapter"]).parent.name == "aside"
    assert json.loads(Path(found["adapter"]).with_suffix(".json").read_text())["reason"] == found["reason"]
    assert adapters.in_use(tmp_path / "home", "acme") is None
    assert adapters.wearing(painted(), tmp_path / "home") == painted()
    monkeypatch.delenv("PARTSIGHT_CHECKS")
    assert tune()["used"]
    assert list((tmp_path / "home" / "customers" / "acme" / "adapters" / "aside").iterdir()) == []


def test_sdxl_learns_too(tune: Callable[..., dict[str, Any]]) -> None:
    """Two text sides and the size that it is told."""
    found = tune(kind="sdxl", mode="relight", steps=3)
    assert np.isfinite(found["losses"]["last"]["loss"])
    assert weights(found)


def test_a_model_that_fills_in_learns_too(tune: Callable[..., dict[str, Any]], tiny: Tiny, tmp_path: Path) -> None:
    """It sees nothing of the picture, has no ControlNet, and tells velocities instead of noise."""
    folder = tmp_path / "model"
    shutil.copytree(tiny(fills=True, controlnet=0), folder)
    file = folder / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"prediction_type": "v_prediction"}))
    found = tune(model=str(folder))
    assert np.isfinite(found["losses"]["last"]["loss"])
    assert weights(found)


def test_photographs_of_a_folder(tune: Callable[..., dict[str, Any]], photographed: Catalogue, tmp_path: Path) -> None:
    """A folder for each part takes the place of the catalogue's photographs; what is no picture is named."""
    folder = tmp_path / "photos" / "block"
    folder.mkdir(parents=True)
    for row in photographed.rows("images", ("id", "kind", "image")):
        if row["kind"] == "photo":
            (folder / f"{row['id']}.jpg").write_bytes(row["image"])
    (folder / "broken.jpg").write_bytes(b"no picture")
    found = tune(photos=str(tmp_path / "photos"), stop=0, mode="photo")
    assert found["photographs"] == 8
    assert any("broken.jpg" in note for note in found["notes"])
    assert any("Judged in mode background" in note for note in found["notes"])


def test_what_cannot_be_done_is_a_sentence(
    tune: Callable[..., dict[str, Any]], photographed: Catalogue, tmp_path: Path
) -> None:
    """No model, no photographs, nothing rendered, nothing onboarded: each says what to do."""
    from lancedb.expr import col, lit

    with pytest.raises(ValueError, match=r"cannot be tuned. .*no model at"):
        tune(model=str(tmp_path / "gone"))
    broken = tmp_path / "photos" / "block" / "1.jpg"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"can be opened.*1.jpg can't be read as a picture"):
        tune(photos=str(tmp_path / "photos"))
    photographed.delete("images", col("kind") == lit("photo"))
    with pytest.raises(ValueError, match=r"no photographs to learn from.*--photos FOLDER"):
        tune()
    photographed.delete("images", col("kind") == lit("view"))
    with pytest.raises(ValueError, match="rendered yet"):
        tune()
    photographed.drop("runs")
    with pytest.raises(ValueError, match="onboard the customer first"):
        tune()


def test_memory_that_runs_out_is_a_sentence(
    photographed: Catalogue, painted: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a stack trace: it says what to do."""
    import torch

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with finetuning.opened(painted(), photographed, "", tmp_path / "home", QUICK) as work:
        monkeypatch.setattr(lora.Lora, "losses", full)
        with pytest.raises(ValueError, match="smaller model, or a larger GPU"):
            work.learn(1)


def test_views_of_the_trial_are_not_learned_from(photographed: Catalogue) -> None:
    """Every part has a view on each side before one has two."""
    judged, learned = finetuning.lessons.views(photographed, finetuning.lessons.parts(photographed))
    assert (len(judged), len(learned)) == (4, 4)
    assert not set(judged) & set(learned)
    assert {name.split("-")[0] for name in judged[:2]} == {"block", "ball"}


def test_a_picture_does_not_find_its_part_by_its_own_view(photographed: Catalogue) -> None:
    """The view that it was made from does not count, and parts of one geometry are one."""
    from lancedb.expr import col, lit

    parts, served = finetuning.lessons.parts(photographed), photographed.served()
    rows = {row["id"]: row["vector"] for row in served.rows(served.vectors, ("id", "vector"))}
    vectors = np.array([rows["block-0"], rows["ball-1"]], dtype=np.float32)
    made_of, owners, swapped = ["block-0", "ball-1"], ["block", "ball"], ["ball", "block"]
    known = exercise.Known(served, served.vectors, parts)
    assert known.found(vectors, made_of, owners) == [True, True]
    assert known.found(vectors, made_of, swapped) == [False, False]
    same = {number: part.replace(geometry="one") for number, part in parts.items()}
    assert exercise.Known(served, served.vectors, same).found(vectors, made_of, swapped) == [True, True]
    photographed.delete(served.vectors, (col("part") == lit("block")) & (col("id") != lit("block-0")))
    alone = exercise.Known(photographed.served(), served.vectors, parts)
    assert alone.found(vectors, made_of, owners) == [False, True]
    assert alone.found(vectors, ["ball-0", "ball-1"], owners) == [True, True]


def test_a_photograph_that_is_long_is_seen_whole() -> None:
    """Both its ends become squares; a nearly square one becomes one."""
    pixels = np.zeros((40, 90, 3), np.uint8)
    pixels[:, :45] = 200
    data = codec.encode_photograph(pixels)
    one = finetuning.lessons.Photograph(part=finetuning.lessons.Part(number="P"), name="x", digest="d", data=data)
    left, right = one.squares(32)
    assert left.shape == right.shape == (32, 32, 3)
    assert left.mean() > 180
    assert right.mean() < 30
    square = one.replace(data=codec.encode_photograph(pixels[:, :44]))
    assert len(square.squares(32)) == 1


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"without": (0.8, 0.7), "with": (0.8, 0.7)}, ""),
        ({"without": (0.8, 0.7), "with": (0.9, 0.7), "before": (0.9, 0.7)}, ""),
        ({"without": (0.8, 0.7), "with": (0.7, 0.9)}, "accepts 70% of the pictures made with it, and 80% without it"),
        ({"without": (0.8, 0.7), "with": (0.9, 0.6)}, "60% of the pictures made with it find"),
        ({"without": (0.5, 0.5), "with": (0.6, 0.6), "before": (0.7, 0.6)}, "70% with the adapter that is in use"),
        ({"without": (0.0, 0.5), "with": (0.0, 0.6)}, "accepts none"),
    ],
)
def test_an_adapter_is_used_when_nothing_is_worse(figures: dict[str, tuple[float, float]], said: str) -> None:
    """Neither the gate's share nor the share that find their part, without it or with the one before."""
    trials = {name: adapters.Figures(views=10, passed=one[0], found=one[1]) for name, one in figures.items()}
    reason = exercise.refusal(trials)
    assert said in reason
    assert bool(said) == bool(reason)


def test_stretches_cover_the_training(photographed: Catalogue, painted: Paint, tmp_path: Path) -> None:
    """Few pieces, the last one ends where the training does."""
    long = QUICK.model_copy(update={"steps": 10_001})
    work = FineTuning(painted(), photographed, "", tmp_path / "home", long)
    ends = list(work.stretches())
    assert len(ends) <= 60
    assert ends[-1] == 10_001
    assert ends == sorted(set(ends))


def test_it_tells_noise_from_a_photograph_better_than_before(
    photographed: Catalogue, painted: Paint, tmp_path: Path
) -> None:
    """The same pictures under the same noise, before and after; what it learned is not the base's."""
    import torch

    tuning = QUICK.model_copy(update={"steps": 40, "rate": 0.02})
    with finetuning.opened(painted(), photographed, "", tmp_path / "home", tuning) as work:
        frozen = [weight.clone() for weight in work.lora._unet.parameters() if not weight.requires_grad]
        before = _losses(work)
        work.learn(40)
        after = _losses(work)
        for name in ("photographs", "renders"):
            assert after[name] < 0.99 * before[name]
        same = [weight for weight in work.lora._unet.parameters() if not weight.requires_grad]
        assert all(torch.equal(one, other) for one, other in zip(frozen, same, strict=True))


def _losses(work: FineTuning) -> dict[str, float]:
    """What the first steps would say now, together."""
    import torch

    with torch.no_grad():
        told = [work.lora.losses(step) for step in range(4)]
    return {name: sum(float(one[name]) for one in told) for name in told[0]}
