"""Prefect's own standard suite for every block, and what a block keeps to itself."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from PIL import Image
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite

from blocks.collection import BLOCKS, CatalogueBlock, CustomerBlock, SourceBlock
from blocks.customer import Customer
from infra.server import logo


@pytest.fixture(scope="module")
def picture() -> Iterator[str]:
    """Where a server has the picture of our blocks."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(logo())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/logo.png"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
class TestEveryBlock(BlockStandardTestSuite):
    """Description, documentation, described fields, example, square picture."""

    @pytest.fixture(autouse=True)
    def served(self, block: type[Block], picture: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The picture comes from a server that is there."""
        assert str(block._logo_url).endswith("/partsight/logo.png")
        monkeypatch.setattr(block, "_logo_url", picture)

    @pytest.fixture
    def block(self) -> type[Block]:
        """Given by the parameters of the class."""
        raise NotImplementedError


def test_the_picture_is_a_nut_and_no_plain_square() -> None:
    """It has more than two colours, and is light in the ring of the nut and dark in its hole."""
    shown = Image.open(io.BytesIO(logo())).convert("L")
    assert shown.size == (200, 200)
    assert shown.getpixel((100, 100)) < 60
    assert shown.getpixel((100, 55)) > 180


def test_a_customer_that_was_never_saved_goes_along_without_its_secrets() -> None:
    """As a parameter of another run: slug and place, and nothing of the bucket's password."""
    where = CatalogueBlock(uri="s3://x/acme", storage_options={"aws_secret_access_key": "hush"})  # type: ignore[arg-type]
    customer = CustomerBlock(settings=Customer(slug="acme"), catalogue=where)
    assert customer.reference()["catalogue"] == {"uri": "s3://x/acme"}
    assert "hush" not in str(customer.reference()) + repr(customer) + customer.model_dump_json()
    assert where.catalogue().storage_options["aws_secret_access_key"].get_secret_value() == "hush"


def test_an_empty_source_is_the_one_in_the_customers_file() -> None:
    """And one with an address has its credentials."""
    assert SourceBlock(location="").source() is None
    found = SourceBlock(location="s3://cad", storage_options={"key": "hush"}).source()  # type: ignore[arg-type]
    assert found is not None
    assert found.location == "s3://cad"
    assert found.storage_options["key"].get_secret_value() == "hush"
