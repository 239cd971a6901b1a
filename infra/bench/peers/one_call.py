"""A function in Python with boto3 that makes one call: the clients are made at start, as AWS advises."""

import os

import boto3
from botocore.config import Config

import runtime

dynamodb = boto3.client("dynamodb", config=Config(retries={"mode": "standard", "max_attempts": 3}))
table = os.environ["TRAIL_TABLE"]


def handle(event):
    found = dynamodb.get_item(TableName=table, Key={"stream": {"S": "control"}, "seq": {"N": "1"}})
    return {"found": "Item" in found}


runtime.run(handle)
