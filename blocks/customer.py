"""Who a customer is and what is made for them: the model behind one YAML file."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

PoolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _-]{0,60}$")]
NEVER = "never"  # what a customer's file says who wants no tuned weights
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]


class Settings(BaseModel):
    """Frozen settings that refuse keys they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Render(Settings):
    """How a part is photographed in the studio."""

    views: int = Field(16, ge=1, le=200, description="Pictures of each part, evenly spread around it.")
    size: int = Field(256, ge=64, le=1024, description="Width and height of a picture in pixels.")
    shadow: bool = Field(True, description="Whether the part stands on a soft contact shadow.")


class Embed(Settings):
    """Which model turns pictures and words into vectors."""

    model: str = Field(
        "partsight-small", description="An open_clip model name, the model that ships, or an embedder's name."
    )
    weights: str = Field("", description="An open_clip pretrained tag, the path of a safetensors file, or random.")
    settings: dict[str, Any] = Field({}, description="Settings of the embedder, where `model` names a plug-in.")
    tuned: str = Field(
        "",
        pattern=rf"^({NEVER}|[0-9a-f]{{32}})?$",
        description="Weights tuned to the customer: empty takes those that went live, never takes none; the platform "
        "writes a digest.",
    )

    @property
    def digest(self) -> str:
        """Digest of the tuned weights that are meant, or empty."""
        return "" if self.tuned == NEVER else self.tuned

    @property
    def base(self) -> Embed:
        """The model before anything was tuned."""
        return self.model_copy(update={"tuned": ""})


class Recipe(Settings):
    """What is made of a customer's parts."""

    render: Render = Field(Render(), description="How a part is photographed in the studio.")
    stages: tuple[str, ...] = Field(
        ("wear", "background", "camera"),
        description="Stages that turn a render into a photograph-like variant, in this order.",
    )
    settings: dict[str, dict[str, Any]] = Field({}, description="Settings of a stage, by its name.")
    checks: dict[str, dict[str, Any]] = Field({}, description="Settings of a check of the gate, by its name.")
    variants: int = Field(1, ge=0, le=16, description="Variants made of each view; 0 makes none.")
    templates: int = Field(
        160,
        ge=0,
        le=1000,
        description="Sides from which the shape of a part is compared with that in a picture; 0 compares none.",
    )
    embed: Embed = Field(Embed(), description="Which model turns pictures and words into vectors.")
    unit: Literal["", "mm", "cm", "m", "in", "ft"] = Field(
        "", description="Unit of files whose format has none (STL, OBJ, PLY); empty where unknown."
    )


class Release(Settings):
    """When what a run made may take the place of what searches read."""

    tolerance: float = Field(0.05, ge=0, le=1, description="Most that recall@1 may drop, as a share of the questions.")
    queries: int = Field(
        300, ge=0, le=100_000, description="Questions that recall is measured with; 0 measures nothing and releases."
    )
    variants: Literal["auto", "always", "never"] = Field(
        "auto", description="Whether searches compare with variants: auto does where they do not cost recall."
    )
    texts: bool = Field(False, description="Whether searches compare with pictures that were made from words alone.")


class Pools(Settings):
    """On which workers the customer's runs do their work."""

    cpu: PoolName = Field("cpu", min_length=1, description="Prefect work pool that the runs of this customer start in.")
    gpu: PoolName = Field("", description="Prefect work pool whose workers have a GPU; empty does all in the run.")
    on_gpu: tuple[Literal["augment", "embed", "adapt"], ...] = Field(
        ("augment",), description="What is done in the pool with the GPUs, where there is one."
    )
    views: int = Field(2000, ge=64, description="Views that one run in the pool with the GPUs takes.")
    slots: int = Field(1, ge=1, le=64, description="Batches that are made at once in the pool with the GPUs: its GPUs.")
    shares: PoolName = Field(
        "cpu-shares", min_length=1, description="Prefect work pool of the runs that make a share of an onboarding."
    )
    workers: int = Field(1, ge=1, le=64, description="Runs of the pool `shares` that make the parts of one onboarding.")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """A run that waits for its helpers must not hold the place that they need."""
        if self.cpu in {self.gpu, self.shares}:
            raise ValueError(
                f"cpu must be another pool than gpu and shares, or runs wait for themselves ({self.cpu!r})"
            )
        return self


def _cron(value: str) -> str:
    """A schedule as cron writes it, or empty; raises ValueError with a sentence otherwise."""
    from cronsim import CronSim, CronSimError

    try:
        if value:
            CronSim(value, datetime.now(UTC))
    except CronSimError as error:
        raise ValueError(
            f"{value!r} is no schedule ({error}): write minute, hour, day, month and weekday, like 0 2 * * *"
        ) from error
    return value


class Schedule(Settings):
    """When onboarding starts by itself."""

    cron: str = Field("", description="Minute, hour, day, month, weekday, such as 0 2 * * *; empty: never by itself.")
    timezone: str = Field("UTC", description="Time zone of the schedule, such as Europe/Berlin.")
    active: bool = Field(True, description="Whether the schedule is on.")

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        return _cron(value)

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, available_timezones

        try:
            ZoneInfo(value)
        except (KeyError, OSError, ValueError) as error:  # not there, or no name
            close = get_close_matches(value, available_timezones(), n=1, cutoff=0.5)
            nearest = f", perhaps {close[0]!r}" if close else ""
            raise ValueError(f"there is no time zone {value!r}{nearest}") from error
        return value


class Retention(Settings):
    """How long what is not needed any more is kept."""

    reports_days: int = Field(90, ge=1, description="Days that the report of a run is kept.")
    versions_days: int = Field(1, ge=1, description="Days that rows which were replaced stay on the disk.")
    retired_days: int = Field(
        0, ge=0, description="Days after which a part that left the source is forgotten, with a receipt; 0 keeps it."
    )
    runs_days: int = Field(365, ge=1, description="Days that is kept what a run did; the one that is live stays.")
    history_days: int = Field(90, ge=1, description="Days that Prefect keeps runs, with their logs and artifacts.")
    cron: str = Field(
        "30 3 * * *", description="When all this is looked after, in the schedule's time zone; empty: by hand only."
    )

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        return _cron(value)


class Quotas(Settings):
    """How much a customer may send and have, and how long one file, one part or one export may take."""

    file_mb: int = Field(512, ge=1, description="Largest file, in MB.")
    files: int = Field(100_000, ge=1, description="Most files in one source, archives opened.")
    source_mb: int = Field(20_480, ge=1, description="Largest source, archives opened, in MB.")
    parts: int = Field(
        100_000, ge=1, description="Most parts of the catalogue; further ones are not made, and the report names them."
    )
    gpu_seconds: float = Field(
        0, ge=0, description="Most seconds of GPU work in a month of the calendar (UTC); 0 sets no limit."
    )
    parse_seconds: float = Field(120, gt=0, description="Longest time to read one file, in seconds.")
    parse_memory_mb: int = Field(4096, ge=256, description="Most memory to read one file, in MB.")
    part_seconds: float = Field(900, gt=0, description="Longest time to make the pictures of one part, in seconds.")
    sink_seconds: float = Field(14_400, gt=0, description="Longest time that a sink may take to write, in seconds.")


class Customer(Settings):
    """One customer: who, where their CAD comes from, and what is made of it."""

    slug: Slug = Field(description="Short name: small letters, digits and hyphens.")
    name: str = Field("", max_length=200, description="Name as people write it.")
    source: str = Field("", description="Folder, archive or URL that holds the CAD.")
    recipe: Recipe = Field(Recipe(), description="What is made of the customer's parts.")
    quotas: Quotas = Field(Quotas(), description="How much the customer may send.")
    pools: Pools = Field(Pools(), description="On which workers the runs do their work.")
    release: Release = Field(Release(), description="When a new catalogue may take the place of the old one.")
    schedule: Schedule = Field(Schedule(), description="When onboarding starts by itself.")
    retention: Retention = Field(Retention(), description="How long what is not needed any more is kept.")
    notify: str = Field(
        "", description="Block that is told of runs that fail, as type/name (slack-webhook/ops); empty tells nobody."
    )
    plugins: tuple[str, ...] = Field(
        ("*",),
        description="Plug-ins that this customer's runs may use besides our own, by name or package; * allows all.",
    )
    sinks: dict[str, dict[str, Any]] = Field(
        {}, description="Where accepted pictures and vectors are also written, by the sink's name: its settings."
    )
