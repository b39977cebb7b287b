"""Pictures and words to vectors, with any open_clip model or a plug-in, in batches, on the GPU where there is one."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from blocks import models, torchvision_ops
from blocks.customer import Embed
from blocks.tables import vectors_table
from tasks import arithmetic, cutout, embedders
from tasks.batches import Batches
from tasks.embedders import EmbedderError
from tasks.plugins import ALL, Plugin
from tasks.records import content_id
from tasks.tuning import shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from blocks.catalogue import Catalogue
    from tasks.records import Bytes

Vectors = NDArray[np.float32]
SIDE: Final = 224  # pixels along a side of what most models look at
ROUNDING: Final = 1e-2  # how far a plug-in's vector may be from unit length: float16 and bfloat16 round so much


def embedder(settings: Embed, plugins: Sequence[str] = ALL, there: Catalogue | None = None) -> Embedder:
    """The embedder that `settings` name: found at once, loaded when it is first used.

    The two used last stay in this process, so that a batch does not load a network again. Weights tuned to a customer
    come out of that customer's tables, `there`; without them such an embedder has its names, and can't be used.
    Raises ValueError with a sentence when there is no such model, or `plugins` do not allow it.
    """
    found, base = embedders.chosen(settings, plugins), settings.base.model_dump_json()
    if not settings.digest:
        return _kept(found, base)
    return _tuned(found, base, settings.digest, None if there is None else _Tables(there))


@lru_cache(maxsize=2)
def _kept(found: Plugin, settings: str) -> Embedder:
    made = embedders.ready(found, Embed.model_validate_json(settings))
    return made if isinstance(made, Embedder) else Plugged(found, *made)


@lru_cache(maxsize=4)
def _tuned(found: Plugin, settings: str, digest: str, tables: _Tables | None) -> Embedder:
    base = _kept(found, settings)
    if not isinstance(base, Network):
        raise EmbedderError(f"The embedder {found.name!r} is a plug-in, which cannot have tuned weights.")
    if tables is None:
        return Network(models.tuned(base.weights, digest))
    shelf.card(tables.there, digest, base.digest)
    return Network(models.tuned(base.weights, digest), lambda: shelf.tensors(tables.there, digest))


class _Tables:
    """A customer's tables, told apart by where they are."""

    def __init__(self, there: Catalogue) -> None:
        self.there = there

    def __hash__(self) -> int:
        return hash(self.there.uri)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Tables) and other.there.uri == self.there.uri


class Embedder:
    """One model: `name` (it says random where that is so), `digest`, `dimension`, `trained`, `table` of vectors.

    `words` says whether it knows any.
    """

    name: str
    digest: str
    dimension: int
    trained: bool
    table: str
    words: bool

    @property
    def side(self) -> int:
        """Pixels along a side of what it looks at: an object alone is shown to it in this size."""
        return SIDE

    def images(self, pictures: Sequence[Bytes], batch: int = 64) -> Vectors:
        """Vectors of `pictures`, each (h, w, 3) uint8 of any size: (n, d) float32 of unit length.

        `batch` bounds the memory. No pictures at all: the model is loaded, so that it is ready for the first ones.
        """
        raise NotImplementedError

    def indexed(self, pictures: Sequence[Bytes], kinds: Sequence[str], batch: int = 64) -> Vectors:  # noqa: ARG002
        """Vectors (n, d) of pictures of a catalogue; each of one of the `kinds` view, variant, photo, text."""
        return self.images(pictures, batch)

    def looks(self, pictures: Sequence[Bytes], batch: int = 64) -> Vectors:
        """Vectors of `pictures` that somebody asks with, (n, LOOKS, d): as each is, and the object alone."""
        seen = [look for picture in pictures for look in cutout.looks(picture, self.side)]
        return self.images(seen, batch).reshape(len(pictures), cutout.LOOKS, self.dimension)

    def texts(self, texts: Sequence[str], batch: int = 64) -> Vectors:
        """Vectors of `texts`, (n, d) float32 of unit length; what is too long for the model is cut.

        Raises EmbedderError with a sentence where the model knows no words.
        """
        raise NotImplementedError


class Plugged(Embedder):
    """An embedder that a plug-in gave, held to its promise; its digest follows from all that it depends on."""

    def __init__(self, found: Plugin, settings: Any, model: Any) -> None:
        self._model, self._plugin = model, found.name
        self.name = str(getattr(model, "name", "") or found.name)
        said = settings.model_dump(mode="json")
        self.digest = content_id("embedder", found.name, found.release, said, str(getattr(model, "digest", "")))
        self.dimension, self.trained = int(model.dimension), bool(getattr(model, "trained", True))
        self.words = self.trained and callable(getattr(model, "texts", None))
        self.table = vectors_table(f"{self.name} {self.digest[:8]}")

    def images(self, pictures: Sequence[Bytes], batch: int = 64) -> Vectors:
        """As every embedder's; what the plug-in gives is checked. Raises EmbedderError with its name."""
        return self._checked(self._model.images, list(pictures), batch, "images")

    def texts(self, texts: Sequence[str], batch: int = 64) -> Vectors:
        """As every embedder's; what the plug-in gives is checked. Raises EmbedderError with its name."""
        if not self.words:
            raise EmbedderError(f"The embedder {self._plugin!r} knows no words: ask it with a picture.")
        return self._checked(self._model.texts, list(texts), batch, "texts")

    def _checked(self, call: Any, items: Sequence[Any], batch: int, noun: str) -> Vectors:
        found = np.zeros((len(items), self.dimension), dtype=np.float32)
        for start in range(0, len(items), batch):
            some = items[start : start + batch]
            try:
                vectors = np.asarray(call(some))
            except MemoryError:
                raise
            except (Exception, SystemExit) as error:
                what = f"{type(error).__name__}: {error}"
                raise EmbedderError(f"The embedder {self._plugin!r} failed on {len(some)} {noun}: {what}") from error
            found[start : start + batch] = self._sound(vectors, len(some))
        return found

    def _sound(self, vectors: Any, count: int) -> Vectors:
        """The vectors (n, d) of unit length, or an EmbedderError that says what is wrong with them."""
        who = f"The embedder {self._plugin!r}"
        if vectors.shape != (count, self.dimension):
            raise EmbedderError(f"{who} gave {vectors.shape} for {count} things; it must give {count, self.dimension}.")
        if not np.isfinite(vectors).all():
            raise EmbedderError(f"{who} gave numbers that are not finite.")
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        if np.abs(lengths - 1).max(initial=0) > ROUNDING:
            raise EmbedderError(
                f"{who} gave vectors of length {lengths.min():.3g} to {lengths.max():.3g}; it must be 1."
            )
        return np.asarray(vectors / lengths[:, None], dtype=np.float32)


class Network(Embedder):
    """An embedder that is a network of open_clip's; `tensors` gives those that a customer's parts taught it."""

    def __init__(self, weights: models.Weights, tensors: Callable[[], Mapping[str, Tensor]] | None = None) -> None:
        self.name, self.digest = weights.name, weights.digest
        self.dimension, self.trained, self.table = weights.dimension, weights.trained, weights.table
        self.words = weights.trained and weights.words
        self.weights, self._tensors, self._turns = weights, tensors, weights.turns

    def indexed(self, pictures: Sequence[Bytes], kinds: Sequence[str], batch: int = 64) -> Vectors:
        """As every embedder's; one that is tuned to a customer has seen no ground: all but views are cut out first."""
        if not self.weights.tuned:
            return self.images(pictures, batch)
        pairs = zip(pictures, kinds, strict=True)
        return self.images([one if kind == "view" else cutout.alone(one, self.side) for one, kind in pairs], batch)

    def looks(self, pictures: Sequence[Bytes], batch: int = 64) -> Vectors:
        """As every embedder's; one that is tuned to a customer looks at nothing else: (n, 1, d)."""
        if not self.weights.tuned:
            return super().looks(pictures, batch)
        return self.images([cutout.alone(picture, self.side) for picture in pictures], batch)[:, None]

    def images(self, pictures: Sequence[Bytes], batch: int = 64) -> Vectors:
        """Vectors of `pictures`, each (h, w, 3) uint8 of any size: (n, d) float32 of unit length.

        Pictures that are not square are padded. The model that ships looks at each from four sides and takes the
        mean: a part on a bench has no up, and the four do not err alike. `batch` bounds the memory; where a GPU does
        not hold as many, half are tried. No pictures at all: the model is loaded, so that it is ready for the first.
        """
        _ = self._network
        made = Batches(batch).run(pictures, self._looked)
        return np.stack(made) if made else np.zeros((0, self.dimension), dtype=np.float32)

    def _looked(self, pictures: Sequence[Bytes]) -> list[NDArray[np.float32]]:
        """The vectors (d,) of a batch of pictures."""
        import torch
        from torch.nn.functional import normalize

        with torch.inference_mode():
            chunk = self._prepared([cutout.square(picture) for picture in pictures]).to(self._device)
            turned = []
            for turn in range(self._turns):
                side = chunk.rot90(turn, (2, 3)).contiguous(memory_format=torch.channels_last)
                with arithmetic.precision(self._device):
                    turned.append(self._network.encode_image(side))
            vectors = torch.stack([normalize(one.float(), dim=-1) for one in turned]).mean(0)
            return list(normalize(vectors, dim=-1).cpu().numpy())

    def texts(self, texts: Sequence[str], batch: int = 64) -> Vectors:
        """Vectors of `texts`, (n, d) float32 of unit length; what is too long for the model is cut."""
        import torch

        found = np.zeros((len(texts), self.dimension), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(texts), batch):
                tokens = self._tokenizer(list(texts[start : start + batch])).to(self._device)
                vectors = self._network.encode_text(tokens, normalize=True)
                found[start : start + batch] = vectors.float().cpu().numpy()
        return found

    def _prepared(self, pictures: Sequence[Bytes]) -> Any:
        """What open_clip's own transform makes of `pictures`, all of one size at a time."""
        import torch

        if self._exact is not None:
            from PIL import Image

            return torch.stack([self._exact(Image.fromarray(picture)) for picture in pictures])
        sizes = np.array([len(picture) for picture in pictures])
        side = self._size[0]
        ready = torch.zeros((len(pictures), 3, side, side), dtype=torch.float32)
        for size in np.unique(sizes):
            which = np.flatnonzero(sizes == size)
            pixels = torch.from_numpy(np.stack([pictures[int(index)] for index in which])).permute(0, 3, 1, 2)
            if size != side:
                mode = self._preprocess["interpolation"]
                pixels = torch.nn.functional.interpolate(
                    pixels, size=(side, side), mode=mode, align_corners=False, antialias=True
                )
            ready[torch.from_numpy(which)] = pixels.float()
        mean, deviation = (torch.tensor(self._preprocess[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
        return ready.div_(255).sub_(mean).div_(deviation)

    @cached_property
    def _exact(self) -> Any:
        """open_clip's transform for models that look at oblongs; None where the quick way is the same."""
        if self._size[0] == self._size[1]:
            return None
        from open_clip.transform import PreprocessCfg, image_transform_v2

        return image_transform_v2(PreprocessCfg(**self._preprocess), is_train=False)

    @property
    def side(self) -> int:
        """As every embedder's."""
        return self._size[0]

    @cached_property
    def _size(self) -> tuple[int, int]:
        size = self._preprocess["size"]
        return (size, size) if isinstance(size, int) else tuple(size)

    @cached_property
    def _preprocess(self) -> dict[str, Any]:
        return dict(self._network.visual.preprocess_cfg)

    @cached_property
    def _device(self) -> str:
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def _network(self) -> Any:
        return arithmetic.quickened(self.loaded(), self._device)

    def loaded(self) -> Any:
        """open_clip's model, on the CPU, as it can be trained on; what was tuned is laid over it.

        Raises ValueError with a sentence when the weights are not there, or are not those of that model.
        """
        made = network(self.weights)
        if self.weights.tuned:
            if self._tensors is None:
                raise ValueError(f"{self.name} can't be used without the tables of the customer that it is tuned to.")
            _lay_over(made, self._tensors(), self.weights)
        return made

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer(self.weights)


def network(weights: models.Weights) -> Any:
    """open_clip's model of `weights`, ready to use, on the CPU; its random state is left as it was.

    Raises ValueError with a sentence when the file does not hold the weights of that model.
    """
    import torch

    open_clip = library(weights)
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = open_clip.create_model(
            weights.architecture,
            load_weights=False,
            force_quick_gelu=weights.quick_gelu,
            force_preprocess_cfg=weights.preprocess,
            pretrained_text=False,
        )
    if weights.file is not None:
        _load(model, weights)
    return model.eval()


def tokenizer(weights: models.Weights) -> Any:
    """What turns texts into tokens (n, length) int64 for the model of `weights`."""
    open_clip = library(weights)
    own = {"bpe_path": str(weights.vocabulary)} if weights.vocabulary else {}
    with quiet():
        return open_clip.get_tokenizer(weights.architecture, **own)


def library(weights: models.Weights) -> Any:
    """The module open_clip, which knows the architecture of `weights` from then on."""
    torchvision_ops.declare()
    import open_clip

    if weights.config is not None:
        open_clip.add_model_config(weights.config)
    return open_clip


def _load(model: Any, weights: models.Weights) -> None:
    import open_clip
    from safetensors import SafetensorError

    try:
        open_clip.load_checkpoint(model, str(weights.file), strict=True, weights_only=True)
    except SafetensorError as error:
        raise ValueError(f"{weights.file} is not a whole safetensors file: {error}") from error
    except (RuntimeError, KeyError, AssertionError) as error:  # open_clip asserts some shapes
        first = " ".join(str(error).split())[:200]
        raise ValueError(f"{weights.file} does not hold the weights of {weights.architecture}: {first}") from error


def _lay_over(model: Any, tensors: Mapping[str, Tensor], weights: models.Weights) -> None:
    """Put the tuned tensors in the place of the model's own. Raises ValueError when they do not fit."""
    state = model.state_dict()
    strange = [name for name, value in tensors.items() if name not in state or state[name].shape != value.shape]
    if strange or not tensors:
        what = f"{strange[0]} is not in it, or has another shape" if strange else "there are none"
        raise ValueError(f"The tuned weights {weights.tuned[:8]} do not fit {weights.architecture}: {what}.")
    model.load_state_dict({**state, **tensors})


@contextmanager
def quiet() -> Iterator[None]:
    """Keep open_clip from warning that it loaded no weights: they are loaded right after.

    Its warnings go through the root logger, and would set that up for the whole process.
    """
    import logging

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
