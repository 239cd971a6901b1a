"""How a model reasons about a proposal: the conversation, what it costs, and its transcript."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import time
from typing import Any

from botocore.exceptions import ClientError

import common
import incidents
import prompt
from common import Secret, Unavailable, millis, now_ms, stamp
from incidents import Complaint, Inventory
from trail import Proposal

ENV = os.environ
MODEL = ENV["SRE_AGENT_MODEL"]
MAX_TURNS, MAX_TOKENS = int(ENV["MODEL_MAX_TURNS"]), int(ENV["MODEL_MAX_TOKENS"])
MAX_SECONDS = int(ENV["MODEL_MAX_SECONDS"])
MOST_OUTPUT_TOKENS = 8_192
MOST_ATTEMPTS = 3
MOST_CALLS = 12
MOST_EXPLANATION = 600


def micros(text: str) -> int:
    """USD as whole millionths."""
    whole, _, part = text.partition(".")
    return int(whole) * 1_000_000 + int(part.ljust(6, "0")[:6])


def usd(amount: int) -> str:
    dollars, part = divmod(amount, 1_000_000)
    return f"{dollars}.{part // 10_000:02}" if part % 10_000 == 0 else f"{dollars}.{part:06}"


MAX_COST = micros(ENV["MODEL_MAX_COST"])
PRICES = {
    name: tuple(map(micros, price.split(":")))
    for name, price in (one.strip().split("=") for one in ENV["MODEL_PRICES"].split(","))
}

s3 = common.client("s3", s3={"addressing_style": "path"})
model_key = Secret(ENV["MODEL_SECRET"])


class Talk:
    """The conversation: evidence as long as the model asks for some, then one conclusion, with one repair."""

    def __init__(self, proposal: Proposal, inventory: Inventory) -> None:
        self.proposal = proposal
        self.inventory = inventory
        self.attempts: list[dict] = []
        self.turns = self.read = self.written = self.cost = 0
        self.deadline = time.monotonic() + MAX_SECONDS

    def conclude(self) -> tuple[str, dict]:
        first = prompt.incident(self.proposal.facts["received"].fact, stamp(now_ms()))
        messages: list[dict] = [{"role": "user", "content": [{"type": "text", "text": first}]}]
        repaired = False
        while True:
            if self.turns >= MAX_TURNS:
                return self._gave_up("out_of_turns", f"had not concluded after {MAX_TURNS} turns")
            if time.monotonic() >= self.deadline:
                return self._gave_up("out_of_time", f"had not concluded within {MAX_SECONDS} s")
            left = MAX_TOKENS - self.read - self.written
            if left < 1_024:
                return self._gave_up("out_of_tokens", f"had not concluded within {MAX_TOKENS} tokens")
            if self.cost >= MAX_COST:
                return self._gave_up("out_of_money", f"had not concluded for {usd(MAX_COST)} USD")
            answer = self._ask(messages, min(left, MOST_OUTPUT_TOKENS))
            if answer["stop_reason"] in ("refusal", "max_tokens", "model_context_window_exceeded"):
                raise Unavailable(f"the model's answer is of no use: {answer['stop_reason']}")
            calls = [block for block in answer["content"] if block["type"] == "tool_use"]
            messages.append({"role": "assistant", "content": answer["content"]})
            if answer["stop_reason"] == "pause_turn" and not calls:
                continue
            try:
                concluded = self._read(calls)
            except Complaint as err:
                if repaired:
                    raise Unavailable(f"the model's answer could not be used: {err}") from err
                repaired = True
                messages.append(_told(calls, prompt.repair(str(err))))
                continue
            if concluded:
                return concluded
            looked = ((call, prompt.evidence(self._look(call["name"]))) for call in calls)
            results = [_result(call, shown, is_error=False) for call, shown in looked]
            messages.append({"role": "user", "content": results})

    def _gave_up(self, reason: str, explanation: str) -> tuple[str, dict]:
        return "declined", {"reason": reason, "explanation": f"the model {explanation}"}

    def _read(self, calls: list[dict]) -> tuple[str, dict] | None:
        """What an answer concludes; nothing where it wants evidence."""
        names = [call["name"] for call in calls]
        unknown = [name for name in names if name not in prompt.BY_NAME]
        if unknown:
            raise Complaint(f'there is no tool "{unknown[0][:100]}"')
        if not calls:
            raise Complaint("no tool was called")
        if len(calls) > MOST_CALLS:
            raise Complaint(f"at most {MOST_CALLS} calls are made at once")
        if all(name in prompt.EVIDENCE for name in names):
            return None
        if len(calls) > 1:
            raise Complaint("exactly one action, or decline, is called at the end, and nothing beside it")
        name, arguments = calls[0]["name"], calls[0]["input"]
        if name == "decline":
            if arguments.get("reason") not in ("nothing_to_do", "out_of_scope"):
                raise Complaint("reason is neither nothing_to_do nor out_of_scope")
            if not isinstance(arguments.get("explanation"), str):
                raise Complaint("explanation is missing or not a string")
            explanation = arguments["explanation"][:MOST_EXPLANATION]
            return "declined", {"reason": arguments["reason"], "explanation": explanation}
        action, rationale = incidents.read_action(name, prompt.BY_NAME[name], arguments)
        preview = incidents.preview(action, self.proposal.event, self.inventory)
        return "proposed", {"action": action, "rationale": rationale, "preview": preview}

    def _look(self, tool: str) -> Any:
        """What an evidence tool answers: from the inventory as it was read for this incident."""
        inventory = self.inventory
        if tool == "provider_health":
            each = inventory.providers.items()
            return [provider | {"healthy": inventory.is_healthy(name)} for name, provider in each]
        if tool == "model_group_routes":

            def shown(route: dict) -> dict:
                return route | {"healthy": inventory.is_healthy(route["provider"])}

            groups = inventory.groups.items()
            return [{"model_group": group, "routes": list(map(shown, routes))} for group, routes in groups]
        if tool == "team_usage":
            return inventory.teams
        if tool == "budget_state":
            return inventory.budgets
        if tool == "sla_state":
            return {"contracts": inventory.contracts, "guardrails": inventory.guardrails}
        return {"unavailable": "the agent's history cannot be read now"}

    def _ask(self, messages: list[dict], most: int) -> dict:
        """The model's next answer. Every attempt goes into the transcript."""
        request = json.dumps(
            {
                "model": MODEL,
                "max_tokens": most,
                "thinking": {"type": "adaptive"},
                "tools": prompt.TOOLS,
                "tool_choice": {"type": "auto"},
                "system": [{"type": "text", "text": prompt.SYSTEM, "cache_control": {"type": "ephemeral"}}],
                "messages": messages,
            },
            separators=(",", ":"),
            ensure_ascii=False,
        )
        headers = {
            "content-type": "application/json",
            "anthropic-version": "2023-06-01",
            "x-api-key": model_key.text,
        }
        url = ENV["MODEL_URL"].rstrip("/") + "/v1/messages"
        for number in range(1, MOST_ATTEMPTS + 1):
            began = now_ms()
            attempt = {
                "model": MODEL,
                "path": "/v1/messages",
                "at": stamp(began),
                "took_ms": 0,
                "attempt": number,
                "request": request,
            }
            self.attempts.append(attempt)
            wait = 0.5 * 2**number
            try:
                seconds = max(self.deadline - time.monotonic(), 1)
                reply = common.http("POST", url, request.encode(), headers, seconds)
            except Unavailable as err:
                attempt |= {"took_ms": now_ms() - began, "problem": str(err)}
            else:
                attempt |= {
                    "took_ms": now_ms() - began,
                    "status": reply.status,
                    "request_id": reply.headers.get("request-id"),
                    "reply": reply.data.decode(errors="replace"),
                }
                if reply.status == 200:
                    return self._count(json.loads(reply.data))
                if reply.status not in (408, 409, 429) and reply.status < 500:
                    raise Unavailable(f"the model's API answered {reply.status}")
                wait = float(reply.headers.get("retry-after", wait))
            if number == MOST_ATTEMPTS or time.monotonic() + wait > self.deadline:
                break
            time.sleep(wait)
        raise Unavailable("the model does not answer")

    def _count(self, answer: dict) -> dict:
        """Counts what an answer took: a tenth for what the cache held, a quarter more for what it took in."""
        usage = answer["usage"]
        fresh, written = usage["input_tokens"], usage["output_tokens"]
        held, taken = usage.get("cache_read_input_tokens", 0), usage.get("cache_creation_input_tokens", 0)
        price_in, price_out = PRICES[MODEL]
        twentieths = (fresh * 20 + held * 2 + taken * 25) * price_in + written * 20 * price_out
        self.turns += 1
        self.read += fresh + held + taken
        self.written += written
        self.cost += -(-twentieths // 20_000_000)
        return answer

    def store(self) -> dict:
        """Stores the transcript under its digest, and says what the model did."""
        first, last = self.attempts[0], self.attempts[-1]
        about = {
            "prompt_version": prompt.VERSION,
            "prompt": prompt.DIGEST,
            "turns": self.turns,
            "input_tokens": self.read,
            "output_tokens": self.written,
            "took_ms": millis(last["at"]) + last["took_ms"] - millis(first["at"]),
        }
        head = {
            "transcript": 1,
            "attempts": len(self.attempts),
            "proposal": self.proposal.id,
            "model": MODEL,
            "cost_usd": usd(self.cost),
            **about,
        }
        lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (head, *self.attempts))
        packed = gzip.compress(lines.encode(), compresslevel=6, mtime=0)
        digest = hashlib.sha256(packed)
        try:
            s3.put_object(
                Bucket=ENV["TRANSCRIPT_BUCKET"],
                Key=f"payloads/{digest.hexdigest()}",
                Body=packed,
                ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
                IfNoneMatch="*",
            )
        except ClientError as err:
            # 412: it is there already.
            if err.response["ResponseMetadata"]["HTTPStatusCode"] != 412:
                raise
        return {
            "model": MODEL,
            "transcript": digest.hexdigest(),
            "requests": len(self.attempts),
            "cost": usd(self.cost),
            **about,
        }


def _told(calls: list[dict], text: str) -> dict:
    """A complaint as the next turn: every call gets a result, as the API demands."""
    if not calls:
        return {"role": "user", "content": [{"type": "text", "text": text}]}
    return {"role": "user", "content": [_result(call, text, is_error=True) for call in calls]}


def _result(call: dict, text: str, is_error: bool) -> dict:
    return {"type": "tool_result", "tool_use_id": call["id"], "content": text, "is_error": is_error}
