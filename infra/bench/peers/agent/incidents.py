"""Events, the gateway's inventory, and what an action would do to it: pure functions.

Of the library's actions this one previews `reroute_model_group`; whatever else a model calls is declined.
"""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.parse
from typing import Any

from common import Poison, Unavailable, millis, now_ms, stamp
from trail import Corrupt, compact, digest_of_fields

SEVERITIES = ("info", "warning", "critical")
UNHEALTHY_ABOVE_PPM = 250_000
UNHEALTHY_REQUESTS = 5
SPIKE_FACTOR = 3
STALE_MS = 300_000
MAX_WEIGHT = 1000
MAX_RATIONALE = 600
MOST_TEAMS = 20


# ------------------------------------------------------------------------------------------- events


def read_event(envelope: dict) -> dict:
    """The event of a bus event, or why it is none."""
    detail_type, detail = envelope["detail-type"], envelope["detail"]
    try:
        name = {key: _name(detail, key) for key in ("event_id", "org_id", "provider")}
        if detail_type == "latency.spike":
            trouble = {
                "type": "latency_spike",
                "provider": name["provider"],
                "model_group": _optional_name(detail, "model_group"),
                "current_ms": _count(detail, "current_ms"),
                "median_1h_ms": _count(detail, "median_1h_ms"),
            }
        elif detail_type == "provider.unhealthy":
            rate = detail["error_rate"]
            if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
                raise Poison("error_rate is not a fraction")
            trouble = {
                "type": "provider_unhealthy",
                "provider": name["provider"],
                "model_group": _optional_name(detail, "model_group"),
                "error_rate": round(rate * 1_000_000),
                "requests": _count(detail, "requests"),
            }
        else:
            raise Poison(f"{detail_type} is not an event that is answered here")
    except KeyError as err:
        raise Poison(f"the event has no {err}") from err
    occurred_at = detail.get("occurred_at")
    severity = detail.get("severity", "warning")
    return {
        "event_id": name["event_id"],
        "occurred_at": stamp(millis(occurred_at)) if occurred_at else None,
        "org": name["org_id"],
        "team": _optional_name(detail, "team_id"),
        "severity": severity if severity in SEVERITIES else "warning",
        "trouble": trouble,
    }


def _name(detail: dict, key: str) -> str:
    text = detail[key]
    if not isinstance(text, str) or not text or len(text.encode()) > 256 or not text.isprintable():
        raise Poison(f"{key} is not a name")
    return text


def _optional_name(detail: dict, key: str) -> str | None:
    return _name(detail, key) if detail.get(key) is not None else None


def _count(detail: dict, key: str) -> int:
    number = detail[key]
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise Poison(f"{key} is not a whole number")
    return number


def fingerprint(event: dict) -> str:
    """The hash of event type and subject: what makes two events the same trouble."""
    trouble = event["trouble"]
    group = trouble["model_group"] if trouble["type"] == "latency_spike" else None
    name = trouble["type"].replace("_", ".", 1)
    digest = digest_of_fields("sre-agent/fingerprint/2", ("", name, trouble["provider"], group or ""))
    return base64.b32encode(bytes.fromhex(digest)).decode().lower()[:26]


def content(event: dict) -> str:
    """The digest of all that an event says."""
    return digest_of_fields("sre-agent/event/1", (compact(event),))


def contradiction(event: dict) -> str | None:
    """How the event contradicts its own definition, if it does."""
    trouble = event["trouble"]
    if trouble["type"] == "latency_spike":
        now, median = trouble["current_ms"], trouble["median_1h_ms"]
        if now <= SPIKE_FACTOR * median:
            return f"{now} ms are not above {SPIKE_FACTOR} × the median of {median} ms"
    elif trouble["error_rate"] <= UNHEALTHY_ABOVE_PPM:
        rate, least = percent(trouble["error_rate"]), percent(UNHEALTHY_ABOVE_PPM)
        return f"an error rate of {rate} is not above {least}"
    elif trouble["requests"] < UNHEALTHY_REQUESTS:
        return f"{trouble['requests']} requests are fewer than {UNHEALTHY_REQUESTS}"
    return None


def told(event: dict) -> str:
    """The event in a sentence."""
    trouble = event["trouble"]
    where = f" in {trouble['model_group']}" if trouble["model_group"] else ""
    if trouble["type"] == "latency_spike":
        now, median = trouble["current_ms"], trouble["median_1h_ms"]
        return f"{trouble['provider']}{where} takes {now} ms, {median} ms is its one-hour median"
    rate, requests = percent(trouble["error_rate"]), trouble["requests"]
    return f"{trouble['provider']}{where} fails {rate} of {requests} requests"


def percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000 // 1000} %"


# ---------------------------------------------------------------------------------------- inventory


class Inventory:
    """The gateway as it was read at one instant."""

    def __init__(self, reply: dict) -> None:
        try:
            self.read_at = stamp(millis(reply["read_at"]))
            self.providers: dict[str, dict] = {each["id"]: each for each in reply["providers"]}
            self.groups: dict[str, list[dict]] = {
                each["id"]: routes(each["routes"]) for each in reply["model_groups"]
            }
            self.teams: list[dict] = reply["teams"]
            self.budgets: list[dict] = reply["budgets"]
            self.guardrails: list[dict] = reply["guardrails"]
            self.contracts: list[dict] = reply["sla_contracts"]
        except (KeyError, TypeError, ValueError) as err:
            raise Unavailable(f"the gateway's inventory is bad: {err!r}") from err
        if not self.providers:
            raise Unavailable("the gateway's inventory names no provider: that is no reading")
        if abs(now_ms() - millis(self.read_at)) > STALE_MS:
            raise Unavailable(f"the gateway's inventory is of {self.read_at}")

    def is_healthy(self, provider_id: str) -> bool:
        """Whether traffic may be sent there: open, and seen to do well."""
        provider = self.providers.get(provider_id)
        return (
            provider is not None
            and provider["requests"] >= UNHEALTHY_REQUESTS
            and not provider["blocked"]
            and provider["error_rate_ppm"] <= UNHEALTHY_ABOVE_PPM
            and not is_spiking(provider)
        )

    def routes_to(self, group: str | None, provider: str) -> bool:
        return any(route["provider"] == provider for route in self.groups.get(group or "", ()))

    def believe(self, event: dict) -> tuple[str | None, list[str]]:
        """The event's model group, where it belongs to the provider; and which of its fields do not."""
        trouble, left_out = event["trouble"], []
        group, provider = trouble["model_group"], trouble["provider"]
        if group is not None and not self.routes_to(group, provider):
            left_out.append(f"model group {group} has no route to {provider}")
            group = None
        team = event["team"]
        if team is not None:
            used = next((each["model_groups"] for each in self.teams if each["id"] == team), ())
            concerned = [group] if group else [name for name in self.groups if self.routes_to(name, provider)]
            if not any(name in used for name in concerned):
                left_out.append(f"team {team} does not use what it is about")
        return group, left_out

    def condition(self, event: dict) -> dict:
        """Whether the gateway shows what the event claims."""
        trouble = event["trouble"]
        provider = self.providers.get(trouble["provider"])
        if provider is None:
            return _condition("refuted", f"the gateway knows no provider {trouble['provider']}")
        name, requests, window = provider["id"], provider["requests"], provider["window_s"]
        if requests < UNHEALTHY_REQUESTS:
            return _condition("unreadable", f"{name} had {requests} requests in {window} s: too few to tell")
        if trouble["type"] == "provider_unhealthy":
            rate = provider["error_rate_ppm"]
            observed = f"{name} fails {percent(rate)} of {requests} requests in {window} s"
            return _condition("confirmed" if rate > UNHEALTHY_ABOVE_PPM else "refuted", observed)
        group = trouble["model_group"]
        if group is not None and not self.routes_to(group, name):
            return _condition("unreadable", f"model group {group} has no route to {name}")
        now, median = provider["latency_p50_ms"], provider["median_1h_ms"]
        observed = f"{name} takes {now} ms, {median} ms is its one-hour median"
        if now is None or median is None:
            return _condition("unreadable", observed)
        if is_spiking(provider):
            return _condition("confirmed", observed)
        above_claimed = now > SPIKE_FACTOR * trouble["median_1h_ms"]
        return _condition("unreadable" if above_claimed else "refuted", observed)

    def measured(self, event: dict) -> list | None:
        """What the event measures, as the gateway measured it."""
        provider = self.providers.get(event["trouble"]["provider"])
        if provider is None or provider["requests"] < UNHEALTHY_REQUESTS:
            return None
        if event["trouble"]["type"] == "provider_unhealthy":
            return ["failed_ppm", provider["error_rate_ppm"]]
        latency = provider["latency_p50_ms"]
        return None if latency is None else ["latency_ms", latency]

    def evidence(self, event: dict, plan: dict) -> dict:
        """What is known when a proposal is made: all that scoring may look at."""
        after = {
            change["target"]["id"]: change["after"]["routes"]
            for change in plan["changes"]
            if change["target"]["kind"] == "model_group"
        }
        affected = [team for team in self.teams if any(group in after for group in team["model_groups"])]
        affected.sort(key=lambda team: team["id"])
        requests = sum(team["requests_5m"] for team in self.teams)
        part = sum(team["requests_5m"] for team in affected)
        left = [
            sum(route["weight"] > 0 and self.is_healthy(route["provider"]) for route in then)
            for then in after.values()
        ]
        evidence: dict[str, Any] = {"condition": self.condition(event)}
        _, left_out = self.believe(event)
        if left_out:
            evidence["left_out"] = left_out
        measured = self.measured(event)
        if measured:
            evidence["measured"] = measured
        evidence["read_at"] = self.read_at
        if not requests:
            evidence["affected_unknown"] = True
        return evidence | {
            "teams_affected": len(affected),
            "teams": [team["id"] for team in affected[:MOST_TEAMS]],
            "critical_team": any(team["tier"] == "critical" for team in affected),
            "traffic_share": part * 1_000_000 // requests if requests else 0,
            "alternatives": min(left) if left else None,
            "history": None,
        }


def routes(bodies: list[dict]) -> list[dict]:
    """Routes sorted by provider, so that two readings compare; a provider's deployments add up to one."""
    weights: dict[str, int] = {}
    for body in bodies:
        weight = body["weight"]
        if not isinstance(weight, int) or not 0 <= weight <= MAX_WEIGHT:
            raise ValueError(f"{weight} is no weight")
        weights[body["provider"]] = weights.get(body["provider"], 0) + weight
    return [{"provider": provider, "weight": weights[provider]} for provider in sorted(weights)]


def is_spiking(provider: dict) -> bool:
    now, median = provider["latency_p50_ms"], provider["median_1h_ms"]
    return now is not None and median is not None and now > SPIKE_FACTOR * median


def _condition(status: str, observed: str) -> dict:
    return {"status": status, "observed": observed}


# ------------------------------------------------------------------------------------------ actions


class Complaint(Exception):
    """Why an action cannot be proposed."""


def read_action(name: str, tool: dict, arguments: Any) -> tuple[dict, str]:
    """The action and the rationale of a tool's call, or what is wrong with it."""
    if not isinstance(arguments, dict):
        raise Complaint("the input is not an object")
    schema = tool["input_schema"]
    for key in arguments:
        if key not in schema["properties"]:
            raise Complaint(f'{name} has no parameter "{key}"')
    for key in schema["required"]:
        if key not in arguments:
            raise Complaint(f"{key} is missing")
        _check(key, schema["properties"][key], arguments[key])
    parameters = dict(arguments)
    rationale = parameters.pop("rationale")[:MAX_RATIONALE]
    return {"action": name, **parameters}, rationale


def _check(key: str, schema: dict, value: Any) -> None:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    known = {"string": str, "integer": int, "null": type(None)}
    if isinstance(value, bool) or not isinstance(value, tuple(known[each] for each in types)):
        raise Complaint(f"{key} is not of type {' or '.join(types)}")
    if "enum" in schema and value not in schema["enum"]:
        raise Complaint(f"{key} is none of {', '.join(schema['enum'])}")


def preview(action: dict, event: dict, inventory: Inventory) -> dict:
    """What an action will do, exactly, or why it may not be proposed for this event."""
    if action["action"] != "reroute_model_group":
        raise Complaint(f"{action['action']} cannot be previewed here")
    trouble = event["trouble"]
    group, source, destination = action["model_group"], action["from"], action["to"]
    believed, _ = inventory.believe(event)
    if source == destination:
        raise Complaint("to is the same provider as from")
    if trouble["model_group"] and believed != trouble["model_group"]:
        raise Complaint(f"the event names {trouble['model_group']}, which does not belong to it")
    if source != trouble["provider"]:
        raise Complaint(f"from {source} is not the one the event is about")
    if believed and group != believed:
        raise Complaint(f"model_group {group} is not the one the event is about")
    before = inventory.groups.get(group)
    if before is None:
        raise Complaint(f"model_group {group} is not on the gateway")
    weight = next((route["weight"] for route in before if route["provider"] == source), 0)
    if not weight:
        raise Complaint(f"from {source} has no traffic of {group}")
    if not inventory.routes_to(group, destination):
        raise Complaint(f"to {destination} is no route of {group} yet")
    if not inventory.is_healthy(destination):
        raise Complaint(f"to {destination} is not seen to be healthy")
    after = []
    for route in before:
        if route["provider"] == source:
            route = {**route, "weight": 0}
        elif route["provider"] == destination:
            route = {**route, "weight": min(route["weight"] + weight, MAX_WEIGHT)}
        after.append(route)
    target = {"kind": "model_group", "id": group}
    return {
        "changes": [{"target": target, "before": {"routes": before}, "after": {"routes": after}}],
        "page": None,
        # The new provider is held as well: nobody may break it meanwhile.
        "claims": [{"kind": "provider", "id": destination}, target],
        "impact": [f"model group {group}: {source}'s traffic goes to {destination}"],
        "undo": "on_demand",
    }


def plan_of(previewed: dict) -> dict:
    """The part of a preview that is done."""
    return {key: previewed[key] for key in ("changes", "page", "claims")}


def said(action: dict) -> str:
    """An action in a sentence."""
    if action["action"] == "reroute_model_group":
        return f"re-route model group {action['model_group']} from {action['from']} to {action['to']}"
    return action["action"].replace("_", " ")


def stream_of(target: dict) -> str:
    """The stream that says who holds a target."""
    return f"target/{target['kind']}/{urllib.parse.quote(target['id'], safe='-_.')}"


def path_of(target: dict) -> str:
    """The path of a target's setting at the gateway."""
    if target["kind"] != "model_group" or target["id"] in (".", ".."):
        raise Corrupt(f"no path can name {target['kind']} {target['id']}")
    return f"/admin/v1/model-groups/{urllib.parse.quote(target['id'], safe='-_.')}/routes"


def setting(target: dict, reply: Any) -> dict:
    """The value of a target in the gateway's reply."""
    try:
        return {"routes": routes(reply["routes"])}
    except (KeyError, TypeError, ValueError) as err:
        raise Unavailable(f"the gateway's reply about {target['id']} is bad: {err!r}") from err


def digest_of(value: Any) -> str:
    """SHA-256 of a value as JSON with its keys in order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
