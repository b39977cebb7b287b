"""An S3-compatible server of this machine with one empty bucket, for as long as somebody needs it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import boto3
import httpx
from moto.server import ThreadedMotoServer

KEY: Final = "tests"
REGION: Final = "us-east-1"


class Server(NamedTuple):
    """Where it is; `options` tell LanceDB, `environment` tells AWS's own tools and us."""

    address: str
    client: Any

    @property
    def options(self) -> dict[str, str]:
        """What LanceDB has to be told of it."""
        return {
            "aws_endpoint": self.address,
            "allow_http": "true",
            "aws_virtual_hosted_style_request": "false",
            "aws_access_key_id": KEY,
            "aws_secret_access_key": KEY,
            "aws_region": REGION,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The variables that name it."""
        account = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), KEY)
        return (
            account | dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), REGION) | {"AWS_ENDPOINT_URL": self.address}
        )


@contextmanager
def served(bucket: str) -> Iterator[Server]:
    """The server inside the `with` block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        account: dict[str, Any] = {"aws_access_key_id": KEY, "aws_secret_access_key": KEY, "region_name": REGION}
        client = boto3.client("s3", endpoint_url=address, **account)
        client.create_bucket(Bucket=bucket)
        yield Server(address, client)
        httpx.post(f"{address}/moto-api/reset").raise_for_status()  # the next one in this process would have it all
    finally:
        server.stop()
