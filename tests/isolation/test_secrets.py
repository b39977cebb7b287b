"""Secrets are used and never shown: each one is planted, and everything that comes out is looked through."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import part_server
import pytest
import yaml

from blocks.catalogue import Catalogue
from blocks.collection import CatalogueBlock, CustomerBlock, SourceBlock
from blocks.customer import Customer, Quotas, Recipe, Release, Render
from blocks.source import Source
from tasks.progress import Silent

PLANTED = {
    "AWS_ACCESS_KEY_ID": "PLANTEDKEYID0000001",
    "AWS_SECRET_ACCESS_KEY": "planted-secret-key-0002",
    "AWS_SESSION_TOKEN": "planted-session-token-0003",
    "PREFECT_API_AUTH_STRING": "operator:planted-auth-0004",
    "PREFECT_API_KEY": "planted-api-key-0005",
}
PASSWORD, SIGNATURE, OPTION = "planted-password-0006", "planted-signature-0007", "planted-option-0008"
ALL = {*PLANTED.values(), PASSWORD, SIGNATURE, OPTION, "planted-auth-0004"}
RECIPE = Recipe(render=Render(views=1, size=64), stages=("background",), variants=0, templates=0)
WHO = Customer(slug="acme", recipe=RECIPE, release=Release(queries=0))


def found(*texts: str) -> list[str]:
    """The secrets that stand in any of these texts."""
    return sorted(one for one in ALL if any(one in text for text in texts))


def kept(folder: Path) -> list[str]:
    """The secrets that stand in a file below a folder, with where."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [f"{one} in {path.name}" for path in files for one in ALL if one.encode() in path.read_bytes()]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All secrets that an environment can hold; and everything is logged."""
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody answers there
    monkeypatch.setenv("PARTSIGHT_LOG_LEVEL", "DEBUG")


@pytest.fixture
def server() -> Iterator[str]:
    """Address of a web server that has one washer below /good.zip."""
    with part_server.served() as served:
        yield served.address


@pytest.mark.parametrize(
    "words",
    [
        "parts acme",
        "search acme --text bolt --json",
        "images acme --out {out}",
        "audit acme --json",
        "export acme --to coco --out {out} --json",
        "forget acme --part X --yes",
        "onboard acme --source https://user:{password}@127.0.0.1:9/parts.zip --json",
        "onboard acme --source ftp://user:{password}@127.0.0.1:9/parts.zip --json",
        "onboard acme --source https://127.0.0.1:9/parts.zip?X-Amz-Signature={signature} --json",
        "onboard acme --source s3://user:{password}@bucket/parts --json",
    ],
)
def test_a_command_that_fails_tells_no_secret(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    words: str,
) -> None:
    """A wrong bucket, a wrong address, a server that is not there: neither output, log nor any file names one."""
    from infra import cli

    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path / "home"))
    if words.split(maxsplit=1)[0] != "onboard":
        monkeypatch.setenv("PARTSIGHT_CATALOGUES", "s3://no-such-bucket/all")
    (tmp_path / "customers").mkdir()
    (tmp_path / "customers" / "acme.yaml").write_text(yaml.safe_dump(WHO.model_dump(mode="json")))
    monkeypatch.setenv("PARTSIGHT_CUSTOMERS", str(tmp_path / "customers"))
    filled = words.format(out=tmp_path / "out", password=PASSWORD, signature=SIGNATURE)
    with caplog.at_level(logging.DEBUG):
        code = 1
        try:
            code = cli.run(filled.split())
        except Exception:
            logging.getLogger("partsight").exception("It ended so.")
    seen = capfd.readouterr()
    assert code != 0
    assert found(seen.out, seen.err, caplog.text) == []
    assert kept(tmp_path) == []


def test_a_run_that_works_keeps_no_secret(
    server: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a signed address to tables and report: nothing that is written or said has the signature."""
    from tasks.job import opened

    monkeypatch.setenv("PARTSIGHT_PRIVATE_HOSTS", "127.0.0.1")
    source = Source(location=f"http://{server}/good.zip?X-Amz-Signature={SIGNATURE}")
    catalogue = Catalogue(uri=str(tmp_path / "home" / "db"))
    with caplog.at_level(logging.DEBUG), opened(WHO, catalogue, source, None, tmp_path / "home", 1, Silent()) as job:
        for files in job.file_batches():
            job.read(files)
        job.find_parts()
        for parts in job.part_batches():
            job.make(parts)
        summary = job.finish()
    assert summary["parts"]["new"] == 1
    assert found(str(summary), caplog.text) == []
    assert kept(tmp_path) == []


def test_a_server_that_refuses_is_named_without_the_signature(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the sentence, and in the traceback that a log would hold."""
    monkeypatch.setenv("PARTSIGHT_PRIVATE_HOSTS", "127.0.0.1")
    source = Source(location=f"http://{server}/bad.zip?X-Amz-Signature={SIGNATURE}")
    with pytest.raises(OSError, match="403") as caught, source.open(Quotas()):
        pass
    assert found(str(caught.value), *traceback.format_exception(caught.value)) == []


def test_blocks_and_errors_do_not_print_credentials(tmp_path: Path) -> None:
    """Neither as text, nor as JSON, nor in what a run hands to another one."""
    options = {"aws_secret_access_key": OPTION}
    catalogue = CatalogueBlock(uri=str(tmp_path / "db"), storage_options=options)
    source = SourceBlock(location="s3://bucket/cad", storage_options=options)
    customer = CustomerBlock(settings=WHO, catalogue=catalogue)
    opened = source.source()
    assert opened is not None
    shown = [repr(one) + str(one) for one in (catalogue, source, customer, catalogue.catalogue(), opened)]
    shown += [one.model_dump_json() for one in (catalogue, source, catalogue.catalogue(), opened)]
    assert found(*shown, str(customer.reference())) == []
    assert opened.storage_options["aws_secret_access_key"].get_secret_value() == OPTION  # and yet it is there
