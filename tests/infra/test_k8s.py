"""The base job templates render with Prefect's own code; values and templates are closed and name no secret."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings import Settings

K8S = Path(__file__).resolve().parents[2] / "infra" / "k8s"
POOLS = ("cpu", "gpu")


def template(pool: str) -> dict[str, Any]:
    """The base job template of a pool, as it lies there."""
    found: dict[str, Any] = json.loads((K8S / f"{pool}.json").read_text(encoding="utf-8"))
    return found


def values(name: str) -> dict[str, Any]:
    """A values file."""
    found: dict[str, Any] = yaml.safe_load((K8S / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def rendered(pool: str, **variables: Any) -> dict[str, Any]:
    """The pod of a run's job, as Prefect fills the template in with a deployment's job variables."""
    pod: dict[str, Any] = configured(pool, **variables).job_manifest["spec"]["template"]["spec"]
    assert "{{" not in json.dumps({**pod, "containers": [{**pod["containers"][0], "args": ""}]})
    return pod


def configured(pool: str, **variables: Any) -> Any:
    """The configuration of a run's job; the Kubernetes worker adds its `env` to the container's."""
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.workers.base import BaseJobConfiguration

    class Job(BaseJobConfiguration):
        namespace: str
        job_manifest: dict[str, Any]
        pod_watch_timeout_seconds: int
        job_watch_timeout_seconds: int | None = None
        stream_output: bool

    nobody = PrefectClient("http://127.0.0.1:9/api")  # no block and no variable is asked for: nothing is sent
    job = asyncio.run(Job.from_template_and_values(template(pool), variables, client=nobody))
    job.prepare_for_flow_run(FlowRun(id=uuid.uuid4(), name="run", flow_id=uuid.uuid4()))
    assert job.namespace == "partsight"
    assert job.job_manifest["spec"]["backoffLimit"] == 0
    return job


@pytest.mark.parametrize("pool", POOLS)
def test_a_run_has_no_privileges(pool: str) -> None:
    """Another user than root, nothing to write but scratch, no capability, no token of the cluster."""
    pod = rendered(pool)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {mount["name"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"scratch", "memory"}
    assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"] if volume["name"] in writable)


def test_a_run_of_the_gpu_pool_gets_one_card() -> None:
    """One GPU, on a node that has one, whose taint is tolerated; the pool cpu asks for none."""
    pod = rendered("gpu")
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert "nvidia" not in json.dumps(rendered("cpu"))


@pytest.mark.parametrize("pool", POOLS)
def test_a_deployment_may_change_what_a_run_gets(pool: str) -> None:
    """Job variables of a deployment reach the pod: image, limits, nodes, scratch."""
    pod = rendered(
        pool,
        image="registry.example/partsight:1",
        memory_limit="24Gi",
        scratch_size="90Gi",
        node_selector={"disk": "fast"},
        catalogues="s3://other/customers",
    )
    (container,) = pod["containers"]
    assert container["image"] == "registry.example/partsight:1"
    assert container["resources"]["limits"]["memory"] == "24Gi"
    assert container["resources"]["limits"]["ephemeral-storage"] == "90Gi"
    assert {"emptyDir": {"sizeLimit": "90Gi"}, "name": "scratch"} in pod["volumes"]
    assert pod["nodeSelector"] == {"disk": "fast"}
    assert {"name": "PARTSIGHT_CATALOGUES", "value": "s3://other/customers"} in container["env"]


@pytest.mark.parametrize("pool", POOLS)
def test_what_deploy_gives_our_deployments_fits(pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job variables that `partsight deploy` writes are variables of the template, and reach the run."""
    from blocks.customer import Customer
    from infra.deploy.wanted import wanted

    monkeypatch.setenv("PARTSIGHT_CATALOGUES", "s3://partsight/customers")
    things = wanted([Customer(slug="acme", pools={"gpu": "gpu"})], Settings())
    given = [thing.body["job_variables"] for thing in things if thing.kind == "deployment"]
    assert given
    for variables in given:
        assert set(variables) <= set(template(pool)["variables"]["properties"])
        assert variables["env"].items() <= configured(pool, **variables).env.items()
        assert "PARTSIGHT_HOME" not in variables["env"]


@pytest.mark.parametrize("pool", POOLS)
def test_secrets_are_references(pool: str) -> None:
    """The password of the server and the keys of the bucket come from Kubernetes secrets; settings are ours."""
    (container,) = rendered(pool)["containers"]
    env = {item["name"]: item for item in container["env"]}
    assert env["PREFECT_API_AUTH_STRING"]["valueFrom"] == {
        "secretKeyRef": {"name": "partsight-server", "key": "auth-string"}
    }
    assert container["envFrom"] == [{"secretRef": {"name": "partsight-storage"}}]
    assert env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]["value"] == "30"
    ours = {name.removeprefix("PARTSIGHT_").lower() for name in env if name.startswith("PARTSIGHT_")}
    assert ours <= set(Settings.model_fields)


@pytest.mark.parametrize("pool", POOLS)
def test_the_form_of_a_pool_explains_itself(pool: str) -> None:
    """Every variable has a title, a sentence and a default, and is used; nothing is used that is not one."""
    made = template(pool)
    variables = made["variables"]["properties"]
    for name, field in variables.items():
        assert field["title"], name
        assert field["description"].endswith("."), name
        assert "default" in field, name
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(made["job_configuration"])))
    assert used == set(variables)


def test_a_worker_puts_no_password_into_jobs() -> None:
    """Prefect's worker copies its own settings into each job, the password too, unless told where the secret is."""
    for pool in POOLS:
        worker = values(f"worker-{pool}")["worker"]
        env = {item["name"]: item for item in worker["extraEnvVars"]}
        start = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_AUTH_STRING_SECRET"
        reference = {"name": env[f"{start}_NAME"]["value"], "key": env[f"{start}_KEY"]["value"]}
        assert env["PREFECT_API_AUTH_STRING"]["valueFrom"]["secretKeyRef"] == reference
        assert worker["config"]["workPool"] == pool
        assert worker["config"]["type"] == "kubernetes"


def test_the_server_is_closed_and_quiet() -> None:
    """A password from a secret, CSRF protection, no telemetry, no address outside the cluster, nothing in memory."""
    server = values("server")
    env = {item["name"]: item.get("value") for item in server["global"]["prefect"]["env"]}
    assert env["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == "true"
    assert env["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert env["DO_NOT_TRACK"] == "1"
    assert env["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"] == "prefect_redis.lease_storage"
    assert server["server"]["basicAuth"] == {"enabled": True, "existingSecret": "partsight-server"}
    assert server["service"]["type"] == "ClusterIP"
    assert server["ingress"]["enabled"] is False
    assert server["secret"]["create"] is False
    assert server["postgresql"]["enabled"] is server["redis"]["enabled"] is False


def test_prefect_is_the_version_that_is_tested() -> None:
    """The server is our image; the workers' is of the Prefect that constraints.txt has."""
    pins = (K8S.parents[1] / "constraints.txt").read_text(encoding="utf-8")
    pinned = re.search(r"^prefect==(.*)$", pins, re.MULTILINE)
    assert pinned
    assert values("server")["global"]["prefect"]["image"]["repository"] == "partsight"
    for pool in POOLS:
        assert values(f"worker-{pool}")["worker"]["image"]["prefectTag"] == f"{pinned[1]}-python3.11-kubernetes"


def test_no_file_holds_a_secret() -> None:
    """Passwords stand in Kubernetes secrets only: no file here gives one a value."""
    for file in K8S.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.search(
            r"(?i)(password|secret_access_key|auth.?string)\"?: \"?[\w$]+[:\w]*\"?$", text, re.MULTILINE
        ), file
