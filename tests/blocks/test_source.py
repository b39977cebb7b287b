"""A source gives plain files, whatever it is, and nothing of it lands or leads elsewhere."""

from __future__ import annotations

import os
import stat
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import pytest

from blocks.customer import Quotas
from blocks.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

QUOTAS = Quotas(files=50, file_mb=2, source_mb=5)
MEGABYTE = 1024 * 1024


def listing(location: str | Path, quotas: Quotas = QUOTAS) -> tuple[dict[str, bytes], dict[str, str]]:
    """Contents of the files of a source by name, and why names were refused."""
    with Source(location=str(location)).open(quotas) as found:
        files = {file.name: file.path.read_bytes() for file in found.files}
        assert all(file.size == len(files[file.name]) for file in found.files)
        return files, {refused.name: refused.reason for refused in found.refused}


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    """A ZIP archive with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_folder_is_listed_by_name(tmp_path: Path) -> None:
    """Files below the folder have names relative to it, in order; hidden ones are not the customer's."""
    for name in ("b/x.stl", "a.step", ".git/x.stl", "__MACOSX/x.stl", ".hidden.stl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    files, refused = listing(tmp_path)
    assert list(files) == ["a.step", "b/x.stl"]
    assert not refused


def test_a_single_file_is_a_source(tmp_path: Path) -> None:
    """One CAD file needs no folder around it, by path or by file URL."""
    path = tmp_path / "a part.step"
    path.write_bytes(b"x")
    assert list(listing(path)[0]) == ["a part.step"]
    assert list(listing(path.as_uri())[0]) == ["a part.step"]


def test_what_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """A wrong path says which one, and what is expected."""
    with pytest.raises(FileNotFoundError, match=r"nothing at .*gone: name a folder, a ZIP archive"):
        listing(tmp_path / "gone")


def test_links_that_lead_outside_are_refused(tmp_path: Path) -> None:
    """A link inside the source is a file of it; one that leads out, or nowhere, is refused by name."""
    source, outside = tmp_path / "source", tmp_path / "outside"
    source.mkdir()
    outside.mkdir()
    (outside / "secret.stl").write_bytes(b"s")
    (source / "a.stl").write_bytes(b"a")
    (source / "inside.stl").symlink_to(source / "a.stl")
    (source / "outside.stl").symlink_to(outside / "secret.stl")
    (source / "folder").symlink_to(outside)
    (source / "nowhere.stl").symlink_to(source / "gone.stl")
    files, refused = listing(source)
    assert list(files) == ["a.stl", "inside.stl"]
    assert set(refused) == {"outside.stl", "folder", "nowhere.stl"}
    assert refused["outside.stl"].startswith("outside.stl is a link that leads outside the source")


def test_pipes_are_refused(tmp_path: Path) -> None:
    """A named pipe would make every reader wait for ever."""
    os.mkfifo(tmp_path / "part.stl")
    assert "neither a file nor a folder" in listing(tmp_path)[1]["part.stl"]


def test_an_archive_reads_like_a_folder(tmp_path: Path) -> None:
    """Members of archives, and of archives inside them, are named by the way to them."""
    inner = zipped(tmp_path / "inner.zip", {"b.step": b"b"})
    outer = zipped(tmp_path / "outer.zip", {"x/a.step": b"a", "x/inner.zip": inner.read_bytes(), "__MACOSX/._a": b""})
    files, refused = listing(outer)
    assert files == {"outer.zip/x/a.step": b"a", "outer.zip/x/inner.zip/b.step": b"b"}
    assert not refused
    assert "inner.zip/b.step" in listing(tmp_path)[0]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """What was unpacked is gone when the source is closed."""
    archive = zipped(tmp_path / "a.zip", {"a.step": b"a"})
    with Source(location=str(archive)).open(QUOTAS) as found:
        path = found.files[0].path
        assert path.exists()
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.stl", "leads outside"),
        ("a/../../evil.stl", "leads outside"),
        ("..\\evil.stl", "leads outside"),
        ("/evil.stl", "absolute"),
        ("C:\\evil.stl", "absolute"),
        ("a" * 300 + ".stl", "too long"),
        ("a\n.stl", "cannot be shown"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, reason: str) -> None:
    """No member of an archive is written anywhere but below the temporary folder; the others are read."""
    archive = zipped(tmp_path / "a.zip", {name: b"evil", "good.stl": b"good"})
    files, refused = listing(archive)
    assert list(files) == ["a.zip/good.stl"]
    assert [reason in sentence for sentence in refused.values()] == [True]
    assert not list(tmp_path.rglob("evil*"))


def test_links_in_archives_are_refused(tmp_path: Path) -> None:
    """A member that unpacks to a link could make the next one land anywhere."""
    link = zipfile.ZipInfo("link.stl")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    files, refused = listing(tmp_path / "a.zip")
    assert not files
    assert "is a link" in refused["a.zip/link.stl"]


def test_names_that_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    """On some disks the second would overwrite the first."""
    files, refused = listing(zipped(tmp_path / "a.zip", {"Part.stl": b"1", "part.STL": b"2"}))
    assert files == {"a.zip/Part.stl": b"1"}
    assert "same name" in refused["a.zip/part.STL"]


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    """An archive with a file `a` and a file `a/b` gives the first, and a reason for the second."""
    files, refused = listing(zipped(tmp_path / "a.zip", {"a": b"1", "a/b.stl": b"2"}))
    assert list(files) == ["a.zip/a"]
    assert "cannot be unpacked" in refused["a.zip/a/b.stl"]


def test_bombs_are_not_opened(tmp_path: Path) -> None:
    """What unpacks to a thousand times its size is stopped on the way, before it is all there."""
    quotas = Quotas(files=50, file_mb=500, source_mb=500)
    bomb = zipped(tmp_path / "a.zip", {"bomb.stl": bytes(40 * MEGABYTE), "good.stl": b"good"})
    files, refused = listing(bomb, quotas)
    assert list(files) == ["a.zip/good.stl"]
    assert "300 times its size" in refused["a.zip/bomb.stl"]


def test_archives_in_archives_come_to_an_end(tmp_path: Path) -> None:
    """The fourth archive inside an archive is not opened."""
    data = zipped(tmp_path / "0.zip", {"a.stl": b"a"}).read_bytes()
    for level in range(1, 4):
        data = zipped(tmp_path / f"{level}.zip", {"in.zip": data}).read_bytes()
    assert list(listing(tmp_path / "2.zip")[0]) == ["2.zip/in.zip/in.zip/a.stl"]
    files, refused = listing(tmp_path / "3.zip")
    assert not files
    assert "3 archives deep" in refused["3.zip/in.zip/in.zip/in.zip"]


def test_quotas_count_what_comes_out(tmp_path: Path) -> None:
    """File size, total size and number of files are limits on what is unpacked, whatever the archive says."""
    noise = os.urandom(MEGABYTE)
    big = zipped(tmp_path / "big.zip", {"a.stl": noise * 3})
    assert "larger than 2 MB" in listing(big)[1]["big.zip/a.stl"]
    many = zipped(tmp_path / "many.zip", {f"{index:02}.stl": b"x" for index in range(60)})
    files, refused = listing(many)
    assert len(files) == 50
    assert "more than the source may hold" in refused["many.zip/55.stl"]
    total = zipped(tmp_path / "total.zip", {f"{index}.stl": noise for index in range(4)})
    files, refused = listing(total, Quotas(files=50, file_mb=2, source_mb=3))
    assert len(files) == 3
    assert "larger than it may be" in refused["total.zip/3.stl"]


def test_encrypted_and_broken_archives_say_so(tmp_path: Path) -> None:
    """An archive with a password, with damage inside, or that is none gives a sentence and no exception."""
    good = zipped(tmp_path / "good.zip", {"a.stl": b"a" * 1000}).read_bytes()
    flagged = bytearray(good)
    flagged[6] |= 1
    flagged[good.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(flagged)
    assert "without a password" in listing(tmp_path / "locked.zip")[1]["locked.zip/a.stl"]
    damaged = bytearray(good)
    damaged[38] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(damaged)
    assert "cannot be unpacked" in listing(tmp_path / "damaged.zip")[1]["damaged.zip/a.stl"]
    (tmp_path / "none.zip").write_bytes(b"no archive")
    assert listing(tmp_path / "none.zip")[1]["none.zip"].startswith("none.zip is not a ZIP archive")


class Redirecting(BaseHTTPRequestHandler):
    """A server that sends everybody to `target`."""

    target = ""

    def do_GET(self) -> None:
        """Redirect."""
        self.send_response(302)
        self.send_header("location", self.target)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Quiet(SimpleHTTPRequestHandler):
    """A server of files."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator allows this machine's own servers, which no URL leads to otherwise."""
    monkeypatch.setenv("PARTSIGHT_PRIVATE_HOSTS", "127.0.0.1")


def served(handler: object) -> Iterator[str]:
    """Address of a server that runs while the test does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def website(tmp_path: Path) -> Iterator[str]:
    """Address of a server of the files in `tmp_path`."""
    yield from served(partial(Quiet, directory=str(tmp_path)))


@pytest.fixture
def redirector() -> Iterator[str]:
    """Address of a server that redirects to `Redirecting.target`."""
    yield from served(Redirecting)


def test_an_archive_is_fetched_from_the_web(tmp_path: Path, website: str, redirector: str) -> None:
    """A URL is a source, also by way of a redirect."""
    zipped(tmp_path / "a part.zip", {"a.step": b"a"})
    Redirecting.target = f"{website}/a%20part.zip"
    for url in (f"{website}/a%20part.zip", f"{redirector}/x"):
        assert listing(url)[0] == {"a part.zip/a.step": b"a"}


def test_downloads_have_a_limit(tmp_path: Path, website: str) -> None:
    """A download that is larger than the source may be is stopped."""
    (tmp_path / "a.zip").write_bytes(bytes(6 * MEGABYTE))
    with pytest.raises(ValueError, match="larger than the 5 MB"):
        listing(f"{website}/a.zip")


def test_wrong_addresses_are_sentences(website: str, redirector: str) -> None:
    """What is not there, circles, or leads to another kind of address is said in a sentence."""
    with pytest.raises(OSError, match="answers 404"):
        listing(f"{website}/gone.zip")
    with pytest.raises(OSError, match=r"cannot be fetched: .*refused"):
        listing("http://127.0.0.1:9/a.zip")
    Redirecting.target = f"{redirector}/again"
    with pytest.raises(OSError, match="redirects more than 5 times"):
        listing(f"{redirector}/x")
    Redirecting.target = "file:///etc/passwd"
    with pytest.raises(ValueError, match="only http and https"):
        listing(f"{redirector}/x")
    with pytest.raises(ValueError, match="its scheme gopher is none of"):
        listing("gopher://example.org/a.zip")


def test_a_bucket_is_copied(tmp_path: Path) -> None:
    """Whatever fsspec reaches is listed like a folder; archives in it are opened."""
    bucket = fsspec.filesystem("memory")
    bucket.pipe("/parts/x/a.step", b"a")
    bucket.pipe("/parts/b.zip", zipped(tmp_path / "b.zip", {"b.step": b"b"}).read_bytes())
    try:
        assert listing("memory://parts")[0] == {"x/a.step": b"a", "b.zip/b.step": b"b"}
        assert listing("memory://parts/x/a.step")[0] == {"a.step": b"a"}
        with pytest.raises(FileNotFoundError, match="There is nothing at"):
            listing("memory://nothing")
    finally:
        bucket.rm("/parts", recursive=True)
