"""Whose run it is: a deployment works for its own customer alone, and only deployed runs use the pools."""

from __future__ import annotations

import pytest

from blocks.collection import CatalogueBlock, CustomerBlock, SourceBlock
from blocks.customer import Customer, Pools
from flows import adapt, augment, embed, evaluate, finetune, make, onboard, reembed, tune
from flows.place import gpu, in_pool, ours

FLOWS = (
    adapt.adapt,
    augment.augment,
    embed.embed,
    evaluate.evaluate,
    finetune.finetune,
    make.make,
    onboard.onboard,
    reembed.reembed,
    tune.tune,
)


@pytest.fixture
def block(customer: Customer) -> CustomerBlock:
    """The block of the customer, who has a pool with GPUs for variants."""
    who = customer.model_copy(update={"pools": Pools(gpu="gpu", on_gpu=("augment",))})
    return CustomerBlock(settings=who, catalogue=CatalogueBlock(uri="nowhere"))


@pytest.fixture
def globex(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a run that the deployment of another customer started."""
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__NAME", "globex")


@pytest.mark.usefixtures("globex")
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_no_deployment_works_for_another_customer(flow: object, block: CustomerBlock) -> None:
    """Whoever chooses another block in the form is told, and no table is touched."""
    with pytest.raises(ValueError, match="This is the deployment of globex: start that of acme for acme"):
        flow.fn(block)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("globex")
def test_a_source_says_whose_it_is(block: CustomerBlock, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of another customer is refused everywhere, one of nobody where a form offers it; none is the customer's."""
    theirs = SourceBlock(location="s3://globex", customer="globex")
    with pytest.raises(ValueError, match="This is the deployment of globex"):
        ours(block, theirs)
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__NAME", "acme")
    with pytest.raises(ValueError, match="This source is that of globex; it cannot be onboarded for acme"):
        ours(block, theirs)
    with pytest.raises(ValueError, match="write acme into the field customer of its block"):
        ours(block, SourceBlock(location="s3://cad"))
    ours(block, SourceBlock(location="s3://acme", customer="acme"))
    ours(block, SourceBlock(location=""))
    monkeypatch.delenv("PREFECT__RUNTIME__DEPLOYMENT__ID")
    ours(block, SourceBlock(location="s3://cad"))


def test_the_command_line_does_all_itself(block: CustomerBlock, request: pytest.FixtureRequest) -> None:
    """It asks no server for a GPU, where the file names a pool; a deployed run does, for what is done there alone."""
    who = block.settings
    assert not in_pool(who, "augment")
    with gpu(who, "augment"):
        pass
    request.getfixturevalue("globex")
    assert in_pool(who, "augment")
    assert not in_pool(who, "embed")
    with gpu(who, "embed"):
        pass
