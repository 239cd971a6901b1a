//! Answers of a hostile model, drawn at random.

use super::*;

const NAMES: [&str; 18] = [
    "circuit_break_provider",
    "reroute_model_group",
    "raise_rate_limit",
    "page_oncall",
    "disable_guardrail",
    "bump_budget_cap",
    "disable_sla_contract",
    "decline",
    "provider_health",
    "model_group_routes",
    "team_usage",
    "recent_incidents",
    "approve",
    "execute",
    "",
    "circuit_break_provider ",
    "__proto__",
    "delete_everything",
];

/// Values that mean something somewhere, and many that mean nothing.
fn value() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "openai",
        "anthropic",
        "bedrock",
        "mistral",
        "chat",
        "embeddings",
        "code",
        "payments",
        "research",
        "acme",
        "gold",
        "pii",
        "team",
        "org",
        "critical",
        "nothing_to_do",
        "120.50",
        "99999999.99",
        "-1",
        "",
        "nobody",
        "openai\u{0}",
        "../openai",
        "OPENAI",
        "*",
    ]);
    let leaf = prop_oneof![
        names.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u64..400).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Inputs with the parameters that the tools have, and others.
fn input() -> impl Strategy<Value = Value> {
    let field = prop::sample::select(vec![
        "rationale",
        "provider",
        "duration_s",
        "model_group",
        "from",
        "to",
        "team",
        "rpm_percent",
        "tpm_percent",
        "severity",
        "summary",
        "guardrail",
        "scope",
        "scope_id",
        "hard_cap",
        "sla_id",
        "reason",
        "explanation",
        "action",
        "score",
        "approved",
        "force",
    ]);
    let any_fields = prop::collection::hash_map(field, value(), 0..7).prop_map(|fields| {
        let mut object = serde_json::Map::new();
        object.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Value::Object(object)
    });
    let nearly = (
        0_u64..400,
        prop::sample::select(vec!["openai", "anthropic", "mistral", "nobody"]),
        any::<bool>(),
    )
        .prop_map(|(seconds, provider, more)| {
            let mut input = json!({"rationale": "x", "provider": provider, "duration_s": seconds});
            if more {
                input["action"] = json!("disable_sla_contract");
            }
            input
        });
    let page =
        "\\PC{0,320}".prop_map(|text| json!({"rationale": "x", "severity": "critical", "summary": text}));
    let reroute = (
        prop::sample::select(vec!["chat", "embeddings", "code", "nobody"]),
        prop::sample::select(vec!["openai", "anthropic", "bedrock"]),
        prop::sample::select(vec!["openai", "anthropic", "bedrock", "mistral"]),
    )
        .prop_map(
            |(group, from, to)| json!({"rationale": "x", "model_group": group, "from": from, "to": to}),
        );
    prop_oneof![any_fields, nearly, page, reroute, value()]
}

/// A call that is right, or nearly so: what gets furthest.
fn plausible() -> impl Strategy<Value = ToolCall> {
    let providers = ["openai", "anthropic", "bedrock", "mistral", "nobody"];
    let provider = || prop::sample::select(providers.to_vec());
    let called = |name: &str, input: Value| ToolCall {
        id: "call".to_owned(),
        name: name.to_owned(),
        input: Ok(input),
    };
    prop_oneof![
        (provider(), 0_u64..400).prop_map(move |(provider, seconds)| called(
            "circuit_break_provider",
            json!({"rationale": "x", "provider": provider, "duration_s": seconds})
        )),
        (
            prop::sample::select(vec!["chat", "embeddings", "code", "ocr"]),
            provider(),
            provider()
        )
            .prop_map(move |(group, from, to)| called(
                "reroute_model_group",
                json!({"rationale": "x", "model_group": group, "from": from, "to": to})
            )),
        "\\PC{0,320}".prop_map(move |text| called(
            "page_oncall",
            json!({"rationale": text, "severity": "critical", "summary": text})
        )),
        (
            prop::sample::select(vec!["payments", "research", "nobody"]),
            0_u64..70
        )
            .prop_map(move |(team, percent)| called(
                "raise_rate_limit",
                json!({"rationale": "x", "team": team, "rpm_percent": percent, "tpm_percent": null})
            )),
        (prop::sample::select(vec!["payments", "acme"]), 0_u64..20_000).prop_map(move |(team, cap)| called(
            "bump_budget_cap",
            json!({"rationale": "x", "scope": "team", "scope_id": team, "hard_cap": format!("{cap}.00")})
        )),
        prop::sample::select(vec!["gold", "silver", "nobody"])
            .prop_map(move |sla| called("disable_sla_contract", json!({"rationale": "x", "sla_id": sla}))),
        prop::sample::select(vec!["pii", "nobody"]).prop_map(move |guardrail| called(
            "disable_guardrail",
            json!({"rationale": "x", "guardrail": guardrail})
        )),
        "\\PC{0,40}"
            .prop_map(move |text| called("decline", json!({"reason": "nothing_to_do", "explanation": text}))),
    ]
}

fn call() -> impl Strategy<Value = ToolCall> {
    let name =
        prop_oneof![8 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,12}"];
    let input = prop_oneof![9 => input().prop_map(Ok), 1 => "\\PC{0,20}".prop_map(Err)];
    let wild = ("[a-z0-9]{0,6}", name, input).prop_map(|(id, name, input)| ToolCall { id, name, input });
    prop_oneof![2 => plausible(), 1 => wild]
}

pub(super) fn answer() -> impl Strategy<Value = Answer> {
    let stop = prop_oneof![
        20 => Just(Stop::ToolUse), 2 => Just(Stop::EndTurn), 1 => Just(Stop::MaxTokens), 1 => Just(Stop::Refusal),
        1 => Just(Stop::PauseTurn), 1 => Just(Stop::ContextExceeded), 1 => Just(Stop::Other("odd".to_owned())),
    ];
    (
        prop::collection::vec(call(), 0..3),
        stop,
        "\\PC{0,40}",
        0_u64..20_000,
    )
        .prop_map(|(calls, stop, text, tokens)| Answer {
            raw: json!({"text": text}),
            text,
            calls,
            stop,
            usage: Usage {
                input: tokens,
                output: tokens / 10,
                ..Usage::default()
            },
        })
}
