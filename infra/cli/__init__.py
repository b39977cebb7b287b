"""The `partsight` command: how people and scripts reach the platform."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from cyclopts import App, CycloptsError, Parameter

from infra.cli.adapt import adapt
from infra.cli.audit import audit
from infra.cli.customer import app as customer
from infra.cli.deploy import deploy
from infra.cli.evaluate import evaluate
from infra.cli.export import export
from infra.cli.finetune import finetune
from infra.cli.forget import forget
from infra.cli.images import images
from infra.cli.machine import doctor, stages
from infra.cli.onboard import onboard
from infra.cli.output import WrongCallError, complain
from infra.cli.parts import parts
from infra.cli.plugin import app as plugin
from infra.cli.reembed import reembed
from infra.cli.review import review
from infra.cli.search import search
from infra.cli.up import up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HELP = """Give us your CAD, get visual search.

`partsight onboard` turns a folder of CAD into a catalogue; `partsight search` finds a part in it
from a picture, words or CAD; `partsight evaluate` says how well that works. The state lies in
`PARTSIGHT_HOME` (`.partsight` in the current folder).

Exit codes: 0 done, 1 the result is not usable, 2 wrong call.
"""


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("partsight")
    except PackageNotFoundError:
        return "unknown (not installed: pip install -e .)"


# at DEBUG these write down what they send, credentials, tokens and signatures among it
_TELLTALES: Final = ("aiobotocore", "aiohttp", "boto3", "botocore", "fsspec", "httpcore", "httpx", "s3fs", "urllib3")

app = App(
    name="partsight",
    help=_HELP,
    version=_version,
    help_format="markdown",
    default_parameter=Parameter(negative=(), show_default=False),
)
_COMMANDS: tuple[Callable[..., int], ...] = (
    *(onboard, search, evaluate, adapt, reembed, review, finetune, parts, images, export),
    *(audit, forget),
    *(deploy, up, stages, doctor),
)
for _place, _command in enumerate(_COMMANDS):
    app.command(_command, sort_key=_place)
app.command(customer)
app.command(plugin)


def main() -> None:
    """Entry point of the `partsight` command."""
    sys.exit(run(sys.argv[1:]))


def run(tokens: Sequence[str]) -> int:
    """Do what `tokens` ask; returns the exit code. Wrong calls are one sentence on stderr."""
    level = os.environ.get("PARTSIGHT_LOG_LEVEL", "").upper()
    known = level in logging.getLevelNamesMapping()  # a wrong one is named by the settings, when they are read
    logging.basicConfig(
        stream=sys.stderr, format="%(levelname)s %(message)s", level=level if known else logging.WARNING
    )
    for name in _TELLTALES:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        code = app(list(tokens), exit_on_error=False, print_error=False, result_action="return_value")
    except (CycloptsError, WrongCallError) as error:
        complain(str(error))
        return 2
    except BrokenPipeError:  # whoever read our output has gone: nothing to say, nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return int(code or 0)
