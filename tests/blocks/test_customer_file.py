"""A customer's file: what is wrong with it is said by file, line and nearest right key; a new one explains itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from blocks.customer import Customer, Pools, Recipe, Render, Schedule
from blocks.customer_file import load, written

WRONG = {
    "slug: acme\nrecipe:\n  render:\n    vews: 3\n": "line 4: recipe.render.vews is no key, perhaps 'views'; there",
    "slug: acme\nrecipe:\n  render: {size: 12}\n": "line 3: recipe.render.size: input should be greater than",
    "slug: acme\nrelease: {variants: allways}\n": "(it is 'allways'), perhaps 'always'.",
    "slug: acme\npools:\n  on_gpu:\n    - augment\n    - embd\n": "line 5: pools.on_gpu.1: input should be",
    "slug: acme\nschedule: {timezone: Europe/Berln}\n": "line 2: schedule.timezone: there is no time zone",
    "slug: acme\nschedule: {cron: '0 25 * * *'}\n": "line 2: schedule.cron: '0 25 * * *' is no schedule",
    "slug: acme\nname: A\nname: B\n": "line 3: name stands here twice (first in line 2).",
    "slug: acme\nrecipe: 3\n": "line 2: recipe must be a group of keys",
    "name: nobody\n": "line 1: slug is missing.",
    "slug: [a\n": "this is not YAML",
    "- slug\n": "the file must be a group of keys",
    "": "the file must be a group of keys",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named_by_file_line_and_nearest_right_key(tmp_path: Path, text: str) -> None:
    """Whoever reads the sentence can mend the file."""
    path = tmp_path / "acme.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"acme\.yaml") as told:
        load(path)
    assert WRONG[text] in str(told.value)


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Nobody has to try three times."""
    path = tmp_path / "acme.yaml"
    path.write_text("slug: acme\nnmae: A\nrecipe: {variants: 99}\nquotas: {file_mb: much}\n")
    with pytest.raises(ValueError, match="nmae") as told:
        load(path)
    said = str(told.value)
    assert [said.index(f"line {line}") for line in (2, 3, 4)] == sorted(
        said.index(f"line {line}") for line in (2, 3, 4)
    )


def test_a_new_file_explains_every_key_and_reads_back_as_it_was(tmp_path: Path) -> None:
    """Each key stands below its sentence, bounds included."""
    customer = Customer(
        slug="acme",
        name='Müller "Söhne": GmbH # 1',
        source="https://acme.example/cad.zip",
        recipe=Recipe(render=Render(views=8), settings={"wear": {"amount": 0.5}}),
        pools=Pools(gpu="gpu", on_gpu=("augment", "embed")),
        schedule=Schedule(cron="0 2 * * *", timezone="Europe/Berlin"),
    )
    text = written(customer)
    (tmp_path / "acme.yaml").write_text(text, encoding="utf-8")
    assert load(tmp_path / "acme.yaml") == customer
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            assert lines[number - 1].lstrip().startswith("#"), f"{line} has no sentence above it"
    assert "# Pictures of each part, evenly spread around it. (from 1 to 200)" in text


@settings(max_examples=60, deadline=None)
@example(name="\xa0,")
@example(name="two\nlines: #")
@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_name_survives_the_file(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Colons, quotes, hashes, letters of any script."""
    path = tmp_path_factory.mktemp("names") / "acme.yaml"
    path.write_text(written(Customer(slug="acme", name=name)), encoding="utf-8")
    assert load(path).name == name


def test_a_relative_source_is_relative_to_the_file(tmp_path: Path) -> None:
    """So that a folder of customers can be moved."""
    (tmp_path / "acme.yaml").write_text("slug: acme\nsource: ../cad\n")
    assert load(tmp_path / "acme.yaml").source == str(tmp_path.parent / "cad")
