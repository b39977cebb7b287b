"""An S3-compatible server on this machine, and before it a proxy that fails at the calls it is told to fail at.

500 and 503: the server says that it cannot, and does nothing. cut: the connection ends before the server hears of it.
unheard: the server does what is asked, and the connection ends before it can say so. kill: whoever asks is killed,
before the server hears of it.
"""

from __future__ import annotations

import http.client
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET: Final = "partsight-crash"
WAYS: Final = ("500", "503", "cut", "unheard")
HOP: Final = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}
BUSY: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Later, please.</Message></Error>'
)


class Storage:
    """The server, and the address of the proxy before it, in `environment` as AWS's own tools have it."""

    def __enter__(self) -> Self:
        from moto_server import served

        self._moto = ExitStack()
        server = self._moto.enter_context(served(BUCKET))
        self.server = urlsplit(server.address).netloc
        self._lock = threading.Lock()
        self.fail("", range(0))
        self._proxy = _Proxy(("127.0.0.1", 0), _Handler, self)
        threading.Thread(target=self._proxy.serve_forever, daemon=True).start()
        self.direct = server.options
        self.environment = server.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._proxy.server_port}"}
        return self

    def __exit__(self, *_: object) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()
        self._moto.close()

    def fail(self, how: str, calls: range, kill: Callable[[], None] | None = None) -> None:
        """From now on fail at these calls, the next one being number 0."""
        with self._lock:
            self.calls: list[str] = []
            self.failed: list[str] = []
            self._failing, self._how, self._kill = calls, how, kill

    def uri(self, name: str) -> str:
        """Where a catalogue lies in the bucket."""
        return f"s3://{BUCKET}/{name}"

    def asked(self, call: str) -> str:
        """How to fail at this call; empty where it is answered."""
        with self._lock:
            here = len(self.calls)
            self.calls.append(call)
            if here not in self._failing:
                return ""
            self.failed.append(call)
        if self._how == "kill" and self._kill is not None:
            self._kill()
            return "cut"
        return self._how


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], storage: Storage) -> None:
        super().__init__(address, handler)
        self.storage = storage

    def handle_error(self, *_: object) -> None:
        """Say nothing: whoever was asking may have been killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        how = self.server.storage.asked(f"{self.command} {self.path}")
        if how == "cut":
            self.close_connection = True
            return
        if how in ("500", "503"):
            self._answer(int(how), [("Content-Type", "application/xml")], BUSY)
            return
        there = http.client.HTTPConnection(self.server.storage.server, timeout=60)
        try:
            there.request(self.command, self.path, body or None, dict(self.headers))
            answer = there.getresponse()
            data = answer.read()
        finally:
            there.close()
        if how == "unheard":
            self.close_connection = True
            return
        length = answer.getheader("content-length", "0") if self.command == "HEAD" else str(len(data))
        self._answer(answer.status, answer.getheaders(), data, length)

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes, length: str = "") -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _forward  # noqa: N815 as the library names them

    def log_message(self, *_: object) -> None:
        """Say nothing."""
