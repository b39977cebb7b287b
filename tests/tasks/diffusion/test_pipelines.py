"""Every mode is a real diffusers pipeline on the same weights, and a picture does not depend on its batch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from blocks.models import pipeline
from tasks import batches
from tasks.diffusion.pipelines import Engine, Mode, Way, Wish, engine, library
from tasks.records import generator

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tasks.conftest import Tiny

MODES: tuple[Mode, ...] = ("background", "relight", "restyle", "photo", "text")
PIPELINES = {
    "background": "StableDiffusionControlNetInpaintPipeline",
    "relight": "StableDiffusionControlNetImg2ImgPipeline",
    "restyle": "StableDiffusionControlNetPipeline",
    "photo": "StableDiffusionImg2ImgPipeline",
    "text": "StableDiffusionPipeline",
}


def wishes(count: int, side: int = 64, channels: int = 4) -> list[Wish]:
    """That many pictures that are asked for, all different."""
    found = []
    for seed in range(count):
        rng = generator("wish", seed)
        found.append(
            Wish(
                prompt=f"bolt {seed}",
                negative="cats",
                seed=seed,
                shape=(side, side),
                picture=rng.integers(0, 256, (side, side, 3), dtype=np.uint8),
                repaint=np.repeat([[True, False]], side // 2, axis=1).repeat(side, axis=0),
                condition=rng.random((side, side, channels), dtype=np.float32),
            )
        )
    return found


def way(mode: Mode, **changes: Any) -> Way:
    """A way of few steps."""
    strength = 1.0 if mode in {"restyle", "text"} else 0.7
    return Way(**({"mode": mode, "steps": 3, "strength": strength, "guidance": 3.0} | changes))


def loaded(folder: Path, **settings: Any) -> Engine:
    """The engine of the model in a folder, in single precision."""
    return engine(pipeline(str(folder), **settings), precision="float32")


@pytest.mark.parametrize("kind", ["sd", "sdxl"])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_makes_the_same_picture_alone_and_in_a_batch(tiny: Tiny, mode: Mode, kind: str) -> None:
    """Pictures have the size that was asked for, differ by their seeds, and are made again as they were."""
    made = loaded(tiny(kind))
    one = way(mode)
    together = made.make(one, wishes(3))
    family = "StableDiffusionXL" if kind == "sdxl" else "StableDiffusion"
    assert type(made.pipe(one)).__name__ == PIPELINES[mode].replace("StableDiffusion", family)
    assert [picture.shape for picture in together] == [(64, 64, 3)] * 3
    assert all(picture.dtype == np.uint8 for picture in together)
    assert np.abs(together[0].astype(int) - together[1]).mean() > 2
    alone = made.make(one, wishes(3)[1:2])[0]
    # sums are taken in another order, so the last bit may differ
    assert np.abs(alone.astype(int) - together[1]).max() <= 2


def test_a_model_is_loaded_once_for_all_modes(tiny: Tiny) -> None:
    """The networks of every pipeline are the same objects, and the engine stays in the process."""
    made = loaded(tiny())
    assert loaded(tiny()) is made
    pipes = [made.pipe(way(mode)) for mode in MODES]
    for name in ("unet", "vae", "text_encoder"):
        assert len({id(getattr(pipe, name)) for pipe in pipes}) == 1
    assert len({id(pipe.controlnet) for pipe in pipes[:3]}) == 1


def test_oblong_pictures_and_several_sizes_at_once(tiny: Tiny) -> None:
    """Wishes of different sizes come back in their order."""
    some = wishes(3)
    oblong = [some[0], some[1].replace(shape=(64, 32)), some[2]]
    made = loaded(tiny()).make(way("text"), oblong)
    assert [picture.shape[:2] for picture in made] == [(64, 64), (64, 32), (64, 64)]


def test_out_of_memory_halves_the_batch_and_changes_nothing_else(tiny: Tiny) -> None:
    """A device that holds two pictures makes five, the same ones, and is not asked for more again."""
    one = way("relight")
    expected = loaded(tiny()).make(one, wishes(5))
    made = Engine(pipeline(str(tiny())), "own", "float32", compiled=False)
    seen = []

    def small(_: Any, given: tuple[Any, ...]) -> None:
        seen.append(len(given[0]))
        if len(given[0]) > 2 * 2:  # guidance makes two of each
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    made.base.unet.register_forward_pre_hook(small)
    pictures = made.make(one, wishes(5))
    for picture, same in zip(pictures, expected, strict=True):
        assert np.abs(picture.astype(int) - same).max() <= 2
    assert made.batches((64, 64)).size == 2
    seen.clear()
    made.make(one, wishes(4))
    assert max(seen) == 4


def test_the_prompt_counts_and_each_picture_has_its_own(tiny: Tiny) -> None:
    """Another prompt makes another picture, with guidance another negative one does too."""
    made = loaded(tiny())
    first = wishes(1)[0]
    changed = [first, first.replace(prompt="nut, brass, on a steel table"), first.replace(negative="dogs and rain")]
    a, b, c = made.make(way("text", guidance=7.0), changed)
    assert (a != b).any()
    assert (a != c).any()
    a, c = made.make(way("text", guidance=0.0), [changed[0], changed[2]])
    assert (a == c).all()


def test_the_condition_counts_as_much_as_control_says(tiny: Tiny) -> None:
    """The ControlNet is heard in the modes that hold to the geometry; without control it is not even asked."""
    made = loaded(tiny())
    first, other = wishes(2)
    same_seed = [first, first.replace(condition=other.condition)]
    for mode in ("background", "relight", "restyle"):
        a, b = made.make(way(mode), same_seed)
        assert (a != b).any()
    a, b = made.make(way("background", control=0.0), same_seed)
    assert (a == b).all()
    assert type(made.pipe(way("background", control=0.0))).__name__ == "StableDiffusionInpaintPipeline"


def test_what_is_not_repainted_stays(tiny: Tiny) -> None:
    """Two pictures of other seeds differ in the half that is painted anew far more than in the half that is kept."""
    first = wishes(1)[0]
    one, other = loaded(tiny()).make(way("background", control=0.0, strength=1.0), [first, first.replace(seed=9)])
    change = np.abs(one.astype(int) - other).mean(axis=(0, 2))
    assert change[:32].mean() > 2 * change[32:].mean()


def test_a_model_that_was_trained_to_fill_in_is_used_as_it_was_meant(tiny: Tiny) -> None:
    """A UNet of nine channels is given the mask and what is around it."""
    folder = tiny(fills=True, controlnet=0)
    found = pipeline(str(folder))
    assert found.inpainting
    made = engine(found, precision="float32").make(way("background"), wishes(2))
    assert [picture.shape for picture in made] == [(64, 64, 3)] * 2


@pytest.mark.parametrize("schedule", ["lcm", "dpm", "unipc", "euler", "ddim"])
def test_schedules_can_be_exchanged(tiny: Tiny, schedule: Any) -> None:
    """Each makes pictures, alone as in a batch."""
    made = engine(pipeline(str(tiny())), schedule, "float32")
    one = way("relight", steps=4)
    together, alone = made.make(one, wishes(2)), made.make(one, wishes(2)[1:])
    assert np.abs(alone[0].astype(int) - together[1]).max() <= 2


@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_adapters_are_stacked_by_weight(tiny: Tiny, tmp_path: Path, kind: str) -> None:
    """A LoRA made with peft changes the picture, twice as much of it more so, none of it not at all."""
    files = [lora(tiny(kind), tmp_path / f"look.{seed}.safetensors", kind, seed) for seed in (1, 2)]
    first = wishes(1)
    plain = loaded(tiny(kind)).make(way("text"), first)[0].astype(int)

    def change(**weights: float) -> float:
        stack = {str(files[int(name[1])]): weight for name, weight in weights.items()}
        made = loaded(tiny(kind), adapters=stack).make(way("text"), first)[0]
        return float(np.abs(made.astype(int) - plain).mean())

    assert change(_0=0.0) == 0
    assert 0 < change(_0=0.5) < change(_0=1.0)
    assert change(_0=1.0, _1=1.0) not in {change(_0=1.0), change(_1=1.0)}


def lora(folder: Path, file: Path, kind: str, seed: int) -> Path:
    """A LoRA adapter of the model in a folder, as peft and diffusers write it."""
    diffusers = library()
    from peft import LoraConfig, get_peft_model_state_dict

    unet = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet")
    unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v", "to_out.0"]))
    state = get_peft_model_state_dict(unet)
    torch.manual_seed(seed)
    state = {name: torch.randn_like(value) * 0.3 for name, value in state.items()}
    which = diffusers.StableDiffusionXLPipeline if kind == "sdxl" else diffusers.StableDiffusionPipeline
    which.save_lora_weights(file.parent, unet_lora_layers=state, weight_name=file.name)
    return file


def test_weights_in_half_precision_are_read_as_diffusers_writes_them(tiny: Tiny, tmp_path: Path) -> None:
    """A folder with fp16 files alone is loaded, ControlNet included, and makes nearly the same pictures."""
    diffusers = library()
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(tiny(), safety_checker=None, requires_safety_checker=False)
    pipe.to(torch.float16).save_pretrained(tmp_path / "half", variant="fp16")
    control = diffusers.ControlNetModel.from_pretrained(tiny() / "controlnet", dtype=torch.float16)
    control.save_pretrained(tmp_path / "half" / "controlnet", variant="fp16")
    found = pipeline(str(tmp_path / "half"))
    assert found.variant == "fp16"
    assert found.controlnet is not None
    assert found.controlnet.variant == "fp16"
    (made,) = engine(found, precision="float32").make(way("relight"), wishes(1))
    (whole,) = loaded(tiny()).make(way("relight"), wishes(1))
    assert np.abs(made.astype(int) - whole).mean() < 3


def test_half_precision_makes_nearly_the_same_picture(tiny: Tiny) -> None:
    """The arithmetic may round, and does not decide what is seen."""
    one = way("relight")
    half = engine(pipeline(str(tiny())), precision="bfloat16")
    together, alone = half.make(one, wishes(2)), half.make(one, wishes(2)[1:])[0]
    assert half.base.unet.dtype == torch.bfloat16
    assert np.abs(alone.astype(int) - together[1]).mean() < 3
    assert not half.base.vae.config.force_upcast  # it would be taken to float32 and back for every batch
    whole = loaded(tiny()).make(one, wishes(2))
    assert np.abs(together[0].astype(int) - whole[0]).mean() < 0.25 * np.abs(whole[0].astype(int) - whole[1]).mean()


def test_loading_says_nothing_and_changes_no_setting(tiny: Tiny, capfd: pytest.CaptureFixture[str]) -> None:
    """No bars and no advice on a worker's screen; the libraries' own settings are as they were."""
    from diffusers.utils import logging

    before = (logging.get_verbosity(), logging.is_progress_bar_enabled())
    made = Engine(pipeline(str(tiny())), "own", "float32", compiled=False)
    made.make(way("restyle"), [wishes(1)[0].replace(prompt="a very long story of a bolt " * 40)])
    assert re.sub(r"\s", "", "".join(capfd.readouterr())) == ""
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_large_pictures_are_decoded_one_by_one(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes no longer and less memory; small ones are decoded together."""
    made = loaded(tiny())
    monkeypatch.setattr(batches, "fitting", lambda *_: 2)
    for side, sliced in ((64, False), (256, True)):
        made.make(way("text", steps=1), wishes(1, side))
        assert made.base.vae.use_slicing is sliced
