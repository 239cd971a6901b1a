"""What the handlers share: AWS, logging, time, secrets, HTTP, the gateway, and a queue's batch."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.config import Config

sys.path.append(str(Path(__file__).resolve().parents[1]))

SOURCE = "sre-agent"

_session = boto3.Session()


def client(service: str, attempts: int = 3, seconds: float = 1.0, **more: Any) -> Any:
    """A client with bounds on every call. Made once, at start: its connections are used again."""
    config = Config(
        connect_timeout=0.5,
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        **more,
    )
    return _session.client(service, config=config)


# ------------------------------------------------------------------------------------------ logging

sys.stdout.reconfigure(line_buffering=True)


def log(level: str, message: str, **fields: Any) -> None:
    """One JSON object a line, as CloudWatch takes it."""
    print(json.dumps({"timestamp": stamp(now_ms()), "level": level, "message": message, **fields}))


# --------------------------------------------------------------------------------------------- time


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def stamp(ms: int) -> str:
    """An instant as it is stored: RFC 3339 in UTC, to the millisecond. Such texts can be compared."""
    seconds, left = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{left:03}Z"


def millis(text: str) -> int:
    """The reverse of `stamp`, for any RFC 3339 instant."""
    return int(datetime.fromisoformat(text).timestamp() * 1000 + 0.5)


# ------------------------------------------------------------------------------------------ secrets


class Secret:
    """A secret, read at start. It is read again at most once a minute."""

    _client = None

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self._read()

    def _read(self) -> None:
        if Secret._client is None:
            Secret._client = client("secretsmanager")
        self.text: str = Secret._client.get_secret_value(SecretId=self.arn)["SecretString"].strip()
        self._read_at = time.monotonic()

    def fresh(self) -> str:
        """The value, at most a minute old."""
        if time.monotonic() - self._read_at >= 60:
            self._read()
        return self.text


class Operators:
    """The directory of who may decide, from a secret."""

    def __init__(self, arn: str) -> None:
        self.secret = Secret(arn)
        self._parse(self.secret.text)

    def _parse(self, text: str) -> None:
        self._text = text
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        self._by_id = {each["id"]: each for each in json.loads(text)["operators"]}
        self._by_slack = {
            (known["team"], known["user"]): each
            for each in self._by_id.values()
            for known in each.get("slack", [])
        }

    def refresh(self) -> None:
        """Somebody who was removed decides nothing a minute later."""
        text = self.secret.fresh()
        if text != self._text:
            self._parse(text)

    def by_slack(self, team: str, user: str) -> dict | None:
        return self._by_slack.get((team, user))

    def get(self, operator_id: str) -> dict | None:
        return self._by_id.get(operator_id)


# --------------------------------------------------------------------------------------------- HTTP

_pool = urllib3.PoolManager(
    ca_certs=os.environ.get("SSL_CERT_FILE") or None,
    cert_reqs="CERT_REQUIRED",
    retries=False,
    maxsize=4,
)


class Unavailable(Exception):
    """Something outside did not answer as it should: the message comes back."""


def http(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = 2.0,
) -> urllib3.BaseHTTPResponse:
    """One request over a connection that is kept."""
    timeout = urllib3.Timeout(connect=0.5, read=seconds)
    try:
        return _pool.request(method, url, body=body, headers=headers, timeout=timeout)
    except urllib3.exceptions.HTTPError as err:
        raise Unavailable(f"{method} {url.split('?')[0]}: {err}") from err


class Gateway:
    """The gateway's admin API."""

    def __init__(self, url: str, token: Secret) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self._token.text}"}
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = json.dumps(body, separators=(",", ":")).encode()
        reply = http(method, self._url + path, data, headers)
        if reply.status in (401, 403) and method == "GET":
            headers["authorization"] = f"Bearer {self._token.fresh()}"
            reply = http(method, self._url + path, data, headers)
        if not 200 <= reply.status < 300:
            raise Unavailable(f"the gateway answered {reply.status} to {method} {path}")
        try:
            return json.loads(reply.data)
        except ValueError as err:
            raise Unavailable(f"the gateway's answer to {method} {path} is no JSON") from err

    def inventory(self) -> dict:
        return self._ask("GET", "/admin/v1/inventory")

    def read(self, path: str) -> Any:
        return self._ask("GET", path)

    def put(self, path: str, body: Any) -> Any:
        return self._ask("PUT", path, body)


# ------------------------------------------------------------------------------------------- queues


class Poison(Exception):
    """A message that can never be worked."""


class Later(Exception):
    """Not now: the message comes back, and nothing is wrong."""


def batch(event: dict, work: Callable[[dict], None], dead_letters: str, function: str) -> dict:
    """Works each message of a batch; what failed comes back, what never can succeed becomes a dead letter."""
    failures = []
    for message in event["Records"]:
        try:
            work(message)
        except Poison as err:
            log("ERROR", "put to the dead-letter queue", reason=str(err), message_id=message["messageId"])
            attributes = {"reason": str(err)[:1024] or "unknown", "function": function}
            client("sqs").send_message(
                QueueUrl=dead_letters,
                MessageBody=message["body"],
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except Later as err:
            log("INFO", "not now", reason=str(err), message_id=message["messageId"])
            failures.append({"itemIdentifier": message["messageId"]})
        except Exception as err:  # noqa: BLE001: whatever it is, this message alone comes back.
            log("WARN", "will be tried again", error=repr(err), message_id=message["messageId"])
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}


def hinted(body: str) -> str:
    """The proposal that a message names: a hint, or a bus event of ours."""
    try:
        message = json.loads(body)
        if "hint" in message:
            return message["hint"]["proposal"]
        if message["source"] == SOURCE:
            return message["detail"]["proposal"]
    except (KeyError, TypeError, ValueError) as err:
        raise Poison(f"the message cannot be read: {err!r}") from err
    raise Poison("an incident event does not belong on this queue")


def run(handler: Callable[[dict], Any]) -> None:
    """Hands the function's events to a handler, one after the other."""
    import runtime

    runtime.run(handler)
