"""Shards that anything which reads tar reads, and that are the same for the same pictures."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.sinks import Destination, Picture
from tasks.sinks.webdataset import WebDataset

Samples = dict[str, dict[str, bytes]]


def read(folder: Path) -> tuple[list[str], Samples]:
    """Names of the shards, and the samples by key as WebDataset groups them: up to the first dot, adjacent."""
    samples: Samples = {}
    last = ""
    shards = sorted(folder.glob("*.tar"))
    for shard in shards:
        with tarfile.open(shard) as tar:
            for member in tar:
                key, _, suffix = member.name.partition(".")
                assert key == last or key not in samples, "the files of a sample lie together"
                assert (member.mtime, member.uid, member.uname) == (0, 0, "")
                samples.setdefault(key, {})[suffix] = tar.extractfile(member).read()  # type: ignore[union-attr]
                last = key
    return [shard.name for shard in shards], samples


def test_samples_hold_picture_facts_vector_and_silhouette(
    pictures: Callable[[int], list[Picture]], to: Destination
) -> None:
    """Views lie on the backdrop they were embedded on; a photograph has no silhouette."""
    given = pictures(5)
    told = WebDataset(shard=2)(iter(given), to)
    shards, samples = read(to.folder)
    assert (told, shards) == ({"shards": 3}, [f"acme-00000{n}.tar" for n in range(3)])
    assert list(samples) == [picture.id for picture in given]
    for picture in given:
        sample = samples[picture.id]
        assert set(sample) == {"jpg", "json", "npy"} | ({"mask.png"} if picture.mask is not None else set())
        vector = np.load(io.BytesIO(sample["npy"]), allow_pickle=False)
        assert (vector == picture.vector).all()
        facts = json.loads(sample["json"])
        assert (facts["part"], facts["kind"], facts["model"]) == (picture.part.number, picture.kind, "a model")
        shown = np.asarray(Image.open(io.BytesIO(sample["jpg"])), dtype=float)
        assert np.abs(shown - picture.pixels).mean() < 4
        if picture.mask is not None:
            assert (np.asarray(Image.open(io.BytesIO(sample["mask.png"]))) == picture.mask).all()
    index = json.loads((to.folder / "index.json").read_text())
    assert [(shard["url"], shard["nsamples"]) for shard in index["shardlist"]] == list(
        zip(shards, (2, 2, 1), strict=True)
    )


def test_the_same_pictures_make_the_same_bytes(
    pictures: Callable[[int], list[Picture]], to: Destination, tmp_path: Path
) -> None:
    """Whoever compares checksums sees what changed."""
    other = tmp_path / "other"
    other.mkdir()
    for folder in (to.folder, other):
        WebDataset(shard=3)(iter(pictures(4)), to.replace(folder=folder))
    for file in sorted(to.folder.iterdir()):
        assert file.read_bytes() == (other / file.name).read_bytes()


def test_the_bytes_can_be_kept_as_they_are_stored(pictures: Callable[[int], list[Picture]], to: Destination) -> None:
    """WebP with alpha for views; and silhouettes may be left out."""
    given = pictures(3)
    WebDataset(form="stored", masks=False)(iter(given), to)
    _, samples = read(to.folder)
    assert [sorted(sample) for sample in samples.values()] == [sorted({p.suffix, "json", "npy"}) for p in given]
    assert all(samples[picture.id][picture.suffix] == picture.data for picture in given)


def test_no_pictures_are_no_shards(to: Destination) -> None:
    """An empty export is an index of nothing."""
    assert WebDataset()(iter(()), to) == {"shards": 0}
    assert json.loads((to.folder / "index.json").read_text())["shardlist"] == []


@pytest.mark.parametrize("shard", [1, 1000])
def test_a_shard_has_as_many_samples_as_is_said(
    pictures: Callable[[int], list[Picture]], to: Destination, shard: int
) -> None:
    """One each, or all in one."""
    assert WebDataset(shard=shard)(iter(pictures(4)), to) == {"shards": 4 if shard == 1 else 1}
