"""boto3 clients with bounded waits."""

import functools

import boto3
from botocore.config import Config


class Failed(Exception):
    """Something the caller has to read; printed without a traceback."""


@functools.cache
def client(service):
    return boto3.client(
        service,
        config=Config(
            connect_timeout=3,
            read_timeout=60,
            retries={"total_max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": "path"},
        ),
    )
