"""Secrets of a run on a real server: whatever it keeps, logs or shows of runs that work and that fail, holds none."""

from __future__ import annotations

import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
import trimesh

SIGNATURE, TOKEN = "planted-signature-0004", "planted-webhook-0005"
FILE = """
slug: hush
source: http://{server}/parts.zip?X-Amz-Signature={signature}
recipe: {{render: {{views: 1, size: 64}}, stages: []}}
release: {{queries: 0}}
notify: custom-webhook/hush
"""


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    """A web server that has one ZIP, or nothing while the list is empty: its address, and what it sends."""
    sent: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if sent else 403)
            self.end_headers()
            self.wfile.write(sent[0] if sent else b"no")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{served.server_address[1]}", sent
    served.shutdown()
    served.server_close()


def kept(platform: Any) -> dict[str, str]:
    """All that the server tells of runs, and all that lies on its disk but for its own database and settings."""
    questions = ("/logs/filter", "/artifacts/filter", "/flow_runs/filter", "/task_runs/filter", "/flows/filter")
    found: dict[str, str] = {}
    for question in questions:
        rows: list[Any] = []
        while page := platform.ask(question, limit=200, offset=len(rows)):
            rows += page
        found[question] = json.dumps(rows)
    found["/events/filter"] = json.dumps(platform.ask("/events/filter", limit=50))
    found["/ui"] = json.dumps(platform.client.get("/admin/settings").json())
    files = (path for path in platform.folder.rglob("*") if path.is_file() and "prefect" not in path.parts)
    for path in files:
        if path.suffix != ".yaml":  # an operator's own, where the signed address stands
            found[str(path.relative_to(platform.folder))] = path.read_bytes().decode("latin-1")
    return found


def test_nothing_that_a_server_keeps_of_runs_holds_a_secret(platform: Any, server: tuple[str, list[bytes]]) -> None:
    """Keys of the environment, a signed address and the token of a webhook that fails."""
    address, sent = server
    _webhook(platform)
    (platform.folder / "customers" / "hush.yaml").write_text(FILE.format(server=address, signature=SIGNATURE))
    done = platform.partsight("deploy", "hush")
    assert done.returncode == 0, done.stderr
    refused = platform.wait(platform.start("onboard/hush"))
    assert refused["state_name"] == "Failed"
    assert "403" in refused["state"]["message"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("washer.stl", trimesh.creation.annulus(3.0, 10.0, 2.0).export(file_type="stl"))
    sent.append(packed.getvalue())
    worked = platform.wait(platform.start("onboard/hush"))
    assert worked["state_name"] == "Completed", platform.logs(worked["id"])
    told = kept(platform)
    assert f"{address}/parts.zip" in told["/flow_runs/filter"]  # the sentence that tells of the refusal is there
    assert worked["id"] in told["/logs/filter"]
    secrets = (*platform.planted, SIGNATURE, TOKEN)
    assert [(place, one) for place, text in told.items() for one in secrets if one in text] == []
    database = b"".join(path.read_bytes() for path in (platform.home / "prefect").rglob("*.db*"))
    assert worked["id"].replace("-", "").encode() in database or worked["id"].encode() in database
    assert [one for one in (*platform.planted, TOKEN) if one.encode() in database] == []


def _webhook(platform: Any) -> None:
    """A notification block with a token that nobody may see; where it is sent to, nobody answers."""
    kind = platform.client.get("/block_types/slug/custom-webhook").json()
    schema = platform.ask("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [kind["id"]]}})[0]
    data = {"name": "hush", "url": "http://127.0.0.1:9/{{token}}", "method": "POST", "secrets": {"token": TOKEN}}
    document = {"name": "hush", "data": data, "block_schema_id": schema["id"], "block_type_id": kind["id"]}
    platform.ask("/block_documents/", **document)
