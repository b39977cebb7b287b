"""On the platform: a part is forgotten through its deployment, then the customer, and Prefect remembers neither."""

from __future__ import annotations

import json
from typing import Any

import pytest

FILE = """
slug: leaving
source: ../cad
recipe: {render: {views: 2, size: 64}, stages: [], templates: 0}
release: {queries: 0}
"""


@pytest.mark.slow
def test_prefect_forgets_too(platform: Any) -> None:
    """Runs, logs and artifacts of before are gone with the part; deployments, blocks and limit with the customer."""
    (platform.folder / "customers" / "leaving.yaml").write_text(FILE)
    assert platform.partsight("deploy", "leaving").returncode == 0
    (schedule,) = platform.deployment("forget/leaving")["schedules"]
    assert (schedule["schedule"]["cron"], schedule["active"]) == ("30 3 * * *", True)
    first = platform.start("onboard/leaving")
    assert platform.wait(first)["state_name"] == "Completed", platform.logs(first)
    assert platform.artifacts(first)
    second = platform.start("forget/leaving", parts=["washer-5"])
    ended = platform.wait(second)
    assert ended["state"]["message"].startswith("1 part is forgotten: "), platform.logs(second)
    assert platform.client.get(f"/flow_runs/{first}").status_code == 404
    assert platform.artifacts(first) == []
    (shown,) = [one for one in platform.artifacts(second) if one["key"]]
    assert "washer-5" not in str(shown)
    (receipt,) = (platform.home / "receipts" / "leaving").glob("*.json")
    assert json.loads(receipt.read_text())["status"] == "done"
    third = platform.start("forget/leaving")
    assert platform.wait(third)["state"]["message"] == "Nothing was due to be forgotten."
    assert platform.client.get(f"/flow_runs/{second}").status_code == 404  # its parameters named the part

    done = platform.partsight("forget", "leaving", "--yes", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["status"] == "done"
    assert {"deployment onboard/leaving", "deployment forget/leaving", "block partsight-customer/leaving"} <= set(
        told["server"]
    )
    assert platform.client.get("/deployments/name/onboard/leaving").status_code == 404
    assert platform.client.get("/deployments/name/onboard/beta").status_code == 200
    mine = {"tags": {"all_": ["customer:leaving"]}}
    assert [one for one in platform.ask("/flow_runs/filter", flow_runs=mine) if one["state_type"] != "SCHEDULED"] == []
    assert not (platform.home / "customers" / "leaving").exists()
