"""No file makes us read what was not sent with it: not beside the upload, not by a link, not from the network."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import corners_external
import numpy as np
import pytest
from corners import SECRET_COLOUR, Corner

from blocks.customer import Quotas
from blocks.source import Source
from tasks.ingest import scan
from tasks.readers import load, registry, suffix
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.records import Body

SUFFIXES = ("mtl", "png", "bin", "txt")


class Server(BaseHTTPRequestHandler):
    """Notes who asks."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer with nothing."""
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with secrets; in `upload` below it are links to them, and files of the same kinds that were sent."""
    folder = tmp_path_factory.mktemp("outside")
    corners_external.secrets(folder)
    upload = folder / "upload"
    upload.mkdir()
    for kind in SUFFIXES:
        (upload / f"link.{kind}").symlink_to(folder / f"secret.{kind}")
    corners_external.secrets(upload, "inside")
    return folder


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Port of a server on this machine that notes who asks."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def alone(corner: Corner, upload: Path) -> list[Body] | str:
    """What the reader makes of a corner on its own, without the sandbox, which would stop it too; or why it refuses."""
    for name in corner.upload.files:
        assert not (upload / name).exists()
    path = corner.upload.written(upload)
    try:
        return load(registry(()).readers[suffix(path.name)].reference)(path)
    except Refusal as refusal:
        return str(refusal)
    except Exception as error:  # noqa: BLE001 - of a library, which the sandbox makes a refusal of
        return f"{type(error).__name__}: {error}"
    finally:
        for name in corner.upload.files:
            (upload / name).unlink()


def like_the_secret(bodies: list[Body]) -> bool:
    """Whether a body has the secret's colour, or its text for a name."""
    near = [body.colour and np.allclose(body.colour, SECRET_COLOUR, atol=0.02) for body in bodies]
    return any(near) or any(corners_external.MARK in f"{body.name} {body.path} {body.material}" for body in bodies)


def test_nothing_outside_is_read(root: Path, port: int) -> None:
    """Whatever way leads out: the part comes without its colour, or not at all; and nobody asks the network."""
    upload = root / "upload"
    count = 0
    for corner in corners_external.corners(str(root), port):
        made = alone(corner, upload)
        count += 1
        if isinstance(made, str):
            assert corner.loads is not True, (corner.label, made)
            assert corner.words in made, (corner.label, made)
            assert corners_external.MARK not in made, corner.label
        else:
            assert corner.loads is not False, corner.label
            assert not like_the_secret(made), corner.label
    assert count == 104
    assert Server.asked == []


def test_what_was_sent_along_is_read(root: Path) -> None:
    """The same files with names that stay inside: they have the colour, so the test above would see it."""
    names = {kind: corners_external.inside(kind) for kind in SUFFIXES}
    for corner in corners_external.referring(names, loads=True):
        made = alone(corner, root / "upload")
        if "picture" in corner.label or "library" in corner.label:
            assert not isinstance(made, str), (corner.label, made)
            assert like_the_secret(made) == (not corner.label.startswith("dae")), corner.label  # it has no colour there
        if "buffer" in corner.label:
            assert not isinstance(made, str), (corner.label, made)


def test_nothing_outside_counts(root: Path, port: int) -> None:
    """The digest of a file is that of what belongs to it; a file outside may change without a trace."""
    upload = root / "upload"

    def digests() -> dict[str, str]:
        found = {}
        for corner in corners_external.corners(str(root), port):
            path = corner.upload.written(upload)
            with Source(location=str(upload)).open(Quotas()) as listing:
                found[corner.label] = next(file.digest for file in scan(listing, "acme", ()) if file.path == path)
            for name in corner.upload.files:
                (upload / name).unlink()
        return found

    before = digests()
    for kind in SUFFIXES:
        secret = root / f"secret.{kind}"
        secret.write_bytes(secret.read_bytes()[::-1])
    assert digests() == before
    assert Server.asked == []
