"""compose.yaml and the Dockerfile: closed unless opened on purpose, pinned, and with settings that exist."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto_server import served

from infra.docker import bucket
from infra.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "infra" / "docker"
CHECK = runpy.run_path(str(Path(__file__).with_name("compose.py")))
PASSWORDS: dict[str, str] = CHECK["PASSWORDS"]
# what is neither Prefect's nor ours: the images of PostgreSQL and Redis, LanceDB's object store and botocore
THEIRS = {
    *("POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "DO_NOT_TRACK"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_REGION"),
    *("AWS_DEFAULT_REGION", "AWS_ALLOW_HTTP", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST"),
}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services of compose.yaml with the four passwords filled in."""
    found: dict[str, dict[str, Any]] = CHECK["services"](PASSWORDS)
    return found


def prefect_names() -> set[str]:
    """Every environment variable that Prefect and prefect-redis read, by any of its names."""
    from prefect.settings.models.root import Settings as Prefect
    from prefect_redis.cleanup_queue import RedisWorkerCleanupQueueSettings
    from prefect_redis.client import RedisMessagingSettings
    from pydantic import AliasChoices, BaseModel

    names: set[str] = set()

    def collect(model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                collect(kind)
                continue
            names.add(f"{model.model_config.get('env_prefix', '')}{name}".upper())
            if isinstance(field.validation_alias, AliasChoices):
                names.update(choice.upper() for choice in field.validation_alias.choices if isinstance(choice, str))

    for model in (Prefect, RedisMessagingSettings, RedisWorkerCleanupQueueSettings):
        collect(model)
    return names


@pytest.mark.parametrize("name", sorted(PASSWORDS))
def test_without_a_password_nothing_starts(name: str) -> None:
    """Compose stops with a sentence that names the variable and the file; there is no default."""
    with pytest.raises(LookupError, match=rf"set {name} in infra/docker/\.env"):
        CHECK["services"](PASSWORDS | {name: ""})


def test_what_the_env_file_shows_is_what_compose_reads() -> None:
    """example.env has every variable of compose.yaml and no other, and no secret."""
    text = (DOCKER / "example.env").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#? ?([A-Z_]+)=(.*)$", text, re.MULTILINE))
    read = set(re.findall(r"(?<!\$)\$\{(\w+)", (DOCKER / "compose.yaml").read_text(encoding="utf-8")))
    assert set(shown) == read
    assert {name for name, value in shown.items() if not value} == {
        *PASSWORDS,
        "PARTSIGHT_PRIVATE_HOSTS",
        "TORCH_CPU_INDEX",
        "TORCH_GPU_INDEX",
    }


def test_only_the_page_is_published_and_only_here(services: dict[str, dict[str, Any]]) -> None:
    """No port but web's, and that on the loopback unless the operator says otherwise."""
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "web": ["127.0.0.1:4200:4200"]
    }
    text = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    assert text["networks"]["inside"]["internal"] is True
    closed = {name for name, service in services.items() if service["networks"] == ["inside"]}
    assert closed == {"database", "queue", "storage", "bucket", "migrate", "deploy", "services"}


def test_images_are_pinned(services: dict[str, dict[str, Any]]) -> None:
    """Images of others have a full version; ours are built here and pulled from nowhere."""
    for name, service in services.items():
        if service["image"].startswith("partsight:"):
            assert service["pull_policy"] == "never", name
        else:
            assert re.search(r":\d+\.\d+(\.\d+)?$", service["image"]), service["image"]
    base = re.search(r"^ARG PYTHON=(\S+)$", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert base
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base[1])


def test_our_services_have_no_privileges(services: dict[str, dict[str, Any]]) -> None:
    """Nothing to write but /tmp and a volume, no capability, no way to gain one; each has limits."""
    for name, service in services.items():
        if service["image"].startswith("partsight:"):
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
        limits = service["deploy"]["resources"]["limits"]
        assert limits["memory"], name
        assert limits["cpus"], name
        assert service["restart"] in {"unless-stopped", "on-failure:5"}, name
        assert "healthcheck" in service, name


def test_every_setting_exists(services: dict[str, dict[str, Any]]) -> None:
    """A variable that neither Prefect nor Partsight reads is a setting that was thought to be made."""
    ours = {f"PARTSIGHT_{name}".upper() for name in Settings.model_fields}
    known = prefect_names() | ours | THEIRS
    for name, service in services.items():
        assert set(service.get("environment", {})) <= known, name
    dockerfile = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"^\s+((?:PREFECT|PARTSIGHT)_\w+)=", dockerfile, re.MULTILINE)) <= known


def test_prefect_understands_what_it_is_told(services: dict[str, dict[str, Any]]) -> None:
    """Prefect reads the environment of `web` as meant: password, CSRF, no telemetry, nothing in memory."""
    code = (
        "from prefect.settings import get_current_settings as s\n"
        "x = s().server\n"
        "print(x.api.auth_string.get_secret_value(), x.api.csrf_protection_enabled, x.analytics_enabled,"
        " x.ui.show_promotional_content, x.database.migrate_on_start,"
        " [v for v in (x.events.messaging_broker, x.events.messaging_cache, x.events.causal_ordering,"
        " x.concurrency.lease_storage, x.worker_channel.cleanup_queue_storage, x.docket.url) if 'memory' in v])"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PARTSIGHT_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | services["web"]["environment"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[0] == f"partsight:{PASSWORDS['PARTSIGHT_PASSWORD']} True False False False []"


def test_workers_beat_often_enough(services: dict[str, dict[str, Any]]) -> None:
    """A killed worker is noticed within two minutes, so heartbeats come every 30 s; the GPU takes one run."""
    for name in ("worker", "worker-gpu"):
        assert services[name]["environment"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
        assert services[name]["depends_on"] == {"deploy": {"condition": "service_completed_successfully"}}
    assert services["worker-gpu"]["profiles"] == ["gpu"]
    assert services["worker-gpu"]["command"][-2:] == ["--limit", "1"]
    (device,) = services["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_the_image_is_what_is_tested() -> None:
    """The versions of constraints.txt, the OpenGL of infra/opengl.sh, another user than root, no host of a registry."""
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert text.count("pip install --constraint constraints.txt") == 2
    opengl = re.search(r'^packages="(.*)"$', (ROOT / "infra" / "opengl.sh").read_text(encoding="utf-8"), re.MULTILINE)
    assert opengl
    assert opengl[1] in text
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert text.rindex("USER 10001") > text.rindex("COPY --from")
    assert re.findall(r"^FROM \S+ AS (\w+)$", text, re.MULTILINE)[-2:] == ["cpu", "gpu"]
    hosts = re.findall(r"https?://([^/:'\"]+)", text + (DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    assert set(hosts) <= {"127.0.0.1", "web", "storage"}
    assert not re.search(r"(?i)^(ARG|ENV) \w*(password|secret|token)", text, re.MULTILINE)


def test_secrets_stay_out_of_git_and_of_the_image() -> None:
    """The filled-in env file is ignored by both; what goes into the image is a list, not the rest of a folder."""
    assert "infra/docker/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == {
        *("blocks", "flows", "infra", "tasks", "constraints.txt", "pyproject.toml", "LICENSE", "README.md")
    }
    assert {"**/.env", "**/*.env"} <= set(ignored)


def test_compose_itself_accepts_it() -> None:
    """Where Docker Compose is here, it reads the file; no engine is needed for that."""
    words = next(
        (
            found
            for found in (["docker", "compose"], ["docker-compose"])
            if shutil.which(found[0])
            and not subprocess.run([*found, "version"], capture_output=True, check=False).returncode
        ),
        None,
    )
    if not words:
        pytest.skip("Docker Compose is not here")
    done = subprocess.run(
        [*words, "-f", str(DOCKER / "compose.yaml"), "--profile", "gpu", "config", "--quiet"],
        env=os.environ | PASSWORDS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def careless() -> Iterator[str]:
    """An S3 server that lets every put win, as storages do that know no conditional put."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_PUT  # noqa: N815
        do_DELETE = do_PUT  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("s3")
def test_the_bucket_is_made_once_and_its_storage_proven() -> None:
    """Made where it is missing, kept where it is there, and of many conditional puts one wins."""
    storage = bucket.client()
    assert bucket.ensure(storage, "partsight") is True
    assert bucket.ensure(storage, "partsight") is False
    assert bucket.unfit(storage, "partsight") == ""
    assert "Contents" not in storage.list_objects_v2(Bucket="partsight")


def test_a_storage_that_would_lose_commits_is_refused(careless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says which storage, what it did, and what to do."""
    for name, value in (("ENDPOINT", careless), ("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(sys, "argv", ["bucket", "partsight"])
    with pytest.raises(SystemExit) as ended:
        bucket.main()
    assert str(ended.value).startswith(f"{careless} let 8 of 8 writers win one conditional put")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real S3 server on the loopback."""
    with served("elsewhere") as server:
        for name, value in (("ENDPOINT", server.address), ("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b")):
            monkeypatch.setenv(f"AWS_{name}", value)
        yield server.address
