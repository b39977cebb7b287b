"""One customer, one YAML file: read with errors that name line and key, and written with every default explained."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from pydantic import BaseModel

from blocks.customer import Customer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from yaml.nodes import Node

_WIDTH: Final = 116


def load(path: Path) -> Customer:
    """Customer in the YAML file at `path`; a relative source is relative to that file.

    Raises ValueError with a sentence for each wrong key or value: file, line, and the nearest right one.
    """
    import yaml
    from pydantic import ValidationError

    text = path.read_text(encoding="utf-8")
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        if twice := _twice(tree):
            raise ValueError(f"{path}, {twice}")
        customer = Customer.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ValueError(f"{path}{where}: this is not YAML: {getattr(error, 'problem', error)}.") from error
    except ValidationError as error:
        wrong = sorted((_line(tree, one["loc"]), _sentence(one)) for one in error.errors())
        raise ValueError(" ".join(f"{path}, line {line}: {what}" for line, what in wrong)) from error
    if customer.source and "://" not in customer.source:
        source = (path.parent / Path(customer.source).expanduser()).resolve()
        customer = customer.model_copy(update={"source": str(source)})
    return customer


def line(path: Path, *steps: str) -> int:
    """The line of a customer's file, from 1, that holds a key; of what encloses it where it is missing."""
    import yaml

    return _line(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), steps)


def written(customer: Customer) -> str:
    """The file of a customer: every key with its value, what it means above it, and the bounds that it has."""
    name = "".join(letter if letter.isprintable() else " " for letter in customer.name)  # it must not leave its line
    head = f"# {name or customer.slug}: who they are, where their CAD is, and what is made of it.\n"
    return (
        head + "# Every key but slug may be left out; what stands here then counts all the same.\n" + _lines(customer)
    )


def _lines(model: BaseModel, depth: int = 0) -> str:
    """The keys of `model`, and of what lies in it, indented."""
    import textwrap

    pad, found = "  " * depth, ""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        said = " ".join(filter(None, (field.description or "", _bounds(field))))
        told = textwrap.wrap(said, _WIDTH - len(pad), initial_indent=f"{pad}# ", subsequent_indent=f"{pad}# ")
        found += ("" if depth else "\n") + "\n".join(told) + "\n"
        if isinstance(value, BaseModel):
            found += f"{pad}{name}:\n{_lines(value, depth + 1)}"
        else:
            found += f"{pad}{name}: {_scalar(value)}\n"
    return found


def _scalar(value: Any) -> str:
    """A value on one line of YAML."""
    import yaml

    plain = list(value) if isinstance(value, tuple) else value
    odd = isinstance(plain, str) and not plain.isprintable()  # a line break, or a space that is none to Python
    style = '"' if odd else None
    text = str(yaml.safe_dump(plain, allow_unicode=True, default_flow_style=True, default_style=style, width=100_000))
    return text.removesuffix("...\n").removesuffix("\n")


def _bounds(field: Any) -> str:
    """What a value may be, in words: a choice, or its least and most."""
    annotation = field.annotation
    choice = get_args(annotation) if _is_choice(annotation) else ()
    if get_origin(annotation) is tuple and _is_choice(get_args(annotation)[0]):
        choice = get_args(get_args(annotation)[0])
    if choice:
        return "(" + ", ".join(str(one) or '""' for one in choice) + ")"
    limits = {
        name: getattr(rule, name) for rule in field.metadata for name in ("gt", "ge", "lt", "le") if hasattr(rule, name)
    }
    words = {"gt": "more than", "ge": "from", "lt": "less than", "le": "to"}
    return "(" + " ".join(f"{words[name]} {value}" for name, value in limits.items()) + ")" if limits else ""


def _is_choice(annotation: Any) -> bool:
    from typing import Literal

    return get_origin(annotation) is Literal


def _sentence(error: Mapping[str, Any]) -> str:
    """What is wrong with one key or value, and the nearest right one."""
    steps = [str(step) for step in error["loc"]]
    where = ".".join(steps) or "the file"
    if error["type"] == "extra_forbidden":
        known = list(_model_at(steps[:-1]))
        close = _nearest(steps[-1], known)
        return f"{where} is no key{close}; there are {', '.join(known)}."
    if error["type"] == "missing":
        return f"{where} is missing."
    if error["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        return f"{where} must be a group of keys, each with its value."
    said = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    given, close = error["input"], ""
    if error["type"] == "literal_error" and isinstance(given, str):
        close = _nearest(
            given, [piece.strip("' ") for piece in error["ctx"]["expected"].replace(" or ", ",").split(",")]
        )
    shown = f" (it is {given!r})" if isinstance(given, str | int | float | bool | None) else ""
    return f"{where}: {said[:1].lower()}{said[1:]}{shown}{close}."


def _nearest(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f", perhaps {close[0]!r}" if close else ""


def _model_at(steps: Sequence[str]) -> dict[str, Any]:
    """The fields of the model at a place of a customer's file."""
    model: Any = Customer
    for step in steps:
        model = model.model_fields[step].annotation
    return dict(model.model_fields)


def _line(tree: Node | None, steps: Sequence[int | str]) -> int:
    """The line, from 1, of the key or value at a place; of what encloses it where it is missing."""
    import yaml

    node, line = tree, 1 if tree is None else tree.start_mark.line + 1
    for step in steps:
        found: Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    found, line = value, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line


def _twice(tree: Node | None) -> str:
    """The first key that stands twice in one place, as the end of a sentence; YAML itself takes the last one."""
    for node in _mappings(tree):
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if key.value in seen:
                return (
                    f"line {key.start_mark.line + 1}: {key.value} stands here twice (first in line {seen[key.value]})."
                )
            seen[key.value] = key.start_mark.line + 1
    return ""


def _mappings(node: Node | None) -> Iterator[Any]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _mappings(value)
