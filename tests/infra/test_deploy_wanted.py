"""What a server should hold, as data: what customers share follows from all of them, whoever is deployed."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.customer import Customer, Pools
from infra.deploy import wanted
from infra.deploy.plan import _short
from infra.settings import Settings


def test_the_limit_of_a_shared_gpu_pool_is_that_of_the_customer_who_has_most(tmp_path: Path) -> None:
    """Deploying one of them alone, or through prefect.yaml one after another, does not lower it."""
    few, many = (Customer(slug=slug, pools=Pools(gpu="gpu", slots=n)) for slug, n in (("acme", 1), ("globex", 4)))
    for people in ([few], [many], [few, many]):
        things = wanted(people, Settings(home=tmp_path), [few, many])
        (limit,) = [thing.body["limit"] for thing in things if thing.name == "partsight-gpu-gpu"]
        assert limit == 4
        assert {thing.name for thing in things if thing.kind == "deployment"} >= {
            f"augment/{customer.slug}" for customer in people
        }


def test_who_waits_and_who_is_waited_for_are_in_different_pools() -> None:
    """A run that holds the last place of a pool must not wait for another one in it."""
    with pytest.raises(ValueError, match="cpu must be another pool"):
        Pools(cpu="same", gpu="same")
    with pytest.raises(ValueError, match="cpu must be another pool"):
        Pools(shares="cpu")


def test_a_plan_shows_no_signature_of_an_address() -> None:
    """What follows the question mark lets whoever reads it fetch the file."""
    assert "hush" not in _short("https://acme.example/cad.zip?signature=hush&x=1")
    assert _short("s3://cad/acme") == '"s3://cad/acme"'
