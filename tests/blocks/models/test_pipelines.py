"""Which diffusion model is meant, of which family it is, and what is said when it is not there or not safe."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save

from blocks.models import pipeline

if TYPE_CHECKING:
    from pathlib import Path

PARTS = {
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "feature_extractor": [None, None],
}
SECOND = {
    "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer_2": ["transformers", "CLIPTokenizer"],
}
EULER = {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"}


def model(
    folder: Path,
    parts: dict[str, Any] = PARTS,
    unet: dict[str, Any] | None = None,
    scheduler: dict[str, Any] | None = None,
    weights: str = "diffusion_pytorch_model.safetensors",
) -> str:
    """A folder as diffusers writes it, with SD 1.5's configurations where nothing else is said."""
    configs = {
        "unet": {
            "cross_attention_dim": 768,
            "sample_size": 64,
            "in_channels": 4,
            "block_out_channels": [320, 640, 1280, 1280],
            **(unet or {}),
        },
        "vae": {"block_out_channels": [128, 256, 512, 512], "latent_channels": 4},
        "scheduler": scheduler or {"_class_name": "PNDMScheduler"},
    }
    for name, said in parts.items():
        if said[0] in {"diffusers", "transformers"}:
            (folder / name).mkdir(parents=True)
            file = "scheduler_config.json" if name == "scheduler" else "config.json"
            (folder / name / file).write_text(json.dumps(configs.get(name, {})))
            if not name.startswith(("tokenizer", "scheduler")):
                (folder / name / weights).write_bytes(tensors())
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline", **parts}))
    return str(folder)


def tensors(value: float = 1.0, name: str = "weight", width: int = 4) -> bytes:
    """A safetensors file with one weight."""
    return bytes(save({name: np.full((2, width), value, dtype=np.float32)}))


def control(folder: Path, channels: int = 3, width: int = 768) -> str:
    """The folder of a ControlNet."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(
        json.dumps({"_class_name": "ControlNetModel", "conditioning_channels": channels, "cross_attention_dim": width})
    )
    (folder / "diffusion_pytorch_model.safetensors").write_bytes(tensors(2))
    return str(folder)


@pytest.mark.parametrize(
    ("family", "parts", "unet", "scheduler", "wants"),
    [
        ("sd15", PARTS, {}, None, (25, 6.0, 512)),
        ("sd21", PARTS, {"cross_attention_dim": 1024, "sample_size": 96}, None, (25, 6.0, 768)),
        ("sd-turbo", PARTS, {"cross_attention_dim": 1024}, EULER, (2, 0.0, 512)),
        ("sdxl", PARTS | SECOND, {"cross_attention_dim": 2048, "sample_size": 128}, None, (25, 6.0, 1024)),
        (
            "sdxl-turbo",
            PARTS | SECOND,
            {"cross_attention_dim": 2048},
            {**EULER, "_class_name": "EulerAncestralDiscreteScheduler"},
            (2, 0.0, 512),
        ),
        ("sd15", PARTS, {}, {"_class_name": "LCMScheduler"}, (4, 0.0, 512)),
        ("sd15", PARTS, {"time_cond_proj_dim": 256}, {"_class_name": "LCMScheduler"}, (4, 8.0, 512)),
        ("sd", PARTS, {"cross_attention_dim": 128, "sample_size": 16}, None, (25, 6.0, 128)),
    ],
)
def test_a_family_is_known_by_its_configurations(
    tmp_path: Path, family: str, parts: Any, unet: Any, scheduler: Any, wants: tuple[int, float, int]
) -> None:
    """Family, steps, guidance and size come from the model's own files, whatever its folder is called."""
    found = pipeline(model(tmp_path / "any", parts, unet, scheduler))
    assert found.family == family
    assert found.xl is family.startswith("sdxl")
    assert (found.steps, found.guidance, found.size) == wants
    assert (found.cell, found.grain, found.inpainting) == (8, 64, False)


def test_advice_beside_the_model_counts(tmp_path: Path) -> None:
    """Who made a model may say in partsight.json how it is best used."""
    folder = model(tmp_path / "own")
    (tmp_path / "own" / "partsight.json").write_text('{"steps": 6, "guidance": 1.5, "more": 1}')
    found = pipeline(folder)
    assert (found.steps, found.guidance, found.size) == (6, 1.5, 512)


def test_finding_a_model_loads_no_torch(tmp_path: Path) -> None:
    """Names and digests are known without the libraries that make pictures."""
    code = "import sys; from blocks.models import pipeline; pipeline(sys.argv[1]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, model(tmp_path / "m")], check=False).returncode == 0


def test_files_that_can_run_code_are_refused(tmp_path: Path) -> None:
    """Weights that are pickles, parts that want code of their own, and checkpoints in one file are not loaded."""
    with pytest.raises(ValueError, match=r"diffusion_pytorch_model\.bin is not loaded: such a file can run code"):
        pipeline(model(tmp_path / "a", weights="diffusion_pytorch_model.bin"))
    with pytest.raises(ValueError, match=r"wants code of its own for its unet \(my_unet\), and none is ever run"):
        pipeline(model(tmp_path / "b", PARTS | {"unet": ["my_unet", "MyUNet"]}))
    (tmp_path / "v1-5.ckpt").write_bytes(b"pickle")
    with pytest.raises(ValueError, match=r"v1-5\.ckpt is not loaded: such a file can run code"):
        pipeline(str(tmp_path / "v1-5.ckpt"))
    (tmp_path / "v1-5.safetensors").write_bytes(b"weights")
    with pytest.raises(ValueError, match=r"single file; give a folder"):
        pipeline(str(tmp_path / "v1-5.safetensors"))
    with pytest.raises(ValueError, match=r"look\.pt is not loaded: such a file can run code"):
        pipeline(model(tmp_path / "c"), adapters={"look.pt": 1.0})


def test_what_is_no_stable_diffusion_is_named(tmp_path: Path) -> None:
    """Other kinds of models, refiners and folders of something else are told apart."""
    with pytest.raises(ValueError, match=r"is a StableDiffusionPipeline with a FluxTransformer2DModel; only Stable"):
        pipeline(model(tmp_path / "a", PARTS | {"transformer": ["diffusers", "FluxTransformer2DModel"]}))
    refiner = {name: said for name, said in (PARTS | SECOND).items() if name != "text_encoder"}
    with pytest.raises(ValueError, match=r"is a refiner of SDXL"):
        pipeline(model(tmp_path / "b", refiner))
    with pytest.raises(ValueError, match=r"holds no diffusion model: model_index\.json is missing"):
        pipeline(str(tmp_path))


def test_a_missing_model_is_a_sentence(tmp_path: Path) -> None:
    """Folders and repositories that are not here, and what is needed to name one."""
    with pytest.raises(ValueError, match=r"no model at .*gone: give a folder, or hf-hub:owner/name@revision"):
        pipeline(str(tmp_path / "gone"))
    with pytest.raises(ValueError, match=r"Say which revision of stabilityai/sd-turbo is meant: hf-hub:.*@ and a comm"):
        pipeline("hf-hub:stabilityai/sd-turbo")
    with pytest.raises(ValueError, match=r"stabilityai/sd-turbo at b261bac6 is not on this machine, and HF_HUB"):
        pipeline("hf-hub:stabilityai/sd-turbo@b261bac6")
    with pytest.raises(ValueError, match=r"must read hf-hub:owner/name/file\.safetensors@revision"):
        pipeline(model(tmp_path / "m"), adapters={"hf-hub:latent-consistency/lcm-lora-sdv1-5": 1.0})


def test_a_repository_in_the_local_cache_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, a pinned revision that was fetched before is found; one that is not whole is not taken for one."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "b261bac6fd2cf515557d5d0707481eafa0485ec2"
    folder = tmp_path / "models--owner--name" / "snapshots" / commit
    model(folder)
    found = pipeline(f"hf-hub:owner/name@{commit}")
    assert found.folder == folder
    assert found.name == "owner/name@b261bac6"
    assert pipeline("hf-hub:owner/name", commit).digest == found.digest
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ValueError, match="is not on this machine"):
        pipeline(f"hf-hub:owner/name@{commit}")


def test_half_precision_is_read_where_all_parts_have_it(tmp_path: Path) -> None:
    """One kind of weights for all parts: fp16 sooner than plain; a mixture of them is refused."""
    folder = tmp_path / "m"
    model(folder, weights="diffusion_pytorch_model.fp16.safetensors")
    assert pipeline(str(folder)).variant == "fp16"
    for name in ("unet", "vae"):
        (folder / name / "diffusion_pytorch_model.safetensors").write_bytes(tensors(3))
    assert pipeline(str(folder)).variant == "fp16"
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").unlink()
    with pytest.raises(ValueError, match="weights of two kinds"):
        pipeline(str(folder))


def test_only_what_is_read_is_fetched() -> None:
    """Of a repository with everything twice, one kind of weights comes, and no pickle."""
    from blocks.models import folders

    names = ["model_index.json", "sd_xl_base_1.0.safetensors", "README.md", "safety_checker/model.safetensors"]
    for part, file in (
        ("unet", "diffusion_pytorch_model"),
        ("vae", "diffusion_pytorch_model"),
        ("text_encoder", "model"),
    ):
        names += [f"{part}/config.json", f"{part}/{file}.bin", f"{part}/{file}.onnx"]
        names += [f"{part}/{file}.safetensors", f"{part}/{file}.fp16.safetensors", f"{part}/{file}.non_ema.safetensors"]
    wanted = folders._wanted(names)
    assert sorted(name for name in wanted if name.endswith("safetensors")) == [
        "text_encoder/model.fp16.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    ]
    assert "unet/config.json" in wanted
    assert not any(name.endswith((".bin", ".onnx", ".md")) for name in wanted)
    assert folders._wanted(["config.json", "diffusion_pytorch_model.safetensors"]) == [
        "config.json",
        "diffusion_pytorch_model.safetensors",
    ]


def test_a_controlnet_is_found_beside_or_inside_the_model(tmp_path: Path) -> None:
    """What it reads is told by its channels and its name; another folder is no ControlNet."""
    folder = model(tmp_path / "m")
    assert pipeline(folder).controlnet is None
    for name, shows in (("sd15-depth", "depth"), ("control_normalbae", "normals"), ("canny", "edges"), ("x", None)):
        net = pipeline(folder, controlnet=control(tmp_path / name)).controlnet
        assert net is not None
        assert (net.name, net.condition, net.channels) == (name, shows, 3)
    control(tmp_path / "m" / "controlnet", 4)
    net = pipeline(folder).controlnet
    assert net is not None
    assert (net.name, net.condition, net.channels) == ("m", "geometry", 4)
    with pytest.raises(ValueError, match="is a folder of something else, no ControlNet"):
        pipeline(folder, controlnet=str(tmp_path / "m" / "vae"))


def test_what_belongs_to_another_family_is_named(tmp_path: Path) -> None:
    """A ControlNet or an adapter of SDXL beside a model of SD 1.5 is a sentence before anything is loaded."""
    folder = model(tmp_path / "m")
    with pytest.raises(
        ValueError, match=r"xl-depth is a ControlNet of another family: its texts are 2048 wide, not 768"
    ):
        pipeline(folder, controlnet=control(tmp_path / "xl-depth", width=2048))
    look = tmp_path / "look.safetensors"
    for name in ("unet.a.attn2.to_k.lora_A.weight", "lora_unet_a_attn2_to_k.lora_down.weight"):
        look.write_bytes(tensors(name=name, width=2048))
        with pytest.raises(ValueError, match=r"look\.safetensors is an adapter of another family: it reads texts 2048"):
            pipeline(folder, adapters={str(look): 1.0})
        look.write_bytes(tensors(name=name, width=768))
        assert pipeline(folder, adapters={str(look): 1.0}).adapters[0].name == "look"
    look.write_bytes(tensors(name="conv.weight"))
    with pytest.raises(ValueError, match=r"look\.safetensors is no LoRA adapter"):
        pipeline(folder, adapters={str(look): 1.0})
    with pytest.raises(ValueError, match="must lie between -4 and 4"):
        pipeline(folder, adapters={str(look): 40.0})


@pytest.mark.parametrize(
    "data", [b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146", tensors()[:-1], b"\0" * 64]
)
def test_weights_that_are_not_whole_are_named(tmp_path: Path, data: bytes) -> None:
    """A pointer of Git LFS, a copy that was cut off: said before the run, with the file's name."""
    folder = tmp_path / "m"
    model(folder)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(data)
    with pytest.raises(ValueError, match=r"vae/diffusion_pytorch_model\.safetensors is not a whole safetensors file"):
        pipeline(str(folder))


def test_the_digest_follows_everything_that_decides_a_picture(tmp_path: Path) -> None:
    """Weights, configurations, ControlNet, adapters and how much of them; a note beside them does not count."""
    folder = tmp_path / "m"
    model(folder)
    look = tmp_path / "look.safetensors"
    look.write_bytes(tensors(1, "unet.lora_A.weight"))
    seen = [pipeline(str(folder)).digest]
    (folder / "README.md").write_text("a note")
    assert pipeline(str(folder)).digest == seen[0]
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(tensors(4))
    seen.append(pipeline(str(folder)).digest)
    (folder / "scheduler" / "scheduler_config.json").write_text('{"_class_name": "DDIMScheduler"}')
    seen.append(pipeline(str(folder)).digest)
    seen += [pipeline(str(folder), adapters={str(look): weight}).digest for weight in (0.5, 1.0)]
    look.write_bytes(tensors(2, "unet.lora_A.weight"))
    seen.append(pipeline(str(folder), adapters={str(look): 1.0}).digest)
    control(folder / "controlnet")
    seen.append(pipeline(str(folder)).digest)
    assert len(set(seen)) == 7


def test_the_model_that_ships_is_whole_or_missed_with_a_sentence() -> None:
    """The default is either part of this installation, ControlNet included, or a sentence says that it is not."""
    try:
        found = pipeline()
    except ValueError as error:
        assert "partsight-sd-small is not part of this installation" in str(error)  # noqa: PT017 - either is right
    else:
        assert found.name == "partsight-sd-small"
        assert found.controlnet is not None
        assert found.controlnet.condition == "geometry"
