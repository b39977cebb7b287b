"""`partsight stages` and `partsight doctor`: what is installed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.cli.output import Answer, Json, answer
from infra.cli.who import here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.doctor import Check


def stages(*, as_json: Json = False) -> int:
    """List the augmentation stages that are installed, their settings, and plug-ins that are broken.

    For example:

    ```
    partsight stages
    PARTSIGHT_STAGES="rust=mymodule:Rust" partsight stages --json
    ```
    """
    here()
    rows = stage_rows()
    with answer(as_json) as out:
        if as_json:
            out.json(rows)
        else:
            for row in rows:
                _show(out, row)
    return 0


def doctor(*, as_json: Json = False) -> int:
    """Say what works on this machine, what is missing, and how to get it; exit code 1 if something needed is.

    For example:

    ```
    partsight doctor
    partsight doctor --json
    ```
    """
    from infra.doctor import examine

    machine = here()
    with answer(as_json) as out:
        checks = examine(machine)
        healthy = all(check.ok or not check.needed for check in checks)
        if as_json:
            out.json({"ok": healthy, "checks": [check.model_dump(mode="json") for check in checks]})
        else:
            _diagnosis(out, checks)
            out.line("All that is needed is here." if healthy else "Something that is needed is missing.", style="bold")
    return 0 if healthy else 1


def stage_rows() -> list[dict[str, Any]]:
    """Describe each installed stage as `--json` prints it; `error` is empty when it works."""
    from tasks.stages import installed

    return [
        {
            "name": name,
            "what": stage.summary,
            "package": stage.package,
            "version": stage.version,
            "needs_gpu": stage.needs_gpu,
            "settings": stage.json_schema,
            "error": stage.error,
        }
        for name, stage in sorted(installed().items())
    ]


def _diagnosis(out: Answer, checks: Sequence[Check]) -> None:
    from infra.doctor import PACKAGE, Check

    packages = [check for check in checks if check.ok and check.name.startswith(PACKAGE)]
    versions = ", ".join(f"{check.name.removeprefix(PACKAGE)} {check.found}" for check in packages)
    rest = [check for check in checks if check not in packages]
    for check in (*rest[:1], Check(name="packages", ok=True, found=versions), *rest[1:]):
        mark, style = ("✓", "green") if check.ok else ("✗", "red") if check.needed else ("·", "yellow")
        out.line(f"{mark} {check.name:<15} {check.found}", style="" if check.ok else style)
        if check.advice:
            out.line(f"  {'':<15} {check.advice}", style=style)


def _show(out: Answer, row: dict[str, Any]) -> None:
    gpu = ", needs a GPU" if row["needs_gpu"] else ""
    out.line(f"{row['name']}  ({row['package']} {row['version']}{gpu})", style="bold")
    if row["error"]:
        out.line(f"  broken: {row['error']}", style="red")
        return
    out.line(f"  {row['what']}")
    for name, field in row["settings"].get("properties", {}).items():
        out.line(f"    {name} = {field.get('default')!r}  {field.get('description', '')}", style="dim")
