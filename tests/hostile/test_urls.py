"""A source's URL leads to one file on the internet, or to a sentence: never into our network, never without end."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import socket
import ssl
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from webserver import Misbehaving, served

from blocks import web
from blocks.customer import Quotas
from blocks.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

QUOTAS = Quotas(files=50, file_mb=2, source_mb=5)
SECRET = "sig-secret"  # noqa: S105 - it is planted to be looked for
ALLOWED = "PARTSIGHT_PRIVATE_HOSTS"


def fetched(url: str) -> dict[str, bytes]:
    """What a source at this address holds."""
    with Source(location=url).open(QUOTAS) as found:
        assert not found.refused
        return {file.name: file.path.read_bytes() for file in found.files}


def refused(url: str) -> str:
    """Why it cannot be had."""
    with pytest.raises((ValueError, OSError)) as caught:
        fetched(url)
    told = str(caught.value)
    assert told.endswith("."), told
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return told


@pytest.fixture
def port() -> Iterator[int]:
    """A server on this machine."""
    with served() as found:
        yield found


@pytest.fixture
def site(port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, allowed by the operator."""
    monkeypatch.setenv(ALLOWED, "127.0.0.1")
    return f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    "host",
    [
        *["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0"],  # noqa: S104
        *[
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[::7f00:1]",
        ],
        *["169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "[fe80::1]", "10.0.0.1", "172.16.0.1"],
        *["192.168.0.1", "100.64.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[ff02::1]"],
        *["[2001:0:4136:e378:8000:63bf:80ff:fffe]", "localhost.", "LOCALHOST", "127.0.0.1."],
    ],
)
def test_our_own_network_is_out_of_reach(port: int, host: str) -> None:
    """However it is written, an address of this machine, its network or its provider is not asked."""
    told = refused(f"http://{host}:{port}/good/a.stl")
    assert "in a private network" in told or "no such host" in told or "makes no sense" in told
    assert Misbehaving.reached == []


def test_the_operator_may_allow_their_own(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address, a network or a name that the operator lists is asked; others still are not."""
    for allowed in ("127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", "::1, LOCALHOST,127.0.0.1"):
        monkeypatch.setenv(ALLOWED, allowed)
        assert fetched(f"http://127.0.0.1:{port}/good/a.stl") == {"a.stl": Misbehaving.body}
    monkeypatch.setenv(ALLOWED, "localhost")
    assert fetched(f"http://localhost:{port}/good/a.stl") == {"a.stl": Misbehaving.body}
    assert "private network" in refused(f"http://127.0.0.1:{port}/good/a.stl")
    assert ALLOWED in refused("http://10.0.0.1/a.stl")


def test_public_addresses_are_public() -> None:
    """What is somebody's on the internet may be asked, also by ways through it that name such an address."""
    for address in ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        assert web.public(address), address
    for address in ("192.0.0.8", "192.0.2.1", "203.0.113.9", "fec0::1", "2001:db8::1", "fe80::1%eth0"):
        assert not web.public(address), address


class Resolver:
    """What the names of a test lead to, one answer after the other; all other names are looked up as always."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: list[list[str]]) -> None:
        self.asked: list[str] = []
        self._answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: Any, port: Any, *rest: Any, **named: Any) -> list[Any]:
        """Stand where the system's resolver stands."""
        if host not in self._answers:
            return self._real(host, port, *rest, **named)
        self.asked.append(host)
        answers = self._answers[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads to a permitted address when it is checked, and to ours when it is used, gains nothing."""
    monkeypatch.setenv(ALLOWED, "127.0.0.2/32")
    resolver = Resolver(monkeypatch, rebinds_example=[["127.0.0.2"], ["127.0.0.1"]])
    with served() as port:
        ours = Misbehaving.reached
        with served("127.0.0.2", port):
            assert fetched(f"http://rebinds.example:{port}/good/a.stl") == {"a.stl": b"127.0.0.2"}
        assert resolver.asked == ["rebinds.example"]
        assert ours == []
        told = refused(f"http://rebinds.example:{port}/good/a.stl")  # now it leads to 127.0.0.1
        assert "private network" in told
        assert ours == []


def test_one_private_address_among_others_is_a_trap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a public and a private address is refused, in whatever order they come."""
    Resolver(monkeypatch, mixed_example=[["8.8.8.8", "127.0.0.1"]], mexid_example=[["10.0.0.1", "8.8.8.8"]])
    for host in ("mixed.example", "mexid.example"):
        assert "private network" in refused(f"http://{host}/a.stl")


def test_redirects_are_checked_like_the_first_address(site: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect leads to another public address, or to a sentence."""
    assert fetched(f"{site}/to?u={site}/good/a.stl") == {"a.stl": Misbehaving.body}
    assert fetched(f"{site}/to?u=/good/a.stl") == {"a.stl": Misbehaving.body}
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "data:,x", "javascript:1"):
        assert "only http and https" in refused(f"{site}/to?u={target}")
    for target in ("http://169.254.169.254/latest", "http://10.1.2.3/", "http://[::ffff:10.0.0.1]/", "//192.168.1.1/x"):
        assert "private network" in refused(f"{site}/to?u={target}")
    assert "holds a password" in refused(f"{site}/to?u=http://user:{SECRET}@127.0.0.1:{port}/good/a.stl")
    assert "The source's URL" in refused(f"{site}/raw")
    assert "more than 5 times" in refused(f"{site}/nowhere?sig={SECRET}")
    assert "more than 5 times" in refused(f"{site}/around")
    Resolver(monkeypatch, turns_example=[["127.0.0.1"], ["10.0.0.9"]])
    monkeypatch.setenv(ALLOWED, "127.0.0.1")
    # another port is another connection, and so it is looked up anew
    assert "private network" in refused(f"http://turns.example:{port}/to?u=http://turns.example:1/a.stl")


@pytest.mark.parametrize(
    "url",
    [
        *["ftp://127.0.0.1/a.stl", "gopher://127.0.0.1/a", "data://text/plain,x", "ldap://127.0.0.1/x", "php://input"],
        *["http://", "https:///a.stl", "http://[::1/a", "http://a b/c", "http://127.0.0.1:99999/a", "http://\x00/a"],
        *["s3://bucket::file:///etc/passwd", "memory://x::https://127.0.0.1/a", f"s3://key:{SECRET}@bucket::zip://x"],
        *[f"http://user:{SECRET}@example.org/a", f"https://{SECRET}@example.org/a", f"ftp://u:{SECRET}@example.org/a"],
    ],
)
def test_other_addresses_are_sentences(url: str) -> None:
    """Only http, https, files and buckets are sources, one at a time; nothing is repeated of a password."""
    assert refused(url)


@pytest.mark.parametrize("path", ["drips", "dripshead", "endless", "chunks", "silent"])
def test_downloads_end(site: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that drips, in its head or its body, never ends or never begins is left, in time or by size."""
    monkeypatch.setattr(web, "DOWNLOAD_SECONDS", 1.5)
    monkeypatch.setattr(web, "SILENT_SECONDS", 0.7)
    begun = time.monotonic()
    told = refused(f"{site}/{path}/a.stl?sig={SECRET}")
    assert time.monotonic() - begun < 10
    expected = {"drips": "takes longer", "dripshead": "takes longer", "silent": "stopped answering"}
    assert expected.get(path, "larger than the 5 MB") in told


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("short", "cannot be fetched"),
        ("claims", "larger than the 5 MB"),
        ("headers", "cannot be fetched"),
        ("badchunks", "cannot be fetched"),
        ("nothttp", "cannot be fetched"),
        ("fails", "answers 500"),
        ("bomb", "larger than the 5 MB"),
        ("cut", "its end is missing"),
        ("noise", "it is packed, and damaged"),
        ("brotli", "nobody asked for"),
    ],
)
def test_what_servers_send_is_not_believed(site: str, path: str, words: str) -> None:
    """Lengths that lie, heads without end, packed bombs: a sentence each, and no more on the disk than is allowed."""
    assert words in refused(f"{site}/{path}/a.stl?sig={SECRET}")


@pytest.mark.parametrize("path", ["good", "nolength", "gzip", "members"])
def test_good_answers_arrive(site: str, path: str) -> None:
    """With a length, without one, and packed though nobody asked for it."""
    assert fetched(f"{site}/{path}/a.stl") == {"a.stl": Misbehaving.body}


def test_what_goes_on_after_its_length_is_cut_off(site: str) -> None:
    """A body that is longer than its length ends there."""
    assert fetched(f"{site}/long/a.stl") == {"a.stl": Misbehaving.body[:4]}


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ('attachment; filename="../../evil.stl"', "evil.stl"),
        ("attachment; filename*=UTF-8''..%2F..%2Fevil.stl", "evil.stl"),
        ('attachment; filename="C:\\evil.stl"', None),
        ('attachment; filename=".."', "download"),
        ("attachment; filename*=nonsense''%ff", None),
        (f'attachment; filename="{"a" * 400}.stl"', "a" * 196 + ".stl"),
        (";;;=", None),
    ],
)
def test_the_name_of_a_download_is_only_a_name(site: str, said: str, name: str | None, tmp_path: Path) -> None:
    """What a server calls a file is written into our own folder, under the last step of it."""
    from urllib.parse import quote

    target = web.download(f"{site}/named/a.stl?d={quote(said)}", tmp_path, 2**20)
    assert target.parent == tmp_path
    assert [one.name for one in tmp_path.iterdir()] == [target.name]
    assert name in {None, target.name}


def test_no_log_holds_a_signature(site: str, caplog: pytest.LogCaptureFixture) -> None:
    """Not even at DEBUG: neither the address, nor where it leads, nor what is wrong with it."""
    with caplog.at_level(logging.DEBUG):
        fetched(f"{site}/to?u={site}/good/a.stl%3Fsig={SECRET}")
        for path in ("fails", "short", "around", "raw", "drip"):
            with pytest.raises((ValueError, OSError)):
                fetched(f"{site}/{path}?sig={SECRET}" if path != "drip" else f"http://u:{SECRET}@127.0.0.1/")
    assert SECRET not in caplog.text


def test_no_proxy_is_asked(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy looks up names itself, so that nothing could be checked; what the environment says of one is not used."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetched(f"{site}/good/a.stl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine's names, with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "partsight test")])
    names = [x509.DNSName("safe.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form) + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_certificates_are_those_of_the_name(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to an address, and what is asked for there is still the name's; https leads not to http."""
    monkeypatch.setenv(ALLOWED, "127.0.0.1")
    Resolver(monkeypatch, safe_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with served(tls=context) as port, served() as plain:
        assert "certificate" in refused(f"https://safe.example:{port}/good/a.stl").lower()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert fetched(f"https://safe.example:{port}/good/a.stl") == {"a.stl": Misbehaving.body}
        assert "certificate" in refused(f"https://other.example:{port}/good/a.stl").lower()
        told = refused(f"https://safe.example:{port}/to?u=http://127.0.0.1:{plain}/good/a.stl")
        assert "from https to http" in told
