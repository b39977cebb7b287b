"""Where CAD comes from: a folder, an archive, a file or a URL, listed as plain files on this machine."""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from blocks.archive import BLOCK, MEGABYTE, SUFFIX, Allowance, Refused, SourceFile, shown, skipped, unpack
from blocks.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blocks.customer import Quotas

__all__ = ["Listing", "Refused", "Source", "SourceFile"]

WEB = ("http", "https")
BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")


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
        with scratch("source") as folder:
            allowance = Allowance(quotas.files, quotas.source_mb * MEGABYTE, quotas.file_mb * MEGABYTE)
            options = {name: secret.get_secret_value() for name, secret in self.storage_options.items()}
            before: list[Refused] = []
            path = _local(self.location, folder / "download", allowance, options, before)
            listed, refused = _listed(path, allowance)
            refused += before
            found = _opened(listed, refused, folder, allowance)
            files = tuple(sorted(found))  # first: it also finds what is refused
            yield Listing(files, tuple(sorted(Refused(name, f"{name} {clause}.") for name, clause in refused)))


def _local(
    location: str, folder: Path, allowance: Allowance, options: Mapping[str, str], refused: list[Refused]
) -> Path:
    """Path on this machine of what is at `location`, downloaded into `folder` where it is elsewhere."""
    scheme, separator, rest = location.partition("://")
    scheme = scheme.lower() if separator else scheme
    if not separator or scheme == "file":
        # file://localhost/x and file:///x are the same file
        path = Path(unquote(urlsplit(location).path) if separator else rest or location).expanduser()
        if not path.exists():
            raise FileNotFoundError(f"There is nothing at {path}: name a folder, a ZIP archive or a file that exists.")
        return path.resolve()
    folder.mkdir()
    if scheme in WEB:
        from blocks.web import download

        return download(location, folder, allowance.bytes)
    if scheme in BUCKETS:
        return _copied(location, folder, allowance, options, refused)
    known = ", ".join((*WEB, "file", *BUCKETS[:-1]))
    raise ValueError(f"The source cannot be opened: its scheme {shown(scheme[:40])} is none of {known}.")


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
    files: list[SourceFile], refused: list[Refused], folder: Path, allowance: Allowance
) -> Iterator[SourceFile]:
    """The files, with those of the archives among them in their place."""
    archives = 0
    for file in files:
        if PurePosixPath(file.name).suffix.lower() != SUFFIX:
            yield file
            continue
        archives += 1
        found, no = unpack(file, folder / str(archives), allowance)
        refused += no
        yield from found


def _blocks(system: Any, name: str, said: str) -> Iterator[bytes]:
    with _storage(said), system.open(name, "rb") as stream:
        while block := stream.read(BLOCK):
            yield block


def _sizes(system: Any, root: str, most: int) -> dict[str, int]:
    """Bytes of each file at or below `root`; S3 is asked for no more than `most` of them, be there millions."""
    bounded = {"max_items": most} if "s3" in system.protocol else {}
    found = system.find(root, detail=True, **bounded)
    system.invalidate_cache()  # it would take the part that it has seen for all there is
    return {name: int(info["size"] or 0) for name, info in found.items()}


def _copied(url: str, folder: Path, allowance: Allowance, options: Mapping[str, str], refused: list[Refused]) -> Path:
    """Folder or file in a bucket, copied here within the limits. Needs the scheme's fsspec package."""
    import fsspec

    from blocks import web

    said = _said(url)
    deadline = time.monotonic() + web.DOWNLOAD_SECONDS
    if "::" in url:  # fsspec would open one inside another, with whatever protocols there are
        raise ValueError(f"{said} cannot be opened: give the address of a bucket alone.")
    if "@" in urlsplit(url).netloc:  # its libraries would take it for the bucket's name, and log it
        raise ValueError(f"{said} cannot be opened: it holds a password. Put that into the source's block, or AWS_*.")
    with _storage(said):
        system, root = fsspec.core.url_to_fs(url, **options)
        sizes = _sizes(system, root, allowance.files + 1)
    if not sizes:
        raise FileNotFoundError(f"There is nothing at {said}.")
    if sum(sizes.values()) > allowance.bytes or len(sizes) > allowance.files:
        raise ValueError(f"{said} holds more than this customer may send.")
    single, left = list(sizes) == [root], allowance.bytes
    for name in sizes:
        inside = PurePosixPath(name if single else name[len(root) :].lstrip("/"))
        inside = PurePosixPath(inside.name) if single else inside
        target = folder.joinpath(*inside.parts)
        if not inside.parts or ".." in inside.parts or inside.is_absolute():
            refused.append(Refused(shown(_text(name)), "has a name that leads outside the source: rename it"))
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        except OSError:  # too long for a disk, or below another file
            refused.append(Refused(shown(_text(str(inside))), "has a name that no disk can hold: rename it"))
            continue
        web.save(_blocks(system, name, said), target, left, deadline)
        left -= target.stat().st_size  # what came counts, not what was announced
    return target if single else folder


@contextmanager
def _storage(said: str) -> Iterator[None]:
    """Say what a storage's library raises in a sentence without its words: they may hold keys."""
    try:
        yield
    except ImportError as error:
        raise ValueError(f"{said} cannot be opened: {error}.") from None
    except FileNotFoundError:
        raise FileNotFoundError(f"There is nothing at {said}.") from None
    except Exception as error:  # noqa: BLE001 - every storage has errors of its own
        reason = getattr(error, "strerror", "") or type(error).__name__
        raise OSError(f"{said} cannot be opened: {reason}.") from None


def _said(url: str) -> str:
    """What messages may say of a bucket's address: no key, no signature."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("?")[0].partition("/")
    return shown(f"{scheme}://{host.rpartition('@')[2]}{slash}{path}")
