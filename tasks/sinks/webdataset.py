"""Pictures and vectors as tar shards that WebDataset, and anything that reads tar, streams from."""

from __future__ import annotations

import io
import json
import tarfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.sinks import Destination, Picture

INDEX: Final = "index.json"  # what the library webdataset calls a shard list


class WebDataset(BaseModel):
    """Write tar shards of samples: picture, facts as JSON, vector as NumPy array, silhouette where it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shard: int = Field(1000, ge=1, le=1_000_000, description="Samples in one shard.")
    form: Literal["jpg", "stored"] = Field(
        "jpg", description="Pictures as they were embedded (JPEG), or the bytes as stored (views are WebP with alpha)."
    )
    masks: bool = Field(True, description="Whether the silhouette goes along, as <key>.mask.png.")

    def __call__(self, pictures: Iterator[Picture], to: Destination) -> dict[str, Any]:
        """The shards `<customer>-000000.tar` and so on, and an index of them; every byte follows from the pictures."""
        shards: list[dict[str, Any]] = []
        with ExitStack() as stack:
            for place, picture in enumerate(pictures):
                if place % self.shard == 0:
                    stack.close()
                    name = f"{to.customer}-{len(shards):06d}.tar"
                    tar = stack.enter_context(tarfile.open(to.folder / name, "x", format=tarfile.USTAR_FORMAT))
                    shards.append({"url": name, "nsamples": 0})
                for suffix, data in self.sample(picture, to):
                    _add(tar, f"{picture.id}.{suffix}", data)
                shards[-1]["nsamples"] += 1
        listed = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "name": to.customer, "shardlist": shards}
        (to.folder / INDEX).write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
        return {"shards": len(shards)}

    def sample(self, picture: Picture, to: Destination) -> Iterator[tuple[str, bytes]]:
        """The files of one sample, by what their names end in; all of them begin with the picture's id."""
        yield (picture.suffix, picture.data) if self.form == "stored" else ("jpg", picture.jpeg)
        yield "json", json.dumps(_facts(picture, to), sort_keys=True).encode()
        buffer = io.BytesIO()
        np.save(buffer, picture.vector, allow_pickle=False)
        yield "npy", buffer.getvalue()
        if self.masks and picture.mask is not None:
            yield "mask.png", picture.mask_png


def _facts(picture: Picture, to: Destination) -> dict[str, Any]:
    part = picture.part
    return {
        "id": picture.id,
        "part": part.number,
        "name": part.name,
        "description": part.description,
        "material": part.material,
        "size_mm": part.size_mm,
        "kind": picture.kind,
        "parent": picture.parent,
        "stages": picture.stages,
        "prompt": picture.prompt,
        "scores": picture.scores,
        "camera": picture.camera.model_dump(mode="json") if picture.camera else None,
        "customer": to.customer,
        "run": to.run,
        "model": to.model,
    }


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """A file without a date and without an owner: the same pictures make the same shard."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o644
    tar.addfile(entry, io.BytesIO(data))
