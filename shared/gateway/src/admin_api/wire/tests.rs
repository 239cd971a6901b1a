use domain::value::BadId;
use serde_json::{Value, json};

use super::*;
use domain::incident::SlaMetric;

fn id<T: std::str::FromStr<Err = BadId>>(text: &str) -> T {
    text.parse().unwrap()
}

fn reply() -> Value {
    json!({
        "read_at": "2026-11-22T10:00:00.000Z",
        "providers": [
            {"id": "openai", "blocked": true, "requests": 120, "error_rate_ppm": 12000, "window_s": 300,
             "latency_p50_ms": 420, "median_1h_ms": 400},
            {"id": "anthropic", "blocked": false, "requests": 0, "error_rate_ppm": 0, "window_s": 300,
             "latency_p50_ms": null, "median_1h_ms": null},
        ],
        "model_groups": [
            {"id": "chat", "routes": [{"provider": "openai", "weight": 70}, {"provider": "anthropic", "weight": 30}]},
        ],
        "teams": [
            {"id": "payments", "rpm": 600, "tpm": 100000, "requests_5m": 300, "tier": "critical",
             "model_groups": ["chat"]},
        ],
        "budgets": [
            {"scope": "team", "id": "acme", "kind": "hard", "soft_cap_micros": 80000000,
             "hard_cap_micros": 100000000, "spend_micros": 101234000, "period": "monthly"},
            {"scope": "org", "id": "acme", "soft_cap_micros": null, "hard_cap_micros": 900000000,
             "spend_micros": 1, "period": "monthly"},
        ],
        "guardrails": [{"id": "pii", "enabled": true}],
        "sla_contracts": [
            {"id": "gold", "enabled": true, "metric": "p95", "target": 800, "actual": 420, "window_s": 300,
             "provider": "openai", "model_group": null},
            {"id": "silver", "enabled": true, "metric": "success_rate", "target": 990000, "actual": 1000000,
             "window_s": 300, "provider": null, "model_group": null},
            {"id": "bronze", "enabled": false, "metric": "p99", "target": 900, "actual": null, "window_s": 300,
             "provider": null, "model_group": "chat"},
        ],
    })
}

/// What is wrong with the sample reply once the value at a pointer is another, or removed.
fn complaint(pointer: &str, value: Option<Value>) -> String {
    let mut reply = reply();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = reply.pointer_mut(parent).unwrap();
    match (value, parent) {
        (Some(value), Value::Object(object)) => drop(object.insert(name.to_owned(), value).unwrap()),
        (None, Value::Object(object)) => drop(object.remove(name).unwrap()),
        (Some(value), Value::Array(list)) => list[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    let problem = inventory(reply.to_string().as_bytes()).unwrap_err().to_string();
    match problem.find(" at line ") {
        Some(end) => problem[..end].to_owned(),
        None => problem,
    }
}

#[test]
fn what_a_contract_is_about_whose_a_team_is_and_what_limits_refuse_is_read_where_the_gateway_tells() {
    let mut reply = reply();
    reply["teams"][0]["rate_limited_5m"] = json!(7);
    reply["teams"][0]["org_id"] = json!("acme");
    reply["sla_contracts"][1]
        .as_object_mut()
        .unwrap()
        .remove("provider");
    let read = inventory(reply.to_string().as_bytes()).unwrap();
    assert_eq!(read.teams[0].rate_limited_5m, Some(7));
    assert_eq!(read.teams[0].org, Some(id("acme")));
    let about: Vec<_> = read
        .contracts
        .iter()
        .map(|one| (one.provider.clone(), one.model_group.clone()))
        .collect();
    assert_eq!(
        about,
        [(Some(id("openai")), None), (None, None), (None, Some(id("chat")))]
    );
}

#[test]
fn several_deployments_of_one_provider_in_a_group_are_one_route() {
    let with = |weights: [u32; 2]| {
        let mut reply = reply();
        let routes = weights.map(|weight| json!({"provider": "azure", "weight": weight}));
        reply["model_groups"][0]["routes"] = json!(routes);
        inventory(reply.to_string().as_bytes())
    };
    let azure = Route {
        provider: id("azure"),
        weight: 90,
    };
    assert_eq!(with([50, 40]).unwrap().model_groups[0].routes, [azure]);
    assert_eq!(with([600, 401]).unwrap().model_groups[0].routes[0].weight, 1000);
    let problem = with([1001, 1]).unwrap_err().to_string();
    assert_eq!(
        problem,
        "model_groups[0].routes[0].weight: 1001 is more than 1000"
    );
}

#[test]
fn weights_that_add_up_to_more_than_one_may_be_keep_their_shares() {
    let mut reply = reply();
    reply["model_groups"][0]["routes"] = json!([
        {"provider": "azure", "weight": 600}, {"provider": "azure", "weight": 600},
        {"provider": "openai", "weight": 300}, {"provider": "anthropic", "weight": 1}, {"provider": "gone", "weight": 0}
    ]);
    let read = inventory(reply.to_string().as_bytes()).unwrap();
    let weights: Vec<_> = read.model_groups[0]
        .routes
        .iter()
        .map(|route| (route.provider.as_str(), route.weight))
        .collect();
    assert_eq!(
        weights,
        [("anthropic", 1), ("azure", 1000), ("gone", 0), ("openai", 250)]
    );
}

#[test]
fn an_inventory_is_read_with_its_units_and_its_routes_sorted() {
    let read = inventory(reply().to_string().as_bytes()).unwrap();
    let openai = Provider {
        id: id("openai"),
        blocked: true,
        requests: 120,
        error_rate: Ppm(12_000),
        window_s: 300,
        latency_p50_ms: Some(420),
        median_1h_ms: Some(400),
    };
    assert_eq!(read.read_at.to_string(), "2026-11-22T10:00:00.000Z");
    assert_eq!(read.providers[0], openai);
    assert_eq!(read.providers[1].latency_p50_ms, None);
    let routes = [("anthropic", 30), ("openai", 70)].map(|(provider, weight)| Route {
        provider: id(provider),
        weight,
    });
    assert_eq!(read.model_groups[0].routes, routes);
    let payments = Team {
        id: id("payments"),
        org: None,
        rpm: 600,
        tpm: 100_000,
        requests_5m: 300,
        rate_limited_5m: None,
        critical: true,
        model_groups: vec![id("chat")],
    };
    assert_eq!(read.teams, [payments]);
    let budgets = ["team", "org"].map(|scope| BudgetOwner::parse(scope, "acme").unwrap());
    assert_eq!(
        read.budgets.iter().map(|one| &one.owner).collect::<Vec<_>>(),
        budgets.each_ref()
    );
    assert_eq!(
        (
            read.budgets[0].soft_cap,
            read.budgets[0].hard_cap,
            read.budgets[0].spend
        ),
        (Some(Micros(80_000_000)), Micros(100_000_000), Micros(101_234_000))
    );
    assert_eq!(read.budgets[1].soft_cap, None);
    assert!(read.guardrails[0].enabled);
    let measured: Vec<_> = read.contracts.iter().map(|one| one.measured).collect();
    let (target, actual) = (Ppm(990_000), Ppm::ONE);
    assert_eq!(
        measured,
        [
            Some(SlaMetric::P95 {
                target: 800,
                actual: 420
            }),
            Some(SlaMetric::SuccessRate { target, actual }),
            None
        ]
    );
}

#[test]
fn a_reply_that_makes_no_sense_is_refused_and_the_field_named() {
    for (pointer, value, problem) in [
        ("/read_at", json!("today"), "read_at: is not an RFC 3339 instant"),
        ("/providers/1/id", json!(""), "providers[1].id: is empty"),
        (
            "/providers/1/id",
            json!("a\nb"),
            "providers[1].id: holds a control character",
        ),
        ("/providers/1/id", json!("openai"), "providers[1]: is there twice"),
        (
            "/providers/0/blocked",
            json!("no"),
            "providers[0].blocked: invalid type: string \"no\", expected",
        ),
        (
            "/providers/0/requests",
            json!(-1),
            "providers[0].requests: invalid value: integer `-1`",
        ),
        (
            "/providers/0/requests",
            json!(1e3),
            "providers[0].requests: invalid type: floating point",
        ),
        (
            "/providers/0/requests",
            json!(1u64 << 32),
            "providers[0].requests: invalid value: integer",
        ),
        (
            "/providers/0/error_rate_ppm",
            json!(1_000_001),
            "providers[0].error_rate_ppm: 1000001 is more than",
        ),
        (
            "/model_groups/0/routes/1/weight",
            json!(1001),
            "model_groups[0].routes[1].weight: 1001 is more",
        ),
        (
            "/teams/0/rpm",
            json!(1_000_000_001),
            "teams[0].rpm: 1000000001 is more than 1000000000",
        ),
        (
            "/teams/0/tier",
            json!("vip"),
            "teams[0].tier: unknown variant `vip`",
        ),
        ("/budgets/1/scope", json!("team"), "budgets[1]: is there twice"),
        (
            "/budgets/1/scope",
            json!("user"),
            "budgets[1]: is not a budget's scope: team or org",
        ),
        (
            "/budgets/0/hard_cap_micros",
            json!(u64::MAX),
            "budgets[0].hard_cap_micros: 18446744073709.551615 is",
        ),
        (
            "/budgets/0/spend_micros",
            json!("12.5"),
            "budgets[0].spend_micros: invalid type: string",
        ),
        ("/guardrails/0", json!([]), "guardrails[0]: invalid length 0"),
        (
            "/sla_contracts/1/target",
            json!(1_000_001),
            "sla_contracts[1].target: 1000001 is more than",
        ),
        (
            "/sla_contracts/2/metric",
            json!("p50"),
            "sla_contracts[2].metric: unknown variant `p50`",
        ),
    ] {
        let told = complaint(pointer, Some(value));
        assert!(told.starts_with(problem), "{pointer}: {told}");
    }
}

#[test]
fn a_field_left_out_is_not_taken_for_null() {
    for (pointer, problem) in [
        ("/providers", "missing field `providers`"),
        (
            "/providers/0/latency_p50_ms",
            "providers[0]: missing field `latency_p50_ms`",
        ),
        (
            "/providers/0/median_1h_ms",
            "providers[0]: missing field `median_1h_ms`",
        ),
        (
            "/budgets/0/soft_cap_micros",
            "budgets[0]: missing field `soft_cap_micros`",
        ),
        (
            "/sla_contracts/0/actual",
            "sla_contracts[0]: missing field `actual`",
        ),
    ] {
        let told = complaint(pointer, None);
        assert!(told.ends_with(problem), "{pointer}: {told}");
    }
}

#[test]
fn what_is_no_json_or_goes_on_after_it_is_refused() {
    for reply in [
        "",
        "{",
        "<html>",
        "null",
        "[]",
        "{\"enabled\":true}{}",
        "{\"enabled\":true} x",
    ] {
        let target = Target::Guardrail(id("pii"));
        assert!(setting(&target, reply.as_bytes()).is_err(), "{reply}");
    }
    assert!(setting(&Target::Guardrail(id("pii")), b"\xff\xfe").is_err());
    let long = format!("{{\"enabled\":\"{}\n\"}}", "x".repeat(10_000));
    let problem = setting(&Target::Guardrail(id("pii")), long.as_bytes()).unwrap_err();
    assert!(
        problem.to_string().len() < 300,
        "an error does not repeat the reply: {problem}"
    );
}

/// One target and value of each sort, with the body on the wire.
fn settings() -> Vec<(Target, Setting, &'static str)> {
    let routes = [("anthropic", 1000), ("openai", 0)].map(|(provider, weight)| Route {
        provider: id(provider),
        weight,
    });
    vec![
        (
            Target::Provider(id("a")),
            Setting::Blocked(true),
            r#"{"blocked":true}"#,
        ),
        (
            Target::ModelGroup(id("a")),
            Setting::Routes(routes.into()),
            r#"{"routes":[{"provider":"anthropic","weight":1000},{"provider":"openai","weight":0}]}"#,
        ),
        (
            Target::Team(id("a")),
            Setting::RateLimit {
                rpm: 0,
                tpm: 1_000_000_000,
            },
            r#"{"rpm":0,"tpm":1000000000}"#,
        ),
        (
            Target::Guardrail(id("a")),
            Setting::Enabled(false),
            r#"{"enabled":false}"#,
        ),
        (
            Target::Budget(BudgetOwner::Org(id("a"))),
            Setting::HardCap(Micros(1)),
            r#"{"hard_cap_micros":1}"#,
        ),
        (
            Target::Contract(id("a")),
            Setting::Enabled(true),
            r#"{"enabled":true}"#,
        ),
    ]
}

#[test]
fn a_setting_reads_back_as_it_was_written_and_only_for_its_own_sort_of_target() {
    for (target, value, text) in settings() {
        assert_eq!(body(&target, &value).as_deref(), Some(text.as_bytes()));
        assert_eq!(setting(&target, text.as_bytes()).as_ref(), Ok(&value));
        for (_, other, other_text) in settings() {
            if std::mem::discriminant(&other) != std::mem::discriminant(&value) {
                assert_eq!(body(&target, &other), None, "{target}: {other}");
                assert!(
                    setting(&target, other_text.as_bytes()).is_err(),
                    "{target}: {other_text}"
                );
            }
        }
    }
}

#[test]
fn no_name_leads_to_another_path() {
    for name in [
        "chat", "a/b", "a b", "%2F", "%2e%2e", "...", "x#y?z", "x;y", "\\", "ä🚀", "..;",
    ] {
        for target in [
            Target::Provider(id(name)),
            Target::ModelGroup(id(name)),
            Target::Team(id(name)),
            Target::Guardrail(id(name)),
            Target::Budget(BudgetOwner::Team(id(name))),
            Target::Contract(id(name)),
        ] {
            let path = path(&target).unwrap();
            let url = reqwest::Url::parse(&format!("http://gateway{path}")).unwrap();
            assert_eq!(url.path(), path, "sent as it was built");
            let slashes = if let Target::Budget(_) = target { 6 } else { 5 };
            assert!(path.matches('/').count() <= slashes, "{path}");
        }
    }
    for name in [".", ".."] {
        assert_eq!(path(&Target::Guardrail(id(name))), None);
        assert_eq!(path(&Target::Budget(BudgetOwner::Team(id(name)))), None);
    }
}
