"""The block types that the Prefect UI shows: a customer, where their tables lie, where their CAD comes from.

What is in a customer's file stands in their block too, so that a worker elsewhere needs no file, and so that the run
form offers a choice and not a text to fill in. Secrets live here, encrypted by the server, or in the environment.
`partsight deploy` writes the blocks; this is the one module beside the flows that knows Prefect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.blocks.core import Block
from prefect.settings import get_current_settings
from prefect.types import SecretDict
from pydantic import Field, SecretStr

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed
from blocks.source import Source

LOGO = "/partsight/logo.png"
_ABOUT: Any = "https://docs.prefect.io/v3/concepts/blocks"


def logo() -> Any:
    """Where the server that this process talks to has the picture of our blocks."""
    settings = get_current_settings()
    address = settings.ui_url or (settings.api.url or "http://127.0.0.1:4200/api").removesuffix("/api")
    return address.rstrip("/") + LOGO


def _no_secrets() -> SecretDict:
    return SecretDict({})


class CatalogueBlock(Block):
    """Where a customer's tables live: one LanceDB database of their own.

    Example:
        ```python
        from blocks.collection import CatalogueBlock

        catalogue = CatalogueBlock.load("BLOCK_NAME").catalogue()
        ```
    """

    _block_type_name = "Partsight catalogue"
    _block_type_slug = "partsight-catalogue"
    _documentation_url = _ABOUT
    _logo_url = logo()

    uri: str = Field(description="Folder, or bucket prefix such as s3://bucket/customer, of the database.")
    storage_options: SecretDict = Field(
        default_factory=_no_secrets,
        description="Credentials and options of the bucket; empty takes those of the worker.",
    )

    def catalogue(self) -> Catalogue:
        """The catalogue, ready to be opened."""
        return Catalogue(uri=self.uri, storage_options=_secrets(self.storage_options))


class SourceBlock(Block):
    """Where a customer's CAD comes from: a folder, an archive, a bucket or a URL.

    Example:
        ```python
        from blocks.collection import SourceBlock

        source = SourceBlock.load("BLOCK_NAME").source()
        ```
    """

    _block_type_name = "Partsight source"
    _block_type_slug = "partsight-source"
    _documentation_url = _ABOUT
    _logo_url = logo()

    # required, or the server could not tell a block from a reference to one
    location: str = Field(description="Folder, ZIP archive, file or URL; empty is what the customer's file says.")
    customer: str = Field("", description="Slug of the customer whose CAD this is; runs of others refuse it.")
    storage_options: SecretDict = Field(
        default_factory=_no_secrets, description="Credentials and options of a bucket; empty takes those of the worker."
    )

    def source(self) -> Source | None:
        """The source, ready to be opened; None where the customer's own is meant."""
        if not self.location:
            return None
        return Source(location=self.location, storage_options=_secrets(self.storage_options))


class CustomerBlock(Block):
    """Who a customer is, what is made of their parts, and where their catalogue lives.

    Example:
        ```python
        from blocks.collection import CustomerBlock

        customer = CustomerBlock.load("BLOCK_NAME").settings
        ```
    """

    _block_type_name = "Partsight customer"
    _block_type_slug = "partsight-customer"
    _documentation_url = _ABOUT
    _logo_url = logo()

    settings: Customer = Field(description="What the customer's file says.")
    catalogue: CatalogueBlock = Field(description="Where the customer's tables live.")

    @property
    def slug(self) -> str:
        """Short name of the customer."""
        return self.settings.slug

    def reference(self) -> dict[str, Any]:
        """The block as a parameter of another run: by its id, or, where it was never saved, without its secrets."""
        if self._block_document_id is not None:
            return {"$ref": {"block_document_id": str(self._block_document_id)}}
        return {"settings": self.settings.model_dump(mode="json"), "catalogue": {"uri": self.catalogue.uri}}


class ModelBlock(Block):
    """Which model turns pictures and words into vectors.

    Example:
        ```python
        from blocks.collection import ModelBlock

        embed = ModelBlock.load("BLOCK_NAME").embed()
        ```
    """

    _block_type_name = "Partsight model"
    _block_type_slug = "partsight-model"
    _documentation_url = _ABOUT
    _logo_url = logo()

    model: str = Field(description="An open_clip model name, an embedder's name, or what ships.")
    weights: str = Field("", description="An open_clip pretrained tag, the path of a safetensors file, or random.")
    settings: dict[str, Any] = Field({}, description="Settings of the embedder, where the model names a plug-in.")
    tuned: str = Field(
        "", description="Empty takes the weights tuned to the customer that went live, never goes back to the model."
    )

    def embed(self) -> Embed:
        """The choice as a customer's file says it."""
        return Embed(model=self.model, weights=self.weights, settings=self.settings, tuned=self.tuned)


BLOCKS: tuple[type[Block], ...] = (CatalogueBlock, SourceBlock, CustomerBlock, ModelBlock)


def _secrets(options: SecretDict) -> dict[str, SecretStr]:
    """Options by name, each one kept from being printed."""
    found: Mapping[str, Any] = options.get_secret_value()
    return {name: SecretStr(str(value)) for name, value in found.items()}
