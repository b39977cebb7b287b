"""`partsight customer`: the files that say who the customers are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from infra.cli.output import Json, WrongCallError, answer
from infra.cli.who import everybody, here, location

if TYPE_CHECKING:
    from pydantic import ValidationError

app = App(name="customer", help="Write and list the files that say who the customers are.", sort_key=20)


@app.command
def new(
    slug: str,
    /,
    *,
    source: str,
    name: str = "",
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    as_json: Json = False,
) -> int:
    """Write the file of a new customer, with every default explained.

    For example:

    ```
    partsight customer new acme --source s3://acme-cad/released --name "Acme GmbH"
    ```

    Args:
        slug: Short name of the customer: small letters, digits and hyphens.
        source: Folder, zip file, bucket or URL that holds the CAD.
        name: Name as people write it.
        out: Folder for the file, instead of the customers' folder.
        as_json: Print JSON alone on stdout.
    """
    from pydantic import ValidationError

    from blocks.customer import Customer
    from blocks.customer_file import written

    folder = out or here().customers
    try:
        customer = Customer(slug=slug, name=name, source=location(source))
    except ValidationError as error:
        raise WrongCallError(_wrong(slug, error)) from error
    path = folder / f"{slug}.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(written(customer))
    except FileExistsError as error:
        raise WrongCallError(f"There is a customer '{slug}' already: {path}.") from error
    with answer(as_json) as to:
        if as_json:
            to.json({"customer": slug, "file": str(path)})
        else:
            to.line(f"Wrote {path}. Read it through, then: partsight deploy {slug}")
    return 0


def _wrong(slug: str, error: ValidationError) -> str:
    """What is wrong with the words of the command."""
    first = error.errors()[0]
    if first["loc"] != ("slug",):
        return f"The {first['loc'][0]} is wrong: {first['msg'][0].lower()}{first['msg'][1:]}."
    return f"'{slug}' is no slug: small letters, digits and hyphens, up to 63, with a letter or digit at both ends."


@app.command(name="list")
def list_(*, as_json: Json = False) -> int:
    """List the customers that have a file.

    For example:

    ```
    partsight customer list
    ```
    """
    people = everybody(here())
    with answer(as_json) as to:
        if as_json:
            to.json([one.model_dump(mode="json") for one in people])
        else:
            rows = [(one.slug, one.name, one.source, one.schedule.cron or "by hand", one.pools.gpu) for one in people]
            to.table(("customer", "name", "source", "schedule", "GPU pool"), rows)
    return 0
