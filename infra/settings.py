"""Settings of this process, from PARTSIGHT_* in the environment, and where the state lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What differs from machine to machine; what differs from customer to customer is in their file."""

    model_config = SettingsConfigDict(env_prefix="PARTSIGHT_", frozen=True, env_ignore_empty=True)

    home: Path = Field(Path(".partsight"), description="Folder that holds the state: catalogues and reports.")
    customers: Path = Field(
        Path(__file__).parent / "customers", description="Folder with one YAML file for each customer."
    )
    catalogues: str = Field(
        "",
        description="Folder or bucket prefix that holds one database for each customer; empty: below PARTSIGHT_HOME.",
    )
    workers: int = Field(
        os.cpu_count() or 1, ge=1, le=256, description="How many files are read at once, and processes used."
    )
    discovery: Literal["on", "off"] = Field("on", description="Whether installed plug-ins are looked for.")
    stages: str = Field("", description="Stages that are not packaged, as name=module:Class, separated by commas.")
    private_hosts: str = Field(
        "",
        description="Hosts and networks of your own that a source's URL may lead to, separated by commas; any other "
        "must be on the internet.",
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = Field(
        "WARNING", description="The least important log records that are shown."
    )

    def folder(self, slug: str) -> Path:
        """Everything that is kept of the customer `slug`; nothing of theirs lies outside."""
        return self.home / "customers" / slug

    def catalogue(self, slug: str) -> Path:
        """Where the customer's LanceDB database is."""
        return self.folder(slug) / "catalogue"

    def uri(self, slug: str) -> str:
        """Where the customer's LanceDB database is, as LanceDB names it: an absolute folder, or a bucket prefix."""
        if "://" in self.catalogues:
            return f"{self.catalogues.rstrip('/')}/{slug}"
        return str((Path(self.catalogues) / slug if self.catalogues else self.catalogue(slug)).absolute())

    def hush(self) -> None:
        """Let Prefect say no more than we do; what somebody set in the environment counts."""
        quiet = self.log_level in {"WARNING", "ERROR"}
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL" if quiet else self.log_level)

    def report(self, slug: str, run: str) -> Path:
        """Where the HTML page about one run is."""
        return self.folder(slug) / "reports" / f"{run}.html"


def settings() -> Settings:
    """Read the settings as the environment has them now.

    Raises ValueError with a sentence that names the variable that is wrong.
    """
    from pydantic import ValidationError

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(step) for step in first["loc"]).upper()
        raise ValueError(f"PARTSIGHT_{name} in the environment is wrong: {first['msg']}.") from error
