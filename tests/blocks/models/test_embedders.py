"""Which weights are meant, and what is said when they are not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from blocks import models

if TYPE_CHECKING:
    from pathlib import Path

TINY = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 16, "patch_size": 8, "layers": 1, "width": 16, "head_width": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 514, "width": 16, "heads": 1, "layers": 1},
}


def test_the_model_that_ships_lies_beside_the_code() -> None:
    """Weights, configuration and vocabulary are there, small enough for a repository; random ones say that they are."""
    found = models.find("partsight-small")
    assert found.trained
    assert found.file is not None
    assert found.file.stat().st_size <= 20e6
    assert found.vocabulary is not None
    drawn = models.find("partsight-small", "random")
    assert not drawn.trained
    assert drawn.name == "partsight-small-random"
    assert drawn.table != found.table


def test_finding_a_model_loads_no_torch() -> None:
    """Names and digests are known in milliseconds, so that a run with nothing to do stays short."""
    import subprocess
    import sys

    code = "import sys; from blocks import models; models.find('partsight-small'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["weights.pt", "model.bin", "old.ckpt"])
def test_files_that_can_run_code_are_refused(name: str, tmp_path: Path) -> None:
    """A pickle is never opened, wherever it lies."""
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match=f"{name} is not loaded: such a file can run code"):
        models.find("ViT-B-32", str(tmp_path / name))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The sentence says which file is not there."""
    with pytest.raises(ValueError, match=r"no weights at .*gone\.safetensors"):
        models.find("ViT-B-32", str(tmp_path / "gone.safetensors"))


def test_a_misspelled_model_is_answered_with_the_nearest_names() -> None:
    """A wrong name is a question of spelling, not a stack trace."""
    with pytest.raises(ValueError, match=r"no open_clip model called 'VitB32'; did you mean .*ViT-B-32"):
        models.find("VitB32", "openai")


def test_an_unknown_tag_is_answered_with_the_known_ones() -> None:
    """The tags that exist are listed."""
    with pytest.raises(ValueError, match=r"ViT-B-32 has no weights called 'nope'.*laion2b_s34b_b79k"):
        models.find("ViT-B-32", "nope")


def test_a_name_without_weights_is_never_random() -> None:
    """open_clip would make random weights with a warning; we ask which ones are meant."""
    with pytest.raises(ValueError, match="ViT-B-32 needs weights"):
        models.find("ViT-B-32")


def test_offline_a_model_of_the_hub_is_a_sentence_at_once() -> None:
    """With HF_HUB_OFFLINE set, the way out is named and nothing is tried."""
    with pytest.raises(ValueError, match=r"is not on this machine, and HF_HUB_OFFLINE is set: copy the weights"):
        models.find("ViT-B-32", "laion2b_s34b_b79k")


def test_a_hub_that_is_out_of_reach_is_a_sentence_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One short look replaces the 48 s of retries of the hub's own client."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"model hub cannot be reached \(ConnectError\): copy the weights"):
        models.find("hf-hub:somebody/some-model@abc123")


def test_a_file_brings_its_own_configuration(tmp_path: Path) -> None:
    """A configuration beside the file decides what the network looks like."""
    (tmp_path / "own.safetensors").write_bytes(b"weights")
    (tmp_path / "own.json").write_text(json.dumps(TINY), encoding="utf-8")
    found = models.find("mine", str(tmp_path / "own.safetensors"))
    assert (found.dimension, found.architecture, found.trained) == (8, "own", True)


def test_a_folder_as_the_hub_has_it_brings_its_preprocessing(tmp_path: Path) -> None:
    """open_clip_config.json beside the file is read as the hub means it."""
    config = {"model_cfg": TINY, "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "resize_mode": "squash"}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "any.safetensors").write_bytes(b"weights")
    found = models.find("mine", str(tmp_path / "any.safetensors"))
    assert found.architecture == f"local-dir:{tmp_path}"
    assert found.preprocess == config["preprocess_cfg"]


def test_the_digest_follows_the_weights_and_the_configuration(tmp_path: Path) -> None:
    """Vectors of two models never share a table, though their names are the same."""
    file, config = tmp_path / "own.safetensors", tmp_path / "own.json"
    tables = set()
    for weights, dimension in ((b"one", 8), (b"two", 8), (b"two", 16)):
        file.write_bytes(weights)
        config.write_text(json.dumps({**TINY, "embed_dim": dimension}), encoding="utf-8")
        found = models.find("mine", str(file))
        assert found.name == "mine/own"
        tables.add(found.table)
    assert len(tables) == 3


def test_a_configuration_that_is_none_is_named(tmp_path: Path) -> None:
    """Broken JSON, or JSON of something else, is said of the file that holds it."""
    (tmp_path / "own.safetensors").write_bytes(b"weights")
    (tmp_path / "own.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"own\.json is not valid JSON"):
        models.find("mine", str(tmp_path / "own.safetensors"))
    (tmp_path / "own.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="has no embed_dim"):
        models.find("mine", str(tmp_path / "own.safetensors"))
