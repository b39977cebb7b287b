"""From untrusted files to bodies, photographs and reasons why not: scan, then read each in a sandbox."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from blake3 import blake3

from tasks.plugins import ALL
from tasks.readers import NATIVE, load, registry, suffix
from tasks.readers.bodies import LARGEST, MOST_PIECES, area, beside, meaningful, shown
from tasks.readers.photo import SUFFIXES, photograph
from tasks.records import Body, Colour, content_id
from tasks.sandbox import Fault, Limits, Sandbox

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from numpy.typing import NDArray

    from blocks.customer import Quotas
    from blocks.source import Listing
    from tasks.sandbox import Arrays

log = logging.getLogger("partsight")
READER_VERSION = "1"
MEGABYTE = 1024 * 1024
BLOCK = 1024 * 1024
MOST_BODIES = 100_000
LIBRARIES = ("trimesh", "trimesh.exchange.load", "cascadio", "collada", "lxml.etree", "PIL.Image", "PIL.ImageOps")
ARCHIVES = (".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")

Kind = Literal["cad", "photo", "metadata"]


class Found(NamedTuple):
    """A file of a source that matters: its name there, digest, kind, where it is, and its size in bytes.

    The digest covers the files that belong to it (materials, buffers); it is empty where it cannot be opened.
    """

    name: str
    digest: str
    kind: Kind
    path: Path
    size: int


class Reading(NamedTuple):
    """What is in a file: its bodies, or a photograph as JPEG; or the reason, in a sentence, why neither."""

    found: Found
    bodies: tuple[Body, ...] = ()
    photo: bytes = b""
    reason: str = ""


def scan(listing: Listing, salt: str, plugins: Sequence[str] = ALL) -> tuple[Found, ...]:
    """Files of the source that matter, in its order, each with its digest; `salt` is the customer.

    What matters depends on the readers that there are, and that `plugins` allow.
    """
    companions: dict[Path, list[Path]] = {}
    known: dict[Path, str] = {}  # a thousand files may share a texture
    for file in listing.files:
        if _kind(file.name, plugins) == "cad" and (reader := registry(plugins).readers.get(suffix(file.name))):
            companions[file.path] = _companions(reader.reader.companions, file.path)
    belonging = {path.resolve() for paths in companions.values() for path in paths}
    found = []
    for file in listing.files:
        kind = _kind(file.name, plugins)
        if kind is None or (kind == "photo" and file.path.resolve() in belonging):
            continue
        digest = _digest([file.path, *companions.get(file.path, [])], salt, known)
        found.append(Found(file.name, digest, kind, file.path, file.size))
    return tuple(found)


def _kind(name: str, plugins: Sequence[str]) -> Kind | None:
    ending = suffix(name)
    if ending in registry(plugins).readers or ending in NATIVE or ending in ARCHIVES:
        return "cad"
    if ending in SUFFIXES:
        return "photo"
    last = PurePosixPath(name.lower()).name
    return "metadata" if last in {"parts.csv", "parts.json"} or last.endswith((".parts.csv", ".parts.json")) else None


def _companions(of: Any, path: Path) -> list[Path]:
    """Files that belong to the one at `path` and are beside it."""
    try:
        names: Sequence[str] = of(path)
    except Exception:  # noqa: BLE001 - it searches bytes that nobody vouches for; reading them will say what is wrong
        return []
    found = {target for name in names if (target := beside(path, name)) and target != path.resolve()}
    return sorted(found)


def _digest(paths: Sequence[Path], salt: str, known: dict[Path, str]) -> str:
    """Digest of a file, and of those that belong to it where there are any; empty where it cannot be opened.

    `known` are digests of single files, and are added to.
    """
    digests = []
    for path in paths:
        if path not in known:
            known[path] = _hashed(path, salt)
        if not known[path]:
            return ""
        digests.append(known[path])
    if len(digests) == 1:
        return digests[0]
    names = [path.name for path in paths[1:]]
    return content_id("companions", digests[0], list(zip(names, digests[1:], strict=True)), salt=salt)


def _hashed(path: Path, salt: str) -> str:
    hasher = blake3(derive_key_context=f"partsight {salt}")
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                hasher.update(block)
    except OSError:
        return ""
    return str(hasher.hexdigest(length=16))


def sandbox(plugins: Sequence[str] = ALL) -> Sandbox:
    """A sandbox that has the readers and their libraries at hand."""
    return Sandbox(at_hand(plugins))


def at_hand(plugins: Sequence[str] = ALL) -> list[str]:
    """Names of the modules that reading needs."""
    modules = {entry.reference.partition(":")[0] for entry in registry(plugins).readers.values()}
    return [*LIBRARIES, "tasks.ingest", *sorted(modules)]


def readings(
    files: Iterable[Found], quotas: Quotas, workers: int = 2, plugins: Sequence[str] = ALL
) -> Generator[Reading]:
    """Read files with `workers` sandboxes at once; yields in the order of `files`, and reads only a few ahead."""
    own = threading.local()
    opened: list[Sandbox] = []

    def one(found: Found) -> Reading:
        if not hasattr(own, "sandbox"):
            own.sandbox = sandbox(plugins)
            opened.append(own.sandbox)
        return read(found, quotas, own.sandbox, plugins)

    waiting: deque[Any] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="reader")
    try:
        for found in files:
            waiting.append(pool.submit(one, found))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for box in opened:
            box.interrupt()  # or who stops in the middle would wait for the slowest file
        pool.shutdown()
        for box in opened:
            box.close()


def read(found: Found, quotas: Quotas, within: Sandbox | None = None, plugins: Sequence[str] = ALL) -> Reading:
    """Read one file in a sandbox; whatever is wrong with it becomes the reading's reason. Metadata is not read here."""
    if found.kind == "metadata":
        return Reading(found)
    if reason := _hopeless(found, quotas, plugins):
        return Reading(found, reason=f"{found.name} {reason}.")
    if within is None:
        with sandbox(plugins) as fresh:
            return read(found, quotas, fresh, plugins)
    limits = Limits(
        seconds=quotas.parse_seconds,
        cpu_seconds=max(1, round(quotas.parse_seconds)),
        memory_mb=quotas.parse_memory_mb,
    )
    try:
        if found.kind == "photo":
            answer = within.run(photo_in_child, {"path": str(found.path)}, limits, [str(found.path)])
            return Reading(found, photo=_jpeg(answer.arrays))
        reader = registry(plugins).readers[suffix(found.name)]
        arguments = {"reference": reader.reference, "path": str(found.path)}
        # not its whole folder: of a single file that may be somebody's home
        readable = [found.path, *_companions(reader.reader.companions, found.path)]
        answer = within.run(bodies_in_child, arguments, limits, map(str, readable))
        return Reading(found, bodies=_bodies(answer.data, answer.arrays))
    except Fault as fault:
        return Reading(found, reason=_sentence(found, fault))


def _hopeless(found: Found, quotas: Quotas, plugins: Sequence[str]) -> str:
    """Why a file is not even tried, or nothing."""
    ending = suffix(found.name)
    if not os.access(found.path, os.R_OK):
        return "cannot be opened: its permissions do not allow it, or it has gone"
    if ending in NATIVE and ending not in registry(plugins).readers:
        return f"is a native {NATIVE[ending]} file, which only that program reads: export it as STEP"
    if ending in ARCHIVES:
        return "is an archive that is not opened: send a ZIP archive"
    if not found.size:
        return "is empty (0 bytes)"
    if found.size > quotas.file_mb * MEGABYTE:
        return f"is larger than {quotas.file_mb} MB, the most that one file may have"
    return ""


def _sentence(found: Found, fault: Fault) -> str:
    clause = str(fault)
    if fault.kind == "error":  # the words of a library are for programmers, and may hold paths
        log.info("%s: %s", shown(found.name), shown(clause))
        what = "picture" if found.kind == "photo" else suffix(found.name)[1:].upper()
        clause = f"is damaged, or its content is no {what}: export it again"
    return f"{found.name} {shown(clause).rstrip('.')}."


def photo_in_child(path: str) -> tuple[None, Arrays]:
    """Child's side: the photograph at `path` as JPEG bytes."""
    return None, {"jpeg": np.frombuffer(photograph(Path(path)), dtype=np.uint8)}


def bodies_in_child(reference: str, path: str) -> tuple[list[dict[str, Any]], Arrays]:
    """Child's side: bodies in the file at `path`, as the reader that `reference` names finds them."""
    entries, arrays = [], {}
    seen: dict[int, int] = {}
    for index, body in enumerate(load(reference)(Path(path))):
        # bodies under several names or paths share their arrays
        mesh = seen.setdefault(id(body.vertices), index)
        if mesh == index:
            arrays[f"v{mesh}"] = body.vertices.astype("<f8")
            arrays[f"f{mesh}"] = body.faces.astype("<i4")
        entries.append(body.model_dump(exclude={"vertices", "faces"}) | {"mesh": mesh})
    return entries, arrays


def _jpeg(arrays: Arrays) -> bytes:
    data = arrays["jpeg"].tobytes() if "jpeg" in arrays else b""
    if not data.startswith(b"\xff\xd8"):
        raise Fault("garbled", "made the reader give an answer that makes no sense")
    return data


def _bodies(entries: Any, arrays: Arrays) -> tuple[Body, ...]:
    """The child's bodies, checked: it read bytes that nobody vouches for, and may have been taken over by them."""
    try:
        meshes = {mesh: _mesh(mesh, arrays) for mesh in {int(entry["mesh"]) for entry in entries[:MOST_BODIES]}}
        found = tuple(_body(entry, *meshes[int(entry["mesh"])]) for entry in entries[:MOST_BODIES])
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise Fault("garbled", "made the reader give an answer that makes no sense") from error
    if len(found) < len(entries):
        raise Fault("refused", f"holds more than {MOST_BODIES} different bodies: split it")
    return found


def _mesh(number: int, arrays: Arrays) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices and faces of one mesh of the child's. Raises ValueError where they are none."""
    vertices, faces = arrays[f"v{number}"], arrays[f"f{number}"]
    kinds = vertices.dtype == np.float64 and faces.dtype == np.int32
    fits = kinds and vertices.shape[1:] == faces.shape[1:] == (3,) and len(faces) > 0
    if not fits or faces.min() < 0 or faces.max() >= len(vertices) or not np.isfinite(vertices).all():
        raise ValueError("not a mesh")
    if np.abs(vertices).max() > 2 * LARGEST or not area(vertices, faces):
        raise ValueError("not a mesh of a part")
    return vertices, faces.astype(np.int64)


def _body(entry: dict[str, Any], vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Body:
    colour: Colour | None = None
    if entry["colour"] is not None and np.isfinite(entry["colour"]).all():
        red, green, blue = (min(max(float(channel), 0.0), 1.0) for channel in entry["colour"])
        colour = red, green, blue
    return Body(
        name=meaningful(str(entry["name"])),
        path="/".join(filter(None, map(meaningful, str(entry["path"]).split("/"))))[:2000],
        count=min(max(1, int(entry["count"])), MOST_PIECES),
        vertices=vertices,
        faces=faces,
        colour=colour,
        material=meaningful(str(entry["material"])),
        unit="mm" if entry["unit"] == "mm" else "unknown",
    )
