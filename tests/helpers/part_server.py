"""A web server of this machine that serves one washer, packed as /good.zip, and refuses all else."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trimesh


class PartServer(ThreadingHTTPServer):
    """While it is `shut`, it refuses the washer too."""

    shut = False
    daemon_threads = True

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"


@contextmanager
def served() -> Iterator[PartServer]:
    """The server inside the `with` block."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("washer.stl", trimesh.creation.annulus(3.0, 10.0, 2.0).export(file_type="stl"))

    class Handler(BaseHTTPRequestHandler):
        server: PartServer

        def do_GET(self) -> None:
            good = self.path.startswith("/good.zip") and not self.server.shut
            self.send_response(200 if good else 403)
            self.end_headers()
            self.wfile.write(packed.getvalue() if good else b"no")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with PartServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
