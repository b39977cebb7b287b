"""`partsight customer`, and what `partsight up` and `partsight deploy` refuse before they begin."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from blocks.customer_file import load

Partsight = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of customers."""
    monkeypatch.setenv("PARTSIGHT_CUSTOMERS", str(tmp_path / "customers"))
    for name in ("PREFECT_API_URL", "PREFECT_SERVER_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "customers"


def test_a_new_customer_has_a_file_that_reads_back_and_is_listed(partsight: Partsight, folder: Path) -> None:
    """Once; a second time the file that somebody may have edited stays as it is."""
    code, out, _ = partsight("customer", "new", "beta", "--source", "s3://cad/beta", "--name", "Beta & Söhne")
    assert code == 0
    assert "partsight deploy beta" in out
    assert load(folder / "beta.yaml").name == "Beta & Söhne"
    code, _, err = partsight("customer", "new", "beta", "--source", "elsewhere")
    assert code == 2
    assert "There is a customer 'beta' already" in err
    assert load(folder / "beta.yaml").source == "s3://cad/beta"
    code, out, _ = partsight("customer", "list", "--json")
    assert code == 0
    assert [(one["slug"], one["source"]) for one in json.loads(out)] == [("beta", "s3://cad/beta")]


def test_a_slug_that_is_none_makes_no_file(partsight: Partsight, folder: Path) -> None:
    """It becomes the name of folders and prefixes: nothing that leaves them."""
    for slug in ("../etc", "Beta", "b-", "b_c", ""):
        code, _, err = partsight("customer", "new", slug, "--source", "x", "--out", str(folder))
        assert code == 2
        assert "is no slug" in err
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_name_that_is_too_long_is_said_to_be_that(partsight: Partsight, folder: Path) -> None:
    """And not that the slug is wrong."""
    code, _, err = partsight("customer", "new", "beta", "--source", "x", "--name", "n" * 201, "--out", str(folder))
    assert code == 2
    assert "The name is wrong: string should have at most 200 characters." in err
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.usefixtures("folder")
def test_deploy_needs_customers_and_a_server(partsight: Partsight) -> None:
    """Which are missing is said, and how to get them."""
    code, _, err = partsight("deploy")
    assert code == 2
    assert "make one with partsight customer new" in err
    partsight("customer", "new", "beta", "--source", "s3://cad/beta")
    code, _, err = partsight("deploy", "gone")
    assert code == 2
    assert "There is no customer 'gone'" in err
    assert partsight("deploy", "beta", "--prune")[0] == 2
    code, _, err = partsight("deploy", "beta")
    assert code == 1
    assert "partsight up" in err


def test_up_does_not_listen_to_others_without_a_password_nor_where_somebody_listens(
    partsight: Partsight, folder: Path
) -> None:
    """Before anything is started."""
    assert not folder.exists()
    code, _, err = partsight("up", "--host", "0.0.0.0")  # noqa: S104 it must be refused
    assert code == 2
    assert "Say with --url" in err
    code, _, err = partsight("up", "--host", "0.0.0.0", "--url", "https://parts.example")  # noqa: S104
    assert code == 2
    assert "set a password first" in err
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, _, err = partsight("up", "--port", str(other.getsockname()[1]))
    assert code == 2
    assert "choose another one with --port" in err
