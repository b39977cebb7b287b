"""A small catalogue with photographs, and a tiny diffusion model to tune to them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Recipe
from tasks import codec, variants
from tasks.embed import embedder
from tasks.records import generator, jsonable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.tasks.conftest import Shown, Tiny

NAMES = {"block": "Spacer 12", "ball": "Steel ball 20"}
PHOTOGRAPHS = 4  # of each part
QUICK = {"mode": "background", "steps": 2, "guidance": 0.0, "precision": "float32"}


@pytest.fixture
def photographed(tmp_path: Path, shown: Shown, tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Two parts, four views and four photographs of each, live: what an onboarding leaves."""
    whole = tmp_path_factory.getbasetemp() / "photographed"
    if not whole.is_dir():
        _fill(Catalogue(uri=str(whole)), shown)
    shutil.copytree(whole, tmp_path / "db")
    return Catalogue(uri=str(tmp_path / "db"))


def _fill(catalogue: Catalogue, shown: Shown) -> None:
    model = embedder(Recipe().embed)
    rows: list[dict[str, Any]] = []
    for number, name in NAMES.items():
        for place, elevation in enumerate((20, 40, 60, 80)):
            view = shown(number, elevation=elevation, size=64)
            near, far = codec.depth_range(view)
            told = {"camera": jsonable(view.camera), "settings": json.dumps({"near": near, "far": far})}
            columns = {"kind": "view", "place": place, **told, **codec.encode_view(view)}
            rows.append(variants.blank(f"{number}-{place}", view.part.replace(number=number, name=name), **columns))
        for place in range(PHOTOGRAPHS):
            scene = generator("scene", number, place).integers(90, 200, (8, 10, 3), dtype=np.uint8)
            picture = np.kron(scene, np.ones((8, 8, 1), np.uint8))
            rows.append(
                variants.blank(f"{number}-p{place}", view.part.replace(number=number), kind="photo")
                | {"image": codec.encode_photograph(picture)}
            )
    vectors = model.images([codec.decode(row["image"]) for row in rows])
    catalogue.upsert("images", rows)
    catalogue.upsert(
        "parts",
        [
            {"part": number, "name": name, "geometry": number, "status": "active", "photos": "[]", "words": name}
            for number, name in NAMES.items()
        ],
    )
    found = [
        {"id": row["id"], "part": row["part"], "kind": row["kind"], "vector": vector}
        for row, vector in zip(rows, vectors, strict=True)
    ]
    catalogue.upsert(model.table, found, dimension=model.dimension)
    catalogue.upsert("runs", [{"run": "r1", "finished": "2026-01-01", "status": "completed", "live": model.table}])


@pytest.fixture
def painted(tiny: Tiny) -> Callable[..., Customer]:
    """A customer whose variants a tiny diffusion model makes; more settings of the stage may be given."""

    def made(kind: str = "sd", **settings: Any) -> Customer:
        given = {"model": str(tiny(kind)), **QUICK, **settings}
        return Customer(slug="acme", recipe=Recipe(stages=("diffuse",), settings={"diffuse": given}))

    return made
