"""The objects below a folder or a bucket prefix, as they lie there: listed, read piece by piece, written, removed.

LanceDB is asked nothing here: what it no longer shows may still be there.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from blocks.scratch import PREFIX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PIECE: Final = 16 * 2**20  # bytes read at once
FILE: Final = "file://"
_TABLE: Final = re.compile(r"[^/]+\.lance/.")
_KEYS: Final = {  # how LanceDB calls what s3fs wants
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
    "aws_session_token": "token",
}


class Storage(BaseModel):
    """Everything below `root`: a folder of this machine, or a prefix such as s3://bucket/customer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: str
    options: dict[str, SecretStr] = Field({})

    @property
    def is_bucket(self) -> bool:
        """Whether it is a bucket rather than a folder."""
        return "://" in self.root and not self.root.startswith(FILE)

    @property
    def folder(self) -> Path:
        """The folder, where it is one."""
        return Path(unquote(self.root.removeprefix(FILE)) if self.root.startswith(FILE) else self.root)

    def sizes(self) -> dict[str, int]:
        """The bytes of each object by its name below the root; nothing where there is no such folder or prefix.

        An object of a bucket beside it, whose name only begins like the root, is not among them.
        """
        if not self.is_bucket:
            files = [path for path in self.folder.rglob("*") if path.is_file() or path.is_symlink()]
            return {path.relative_to(self.folder).as_posix(): path.lstat().st_size for path in files}
        system, prefix = self._bucket()
        found = system.find(prefix, detail=True)
        return {name[len(prefix) :]: int(told["size"] or 0) for name, told in sorted(found.items())}

    def pieces(self, name: str, overlap: int = 0, size: int | None = None) -> Iterator[bytes]:
        """The bytes of an object in pieces; each begins with the last `overlap` bytes of the one before.

        Nothing where the object is gone. With its `size` a small one costs one request.
        """
        held = b""
        try:
            if self.is_bucket and size is not None and size <= PIECE:
                system, prefix = self._bucket()
                yield system.cat_file(prefix + name)
                return
            with self._opened(name) as stream:
                while read := stream.read(PIECE):
                    yield held + read
                    held = (held + read)[-overlap:] if overlap else b""
        except FileNotFoundError:
            return

    def read(self, name: str) -> bytes | None:
        """The bytes of an object; None where there is none."""
        found = b"".join(self.pieces(name))
        return found if found or name in self.sizes() else None

    def write(self, name: str, data: bytes) -> None:
        """Put an object in its place, whole or not at all."""
        if self.is_bucket:
            system, prefix = self._bucket()
            system.pipe_file(prefix + name, data)
            return
        file = Path(self.folder, name)
        _aside(file, data).replace(file)

    def create(self, name: str, data: bytes) -> bool:
        """Put an object in its place where there is none, whole or not at all; says whether it is this one.

        Of many who do so at once, one does. Raises OSError where the storage cannot tell them apart.
        """
        if self.is_bucket:
            system, prefix = self._bucket()
            try:
                system.pipe_file(prefix + name, data, mode="create")
            except FileExistsError:
                return False
            return True
        file = Path(self.folder, name)
        aside = _aside(file, data)
        try:
            file.hardlink_to(aside)
        except FileExistsError:
            return False
        finally:
            aside.unlink()
        return True

    def remove(self, name: str) -> None:
        """Remove one object; it need not be there."""
        if self.is_bucket:
            system, prefix = self._bucket()
            if system.exists(prefix + name):
                system.rm_file(prefix + name)
        else:
            Path(self.folder, name).unlink(missing_ok=True)

    def strangers(self, ours: Collection[str] = ()) -> list[str]:
        """Objects among the tables that belong to none: somebody put them there, or the root is not a database's.

        What a process that was killed left of a table that it was about to make is no stranger's.
        """
        names = (name for name in self.sizes() if name not in ours and not name.startswith(PREFIX))
        return [name for name in names if not _TABLE.match(name)]

    def clear(self) -> int:
        """Remove everything below the root, and the root; returns how many objects went."""
        names = self.sizes()
        if self.is_bucket:
            system, prefix = self._bucket()
            if names:
                system.rm([prefix + name for name in names])
            self.purge()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        return len(names)

    def purge(self) -> int:
        """Remove what a bucket with versions keeps of objects that are gone, and uploads that never ended.

        Returns how many; 0 for a folder. Raises OSError where the storage does not let us look.
        """
        if not self.root.startswith("s3://"):
            return 0
        system, prefix = self._bucket()
        bucket, _, key = prefix.partition("/")
        gone = [one for one in _versions(system, bucket, key) if not one["IsLatest"] or one["marker"]]
        for one in gone:
            system.call_s3("delete_object", Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
        uploads = system.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=key).get("Uploads", [])
        for one in uploads:
            system.call_s3("abort_multipart_upload", Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
        return len(gone) + len(uploads)

    def hidden(self) -> int:
        """How many earlier versions and unfinished uploads a bucket still keeps below the root; 0 for a folder."""
        if not self.root.startswith("s3://"):
            return 0
        system, prefix = self._bucket()
        bucket, _, key = prefix.partition("/")
        gone = [one for one in _versions(system, bucket, key) if not one["IsLatest"] or one["marker"]]
        return len(gone) + len(system.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=key).get("Uploads", []))

    def _opened(self, name: str) -> Any:
        if not self.is_bucket:
            return Path(self.folder, name).open("rb")
        system, prefix = self._bucket()
        return system.open(prefix + name, "rb", cache_type="none", block_size=PIECE)

    def _bucket(self) -> tuple[Any, str]:
        """What speaks to the bucket, and the prefix with a slash at its end: acme/ is not the beginning of acme-2."""
        import fsspec

        given = {name: secret.get_secret_value() for name, secret in self.options.items()}
        scheme, _, place = self.root.partition("://")
        try:
            system = fsspec.filesystem(scheme, **(_s3(given) if scheme == "s3" else given))
        except ImportError as error:
            raise ValueError(f"{self.root} cannot be opened: {error}. Install partsight with [s3].") from error
        system.invalidate_cache()
        return system, place.rstrip("/") + "/"


def endpoint() -> str:
    """Address of the S3-compatible server that the environment names, as AWS's own tools have it; empty for AWS."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _aside(file: Path, data: bytes) -> Path:
    """A file with these bytes beside where they are to be, on the disk and not only on its way there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f"{file.name}.{os.getpid()}-{threading.get_ident()}.new")
    with aside.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return aside


def _s3(given: Mapping[str, str]) -> dict[str, Any]:
    """Options of s3fs out of those that LanceDB takes and of the environment."""
    region = given.get("aws_region") or given.get("region") or ""
    client = {"endpoint_url": given.get("aws_endpoint") or endpoint(), "region_name": region}
    found: dict[str, Any] = {ours: given[name] for name, ours in _KEYS.items() if name in given}
    return found | {
        "client_kwargs": {name: value for name, value in client.items() if value},
        "use_listings_cache": False,
    }


def _versions(system: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """Every version of every object below a prefix, and the marks of those that were removed."""
    after: dict[str, str] = {}
    while True:
        page = system.call_s3("list_object_versions", Bucket=bucket, Prefix=prefix, **after)
        for kind in ("Versions", "DeleteMarkers"):
            yield from ({**one, "marker": kind == "DeleteMarkers"} for one in page.get(kind, ()))
        if not page.get("IsTruncated"):
            return
        after = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker", "")}
