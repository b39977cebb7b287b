"""`make check-kubernetes`: what Prefect's Kubernetes worker makes of the base job templates, held against Kubernetes.

Runs in an environment of its own, where prefect-kubernetes and the schemas of Kubernetes are installed. No cluster and
no Helm: what is shown is the manifest of the job that would be sent, not that a cluster runs it.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

K8S = Path(__file__).resolve().parents[2] / "infra" / "k8s"
PASSWORD = "partsight:never-in-a-manifest"  # noqa: S105


def main() -> None:
    """Print what was shown for each pool; fails at the first thing that is not so."""
    import yaml

    for pool in ("cpu", "gpu"):
        values = yaml.safe_load((K8S / f"worker-{pool}.yaml").read_text(encoding="utf-8"))["worker"]
        assert values["config"]["workPool"] == pool
        os.environ |= {item["name"]: item["value"] for item in values["extraEnvVars"] if "value" in item}
        os.environ |= {
            "PREFECT_API_URL": values["serverApiConfig"]["apiUrl"],
            "PREFECT_API_AUTH_STRING": PASSWORD,  # what the worker gets from the secret
        }
        job = asyncio.run(made(pool))
        spoken = json.dumps(job)
        assert PASSWORD not in spoken
        assert "{{" not in spoken
        sys.stdout.write(f"{pool}: the worker renders the job, and the password is not in it\n")
        fits(job)
        sys.stdout.write(f"{pool}: Kubernetes' own schema accepts the job, down to the last field\n")


async def made(pool: str) -> dict[str, Any]:
    """The job that the worker of `pool` would send to the cluster for a run, password replaced as the worker does."""
    from prefect.client.schemas.objects import FlowRun
    from prefect_kubernetes.settings import KubernetesSettings
    from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration

    template = json.loads((K8S / f"{pool}.json").read_text(encoding="utf-8"))
    variables = {"env": {"PARTSIGHT_LOG_LEVEL": "INFO"}}
    job = await KubernetesWorkerJobConfiguration.from_template_and_values(template, variables)
    job.prepare_for_flow_run(FlowRun(id=uuid.uuid4(), name="acme, batch 1", flow_id=uuid.uuid4()))
    told = KubernetesSettings().worker
    assert told.api_auth_string_secret_name
    await KubernetesWorker(work_pool_name=pool)._replace_env_variable_with_secret(
        env_variable_name="PREFECT_API_AUTH_STRING",
        configuration=job,
        secret_name=told.api_auth_string_secret_name,
        secret_key=told.api_auth_string_secret_key,
    )
    return job.job_manifest


def fits(job: dict[str, Any]) -> None:
    """Hold the job against the schema of the newest Kubernetes that is known here, unknown fields refused."""
    import kubernetes_validate

    sent = copy.deepcopy(job)
    for theirs in ("completions", "parallelism"):  # prefect-kubernetes insists on them here; Kubernetes ignores them
        sent["spec"]["template"]["spec"].pop(theirs)
    kubernetes_validate.validate(sent, kubernetes_validate.latest_version(), strict=True)


if __name__ == "__main__":
    main()
