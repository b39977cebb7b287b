"""One file from a web address that nobody vouches for: only from where it may come, within limits of time and size."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import time
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import httpcore

from blocks.archive import BLOCK, MEGABYTE

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

WEB: Final = ("http", "https")
MOST_REDIRECTS: Final = 5
DOWNLOAD_SECONDS, SILENT_SECONDS = 3600.0, 30.0
OWN_HOSTS: Final = "PARTSIGHT_PRIVATE_HOSTS"  # documented in infra/settings.py
_HEADERS: Final = ((b"accept", b"*/*"), (b"accept-encoding", b"identity"), (b"user-agent", b"partsight"))
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address in the last four bytes
# what not every Python knows to be nobody's
_SPECIAL: Final = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "3fff::/20", "fec0::/10")))
NAMED: Final = 200  # most bytes of a download's name
_ZLIB_ANY: Final = 47  # zlib's window bits for gzip and deflate alike

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Place(NamedTuple):
    """A web address taken apart; `shown` is what messages may say of it: no password, and no signature."""

    scheme: str
    host: str
    port: int | None
    target: bytes
    shown: str


def place(url: str) -> Place:
    """Take `url` apart. Raises ValueError with a sentence where it may not be fetched, whatever is there."""
    import httpx

    try:
        parts = httpx.URL(url)
        scheme, host, port = parts.scheme, parts.raw_host.decode("ascii"), parts.port
        secret = parts.userinfo
    except (httpx.InvalidURL, ValueError, TypeError):
        # what it says may hold a password, so that it is not repeated; nor by the errors before this one
        raise ValueError("The source's URL makes no sense: give one such as https://example.org/parts.zip.") from None
    if secret:
        raise ValueError("The source's URL holds a password: give a signed URL, or put the files into a bucket.")
    shown = f"{scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}{parts.path}"[:300]
    if scheme not in WEB or not host:
        raise ValueError(f"{shown} cannot be fetched: only http and https addresses are.")
    return Place(scheme, host, port, parts.raw_path, "".join(one if one.isprintable() else "?" for one in shown))


def download(url: str, folder: Path, most: int) -> Path:
    """The file at `url`, written into `folder`; at most `most` bytes, also after unpacking.

    Redirects are followed, each of them checked like the first address. Which machine is asked is decided by the
    address that is connected to: not by a name, which may lead elsewhere the next time it is looked up. No proxy is
    asked. Raises ValueError, OSError with a sentence that holds neither password nor signature.
    """
    # at DEBUG it writes headers into the log, and with them the signed addresses of redirects
    logging.getLogger("httpcore").setLevel(logging.INFO)
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    asked = place(url)
    try:
        with httpcore.ConnectionPool(network_backend=_Guarded(deadline), ssl_context=_certificates()) as pool:
            for _ in range(MOST_REDIRECTS + 1):
                address = httpcore.URL(scheme=asked.scheme, host=asked.host, port=asked.port, target=asked.target)
                with pool.stream("GET", address, headers=[*_HEADERS], extensions={"timeout": _timeouts()}) as response:
                    if response.status in _REDIRECTS:
                        url = _joined(url, _header(response, b"location"))
                        asked = _followed(asked, place(url))
                        continue
                    return _taken(response, asked, folder, most, deadline)
    except httpcore.TimeoutException:
        late = time.monotonic() >= deadline
        raise OSError(f"{asked.shown} cannot be fetched: {_slow() if late else 'it stopped answering'}.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise OSError(f"{asked.shown} cannot be fetched: {error or type(error).__name__}.") from None
    raise OSError(f"{asked.shown} cannot be fetched: it redirects more than {MOST_REDIRECTS} times.")


def _certificates() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


def _timeouts() -> dict[str, float]:
    return dict.fromkeys(("connect", "read", "write", "pool"), SILENT_SECONDS)


def _slow() -> str:
    return f"it takes longer than {DOWNLOAD_SECONDS / 60:.0f} minutes"


def _header(response: httpcore.Response, name: bytes) -> str:
    found = next((value for key, value in response.headers if key.lower() == name), b"")
    return found.decode("latin-1")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location  # `place` says what is wrong with it


def _followed(before: Place, after: Place) -> Place:
    if before.scheme == "https" and after.scheme == "http":
        raise ValueError(f"{before.shown} cannot be fetched: it leads from https to http, where anybody could answer.")
    return after


def _taken(response: httpcore.Response, asked: Place, folder: Path, most: int, deadline: float) -> Path:
    if response.status != 200:  # nothing was asked for that has another good answer
        raise OSError(f"{asked.shown} cannot be fetched: the server answers {response.status}.")
    name = download_name(asked.target.partition(b"?")[0].decode("ascii"), _header(response, b"content-disposition"))
    length = _header(response, b"content-length")
    if length.isdecimal() and int(length[:20]) > most:
        raise ValueError(too_large(name, most))
    target = folder / name
    coding = _header(response, b"content-encoding").strip().lower()
    save(_plain(response.iter_stream(), coding, asked), target, most, deadline)
    return target


def _plain(raw: Iterable[bytes], coding: str, asked: Place) -> Iterator[bytes]:
    """What `raw` unpacks to, in pieces of a limited size, however well it was packed."""
    if coding in {"", "identity"}:
        yield from raw
        return
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise OSError(f"{asked.shown} cannot be fetched: the server sends it packed in a way that nobody asked for.")
    unpacker = zlib.decompressobj(_ZLIB_ANY)
    try:
        for packed in raw:
            left = packed
            while left:
                if unpacker.eof:  # gzip may come in several members, one after the other
                    unpacker = zlib.decompressobj(_ZLIB_ANY)
                yield unpacker.decompress(left, BLOCK)
                left = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        if not unpacker.eof:
            yield unpacker.flush()
    except zlib.error:
        raise OSError(f"{asked.shown} cannot be fetched: it is packed, and damaged.") from None
    if not unpacker.eof:
        raise OSError(f"{asked.shown} cannot be fetched: it is packed, and its end is missing.")


def save(blocks: Iterable[bytes], target: Path, most: int, deadline: float) -> None:
    """Write `blocks` to `target`. Raises ValueError beyond `most` bytes, TimeoutError after `deadline` (monotonic)."""
    size = 0
    with target.open("wb") as file:
        for block in blocks:
            size += len(block)
            if size > most:
                raise ValueError(too_large(target.name, most))
            if time.monotonic() > deadline:
                raise TimeoutError(f"{target.name} cannot be fetched: {_slow()}.")
            file.write(block)


def too_large(name: str, most: int) -> str:
    """Say that a file is more than its customer may send."""
    return f"{name} is larger than the {most // MEGABYTE} MB that this customer may send."


def download_name(path: str, disposition: str) -> str:
    """Name for a download: the server's, or the last step of the path of its address."""
    from email.message import EmailMessage

    header = EmailMessage()
    try:
        header["content-disposition"] = disposition or "attachment"
        name = header.get_filename() or unquote(urlsplit(path).path)
    except (ValueError, LookupError, AttributeError):  # a header that no server should send
        name = unquote(urlsplit(path).path)
    name = PurePosixPath(name.replace("\\", "/")).name
    name = "".join(one for one in name if one.isprintable())
    suffix = PurePosixPath(name).suffix.encode()[-20:]  # what kind of file it is must not be lost
    if len(name.encode()) > NAMED:
        name = (name.encode()[: NAMED - len(suffix)] + suffix).decode(errors="ignore")
    return name if name not in {"", ".", ".."} else "download"


# Which machine it is


def public(address: str) -> bool:
    """Whether an IP address is somebody's on the internet: not of this machine, its network, or its provider."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return all(
        one.is_global and not (one.is_multicast or one.is_reserved or any(one in network for network in _SPECIAL))
        for one in _meant(found)
    )


def _meant(address: _Address) -> Iterator[_Address]:
    """An address and those IPv4 addresses that it stands for: some ways into a network are written as IPv6."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64 or int(address) < 1 << 32:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is None and address.teredo:
        inner = address.teredo[1]
    if inner:
        yield inner
    if not address.ipv4_mapped and address not in _NAT64:
        yield address


def _own(host: str, address: str) -> bool:
    """Whether the operator of this machine allows a host of their own, by its name or by the network it is in."""
    for entry in filter(None, (one.strip().lower() for one in os.environ.get(OWN_HOSTS, "").split(","))):
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            if entry == host.lower().rstrip("."):
                return True
        else:
            if ipaddress.ip_address(address.partition("%")[0]) in network:
                return True
    return False


class _Guarded(httpcore.NetworkBackend):
    """Connects only to where it may: names are looked up once, and what was checked is what is connected to."""

    def __init__(self, deadline: float) -> None:
        self._deadline, self._plain = deadline, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers, if all of them are permitted."""
        refusal: Exception | None = None
        for address in _addresses(host, port):
            left = min(timeout or SILENT_SECONDS, max(0.01, self._deadline - time.monotonic()))
            try:
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refusal = error
            else:
                return _Timed(stream, self._deadline)
        raise refusal or httpcore.ConnectError("its name leads nowhere")


def _addresses(host: str, port: int) -> Sequence[str]:
    """IP addresses of `host`. Raises ValueError with a sentence where one is not permitted."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("there is no such host") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    # one that is not permitted among others is a trap, so that the others do not count
    if not all(public(address) or _own(host, address) for address in addresses):
        raise ValueError(
            f"{host} cannot be fetched from: it is in a private network. If it is yours, name it in {OWN_HOSTS}."
        )
    return addresses


class _Timed(httpcore.NetworkStream):
    """A connection that is over when the download's time is, however steadily it drips."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def _left(self, timeout: float | None) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return min(left, timeout or SILENT_SECONDS)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come."""
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send it."""
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        """End it."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same, encrypted; the certificate is that of the name, not of the address."""
        inner = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return _Timed(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What is known of it."""
        return self._stream.get_extra_info(info)
