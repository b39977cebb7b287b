"""What turns pictures into vectors: an embedder is its settings, a pydantic model that is called for its model.

    class Grey(BaseModel):
        \"\"\"Compare pictures by how bright they are where.\"\"\"

        side: int = Field(8, ge=2, le=32, description="Cells along a side.")

        def __call__(self):
            return Cells(self.side)  # has `dimension`, and `images(pictures)` -> (n, dimension) of unit length

A package offers it under the entry point group `partsight.embedders`; `PARTSIGHT_EMBEDDERS="grey=mymodule:Grey"` does
without a package. `recipe.embed.model` in the customer's file names it, `recipe.embed.settings` sets it; any other name
is a model of open_clip's. `pictures` are (h, w, 3) uint8 of any size. A model that has `texts(texts)` knows words, of
the same dimension. It may say its `name`, whether it is `trained` (random weights are not), and as `digest` what its
vectors depend on besides the settings (weights, say). Count up `revision` when the same settings give other vectors.
Being called is quick: what is heavy is loaded with the first pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.plugins import ALL, Group, Plugin, PluginError, configured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blocks.customer import Embed

__all__ = ["EMBEDDERS", "EmbedderError", "chosen", "ready"]

OPEN_CLIP: Final = "open_clip"


class EmbedderError(PluginError):
    """An embedder is missing, wrongly set, or did what an embedder may not do: a sentence with its name."""


EMBEDDERS = Group("embedder", "__call__(self) that returns a model", Plugin, EmbedderError)


def chosen(settings: Embed, plugins: Sequence[str] = ALL) -> Plugin:
    """The embedder that `settings` name: a plug-in where one has that name, else open_clip.

    Raises EmbedderError when it failed to load, or `plugins` do not allow it.
    """
    named = any(offer.name == settings.model for offer in EMBEDDERS.offers())
    return EMBEDDERS.named(settings.model if named else OPEN_CLIP, plugins)


def ready(found: Plugin, settings: Embed) -> Any:
    """What the plug-in gives with those settings: an embedder of ours, or its settings and its model.

    Raises EmbedderError with a sentence when the settings are wrong, or what it gives is no model.
    """
    if found.name == settings.model:
        if settings.weights:
            raise EmbedderError(f"The embedder {found.name!r} takes no `weights`: what it needs is in its `settings`.")
        given = settings.settings
    else:
        given = {"model": settings.model, "weights": settings.weights, **settings.settings}
    made = configured(EMBEDDERS, found, given)
    try:
        model = made()
    except (ValueError, OSError) as error:
        raise EmbedderError(str(error)) from error
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}"
        raise EmbedderError(f"The embedder {found.name!r} cannot be made ready: {what}") from error
    if not (isinstance(getattr(model, "dimension", None), int) and callable(getattr(model, "images", None))):
        raise EmbedderError(
            f"The embedder {found.name!r} gave a {type(model).__name__}; "
            "it must give an object with `dimension` and `images(pictures)`."
        )
    return model if hasattr(model, "table") and hasattr(model, "looks") else (made, model)
