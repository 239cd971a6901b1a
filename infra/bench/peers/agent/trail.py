"""The trail: records that form chains, the switches, and the proposals that records add up to."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from common import SOURCE, Poison, client, millis, now_ms, stamp

SCHEMA = 2
MAX_BODY_BYTES = 32 * 1024
RETENTION_DAYS = {"trial": 30, "team": 90, "business": 365, "enterprise": 7 * 365 + 2}
LONGEST_LIFE_DAYS = 30
AGENT = {"type": "agent"}


def digest_of_fields(domain: str, fields: Iterable[str]) -> str:
    """SHA-256 over fields, each with its length before it, so that no two lists share their bytes."""
    parts = bytearray()
    for field in (domain, *fields):
        data = field.encode()
        parts += len(data).to_bytes(8, "big")
        parts += data
    return hashlib.sha256(parts).hexdigest()


def compact(value: Any) -> str:
    """JSON as records hold it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


AUTHORS = ("ingest", "scoring", "callback", "execution", "notification", "housekeeping")

# Numbers among the attributes; all others are strings, but for the author's.
_NUMBERS = ("seq", "schema", "expires_at")


class Conflict(Exception):
    """Somebody else's record came first."""


class Corrupt(Exception):
    """A record that does not hold."""


class Record:
    """One record of a stream: an item of the table."""

    def __init__(self, **attributes: Any) -> None:
        self.stream: str = attributes["stream"]
        self.seq: int = attributes["seq"]
        self.kind: str = attributes["kind"]
        self.at: str = attributes["at"]
        self.actor: str = attributes["actor"]
        self.body: str = attributes["body"]
        self.prev: str | None = attributes.get("prev")
        self.digest: str = attributes.get("digest", "")
        self.writer: str = attributes["writer"]
        self.source: str = attributes["source"]
        self.schema: int = attributes["schema"]
        self.hour: str = attributes["hour"]
        self.expires_at: int | None = attributes.get("expires_at")
        self.author: str = attributes["author"]
        self.signature: str | None = attributes.get("signature")
        self.key: str | None = attributes.get("key")

    @classmethod
    def of_item(cls, item: dict[str, dict]) -> Record:
        """From an item as DynamoDB has it."""
        attributes: dict[str, Any] = {"author": ""}
        for name, value in item.items():
            if name in _NUMBERS:
                attributes[name] = int(value["N"])
            elif name.startswith("by_"):
                attributes["author"] = name[3:]
            else:
                attributes[name] = value["S"]
        return cls(**attributes)

    @cached_property
    def fact(self) -> dict:
        """The body, read."""
        return json.loads(self.body)

    def computed_digest(self) -> str:
        """SHA-256 over all attributes but the signature. The body is taken as it is stored."""
        fields = (
            self.stream,
            str(self.seq),
            self.kind,
            self.at,
            self.actor,
            self.body,
            self.prev or "",
            self.writer,
            self.source,
            str(self.schema),
            self.hour,
            "" if self.expires_at is None else str(self.expires_at),
            f"by_{self.author}",
        )
        return digest_of_fields("sre-agent/record/2", fields)

    def attributes(self) -> dict[str, dict]:
        """As they are inserted. What is absent is left out."""
        attributes: dict[str, dict] = {
            "stream": {"S": self.stream},
            "seq": {"N": str(self.seq)},
            "kind": {"S": self.kind},
            "at": {"S": self.at},
            "actor": {"S": self.actor},
            "body": {"S": self.body},
            "digest": {"S": self.digest},
            "writer": {"S": self.writer},
            "source": {"S": self.source},
            "schema": {"N": str(self.schema)},
            "hour": {"S": self.hour},
            f"by_{self.author}": {"BOOL": True},
        }
        if self.prev is not None:
            attributes["prev"] = {"S": self.prev}
        if self.expires_at is not None:
            attributes["expires_at"] = {"N": str(self.expires_at)}
        if self.signature is not None and self.key is not None:
            attributes["signature"] = {"S": self.signature}
            attributes["key"] = {"S": self.key}
        return attributes


def hour_key(stream: str, at: str) -> str:
    """The partition of the index by hour: the UTC hour, and a shard that the stream chooses."""
    shard = hashlib.sha256(stream.encode()).digest()[0] % 4
    return f"{at[:13]}/{shard}"


def verify_chain(records: list[Record]) -> None:
    """Checks that the records are a stream from its first on, each unchanged and naming the one before."""
    before: Record | None = None
    for position, record in enumerate(records, 1):
        if record.seq != position:
            raise Corrupt(f"record {position} of {record.stream} is missing")
        if record.source != SOURCE or record.schema != SCHEMA or record.author not in AUTHORS:
            raise Corrupt(f"record {record.seq} of {record.stream} has an unknown format")
        if record.computed_digest() != record.digest:
            raise Corrupt(f"record {record.seq} of {record.stream} was changed after it was written")
        if record.prev != (before.digest if before else None):
            raise Corrupt(f"record {record.seq} of {record.stream} does not follow the one before")
        before = record


class Trail:
    """The trail's table. Nothing in it is ever changed: a record is inserted once."""

    def __init__(self, table: str, author: str, **bounds: Any) -> None:
        self._table = table
        self._author = author
        self.dynamodb = client("dynamodb", **bounds)

    def _query(self, stream: str, **more: Any) -> list[Record]:
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "#stream = :stream",
            "ExpressionAttributeNames": {"#stream": "stream"},
            "ExpressionAttributeValues": {":stream": {"S": stream}},
            "ConsistentRead": True,
            **more,
        }
        records: list[Record] = []
        while True:
            page = self.dynamodb.query(**request)
            records += map(Record.of_item, page["Items"])
            if "LastEvaluatedKey" not in page or len(records) >= more.get("Limit", sys.maxsize):
                return records
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def load(self, stream: str) -> list[Record]:
        """Every record of a stream, checked."""
        records = self._query(stream)
        verify_chain(records)
        return records

    def newest(self, stream: str, most: int) -> list[Record]:
        """The newest records of a stream, the last one first."""
        records = self._query(stream, ScanIndexForward=False, Limit=most)
        for record in records:
            if record.computed_digest() != record.digest:
                raise Corrupt(f"record {record.seq} of {record.stream} was changed after it was written")
        return records

    def last(self, stream: str) -> Record | None:
        """The newest record of a stream."""
        return next(iter(self.newest(stream, 1)), None)

    def proposal(self, proposal_id: str) -> Proposal | None:
        """A proposal, or nothing where nothing is recorded of it."""
        records = self.load(f"proposal/{proposal_id}")
        return Proposal(proposal_id, records) if records else None

    def existing(self, proposal_id: str) -> Proposal:
        """A proposal that must exist."""
        proposal = self.proposal(proposal_id)
        if proposal is None:
            raise Poison(f"there is no proposal {proposal_id}")
        return proposal

    def opened_in(self, hour: str, since: str, most: int) -> list[tuple[str, str]]:
        """The streams whose first record is of an hour and shard, and when that was, the newest first."""
        request = {
            "TableName": self._table,
            "IndexName": "by_hour",
            "KeyConditionExpression": "#hour = :hour AND #at >= :since",
            "ExpressionAttributeNames": {"#hour": "hour", "#at": "at"},
            "ExpressionAttributeValues": {":hour": {"S": hour}, ":since": {"S": since}},
            "ScanIndexForward": False,
            "Limit": 8 * most,
        }
        opened = []
        while True:
            page = self.dynamodb.query(**request)
            first = (key for key in page["Items"] if key["seq"]["N"] == "1")
            opened += [(key["stream"]["S"], key["at"]["S"]) for key in first]
            if len(opened) >= most or "LastEvaluatedKey" not in page:
                return opened[:most]
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def append(
        self,
        stream: str,
        last: Record | None,
        kind: str,
        fact: dict,
        *,
        at: str | None = None,
        actor: dict = AGENT,
        expires_at: int | None = None,
        sign: Callable[[str], tuple[str, str]] | None = None,
    ) -> Record:
        """Inserts the record after `last`. `sign` makes signature and key of its digest."""
        body = compact(fact)
        if len(body.encode()) > MAX_BODY_BYTES:
            raise Poison(f"a {kind} of {len(body)} bytes is too large for a record")
        at = at or stamp(now_ms())
        if last is not None:
            at = max(at, last.at)
            expires_at = last.expires_at
        record = Record(
            stream=stream,
            seq=last.seq + 1 if last else 1,
            kind=kind,
            at=at,
            actor=compact(actor),
            body=body,
            prev=last.digest if last else None,
            writer=str(uuid.uuid4()),
            source=SOURCE,
            schema=SCHEMA,
            hour=hour_key(stream, at),
            expires_at=expires_at,
            author=self._author,
        )
        record.digest = record.computed_digest()
        if sign is not None:
            record.signature, record.key = sign(record.digest)
        attributes = record.attributes()
        names = ", ".join(f"'{name}': ?" for name in attributes)
        statement = f'INSERT INTO "{self._table}" VALUE {{{names}}}'
        try:
            self.dynamodb.execute_statement(Statement=statement, Parameters=list(attributes.values()))
        except ClientError as err:
            if err.response["Error"]["Code"] not in ("DuplicateItemException", "DuplicateItem"):
                raise
            # An earlier attempt of this very call may have committed, and its reply got lost.
            key = {"stream": {"S": stream}, "seq": {"N": str(record.seq)}}
            found = self.dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
            if found is None or found["writer"]["S"] != record.writer:
                raise Conflict(f"record {record.seq} of {stream} is somebody else's") from err
        return record

    def control(self) -> Control:
        """The switches of the whole agent."""
        return Control(self.last("control"), self.last("guard"))


class Control:
    """What operators switched, tightened by what functions say against themselves."""

    def __init__(self, control: Record | None, guard: Record | None) -> None:
        switches = control.fact if control else {}
        tightened = guard.fact if guard else {}
        pause = switches.get("paused") or tightened.get("paused")
        off = switches.get("automatic_off") or (tightened.get("automatic_off") or {}).get("reason")
        self.paused: str | None = pause["reason"] if pause else None
        self.automatic_off: str | None = off
        self._pause_since: str | None = pause["since"] if pause else None
        self._paused_total_ms: int = switches.get("paused_total_ms", 0) + tightened.get("paused_ms", 0)

    def paused_ms(self, now: str) -> int:
        """Milliseconds of all pauses until now."""
        running = millis(now) - millis(self._pause_since) if self._pause_since else 0
        return self._paused_total_ms + max(running, 0)


# ---------------------------------------------------------------------------------------- proposals

# From which states a kind of record leads to which; none where it changes no state.
TRANSITIONS: dict[str, tuple[tuple[str | None, ...], str | None]] = {
    "received": ((None, "reasoning"), "reasoning"),
    "declined": (("reasoning",), "declined"),
    "proposed": (("reasoning",), "proposed"),
    "scored": (("proposed",), None),
    "approved": (("awaiting_approval",), "approved"),
    "rejected": (("awaiting_approval",), "rejected"),
    "expired": (("awaiting_approval", "approved"), None),
    "refused": (("approved",), "refused"),
    "started": (("approved", "executing"), "executing"),
    "succeeded": (("executing", "unknown"), "succeeded"),
    "failed": (("executing", "unknown"), "failed"),
    "unknown": (("executing",), "unknown"),
    "restored": (("executing", "unknown", "succeeded"), "restored"),
}
INFORMS = ("verified", "repeated", "notified", "escalated", "acknowledged", "commented")
CLOSED = ("declined", "shadow", "rejected", "expired", "refused", "failed", "restored")
AFTER_SCORE = {"gate": "awaiting_approval", "auto": "approved", "shadow": "shadow"}


class Proposal:
    """A proposal: the fold of its records."""

    def __init__(self, proposal_id: str, records: Iterable[Record] = ()) -> None:
        self.id = proposal_id
        self.state: str | None = None
        self.since = ""
        self.records: list[Record] = []
        self.facts: dict[str, Record] = {}
        self.event_ids: set[str] = set()
        for record in records:
            self.apply(record)

    @property
    def last(self) -> Record:
        return self.records[-1]

    def fact(self, kind: str) -> dict | None:
        """The body of the last record of a kind."""
        record = self.facts.get(kind)
        return record.fact if record else None

    def apply(self, record: Record) -> None:
        """The next record, or an error where it is not legal after those before."""
        kind = record.kind
        if kind not in INFORMS:
            if kind not in TRANSITIONS:
                raise Corrupt(f"record {record.seq} of {record.stream} is an unknown {kind}")
            allowed, after = TRANSITIONS[kind]
            if self.state not in allowed:
                raise Corrupt(f"record {record.seq} of {record.stream}: {kind} is illegal in {self.state}")
            if kind == "scored":
                after = AFTER_SCORE[record.fact["decision"]]
            elif kind == "expired":
                after = "expired" if self.state == "awaiting_approval" else "proposed"
            elif kind in ("approved", "rejected") and record.fact["scored"] != self.facts["scored"].digest:
                raise Corrupt(f"record {record.seq} of {record.stream} decides on another score")
            if after != self.state:
                self.since = record.at
            self.state = after
        if kind == "received":
            self.event_ids.add(record.fact["event"]["event_id"])
        elif kind == "repeated":
            self.event_ids.add(record.fact["event_id"])
        self.facts[kind] = record
        self.records.append(record)

    @property
    def event(self) -> dict:
        return self.facts["received"].fact["event"]

    @property
    def is_in_force(self) -> bool:
        return self.state == "succeeded" and bool(self.facts["started"].fact["plan"]["changes"])

    @property
    def is_open(self) -> bool:
        """Whether something is still to happen."""
        if self.state == "succeeded":
            return self.facts["started"].fact["restore_at"] is not None
        return self.state not in CLOSED

    def summary(self) -> dict:
        """A few words, for the bus and the view. What is not known yet is left out."""
        event, proposed, scored = self.event, self.fact("proposed"), self.fact("scored")
        summary = {
            "state": self.state,
            "event_type": event["trouble"]["type"].replace("_", ".", 1),
            "org_id": event["org"],
            "severity": event["severity"],
        }
        if event["team"] is not None:
            summary["team_id"] = event["team"]
        if proposed:
            summary["action"] = proposed["action"]["action"]
        if scored:
            summary["risk_score"] = scored["score"]
            summary["decision"] = scored["decision"]
        if self.state == "declined":
            summary["declined"] = self.facts["declined"].fact["reason"]
        return summary


def signed_text(stack: str, key: str, digest: str) -> bytes:
    """What the key of decisions signs for a record."""
    text = bytearray()
    for field in ("sre-agent/decision/1", stack, key, digest):
        text += len(field).to_bytes(8, "big") + field.encode()
    return bytes(text)


class Signer:
    """The key of decisions, in KMS."""

    def __init__(self, key: str, stack: str) -> None:
        self._kms = client("kms", attempts=1, seconds=0.4)
        self._key = key
        self._stack = stack

    def __call__(self, digest: str) -> tuple[str, str]:
        signed = self._kms.sign(
            KeyId=self._key,
            Message=signed_text(self._stack, self._key, digest),
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return base64.b64encode(signed["Signature"]).decode(), self._key


def expiry(days: int) -> int:
    """When records may be removed that are kept for so many days and the tier's retention."""
    return now_ms() // 1000 + (days + RETENTION_DAYS[os.environ["LICENSE_TIER"]]) * 86_400
