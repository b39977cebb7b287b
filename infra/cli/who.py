"""Which customer a command is about, and where their catalogue is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infra.cli.output import WrongCallError

if TYPE_CHECKING:
    from blocks.catalogue import Catalogue, Served
    from blocks.customer import Customer
    from infra.settings import Settings

_REMEMBERED = "customer.yaml"
_SAID = 160  # letters of an error of LanceDB's that are shown


def here() -> Settings:
    """Read the settings of this process; a wrong variable in the environment is a wrong call."""
    from infra.settings import settings

    try:
        return settings()
    except ValueError as error:
        raise WrongCallError(str(error)) from error


def customer(name: str, machine: Settings, *, source: str = "") -> Customer:
    """Find the customer called `name`: a slug, or the path of a YAML file.

    A slug is looked for in the customers' folder, then among those onboarded on this machine before;
    with a `source` any other slug is a new customer on defaults. Raises WrongCallError otherwise.
    """
    from blocks.customer import Customer
    from blocks.customer_file import load

    try:
        if _is_path(name):
            return load(_customer_file(name))
        slug = Customer(slug=name).slug
        if path := file_of(slug, machine):
            return _of_slug(load(path), slug, path)
    except ValueError as error:
        raise WrongCallError(_sentence(error, name)) from error
    if source:
        return Customer(slug=slug)
    known = ", ".join(sorted(_known(machine))) or "none yet"
    raise WrongCallError(
        f"There is no customer '{name}' (known: {known}). "
        f"Start a new one with: partsight onboard {name} --source FOLDER"
    )


def file_of(name: str, machine: Settings) -> Path | None:
    """The file of the customer called `name`: a slug, or the path itself; None where there is none."""
    places = (
        [Path(name)] if _is_path(name) else [machine.customers / f"{name}.yaml", machine.folder(name) / _REMEMBERED]
    )
    return next((path for path in places if path.is_file()), None)


def everybody(machine: Settings) -> list[Customer]:
    """All customers that have a file in the customers' folder, by slug. Raises WrongCallError where one is wrong."""
    from blocks.customer_file import load

    try:
        return [_of_slug(load(path), path.stem, path) for path in sorted(machine.customers.glob("*.y*ml"))]
    except ValueError as error:
        raise WrongCallError(str(error)) from error


def location(source: str) -> str:
    """A source as it is understood from every folder: an address as it is, a path from the root."""
    return source if "://" in source else str(Path(source).expanduser().absolute())


def remember(who: Customer, machine: Settings) -> None:
    """Keep the customer's settings beside their catalogue, so that the slug alone finds them again.

    Not where the customers' folder has them; an address with a password in it is not kept.
    """
    import yaml

    if (machine.customers / f"{who.slug}.yaml").is_file():
        return
    if "@" in urlsplit(who.source).netloc:
        who = who.model_copy(update={"source": ""})
    folder = machine.folder(who.slug)
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f"{_REMEMBERED}.{os.getpid()}"
    aside.write_text(yaml.safe_dump(who.model_dump(mode="json"), allow_unicode=True), encoding="utf-8")
    aside.replace(folder / _REMEMBERED)


def database(who: Customer, machine: Settings) -> Catalogue:
    """The customer's tables, which need not be there yet."""
    from blocks.catalogue import Catalogue

    return Catalogue(uri=machine.uri(who.slug))


def catalogue(who: Customer, machine: Settings) -> Served:
    """Open what is live of the customer's catalogue; raises WrongCallError where nothing is yet."""
    found = database(who, machine)
    if "://" in found.uri or Path(found.uri).is_dir():
        try:
            there = found.served()
            known = there.tables()
        except (ValueError, OSError, RuntimeError) as error:  # what LanceDB raises differs from one cause to the next
            raise WrongCallError(
                f"The catalogue at {found.uri} cannot be opened: are PARTSIGHT_CATALOGUES and AWS_* right, "
                f"and does the server answer? ({str(error)[:_SAID]} …)"
            ) from error
        if "parts" in known:
            return there
    raise WrongCallError(f"There is no catalogue of '{who.slug}' yet; make one with: partsight onboard {who.slug}")


def _is_path(name: str) -> bool:
    return Path(name).suffix.lower() in {".yaml", ".yml"} or "/" in name or os.sep in name


def _customer_file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise WrongCallError(f"There is no customer file {name}.")
    return path


def _of_slug(found: Customer, slug: str, path: Path) -> Customer:
    if found.slug != slug:
        raise WrongCallError(f"{path} describes '{found.slug}', not '{slug}': name the file after the customer's slug.")
    return found


def _sentence(error: ValueError, name: str) -> str:
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return (
            f"'{name}' is no customer: a slug has small letters, digits and hyphens, up to 63 of them; "
            "a customer's file ends in .yaml."
        )
    return str(error)


def _known(machine: Settings) -> set[str]:
    files = {path.stem for path in machine.customers.glob("*.yaml")}
    return files | {path.parent.name for path in machine.home.glob(f"customers/*/{_REMEMBERED}")}
