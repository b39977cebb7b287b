"""The run form as data: each field has title, sentence, default, bounds; what it leaves open is the file's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from blocks.customer import Customer, Recipe
from flows import adapt, augment, embed, evaluate, finetune, make, onboard, reembed, tune
from flows.form import Limits, StageSettings, chosen, defaults
from tasks.stages import installed

FLOWS = {
    module.__name__.rpartition(".")[2]: getattr(module, module.__name__.rpartition(".")[2])
    for module in (onboard, evaluate, augment, finetune, make, embed, reembed, adapt, tune)
}


def fields(
    schema: dict[str, Any], definitions: dict[str, Any], where: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a form that a person fills in, groups and all; blocks are chosen and not filled in."""
    for name, field in schema.get("properties", {}).items():
        path = f"{where}.{name}" if where else name
        yield path, field
        group = definitions.get(field.get("$ref", "").rpartition("/")[2], {})
        if "block_type_slug" not in group:
            yield from fields(group, definitions, path)


@pytest.mark.parametrize("name", FLOWS)
def test_every_field_has_a_title_and_a_sentence(name: str) -> None:
    """Whoever sees the form for the first time understands it."""
    schema = FLOWS[name].parameters.model_dump()
    for path, field in fields(schema, schema["definitions"]):
        group = schema["definitions"].get(field.get("$ref", "").rpartition("/")[2], {})
        said = field.get("description") or group.get("description") or ""  # that of a group stands in its class
        assert said.endswith("."), f"{name}: {path} has no sentence"
        assert "$ref" in field or field["title"][0].isupper(), f"{name}: {path} has no title"
        if path != "customer":
            assert "default" in field, f"{name}: {path} has no default"


def test_every_number_has_bounds_and_no_choice_is_one_that_the_form_cannot_show() -> None:
    """A wrong number is refused by the form, and unions with a discriminator are none of ours."""
    schema = FLOWS["onboard"].parameters.model_dump()
    for path, field in fields(schema, schema["definitions"]):
        for one in field.get("anyOf", [field]):
            if one.get("type") in {"number", "integer"}:
                least = {"minimum", "exclusiveMinimum"} & set(one)
                most = {"maximum", "exclusiveMaximum"} & set(one)
                assert least, f"{path} has no least value"
                assert most, f"{path} has no greatest value"
        assert "discriminator" not in field, path


def test_stages_are_chosen_from_what_is_installed_and_each_has_its_group() -> None:
    """In the order of choosing."""
    schema = FLOWS["onboard"].parameters.model_dump()
    assert schema["properties"]["stages"]["items"]["enum"] == sorted(installed())
    assert set(schema["definitions"]["StageSettings"]["properties"]) == set(installed())


def test_what_the_form_leaves_open_is_as_in_the_customers_file() -> None:
    """Nothing touched: the same customer; settings of a stage that is not chosen do not matter."""
    customer = Customer(slug="acme", recipe=Recipe(stages=("wear",), settings={"wear": {"dirt": 0.9}}))
    assert chosen(customer, [], StageSettings()) == customer
    first = defaults(customer)
    assert first["stages"] == ["wear"]
    assert first["settings"]["wear"]["dirt"] == 0.9
    same = chosen(customer, first["stages"], StageSettings(**first["settings"]))
    assert same.recipe.stages == ("wear",)
    assert same.recipe.settings["wear"]["dirt"] == 0.9
    assert set(same.recipe.settings) == {"wear"}


def test_a_worker_needs_no_stage_that_the_customer_does_not_use() -> None:
    """Whatever is installed where the deployment was made: a scheduled run has the groups of the customer's stages.

    Groups of others, as the form sends them, are left out where they are unknown; the server still refuses wrong names.
    """
    customer = Customer(slug="acme", recipe=Recipe(stages=("wear",), settings={"camera": {"blur": 0.01}}))
    assert set(defaults(customer)["settings"]) == {"wear", "camera"}
    sent = StageSettings(**{"wear": {"dirt": 0.1}, "installed-elsewhere": {"amount": 0.3}})
    assert set(chosen(customer, ["wear"], sent).recipe.settings) == {"wear", "camera"}
    schema = FLOWS["onboard"].parameters.model_dump()["definitions"]["StageSettings"]
    assert schema["additionalProperties"] is False


def test_what_is_set_in_the_form_counts() -> None:
    """Order, one number, and to go live all the same."""
    customer = Customer(slug="acme")
    settings = StageSettings(wear={"dirt": 0.1})
    got = chosen(customer, ["camera", "wear"], settings, force=True)
    assert got.recipe.stages == ("camera", "wear")
    assert got.recipe.settings["wear"]["dirt"] == 0.1
    assert got.release.tolerance == 1.0
    assert customer.release.tolerance < 1
    assert Limits().files == 0


def test_no_flow_needs_torch_to_be_imported() -> None:
    """A deployment is made, and a run begins, without what only its steps need."""
    heavy = {"torch", "diffusers", "pyrender", "open_clip", "transformers", "trimesh"}
    for name in FLOWS:
        code = f"import flows.{name}, sys; print(*sorted({heavy!r} & set(sys.modules)))"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.split() == [], f"flows.{name} imports {run.stdout}"
