"""Whether a plug-in's settings make a run form that anyone can fill in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import PydanticUndefined

from tasks.contract import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from tasks.plugins import Plugin

NUMBERS: Final = ("integer", "number")
LOW: Final = ("minimum", "exclusiveMinimum")
HIGH: Final = ("maximum", "exclusiveMaximum")


def findings(plugin: Plugin) -> list[Finding]:
    """What is wrong with the settings, field by field; one finding that all is well where nothing is."""
    assert plugin.settings is not None  # noqa: S101 - it loaded
    try:
        schema = plugin.settings.model_json_schema()
        plugin.settings()
    except Exception as error:  # noqa: BLE001 - whatever a stranger's model raises is what there is to tell
        return [_fail(f"With defaults alone it cannot be made: {error}", "Give every field a default that is valid.")]
    wrong = list(_wrong(plugin.settings, schema))
    if not any(one.level == "fail" for one in wrong):
        count = len(plugin.fields)
        wrong.insert(0, Finding(level="pass", name="form", what=f"{count} settings, described, with defaults."))
    return wrong


def _wrong(settings: type[BaseModel], schema: Mapping[str, Any]) -> Iterator[Finding]:
    if not settings.__dict__.get("__doc__"):
        yield _fail("The class has no docstring.", "Its first line is what people read beside the name: one sentence.")
    if "discriminator" in json.dumps(schema):
        yield _fail(
            "A field is a discriminated union.",
            "Prefect's form cannot select its second branch: use a Literal and one field for each setting.",
        )
    for name, field in settings.model_fields.items():
        yield from _field(name, field, schema.get("properties", {}).get(field.alias or name, {}))


def _field(name: str, field: FieldInfo, schema: Mapping[str, Any]) -> Iterator[Finding]:
    if not (field.description or "").strip().endswith("."):
        yield _fail(
            f"{name} has no description that is a sentence.",
            f'Write {name}: ... = Field(..., description="What it does, with a full stop.").',
        )
    if field.default_factory is not None:
        yield _fail(f"{name} has a default_factory.", "The form does not show such a default: write a plain one.")
    elif field.default is PydanticUndefined:
        yield _fail(f"{name} has no default.", "A stage must work as it is: give it one.")
    elif "default" not in schema:
        yield _fail(f"{name}: its default is no JSON ({field.default!r}).", "Use numbers, texts, lists, true or false.")
    branches = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if sum("$ref" in branch for branch in branches) > 1:
        yield _fail(f"{name} is one of several models.", "The form shows the first one alone: use a Literal instead.")
    for branch in branches:
        if branch.get("type") in NUMBERS and "enum" not in branch:
            ends = [word for word, keys in (("ge", LOW), ("le", HIGH)) if not any(key in branch for key in keys)]
            if ends:
                yield Finding(
                    level="warn",
                    name="form",
                    what=f"{name} is a number without {' and '.join(ends)}.",
                    mend="Bounds keep people from values that make no sense: Field(..., ge=0, le=1).",
                )


def _fail(what: str, mend: str) -> Finding:
    return Finding(level="fail", name="form", what=what, mend=mend)
