"""The model hub: files from its local cache, fetched when they are not there, and a sentence when that fails."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PREFIX: Final = "hf-hub:"
_SECONDS: Final = 5.0  # the hub's own client takes 48 s of retries to say that it is not there


def file(repository: str, name: str, revision: str) -> Path:
    """`name` of `repository`, from the local cache when it is there.

    Raises ValueError with a sentence when it is neither there nor can be fetched.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    where, hint = _where(repository, revision), "copy the weights here and give the path of their safetensors file"
    try:
        return Path(hf_hub_download(repository, name, revision=revision or None, local_files_only=True))
    except LocalEntryNotFoundError:
        if constants.is_offline_mode():
            raise ValueError(f"{where} is not on this machine, and HF_HUB_OFFLINE is set: {hint}.") from None
    with _sentences(where, name, hint):
        return Path(hf_hub_download(repository, name, revision=revision or None))


def cached(repository: str, revision: str) -> Path | None:
    """The folder of the local cache that holds what there is of `repository` at `revision`."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def folder(repository: str, revision: str, wanted: Callable[[Sequence[str]], Sequence[str]]) -> Path:
    """The folder of the local cache with those files of `repository` that `wanted` chooses among their names.

    Raises ValueError with a sentence when they cannot be fetched.
    """
    from huggingface_hub import HfApi, constants, snapshot_download

    where, hint = _where(repository, revision), "copy its folder here and give the folder's path"
    if constants.is_offline_mode():
        raise ValueError(f"{where} is not on this machine, and HF_HUB_OFFLINE is set: {hint}.")
    with _sentences(where, "such revision", hint):
        names = wanted(HfApi().list_repo_files(repository, revision=revision))
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(names)))


@contextmanager
def _sentences(where: str, name: str, hint: str) -> Iterator[None]:
    """What goes wrong at the hub, as a sentence; that it is out of reach is found out at once."""
    import httpx
    from huggingface_hub import constants
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    try:
        httpx.head(constants.ENDPOINT, timeout=_SECONDS)
        yield
    except EntryNotFoundError as error:
        raise ValueError(f"{where} has no {name}, and nothing but safetensors is loaded: {hint}.") from error
    except (HfHubHTTPError, OSError) as error:  # the hub answered, and it was no
        first = str(error).strip().splitlines()[0]
        raise ValueError(f"{where} could not be fetched from the model hub ({first}): {hint}.") from error
    except httpx.HTTPError as error:
        reason = f"the model hub cannot be reached ({type(error).__name__})"
        raise ValueError(f"{where} is not on this machine, and {reason}: {hint}.") from error


def _where(repository: str, revision: str) -> str:
    return f"{repository}{f' at {revision}' if revision else ''}"
