"""What the model hub answers becomes a sentence, and what it has is fetched: tried with a hub of our own."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

import pytest

from blocks.models import hub, pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Hub(BaseHTTPRequestHandler):
    """A hub with one repository that holds a note, and no other."""

    info: ClassVar[dict[str, object]] = {
        "id": "owner/note",
        "sha": "0" * 40,
        "siblings": [{"rfilename": "README.md"}],
        "private": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
    }

    def do_HEAD(self) -> None:
        """It is there."""
        self.answer()

    def do_GET(self) -> None:
        """What there is of a repository."""
        self.answer()

    def answer(self) -> None:
        """The note's repository, or that there is none."""
        there = "owner/note" in self.path or self.path == "/"
        self.send_response(200 if there else 404)
        if not there:
            self.send_header("X-Error-Code", "RepoNotFound")
        body = json.dumps(self.info).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def our_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A hub on this machine, with an empty cache of its own."""
    from huggingface_hub import constants

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    yield address
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.usefixtures("our_hub")
def test_a_repository_that_the_hub_does_not_have_is_said_so() -> None:
    """The hub was reached and said no: that is not a hub that is out of reach."""
    with pytest.raises(ValueError, match=r"nobody/nothing at abc could not be fetched from the model hub \(.*404"):
        pipeline("hf-hub:nobody/nothing@abc")


def test_a_hub_that_is_out_of_reach_is_a_sentence_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For folders as for files, without the retries of the hub's own client."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"model hub cannot be reached \(ConnectError\): copy its folder here"):
        hub.folder("owner/name", "abc", list)
