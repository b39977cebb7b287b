"""The stages that are installed: a stage is its settings, a pydantic model that is called with a view.

    class Rust(BaseModel):
        \"\"\"Corrode the surface of the part.\"\"\"

        amount: float = Field(0.3, ge=0, le=1, description="Share of the surface that is rusty.")

        def __call__(self, view) -> Iterator:
            yield view.replace(image=corroded(view.image, view.mask, self.amount, view.rng))

A package offers it under the entry point group `partsight.stages`; `PARTSIGHT_STAGES="rust=mymodule:Rust"`
does without a package. A stage may say `needs_gpu = True`, count up its `revision` when its pictures
change, and give as `mark` what they depend on besides the settings (files it reads, say).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.plugins import ALL, Group, Plugin, PluginError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["STAGES", "Stage", "StageError", "installed", "nearest", "stage"]


class StageError(PluginError):
    """A stage is missing, wrongly set, or did what a stage may not do: a sentence with its name."""


class Stage(Plugin):
    """A stage as it is installed: `settings` is its class, or None and `error` says why it did not load."""

    @property
    def needs_gpu(self) -> bool:
        """Whether it should run where a GPU is."""
        return bool(getattr(self.settings, "needs_gpu", False))


STAGES = Group("stage", "__call__(self, view) that yields views", Stage, StageError)


def installed(plugins: Sequence[str] = ALL) -> dict[str, Stage]:
    """Every stage by name: the built-ins, other packages', and those of `PARTSIGHT_STAGES`, which win.

    With `PARTSIGHT_DISCOVERY=off` other packages are left out, and so is what `plugins` do not allow. A stage that
    fails to load is there with its `error`.
    """
    return STAGES.installed(plugins)


def stage(name: str, plugins: Sequence[str] = ALL) -> Stage:
    """The stage of that name, ready to use.

    Raises StageError when there is none (naming the nearest right one), when `plugins` do not allow it, or when it
    failed to load.
    """
    return STAGES.named(name, plugins)
