"""What the model is told: the project's own system prompt, and its tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import incidents
from risk import RISKS

VERSION = 3
SYSTEM = (
    Path(__file__).resolve().parents[4] / "functions/ingest-and-propose/src/prompt/system.md"
).read_text()
MAX_EVENT = 6_000
MAX_RESULT = 8_000

_RATIONALE = {
    "type": "string",
    "description": "Why this and nothing else, in one or two sentences, for the person who approves it.",
}


def _tool(name: str, description: str, properties: dict[str, dict]) -> dict:
    return {
        "name": name,
        "description": description,
        "input_schema": {
            "type": "object",
            "additionalProperties": False,
            "required": list(properties),
            "properties": properties,
        },
        "strict": True,
    }


def _text(description: str, *values: str) -> dict:
    schema: dict[str, Any] = {"type": "string", "description": description}
    return schema | {"enum": list(values)} if values else schema


def _number(description: str, *types: str) -> dict:
    return {"type": list(types) if types else "integer", "description": description}


_STAYS = "It stays until a person takes it back."

EVIDENCE = {
    "provider_health": "Every provider: whether its breaker is open, its requests and error rate in the "
    "window, its latency now and its one-hour median.",
    "model_group_routes": "Every model group with its routes: provider, weight, and whether that provider is "
    "healthy and gets traffic.",
    "team_usage": "Every team: its limits a minute, its requests in the last five minutes, whether it is "
    "critical, the model groups it uses.",
    "budget_state": "Every budget: its owner, soft and hard cap, and what is spent, in USD.",
    "sla_state": "Every SLA contract with its target and measurement, and every guardrail; and whether each "
    "is in force.",
    "recent_changes": "What this agent changed on the gateway in the last hours, and whether it is still in "
    "force.",
    "recent_incidents": "What was reported in the last hours, what was proposed, and how it ended.",
    "similar_incidents": "Earlier outbreaks of this very trouble, what was done, and whether it helped.",
}

# name: description, parameters
ACTIONS: dict[str, tuple[str, dict[str, dict]]] = {
    "circuit_break_provider": (
        "Opens a provider's breaker and closes it by itself when the time is over. It ends by itself.",
        {"provider": _text("The provider."), "duration_s": _number("How long, 30–300 seconds.")},
    ),
    "reroute_model_group": (
        f"Moves the whole weight that `from` has in a model group to `to`. {_STAYS}",
        {
            "model_group": _text("The model group."),
            "from": _text("The provider that loses the traffic."),
            "to": _text("The provider that gets it: a route of the group already, and healthy."),
        },
    ),
    "raise_rate_limit": (
        f"Raises one team's requests or tokens a minute by a percentage. {_STAYS}",
        {
            "team": _text("The team."),
            "rpm_percent": _number("Raise of requests a minute, 1–50 %.", "integer", "null"),
            "tpm_percent": _number("Raise of tokens a minute, 1–50 %.", "integer", "null"),
        },
    ),
    "page_oncall": (
        "Pages the on-call engineer. A page cannot be taken back.",
        {
            "severity": _text("How bad.", "info", "warning", "critical"),
            "summary": _text("One sentence, 1–300 characters, no control or invisible characters."),
        },
    ),
    "disable_guardrail": (
        f"Switches a guardrail off: it slows or refuses traffic that should pass. {_STAYS}",
        {"guardrail": _text("The guardrail.")},
    ),
    "bump_budget_cap": (
        f"Sets a budget's hard cap higher. {_STAYS}",
        {
            "scope": _text("Whose budget.", "team", "org"),
            "scope_id": _text("Id of the team or the organisation."),
            "hard_cap": _text(
                'The new cap in USD as a decimal string, such as "120.50": above the present one, at most '
                "the policy's\nmaximum."
            ),
        },
    ),
    "disable_sla_contract": (
        f"Takes an SLA contract out of force. {_STAYS}",
        {"sla_id": _text("The contract.")},
    ),
}

_DECLINE = _tool(
    "decline",
    "Propose nothing, and say why.",
    {
        "reason": _text(
            "Nothing needs to be done, or nothing in the library can help.", "nothing_to_do", "out_of_scope"
        ),
        "explanation": _text("What you saw, in one or two sentences."),
    },
)

TOOLS = [
    *(_tool(name, description, {}) for name, description in EVIDENCE.items()),
    *(
        _tool(name, f"{about} Baseline risk {RISKS[name][0]} of 100.", {"rationale": _RATIONALE} | parameters)
        for name, (about, parameters) in ACTIONS.items()
    ),
    # Everything up to here is the same for every incident: it is cached.
    _DECLINE | {"cache_control": {"type": "ephemeral"}},
]
BY_NAME = {tool["name"]: tool for tool in TOOLS}
DIGEST = incidents.digest_of([SYSTEM, TOOLS])


def _escaped(text: str, most: int) -> str:
    shown = text.replace("<", "\\u003c").replace(">", "\\u003e")
    if len(shown) <= most:
        return shown
    return f"{shown[:most]}… ({len(shown) - most} more characters)"


def fenced(text: str) -> str:
    """Text from outside as data: a JSON string between the fences."""
    return f"<event_data>\n{_escaped(json.dumps(text), MAX_EVENT)}\n</event_data>"


def evidence(result: Any) -> str:
    """The result of an evidence tool, cut and escaped like everything from outside."""
    return _escaped(json.dumps(result, ensure_ascii=False), MAX_RESULT)


def incident(received: dict, now: str) -> str:
    """The first words about an incident."""
    event = received["event"]
    name = event["trouble"]["type"].replace("_", ".", 1)
    report = fenced(received["verbatim"]["inline"])
    return (
        f"It is {now}. The gateway reported {name} ({event['severity']}), which the agent has read as:\n\n"
        f"{fenced(incidents.told(event))}\n\n"
        f"The report as it came, of {received['occurred_at']}:\n\n{report}\n\n"
        f"It was reported by:\n\n{fenced(received['source'])}\n\n"
        "Look at the evidence, then conclude with one call."
    )


def repair(problem: str) -> str:
    """What was wrong with a conclusion, for the one repair."""
    return (
        f"This cannot be taken: {_escaped(problem, 300)}. "
        "You may correct it once: call exactly one action, or decline."
    )
