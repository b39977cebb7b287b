"""The same in a bucket: every object is looked through, also versions that it keeps, and nobody else's is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto_server import served

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from blocks.storage import Storage
from tasks.forget import look, receipts, whole
from tasks.forget.receipts import Receipt
from tasks.forget.work import Forgetting, is_stopped

BUCKET = "partsight-forgets"
ACME = Customer(slug="acme")
GONE = "ZQ-4711"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket that keeps earlier versions, on an S3-compatible server of this machine."""
    with served(BUCKET) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        server.client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield f"s3://{BUCKET}/customers"


def kept(prefix: str) -> list[tuple[str, bytes]]:
    """Every version of every object below a prefix, as the server itself tells it, with its bytes."""
    import boto3

    client = boto3.client("s3")
    found = []
    for page in client.get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix=prefix):
        for one in page.get("Versions", ()):
            body = client.get_object(Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
            found.append((one["Key"], body))
        found += [(one["Key"], b"marker") for one in page.get("DeleteMarkers", ())]
    return found


def neighbour(prefix: str) -> list[tuple[str, bytes]]:
    """Put an object of another customer below a prefix; what is kept there."""
    import boto3

    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{prefix}parts.lance/data/theirs.lance", Body=b"of ZQ-4711")
    return kept(prefix)


def test_a_part_goes_from_a_bucket_with_its_versions(
    bucket: str, stock: Any, through: Callable[[Forgetting], Receipt], tmp_path: Path
) -> None:
    """No version of an object has it, an upload that never ended is gone, the neighbour's objects are untouched."""
    import boto3

    catalogue, client = stock(f"{bucket}/acme"), boto3.client("s3")
    same = neighbour("customers/acme-2/")
    (picture, *_) = catalogue.rows("images", ("part", "image"))
    client.create_multipart_upload(Bucket=BUCKET, Key="customers/acme/images.lance/data/never.lance")
    client.put_object(Bucket=BUCKET, Key="customers/acme/images.lance/data/old.lance", Body=picture["image"])
    client.delete_object(Bucket=BUCKET, Key="customers/acme/images.lance/data/old.lance")
    work = Forgetting(ACME, catalogue, [GONE], tmp_path, grace=0)
    assert len(look.raw(work.storage, work.traces).left) > 30
    assert work.storage.hidden() == 3  # the upload, the object that was removed, and the mark that it was
    done = through(work)
    assert (done.status, done.left) == ("done", ())
    assert work.storage.hidden() == 0
    everything = b"".join(name.encode() + data for name, data in kept("customers/acme/"))
    assert picture["part"] == GONE
    assert picture["image"] not in everything
    assert b"secret of ZQ-4711 " not in everything
    assert kept("customers/acme-2/") == same
    assert not is_stopped(catalogue)
    assert {row["part"] for row in catalogue.served().rows("parts", ("part",))} == {"ZQ-4711-B", "A1", "keep-me"}
    assert receipts.all_of(Storage(root=f"{bucket}/_receipts/acme"))[-1].digest == done.digest


def test_a_customer_goes_from_a_bucket(bucket: str, stock: Any, tmp_path: Path) -> None:
    """All versions of all objects below the prefix, and none below one that only begins like it."""
    catalogue = stock(f"{bucket}/gone", ("a-part", "b-part"))
    same = neighbour("customers/gone-too/")
    begun = whole.begun(Customer(slug="gone"), catalogue, tmp_path)
    whole.removed(Customer(slug="gone"), catalogue, tmp_path)
    done = whole.finished(begun, Customer(slug="gone"), catalogue, tmp_path)
    assert done.status == "done"
    assert kept("customers/gone/") == []
    assert kept("customers/gone-too/") == same


def test_a_whole_bucket_is_nobodys_database(bucket: str, tmp_path: Path) -> None:
    """A customer's block that names the place of all customers removes nobody."""
    neighbour("customers/innocent/")
    for root in (bucket, f"s3://{BUCKET}"):
        with pytest.raises(ValueError, match="nothing was removed"):
            whole.begun(ACME, Catalogue(uri=root), tmp_path)
    assert kept("customers/innocent/")
