"""`partsight deploy` against a real server: everything once, what drifted is set right, what left goes when asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra import cli

ROOT = Path(__file__).parents[3]


def told(platform: Any, *tokens: str) -> dict[str, list[str]]:
    """What `partsight deploy --json` did, by kind of change."""
    done = platform.partsight("deploy", "--json", *tokens)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    found: dict[str, list[str]] = {"create": [], "update": [], "remove": [], "same": [], "left": plan["left"]}
    for change in plan["changes"]:
        found[change["what"]].append(f"{change['kind']} {change['name']}")
    return found


def test_a_second_time_nothing_changes(platform: Any) -> None:
    """What `up` deployed is as it should be, for both customers."""
    plan = told(platform)
    assert plan["create"] == plan["update"] == plan["remove"] == plan["left"] == []
    for slug in ("acme", "beta"):
        assert f"deployment onboard/{slug}" in plan["same"]
        assert f"block partsight-customer/{slug}" in plan["same"]
        assert f"limit partsight-customer-{slug}" in plan["same"]


def test_what_a_file_says_anew_is_shown_and_then_done(platform: Any) -> None:
    """A schedule, a pool with a GPU, and somebody to tell; a dry run does nothing."""
    path = platform.folder / "customers" / "gamma.yaml"
    path.write_text("slug: gamma\nsource: ../cad\nschedule: {cron: '0 2 * * *', timezone: Europe/Berlin}\n")
    dry = told(platform, "--dry-run")
    assert "deployment onboard/gamma" in dry["create"]
    assert platform.client.get("/deployments/name/onboard/gamma").status_code == 404
    assert told(platform)["create"] == dry["create"]
    (schedule,) = platform.deployment("onboard/gamma")["schedules"]
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("0 2 * * *", "Europe/Berlin")

    hook = {"name": "ops", "block_type_slug": "custom-webhook"}
    kind = platform.client.get("/block_types/slug/custom-webhook").json()
    schema = platform.ask("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [kind["id"]]}})[0]
    data = {"name": "ops", "url": "http://127.0.0.1:9/", "method": "POST", "json_data": {"text": "{{body}}"}}
    platform.ask(
        "/block_documents/", name=hook["name"], data=data, block_schema_id=schema["id"], block_type_id=kind["id"]
    )
    path.write_text("slug: gamma\nsource: ../cad\npools: {gpu: gpu, slots: 2}\nnotify: custom-webhook/ops\n")
    plan = told(platform)
    assert "deployment augment/gamma" in plan["create"]
    assert "pool gpu" in plan["create"]
    assert "limit partsight-gpu-gpu" in plan["create"]
    assert "automation Partsight: tell of runs of gamma that fail" in plan["create"]
    assert "deployment onboard/gamma" in plan["update"]
    assert platform.deployment("onboard/gamma")["schedules"] == []
    assert platform.deployment("augment/gamma")["work_pool_name"] == "gpu"
    again = told(platform)
    assert again["create"] == again["update"] == []


def test_what_somebody_changed_in_the_ui_is_set_right_but_their_secrets_stay(platform: Any) -> None:
    """The file counts; what it does not speak of is the operator's."""
    block = platform.client.get("/block_types/slug/partsight-catalogue/block_documents/name/beta").json()
    secret = {"storage_options": {"aws_secret_access_key": "hush"}, "uri": "/elsewhere"}
    platform.client.patch(f"/block_documents/{block['id']}", json={"data": secret}).raise_for_status()
    deployment = platform.deployment("onboard/beta")["id"]
    platform.client.patch(f"/deployments/{deployment}", json={"description": "spoiled"}).raise_for_status()
    plan = told(platform, "beta")
    assert plan["update"] == ["block partsight-catalogue/beta", "deployment onboard/beta"]
    read = "/block_types/slug/partsight-catalogue/block_documents/name/beta?include_secrets=true"
    data = platform.client.get(read).json()["data"]
    assert data["uri"] == str(platform.home / "customers" / "beta" / "catalogue")
    assert data["storage_options"] == {"aws_secret_access_key": "hush"}
    # whoever has no credentials to a bucket needs none
    platform.client.patch(f"/block_documents/{block['id']}", json={"data": {"storage_options": {}}}).raise_for_status()


def test_what_would_mix_customers_or_let_a_run_hang_is_set_right(platform: Any) -> None:
    """A block that names another one's catalogue, a limit that is off, a watch that is off, a deployment on hold."""
    read = "/block_types/slug/partsight-{}/block_documents/name/{}"
    customer = platform.client.get(read.format("customer", "beta")).json()
    other = platform.client.get(read.format("catalogue", "acme")).json()
    wrong = {"data": {"catalogue": {"$ref": {"block_document_id": other["id"]}}}}
    platform.client.patch(f"/block_documents/{customer['id']}", json=wrong).raise_for_status()
    platform.client.patch("/v2/concurrency_limits/partsight-customer-beta", json={"active": False}).raise_for_status()
    deployment = platform.deployment("onboard/beta")["id"]
    platform.client.patch(f"/deployments/{deployment}", json={"paused": True}).raise_for_status()
    watch = "Partsight: a run that gives no sign of life has crashed"
    (there,) = platform.ask("/automations/filter", automations={"name": {"any_": [watch]}})
    platform.client.patch(f"/automations/{there['id']}", json={"enabled": False}).raise_for_status()
    plan = told(platform)
    assert set(plan["update"]) == {
        "block partsight-customer/beta",
        "limit partsight-customer-beta",
        "deployment onboard/beta",
        f"automation {watch}",
    }
    again = told(platform)
    assert again["update"] == []
    mended = platform.client.get(read.format("customer", "beta")).json()
    assert mended["block_document_references"]["catalogue"]["block_document"]["name"] == "beta"


def test_an_empty_folder_removes_nobody(platform: Any, tmp_path: Path) -> None:
    """A folder that is mistyped looks like one whose customers have all left."""
    environment = platform.environment | {"PARTSIGHT_CUSTOMERS": str(tmp_path / "custmers")}
    command = [sys.executable, "-c", "from infra.cli import main; main()", "deploy", "--prune"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert "There is no customer in" in done.stderr
    assert platform.deployment("onboard/acme")


def test_what_left_the_folder_goes_only_when_it_is_asked_for(platform: Any) -> None:
    """Deployments, blocks, limits and automations of a customer who left; others' things stay."""
    (platform.folder / "customers" / "gamma.yaml").unlink(missing_ok=True)
    (platform.folder / "customers" / "delta.yaml").write_text("slug: delta\nsource: ../cad\n")
    told(platform)
    (platform.folder / "customers" / "delta.yaml").unlink()
    plan = told(platform)
    assert "deployment onboard/delta" in plan["left"]
    assert plan["remove"] == []
    assert platform.deployment("onboard/delta")
    block = platform.client.get("/block_types/slug/partsight-model/block_documents/name/delta").json()
    made = {key: block[key] for key in ("data", "block_schema_id", "block_type_id")}
    platform.ask("/block_documents/", name="to-try", **made)  # an operator's own
    plan = told(platform, "--prune")
    assert platform.client.get("/block_types/slug/partsight-model/block_documents/name/to-try").status_code == 200
    assert {"deployment onboard/delta", "block partsight-customer/delta", "limit partsight-customer-delta"} <= set(
        plan["remove"]
    )
    assert platform.client.get("/deployments/name/onboard/delta").status_code == 404
    assert told(platform)["left"] == []
    assert platform.deployment("onboard/acme")


def test_a_wrong_customer_file_stops_before_anything_is_done(platform: Any) -> None:
    """By file, line and key; and a server that is not there is named."""
    path = platform.folder / "customers" / "wrong.yaml"
    path.write_text("slug: wrong\nscedule: {cron: x}\n")
    done = platform.partsight("deploy")
    path.unlink()
    assert done.returncode == 2
    assert "wrong.yaml, line 2: scedule is no key, perhaps 'schedule'" in done.stderr
    assert "Traceback" not in done.stderr


def test_prefects_own_cli_gives_the_same_deployments(platform: Any) -> None:
    """`prefect deploy` with infra/prefect.yaml, and then ours has nothing left to change but capitals in the form."""
    environment = {**platform.environment, "PARTSIGHT_CUSTOMERS": str(ROOT / "infra" / "customers")}
    environment["PYTHONPATH"] = str(platform.folder)
    command = [
        sys.executable,
        "-m",
        "prefect",
        "--no-prompt",
        "deploy",
        "--all",
        "--prefect-file",
        "infra/prefect.yaml",
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    code = "from infra.cli import main; main()"
    command = [sys.executable, "-c", code, "deploy", "demo", "--dry-run", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    changes = [change for change in json.loads(done.stdout)["changes"] if change["what"] != "same"]
    assert {change["kind"] for change in changes} == {"deployment"}
    assert [field for change in changes for field in change["fields"] if ".title: " not in field] == []
    assert "deployment onboard/demo" in told(platform, "--prune")["remove"]


def test_the_file_for_prefects_cli_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written anew it is the same; else: partsight deploy --prefect-yaml infra/prefect.yaml."""
    monkeypatch.delenv("PARTSIGHT_CUSTOMERS", raising=False)
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path))
    assert cli.run(["deploy", "--prefect-yaml", str(tmp_path / "prefect.yaml")]) == 0
    assert (tmp_path / "prefect.yaml").read_text() == (ROOT / "infra" / "prefect.yaml").read_text()
