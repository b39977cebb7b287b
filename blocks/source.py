"""Where CAD comes from: a folder, an archive, a file or a URL, listed as plain files on this machine."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from blocks.archive import BLOCK, MEGABYTE, SUFFIX, Allowance, Refused, SourceFile, shown, skipped, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blocks.customer import Quotas

__all__ = ["Listing", "Refused", "Source", "SourceFile"]

WEB = ("http", "https")
BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")
MOST_REDIRECTS = 5
DOWNLOAD_SECONDS, SILENT_SECONDS = 3600.0, 30.0


class Listing(NamedTuple):
    """What a source holds: its files by name, and what was refused with the reason why."""

    files: tuple[SourceFile, ...]
    refused: tuple[Refused, ...]


class Source(BaseModel):
    """Where a customer's CAD comes from.

    Example:
        ```python
        with Source(location="parts.zip").open(quotas) as listing:
            names = [file.name for file in listing.files]
        ```
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    location: str = Field(min_length=1, description="Folder, ZIP archive, single file or URL that holds the CAD.")
    storage_options: dict[str, SecretStr] = Field(
        {}, description="Credentials and options of a bucket; those of the environment where there are none."
    )

    @contextmanager
    def open(self, quotas: Quotas) -> Iterator[Listing]:
        """List the files, sorted by name; archives are unpacked to a temporary folder that is removed at the end.

        Raises FileNotFoundError, ValueError or OSError with a sentence where the source itself cannot be had.
        """
        with tempfile.TemporaryDirectory(prefix="partsight-source-", ignore_cleanup_errors=True) as temporary:
            allowance = Allowance(quotas.files, quotas.source_mb * MEGABYTE, quotas.file_mb * MEGABYTE)
            scratch = Path(temporary)
            options = {name: secret.get_secret_value() for name, secret in self.storage_options.items()}
            path = _local(self.location, scratch / "download", allowance, options)
            listed, refused = _listed(path, allowance)
            found = _opened(listed, refused, scratch, allowance)
            files = tuple(sorted(found))  # first: it also finds what is refused
            yield Listing(files, tuple(sorted(Refused(name, f"{name} {clause}.") for name, clause in refused)))


def _local(location: str, folder: Path, allowance: Allowance, options: Mapping[str, str]) -> Path:
    """Path on this machine of what is at `location`, downloaded into `folder` where it is elsewhere."""
    scheme, separator, rest = location.partition("://")
    if not separator or scheme == "file":
        # file://localhost/x and file:///x are the same file
        path = Path(unquote(urlsplit(location).path) if separator else rest or location).expanduser()
        if not path.exists():
            raise FileNotFoundError(f"There is nothing at {path}: name a folder, a ZIP archive or a file that exists.")
        return path.resolve()
    folder.mkdir()
    if scheme in WEB:
        return _downloaded(location, folder, allowance)
    if scheme in BUCKETS:
        return _copied(location, folder, allowance, options)
    known = ", ".join((*WEB, "file", *BUCKETS[:-1]))
    raise ValueError(f"{location} cannot be opened: its scheme is none of {known}.")


def _listed(path: Path, allowance: Allowance) -> tuple[list[SourceFile], list[Refused]]:
    """Plain files at or below `path`; links that lead outside, and what is no file, are refused."""
    files: list[SourceFile] = []
    refused: list[Refused] = []
    if path.is_file():
        return [SourceFile(shown(_text(path.name)), path, path.stat().st_size)], refused

    def unreadable(error: OSError) -> None:
        where = Path(error.filename or path)
        refused.append(Refused(_text(where.relative_to(path).as_posix()), f"cannot be opened: {error.strerror}"))

    for folder, below, names in os.walk(path, onerror=unreadable):
        below[:] = sorted(name for name in below if not skipped(name))
        here = Path(folder)
        # a link to a folder is not followed: what is inside the source is found anyway
        links = [name for name in below if (here / name).is_symlink()]
        for step in [*sorted(names), *links]:
            if skipped(step):
                continue
            found = here / step
            name = _text(found.relative_to(path).as_posix())
            if not name.isprintable():
                refused.append(Refused(shown(name), "has a name with characters that cannot be shown: rename it"))
            elif reason := _unfit(found, path):
                refused.append(Refused(name, reason))
            elif not found.is_dir():
                if reason := allowance.count(found.stat().st_size):
                    refused.append(Refused(name, reason))
                else:
                    files.append(SourceFile(name, found, found.stat().st_size))
    return files, refused


def _unfit(found: Path, root: Path) -> str:
    """Why a directory entry is not taken, or nothing."""
    try:
        if found.is_symlink() and not found.resolve().is_relative_to(root):
            return "is a link that leads outside the source: put the file itself there"
        mode = found.stat().st_mode
    except (OSError, RuntimeError):
        return "is a link that leads nowhere"
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "is neither a file nor a folder"


def _text(name: str) -> str:
    """Name as text that can be stored: bytes that are not UTF-8 are replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def _opened(
    files: list[SourceFile], refused: list[Refused], scratch: Path, allowance: Allowance
) -> Iterator[SourceFile]:
    """The files, with those of the archives among them in their place."""
    archives = 0
    for file in files:
        if PurePosixPath(file.name).suffix.lower() != SUFFIX:
            yield file
            continue
        archives += 1
        found, no = unpack(file, scratch / str(archives), allowance)
        refused += no
        yield from found


def _permitted(url: str) -> None:
    """Raise ValueError where `url` may not be fetched: asked for the location and for every redirect."""
    parts = urlsplit(url)
    if parts.scheme not in WEB or not parts.hostname:
        raise ValueError(f"{url} cannot be fetched: only http and https addresses are.")
    if parts.username or parts.password:
        raise ValueError("The source's URL holds a password: give a signed URL, or put the files into a bucket.")


def _downloaded(url: str, folder: Path, allowance: Allowance) -> Path:
    """File at a web address, within the limits on size and time."""
    import httpx

    deadline = time.monotonic() + DOWNLOAD_SECONDS
    try:
        with httpx.Client(timeout=SILENT_SECONDS, follow_redirects=False) as client:
            for _ in range(MOST_REDIRECTS + 1):
                _permitted(url)
                with client.stream("GET", url) as response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers.get("location", ""))
                        continue
                    response.raise_for_status()
                    target = folder / _download_name(url, response.headers.get("content-disposition", ""))
                    _saved(response.iter_bytes(BLOCK), target, allowance.bytes, deadline)
                    return target
    except httpx.HTTPStatusError as error:
        raise OSError(f"{url} cannot be fetched: the server answers {error.response.status_code}.") from error
    except httpx.HTTPError as error:
        raise OSError(f"{url} cannot be fetched: {error or type(error).__name__}.") from error
    raise OSError(f"{url} cannot be fetched: it redirects more than {MOST_REDIRECTS} times.")


def _download_name(url: str, disposition: str) -> str:
    """Name for a download: the server's, or the last step of the address."""
    from email.message import EmailMessage

    header = EmailMessage()
    header["content-disposition"] = disposition or "attachment"
    name = header.get_filename() or unquote(urlsplit(url).path)
    name = PurePosixPath(name.replace("\\", "/")).name.replace("\0", "")[:200]
    return name if name not in {"", ".", ".."} else "download"


def _saved(blocks: Iterator[bytes], target: Path, most: int, deadline: float) -> None:
    size = 0
    with target.open("wb") as file:
        for block in blocks:
            size += len(block)
            if size > most:
                raise ValueError(f"{target.name} is larger than the {most // MEGABYTE} MB that this customer may send.")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{target.name} took longer than {DOWNLOAD_SECONDS / 60:.0f} minutes to download.")
            file.write(block)


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def _copied(url: str, folder: Path, allowance: Allowance, options: Mapping[str, str]) -> Path:
    """Folder or file in a bucket, copied here within the limits. Needs the scheme's fsspec package."""
    import fsspec

    deadline = time.monotonic() + DOWNLOAD_SECONDS
    try:
        system, root = fsspec.core.url_to_fs(url, **options)
        sizes = {name: int(info["size"] or 0) for name, info in system.find(root, detail=True).items()}
    except ImportError as error:
        raise ValueError(f"{url} cannot be opened: {error}.") from error
    if not sizes:
        raise FileNotFoundError(f"There is nothing at {url}.")
    if sum(sizes.values()) > allowance.bytes or len(sizes) > allowance.files:
        raise ValueError(f"{url} holds more than this customer may send.")
    single = list(sizes) == [root]
    for name in sizes:
        inside = PurePosixPath(name if single else name[len(root) :].lstrip("/"))
        inside = PurePosixPath(inside.name) if single else inside
        if not inside.parts or ".." in inside.parts or inside.is_absolute():
            continue
        target = folder.joinpath(*inside.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with system.open(name, "rb") as stream:
            _saved(_blocks(stream), target, allowance.bytes, deadline)
    return target if single else folder
