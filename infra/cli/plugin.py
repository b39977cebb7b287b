"""`partsight plugin`: what is installed, a package for a new one, and whether it keeps the contract."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from infra.cli.output import Answer, Json, WrongCallError, answer
from infra.cli.who import here

if TYPE_CHECKING:
    from tasks.contract import Report
    from tasks.plugins import Plugin

app = App(name="plugin", help="List plug-ins, start a new one, and check one against its contract.", sort_key=21)
Kind = Literal["stage", "check", "sink", "reader", "embedder"]


@app.command(name="list")
def listed(*, as_json: Json = False) -> int:
    """List the plug-ins of all kinds that are installed, with their packages, and why one is broken.

    For example:

    ```
    partsight plugin list
    PARTSIGHT_DISCOVERY=off partsight plugin list --json
    ```
    """
    here()
    rows = plugin_rows()
    with answer(as_json) as out:
        if as_json:
            out.json(rows)
        else:
            heads = ("kind", "name", "package", "version", "what it does")
            table = [[row[key] for key in ("kind", "name", "package", "version")] for row in rows]
            told = [f"broken: {row['error']}" if row["error"] else row["what"] for row in rows]
            out.table(heads, ([*cells, what] for cells, what in zip(table, told, strict=True)))
    return 0


@app.command
def new(
    name: str,
    /,
    *,
    kind: Kind = "stage",
    out: Annotated[Path, Parameter(name="--out")] = Path(),
    as_json: Json = False,
) -> int:
    """Write a package with a plug-in that works at once: entry point, test, README.

    For example:

    ```
    partsight plugin new rust
    partsight plugin new parquet --kind sink --out ../plugins
    ```

    Args:
        name: What the plug-in is called: small letters and digits, words joined by a hyphen.
        kind: What it does: make pictures, judge them, write them elsewhere, read files, or embed.
        out: Folder that the package's own folder is made in.
        as_json: Print JSON alone on stdout.
    """
    from infra.scaffold import written
    from tasks.contract import GROUPS

    here()
    if any(offer.name == name for offer in GROUPS[kind].offers()):
        raise WrongCallError(f"There is a {kind} '{name}' already: choose another name.")
    try:
        files = written(name, kind, out)
    except (ValueError, OSError) as error:
        raise WrongCallError(str(error)) from error
    folder = files[0].parent
    with answer(as_json) as say:
        if as_json:
            say.json({"folder": str(folder), "files": [str(file) for file in files]})
        else:
            for file in files:
                say.line(str(file))
            say.line(f"Next: cd {folder} && pip install -e . && partsight plugin check {name}")
    return 0


@app.command
def check(target: str, /, *, kind: Kind | None = None, as_json: Json = False) -> int:
    """Check a plug-in against its contract and say what to mend; exit code 1 if something is.

    For example:

    ```
    partsight plugin check wear
    partsight plugin check mymodule:Rust --json
    ```

    Args:
        target: Name of a plug-in that is installed, or module:Class of one that need not be.
        kind: What it is, where the name or its call does not say so.
        as_json: Print JSON alone on stdout.
    """
    from tasks.contract import check as examined
    from tasks.plugins import PluginError

    here()
    if ":" in target and "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # who writes one is in its folder
    with answer(as_json) as out:
        try:
            report = examined(target, kind)
        except PluginError as error:
            raise WrongCallError(str(error)) from error
        if as_json:
            out.json({"ok": report.ok, **report.model_dump(mode="json")})
        else:
            _show(out, report)
    return 0 if report.ok else 1


def plugin_rows() -> list[dict[str, Any]]:
    """Describe each installed plug-in as `--json` prints it; `error` is empty when it works."""
    from tasks.contract import GROUPS

    return [
        {
            "kind": kind,
            "name": name,
            "what": plugin.summary,
            "package": plugin.package,
            "version": plugin.version,
            "target": plugin.target,
            "settings": plugin.json_schema,
            "error": plugin.error,
        }
        | _more(plugin)
        for kind, group in GROUPS.items()
        for name, plugin in group.installed().items()
    ]


def _more(plugin: Plugin) -> dict[str, Any]:
    """What only this kind has to say."""
    if suffixes := getattr(plugin, "suffixes", None):
        return {"formats": list(suffixes)}
    return {"needs_gpu": bool(plugin.needs_gpu)} if hasattr(plugin, "needs_gpu") else {}


def _show(out: Answer, report: Report) -> None:
    styles = {"pass": ("✓", "green"), "warn": ("·", "yellow"), "fail": ("✗", "red")}
    out.line(f"{report.kind} {report.plugin}  ({report.package or 'unpackaged'} {report.version})", style="bold")
    for one in report.findings:
        mark, style = styles[one.level]
        out.line(f"{mark} {one.name:<12} {one.what}", style=style if one.level != "pass" else "")
        if one.mend:
            out.line(f"  {'':<12} {one.mend}", style="dim")
    out.line("It keeps the contract." if report.ok else "It does not keep the contract yet.", style="bold")
