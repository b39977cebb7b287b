"""What travels between the steps: frozen records, named by their content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Mapping

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Colour = tuple[float, float, float]
Size = tuple[float, float, float]


def content_id(*parts: object, salt: str = "") -> str:
    """Name of a thing made from `parts`: 32 hex digits that change when any of them does.

    `salt` is the customer, so that equal files of two customers have different names.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return blake3(text.encode(), derive_key_context=f"partsight {salt}").hexdigest(length=16)


def bytes_id(data: bytes, salt: str = "") -> str:
    """Name of raw bytes: 32 hex digits."""
    return blake3(data, derive_key_context=f"partsight {salt}").hexdigest(length=16)


def generator(*seed: object) -> np.random.Generator:
    """Random numbers that depend on `seed` alone: never on order, batch or process."""
    return np.random.default_rng(int(content_id("rng", *seed), 16))


class Record(BaseModel):
    """A frozen value; a changed copy is made with `replace`."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    def replace(self, **changes: Any) -> Self:
        """Copy of this record with some fields changed."""
        return self.model_copy(update=changes)


class Body(Record):
    """One distinct geometry under one name in a CAD file, however many times it occurs there.

    `vertices` (n, 3) float64 are in millimetres when `unit` is "mm", else in the file's own unit.
    `faces` (m, 3) int64 wind counter-clockwise seen from outside. `path` joins the names of the
    assemblies above the body with "/" (empty at the top). `colour` is sRGB, 0 to 1.
    """

    name: str = ""
    path: str = ""
    count: int = 1
    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    colour: Colour | None = None
    material: str = ""
    unit: Literal["mm", "unknown"] = "unknown"


class Occurrence(Record):
    """Where a part was found: `count` times in `file`, under the assembly `path`."""

    file: str
    path: str = ""
    count: int = 1


class Part(Record):
    """A distinct part of a customer: what is searched for.

    `geometry` is the digest of its mesh in the `shapes` table, empty for a part known from
    photographs alone. `size_mm` is None where no file says which unit it is in. `photos` are the
    digests of its supplied pictures.
    """

    number: str
    name: str = ""
    description: str = ""
    material: str = ""
    colour: Colour | None = None
    geometry: str = ""
    size_mm: Size | None = None
    volume_mm3: float | None = None
    occurrences: tuple[Occurrence, ...] = ()
    photos: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """All that is said of the part, for a search by words."""
        return " ".join(filter(None, (self.number, self.name, self.description, self.material)))


class Camera(Record):
    """A pinhole camera that looks at the part.

    `pose` is the 4 x 4 camera-to-world matrix in OpenGL's convention (looks along -z, y up),
    row by row, lengths in the mesh's unit (mm). `yfov` is the vertical field of view in radians.
    """

    pose: tuple[tuple[float, float, float, float], ...]
    yfov: float
    size: int

    @property
    def matrix(self) -> NDArray[np.float64]:
        """`pose` as a (4, 4) float64 array."""
        return np.array(self.pose, dtype=np.float64)

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """Pinhole matrix K, (3, 3), in pixels."""
        focal = 0.5 * self.size / np.tan(0.5 * self.yfov)
        return np.array([[focal, 0, self.size / 2], [0, focal, self.size / 2], [0, 0, 1]])


class View(Record):
    """A picture of a part and what the CAD knows about each of its pixels: what a stage gets.

    `image` (h, w, 3) uint8 is sRGB with straight (not premultiplied) alpha; `alpha` (h, w)
    float32 is 0 to 1 and may hold a contact shadow (black, partly covering) outside the part. `mask`
    (h, w) bool is the part's own silhouette. `depth` (h, w) float32 is the distance along the camera's
    axis in mm, 0 off the part. `normals` (h, w, 3) float32 are unit vectors in camera space
    (x right, y up, z towards the camera), 0 off the part. `rng` is seeded by the picture's id. `lineage` is what
    the stages that made the picture say of it, by their names: a prompt, a seed, a strength.
    """

    part: Part
    camera: Camera
    image: Bytes
    alpha: Floats
    mask: Bools
    depth: Floats
    normals: Floats
    rng: np.random.Generator
    lineage: dict[str, Any] = {}


def blend(image: Bytes, alpha: Floats, scene: Bytes) -> Bytes:
    """`image` (h, w, 3) laid over `scene` (h, w, 3) with straight `alpha` (h, w) 0 to 1; uint8."""
    cover = alpha[..., None]
    mixed = image * cover + scene * (1 - cover)
    return np.asarray(np.clip(np.rint(mixed), 0, 255), dtype=np.uint8)


def over(view: View, scene: Bytes) -> Bytes:
    """The picture composited over `scene` (h, w, 3) uint8; returns (h, w, 3) uint8."""
    return blend(view.image, view.alpha, scene)


def jsonable(record: BaseModel | Mapping[str, object]) -> str:
    """Canonical JSON text of a record: the same record, the same text."""
    data = record.model_dump(mode="json") if isinstance(record, BaseModel) else dict(record)
    return json.dumps(data, sort_keys=True, separators=(",", ":"))
