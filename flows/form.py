"""What the run form shows besides blocks: stages, their settings, limits; made at import from what is installed here.

Every field has a title, a sentence, a default and bounds, because Prefect makes the form from the schema of a flow's
parameters. Discriminated unions and default factories are not used: the form cannot show them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from tasks.stages import Stage, installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prefect import Flow

    from blocks.customer import Customer

_NAMES = tuple(sorted(installed()))
# one that does not load is offered too: who asks for it is told why it cannot be had
if TYPE_CHECKING:
    StageName = str
else:
    StageName = Literal[_NAMES]


def _groups() -> Iterator[tuple[str, Any]]:
    """A group of the form for each stage that can be used with its defaults."""
    for name, stage in sorted(installed().items()):
        if stage.settings is None:
            continue
        try:
            defaults = stage.settings()
        except ValidationError:  # it has no defaults: its settings stand in the customer's file
            continue
        yield name, (stage.settings, Field(defaults, title=_title(name), description=_sentence(stage)))


def _sentence(stage: Stage) -> str:
    return stage.summary or f"Settings of the stage {stage.name}."


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


StageSettings: Any = create_model(
    "StageSettings",
    __doc__="Settings of the stages; those of a stage that is not chosen do not matter.",
    # the server refuses a group that nobody knows; a worker does without those of stages that are not installed there
    __config__=ConfigDict(extra="ignore", frozen=True, json_schema_extra={"additionalProperties": False}),
    **dict(_groups()),
)


class Limits(BaseModel):
    """How much one run may do, and take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: int = Field(
        0, ge=0, le=100_000, title="Files", description="Most files to read, CAD first; 0 reads all that changed."
    )
    processes: int = Field(
        0, ge=0, le=256, title="Processes", description="Processes that read and render; 0 takes one for each core."
    )


def chosen(customer: Customer, stages: Sequence[str], settings: Any, *, force: bool = False) -> Customer:
    """The customer as the form has them: what it leaves open is as in their file.

    `stages` in order, none for those of the file; of `settings` (StageSettings) what was set; with `force` a run goes
    live also when it finds less than before.
    """
    recipe, release = customer.recipe, customer.release
    given = {name: getattr(settings, name).model_dump(mode="json") for name in settings.model_fields_set}
    wanted = recipe.settings | {name: values for name, values in given.items() if name in (stages or recipe.stages)}
    if force:
        release = release.model_copy(update={"tolerance": 1.0})
    recipe = recipe.model_copy(update={"stages": tuple(stages) or recipe.stages, "settings": wanted})
    return customer.model_copy(update={"recipe": recipe, "release": release})


def defaults(customer: Customer) -> dict[str, Any]:
    """What the form shows before anything is changed: stages and settings as in the customer's file.

    Those of other stages are not kept: what is installed on this machine need not be on the workers.
    """
    recipe = customer.recipe
    own = {name: recipe.settings.get(name, {}) for name in (*recipe.stages, *recipe.settings)}
    kept = StageSettings.model_validate(own).model_dump(mode="json", include=set(own))
    return {"stages": list(recipe.stages), "settings": kept}


def titled(flow: Flow[Any, Any]) -> None:
    """Give the fields of a flow's form names as people write them."""
    for name, field in flow.parameters.properties.items():
        field["title"] = _title(name)
