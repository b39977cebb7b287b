"""A web server that does what no web server should, and counts who comes."""

from __future__ import annotations

import gzip
import threading
import time
import zlib
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

MEGABYTE = 2**20


class Misbehaving(BaseHTTPRequestHandler):
    """Answers by the first step of the path; `reached` holds what was asked for."""

    protocol_version = "HTTP/1.1"
    reached: list[str] = []  # noqa: RUF012 - it is what the server remembers
    body = b"solid part"

    def do_GET(self) -> None:
        """Do what is asked for."""
        self.reached.append(self.path)
        self.close_connection = True
        with suppress(OSError):  # who was treated so badly may leave at any moment
            getattr(self, f"_{urlsplit(self.path).path.split('/')[1]}")()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def _good(self) -> None:
        self._head(content_length=len(self.body))
        self.wfile.write(self.body)

    def _to(self) -> None:
        self._head(302, location=parse_qs(urlsplit(self.path).query)["u"][0], content_length=0)

    def _nowhere(self) -> None:
        self._head(302, content_length=0)

    def _raw(self) -> None:
        self._head(302, location="http://user:sig-secret@[broken/?sig=sig-secret", content_length=0)

    def _around(self) -> None:
        self._head(302, location="/around?sig=sig-secret", content_length=0)

    def _fails(self) -> None:
        self._head(500, content_length=0)

    def _nolength(self) -> None:
        self._head(connection="close")
        self.wfile.write(self.body)

    def _short(self) -> None:
        self._head(content_length=1000)
        self.wfile.write(self.body)

    def _long(self) -> None:
        self._head(content_length=4)
        self.wfile.write(self.body * 100)

    def _claims(self) -> None:
        self._head(content_length=10**15)
        self.wfile.write(self.body)

    def _endless(self) -> None:
        self._head(connection="close")
        while True:
            self.wfile.write(bytes(MEGABYTE))

    def _chunks(self) -> None:
        self._head(transfer_encoding="chunked")
        while True:
            self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    def _badchunks(self) -> None:
        self._head(transfer_encoding="chunked")
        self.wfile.write(b"ZZZ\r\nnothing\r\n")

    def _drips(self) -> None:
        self._head(connection="close")
        while True:
            self.wfile.write(b"x")
            time.sleep(0.05)

    def _dripshead(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nx-long: ")
        while True:
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.05)

    def _headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"x-more: " + b"x" * 1000 + b"\r\n")

    def _silent(self) -> None:
        time.sleep(3)

    def _nothttp(self) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 100)

    def _members(self) -> None:
        """Packed in two pieces, one after the other, as `cat a.gz b.gz` makes them."""
        packed = gzip.compress(self.body[:7]) + gzip.compress(self.body[7:])
        self._head(content_encoding="gzip", content_length=len(packed))
        self.wfile.write(packed)

    def _gzip(self) -> None:
        packed = gzip.compress(self.body)
        self._head(content_encoding="gzip", content_length=len(packed))
        self.wfile.write(packed)

    def _bomb(self) -> None:
        packer = zlib.compressobj(9, wbits=31)
        self._head(content_encoding="gzip", connection="close")
        for _ in range(400):
            self.wfile.write(packer.compress(bytes(MEGABYTE)))
        self.wfile.write(packer.flush())

    def _cut(self) -> None:
        packed = gzip.compress(self.body * 1000)[:-20]
        self._head(content_encoding="gzip", content_length=len(packed))
        self.wfile.write(packed)

    def _noise(self) -> None:
        self._head(content_encoding="gzip", content_length=len(self.body))
        self.wfile.write(self.body)

    def _brotli(self) -> None:
        self._head(content_encoding="br", content_length=len(self.body))
        self.wfile.write(self.body)

    def _named(self) -> None:
        self._head(content_disposition=parse_qs(urlsplit(self.path).query)["d"][0], content_length=len(self.body))
        self.wfile.write(self.body)


@contextmanager
def served(host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Port of a server that runs until the end."""

    class Fresh(Misbehaving):
        reached: list[str] = []  # noqa: RUF012 - as above
        body = Misbehaving.body if host == "127.0.0.1" else host.encode()

    with ThreadingHTTPServer((host, port), Fresh) as server:
        server.daemon_threads = True
        server.block_on_close = False
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        Misbehaving.reached = Fresh.reached
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
