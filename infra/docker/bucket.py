"""Make the bucket of the catalogues, and prove that the storage can hold them: `python -m infra.docker.bucket NAME`.

LanceDB commits a version of a table by a put that must fail where the object is there already. A storage that lets
two such puts win loses the commit of one worker without a word, so it is refused before the first catalogue is made.
"""

from __future__ import annotations

import logging
import os
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

_WRITERS: Final = 8
_ROUNDS: Final = 5
_MISSING: Final = {"404", "NoSuchBucket", "NotFound"}
_LOST: Final = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}

logger = logging.getLogger(__name__)


def main() -> None:
    """Entry point of the container `bucket`; ends with exit code 1 and a sentence where the storage won't do."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if len(sys.argv) != 2:
        sys.exit("Say which bucket to make: python -m infra.docker.bucket NAME")
    name = sys.argv[1]
    storage = client()
    made = ensure(storage, name)
    if fault := unfit(storage, name):
        sys.exit(fault)
    logger.info("Bucket %s %s; of %d puts at once exactly one wins.", name, "made" if made else "is there", _WRITERS)


def client() -> Any:
    """Speak S3 with what AWS_* in the environment says: keys, endpoint, region."""
    from botocore.config import Config
    from botocore.session import get_session

    return get_session().create_client(
        "s3",
        endpoint_url=os.environ.get("AWS_ENDPOINT"),
        region_name=os.environ.get("AWS_REGION", "us-east-1"),
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 5}, max_pool_connections=_WRITERS),
    )


def ensure(storage: Any, name: str) -> bool:
    """Make the bucket where it is missing; says whether it was."""
    from botocore.exceptions import ClientError

    try:
        storage.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        storage.create_bucket(Bucket=name)
        return True
    return False


def unfit(storage: Any, name: str) -> str:
    """Why the storage must not hold catalogues, as a sentence; empty where exactly one of many writers wins."""
    with ThreadPoolExecutor(_WRITERS) as writers:
        for _ in range(_ROUNDS):
            key = f".partsight-check/{uuid.uuid4().hex}"
            won = sum(writers.map(lambda _, key=key: _put(storage, name, key), range(_WRITERS)))
            storage.delete_object(Bucket=name, Key=key)
            if won != 1:
                return (
                    f"{os.environ.get('AWS_ENDPOINT') or 'The storage'} let {won} of {_WRITERS} writers win one "
                    "conditional put (If-None-Match), so concurrent commits of LanceDB would be lost: use a storage "
                    "or a version of it that lets exactly one win."
                )
    return ""


def _put(storage: Any, name: str, key: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        storage.put_object(Bucket=name, Key=key, Body=b"one of many", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] in _LOST:
            return False
        raise
    return True


if __name__ == "__main__":
    main()
