"""Secrets of a run on a real server: whatever it keeps, logs or shows of runs that work and that fail, holds none."""

from __future__ import annotations

import json
from typing import Any

import part_server

SIGNATURE, TOKEN = "planted-signature-0004", "planted-webhook-0005"
FILE = """
slug: hush
source: http://{server}/good.zip?X-Amz-Signature={signature}
recipe: {{render: {{views: 1, size: 64}}, stages: []}}
release: {{queries: 0}}
notify: custom-webhook/hush
"""


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


def test_nothing_that_a_server_keeps_of_runs_holds_a_secret(platform: Any) -> None:
    """Keys of the environment, a signed address, and the token of a webhook that fails."""
    with part_server.served() as server:
        file = FILE.format(server=server.address, signature=SIGNATURE)
        (platform.folder / "customers" / "hush.yaml").write_text(file)
        _webhook(platform)
        done = platform.partsight("deploy", "hush")
        assert done.returncode == 0, done.stderr
        server.shut = True
        refused = platform.wait(platform.start("onboard/hush"))
        server.shut = False
        worked = platform.wait(platform.start("onboard/hush"))
    assert refused["state_name"] == "Failed"
    assert "403" in refused["state"]["message"]
    assert worked["state_name"] == "Completed", platform.logs(worked["id"])
    told = kept(platform)
    assert f"{server.address}/good.zip" in told["/flow_runs/filter"]  # the sentence that tells of the refusal is there
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
