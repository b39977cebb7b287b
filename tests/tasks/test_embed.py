"""Pictures and words become vectors: the right ones, whatever the batch, the size and the model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from blocks import models
from blocks.customer import Embed, Render
from tasks import cutout
from tasks.embed import Network, embedder, network
from tasks.generate import specimen
from tasks.records import Bytes, View, generator, over
from tasks.render import Studio

DEFAULT = Embed()
FAMILIES = (
    *("hex bolt", "angle bracket", "handwheel", "clevis", "compression spring", "spur gear"),
    *("hose barb", "hinge", "lever arm", "wing nut", "P-clamp", "ball bearing"),
)
OBLONG = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": [16, 24], "patch_size": 8, "layers": 1, "width": 16, "head_width": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 1, "layers": 1},
}


def drawing(seed: int, *, ground: int = 230, ink: int = 60, size: int = 96) -> Bytes:
    """A plain picture of one of many shapes, (size, size, 3)."""
    corners = generator("drawing", seed).uniform(0.15, 0.85, (6, 2)) * size
    picture = Image.new("RGB", (size, size), (ground,) * 3)
    ImageDraw.Draw(picture).polygon([tuple(corner) for corner in corners.tolist()], fill=(ink,) * 3)
    return np.asarray(picture)


def saved(folder: Path, weights: models.Weights, name: str = "model.safetensors") -> Path:
    """The network of `weights` as a safetensors file in `folder`."""
    from safetensors.torch import save_file

    save_file({key: value.clone() for key, value in network(weights).state_dict().items()}, folder / name)
    return folder / name


def test_the_default_is_what_ships_and_has_learned() -> None:
    """Its name is that of the files beside the code, for people and in the name of the table."""
    model = embedder(DEFAULT)
    assert model.name == models.SHIPPED
    assert model.trained
    assert model.table.startswith("vectors__partsight_small_")


def test_a_model_is_loaded_once_in_a_process() -> None:
    """Batches share the network; settings that are equal are one model."""
    assert embedder(Embed()) is embedder(Embed(model=DEFAULT.model))


def test_vectors_have_unit_length_whatever_the_size_of_the_picture() -> None:
    """Pictures of any size and shape come out in order, one vector each."""
    pictures = [drawing(1), drawing(2, size=33), np.zeros((40, 90, 3), np.uint8), drawing(3, size=300), drawing(1)]
    vectors = embedder(DEFAULT).images(pictures)
    assert vectors.shape == (5, embedder(DEFAULT).dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert vectors[0] == pytest.approx(vectors[4], abs=1e-5)


def test_a_vector_does_not_depend_on_its_batch() -> None:
    """Alone, in a small batch or in a large one: the same vector."""
    pictures = [drawing(seed, size=64 + 32 * (seed % 2)) for seed in range(9)]
    model = embedder(DEFAULT)
    together = model.images(pictures)
    assert model.images(pictures, batch=2) == pytest.approx(together, abs=1e-5)
    assert model.images(pictures[4:5])[0] == pytest.approx(together[4], abs=1e-5)


def test_making_the_network_leaves_random_numbers_alone() -> None:
    """Nothing that draws random numbers of torch's notices that a model was made."""
    import torch

    for weights in ("", "random"):
        torch.manual_seed(7)
        expected = torch.rand(3)
        torch.manual_seed(7)
        network(models.find("partsight-small", weights))
        assert torch.equal(torch.rand(3), expected)


def test_random_weights_are_always_the_same() -> None:
    """Whatever was drawn before, the network without learned weights is one and the same."""
    import torch

    first = network(models.find("partsight-small", "random")).state_dict()
    torch.rand(5)
    again = network(models.find("partsight-small", "random")).state_dict()
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())


def test_no_pictures_are_no_vectors() -> None:
    """An empty batch has a shape as well."""
    assert embedder(DEFAULT).images([]).shape == (0, embedder(DEFAULT).dimension)
    assert embedder(DEFAULT).texts([]).shape == (0, embedder(DEFAULT).dimension)


def test_words_become_vectors_too() -> None:
    """Texts of any length, and in any script, come out with unit length."""
    vectors = embedder(DEFAULT).texts(["hex bolt M6x20", "Schlüssel", "螺栓", "long " * 500])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01


def photographed(view: View, ground: int, light: float) -> Bytes:
    """The part of `view` on a plain grey ground, in more or less light."""
    picture = over(view, np.full(view.image.shape, ground, np.uint8))
    return np.clip(picture * light, 0, 255).astype(np.uint8)


def test_a_part_is_found_again_in_other_light() -> None:
    """Of a dozen parts that the studio took, each is recognised on other grounds, brighter and darker."""
    model, studio, render = embedder(DEFAULT), Studio(96), Render(views=4, size=96)
    parts = [specimen(family, 0, 0) for family in FAMILIES]
    views = [view for one in parts for _, view in studio.views(one.vertices, one.faces, one.part, render, "s", {1})]
    index = model.images([photographed(view, 200, 1.0) for view in views])
    for ground, light in ((150, 1.0), (170, 0.8), (230, 0.8)):
        found = model.images([photographed(view, ground, light) for view in views]) @ index.T
        assert (found.argmax(axis=1) == np.arange(len(FAMILIES))).mean() > 0.9


@pytest.mark.parametrize("size", [32, 48, 256, 20])
def test_preprocessing_is_what_open_clip_does(size: int) -> None:
    """The quick way gives the pixels of open_clip's own transform, to one grey level."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    model = embedder(DEFAULT)
    noise = generator("noise", size).integers(0, 256, (size, size, 3), dtype=np.uint8)
    pictures = [drawing(1, size=size), drawing(2, size=size), noise]
    own = image_transform_v2(PreprocessCfg(**model._preprocess), is_train=False)
    expected = np.stack([own(Image.fromarray(picture)).numpy() for picture in pictures])
    level = 1 / 255 / min(model._preprocess["std"])
    assert np.abs(model._prepared(pictures).numpy() - expected).max() <= 1.01 * level


def test_a_model_that_looks_at_oblongs_gets_its_own_transform(tmp_path: Path) -> None:
    """A model with another shape of picture is served exactly, if more slowly."""
    (tmp_path / "oblong.json").write_text(json.dumps(OBLONG), encoding="utf-8")
    weights = models.Weights(
        name="o",
        digest="0",
        dimension=8,
        trained=False,
        architecture="oblong",
        config=tmp_path / "oblong.json",
    )
    file = saved(tmp_path, weights, "oblong.safetensors")
    model = Network(models.find("oblong", str(file)))
    assert model._prepared([drawing(1)]).shape == (1, 3, 16, 24)
    assert model.images([drawing(1), drawing(2)]).shape == (2, 8)
    assert model.texts(["a bolt"]).shape == (1, 8)


def test_any_open_clip_model_can_be_named() -> None:
    """A name of open_clip's works with all that is its own; random weights are said to be random."""
    model = embedder(Embed(model="ViT-S-32-alt", weights="random"))
    assert model.name == "ViT-S-32-alt-random"
    assert model.images([drawing(1)]).shape == model.texts(["a bolt"]).shape == (1, model.dimension)


def test_weights_from_a_file_are_the_weights_that_are_used(tmp_path: Path) -> None:
    """A safetensors file gives the vectors of the network that it was saved from, and counts as trained."""
    file = saved(tmp_path, models.find("partsight-small", "random"))
    model, source = embedder(Embed(weights=str(file))), embedder(Embed(weights="random"))
    assert model.trained
    assert model.name == "partsight-small/model"
    assert model.images([drawing(1)]) == pytest.approx(source.images([drawing(1)]), abs=1e-6)
    assert model.texts(["a bolt"]) == pytest.approx(source.texts(["a bolt"]), abs=1e-6)
    assert np.abs(model.images([drawing(1)]) - embedder(DEFAULT).images([drawing(1)])).max() > 0.01


def test_a_model_of_the_hub_works_offline_once_it_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pinned revision in the hub's own cache is used with its configuration and preprocessing, without a network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "models--somebody--some-model" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    refs = tmp_path / "models--somebody--some-model" / "refs"
    refs.mkdir()
    (refs / "v1").write_text(commit, encoding="utf-8")
    config = {"model_cfg": OBLONG, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    (snapshot / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    bare = models.Weights(name="o", digest="0", dimension=8, trained=False, architecture=f"local-dir:{snapshot}")
    saved(snapshot, bare, "open_clip_model.safetensors")
    model = embedder(Embed(model="hf-hub:somebody/some-model@v1"))
    assert (model.name, model.trained, model.dimension) == ("somebody/some-model", True, 8)
    assert model._preprocess["mean"] == [0.5] * 3
    assert model.images([drawing(1)]).shape == model.texts(["a bolt"]).shape == (1, 8)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """Half a download is a sentence with its name in it."""
    file = saved(tmp_path, models.find("partsight-small", "random"))
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"model\.safetensors is not a whole safetensors file"):
        embedder(Embed(weights=str(file))).images([drawing(1)])


def test_weights_of_another_model_are_named(tmp_path: Path) -> None:
    """Weights that do not fit are a sentence about the file and the model."""
    file = saved(tmp_path, models.find("partsight-small", "random"))
    with pytest.raises(ValueError, match=r"model\.safetensors does not hold the weights of ViT-S-32-alt"):
        embedder(Embed(model="ViT-S-32-alt", weights=str(file))).images([drawing(1)])


def test_a_long_part_keeps_its_ends() -> None:
    """Nothing of a picture that is not square is left unseen."""
    picture = np.full((20, 61, 3), 200, np.uint8)
    picture[5:15, 3:58] = 40
    other = picture.copy()
    other[5:15, 50:58] = 200  # shorter, seen only beyond the middle square
    vectors = embedder(DEFAULT).images([picture, other])
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01


def test_words_may_come_before_any_picture() -> None:
    """A process that is asked for words alone loads all that it needs."""
    load = "from blocks.customer import Embed; from tasks.embed import embedder"
    code = f"{load}; print(embedder(Embed()).texts(['a']).shape)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, f"(1, {embedder(DEFAULT).dimension})"), done.stderr


def test_a_query_is_looked_at_twice() -> None:
    """As it is, and the object alone; no pictures at all are none."""
    picture = np.full((90, 120, 3), 180, np.uint8)
    picture[50:70, 20:60] = (40, 60, 90)
    model = embedder(DEFAULT)
    looks = model.looks([picture, picture[:, ::-1]])
    assert looks.shape == (2, 2, model.dimension)
    assert looks[0] == pytest.approx(model.images(cutout.looks(picture, model.side)), abs=1e-5)
    assert np.abs(looks[0, 0] - looks[0, 1]).max() > 0.01
    assert model.looks([]).shape == (0, 2, model.dimension)


def test_where_memory_does_not_hold_a_batch_half_of_it_is_tried() -> None:
    """A GPU that others use as well: the same vectors, in smaller batches, and no more of those that were too large."""
    model = Network(models.find(models.SHIPPED))
    pictures = [drawing(seed) for seed in range(7)]
    whole = model.images(pictures)
    looked, asked = model._looked, []

    def small(some: list[Bytes]) -> list[np.ndarray]:
        asked.append(len(some))
        if len(some) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return looked(some)

    model._looked = small  # type: ignore[method-assign]
    assert np.allclose(model.images(pictures, batch=7), whole, atol=1e-5)
    assert asked == [7, 3, 1, 1, 1, 1, 1, 1, 1]
