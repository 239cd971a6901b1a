//! What an action would do to a gateway, or why it cannot be done.

use super::*;

#[test]
fn each_action_says_exactly_what_it_will_do() {
    let expected = [
        expect![[r#"
            block provider openai for 300 s
              provider openai: open → blocked
              holds: provider openai, model group chat
              impact: model group chat: anthropic 30 % → 100 %, openai 70 % → 0 %
              undo: {"undo":"restore","after_s":300}"#]],
        expect![[r#"
            re-route model group chat from openai to anthropic
              model group chat: anthropic 30, openai 70 → anthropic 100, openai 0
              holds: provider anthropic, model group chat
              impact: model group chat: openai's traffic goes to anthropic
              undo: {"undo":"on_demand"}"#]],
        expect![[r#"
            raise team payments's requests a minute by 20 % and tokens a minute by 20 %
              team payments: 600 rpm, 100000 tpm → 720 rpm, 120000 tpm
              holds: team payments
              impact: team payments may send more until somebody takes it back
              undo: {"undo":"on_demand"}"#]],
        expect![[r#"
            page the on-call engineer (critical): openai fails
              page: critical openai fails
              impact: one page to the on-call engineer
              undo: {"undo":"one_shot"}"#]],
        expect![[r#"
            disable guardrail pii
              guardrail pii: enabled → disabled
              holds: guardrail pii
              impact: guardrail pii checks nobody's traffic until somebody takes it back
              undo: {"undo":"on_demand"}"#]],
        expect![[r#"
            raise the hard cap of team/payments to 1200.00 USD
              budget team/payments: 100.00 USD → 1200.00 USD
              holds: budget team/payments
              impact: team/payments may spend up to 1200.00 USD until somebody takes it back
              undo: {"undo":"on_demand"}"#]],
        expect![[r#"
            disable SLA contract gold
              contract gold: enabled → disabled
              holds: contract gold
              impact: nobody is held to contract gold until somebody takes it back
              undo: {"undo":"on_demand"}"#]],
    ];
    for ((form, event), expected) in each().into_iter().zip(expected) {
        check(&action(form), &event, &inventory(), &expected);
    }
}

#[test]
fn a_break_never_takes_a_groups_last_deployment() {
    let of_mistral = event("provider.unhealthy", json!({"provider": "mistral"}));
    let mistral =
        action(json!({"action": "circuit_break_provider", "provider": "mistral", "duration_s": 30}));
    check(
        &mistral,
        &of_mistral,
        &inventory(),
        &expect!["provider mistral is the last deployment of model group ocr"],
    );
    let mut open = inventory();
    open.providers[1].blocked = false;
    check(
        &mistral,
        &of_mistral,
        &open,
        &expect![[r#"
        block provider mistral for 30 s
          provider mistral: open → blocked
          holds: provider mistral, model group ocr
          impact: model group ocr: azure 50 % → 100 %, mistral 50 % → 0 %
          undo: {"undo":"restore","after_s":30}"#]],
    );
    let mut unweighted = open.clone();
    unweighted.model_groups[2].routes[0].weight = 0;
    check(
        &mistral,
        &of_mistral,
        &unweighted,
        &expect!["provider mistral is the last deployment of model group ocr"],
    );
}

#[test]
fn a_break_of_an_unused_provider_thins_nothing() {
    let mut unused = inventory();
    for group in &mut unused.model_groups {
        group.routes.retain(|route| route.provider != id("openai"));
    }
    check(
        &breaks(30),
        &unhealthy(),
        &unused,
        &expect![[r#"
        block provider openai for 30 s
          provider openai: open → blocked
          holds: provider openai
          undo: {"undo":"restore","after_s":30}"#]],
    );
    unused.model_groups.clear();
    check(
        &breaks(30),
        &unhealthy(),
        &unused,
        &expect![
            "provider openai may be the only one that serves a model group: the gateway names no model groups"
        ],
    );
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let provider =
        |name: &str| json!({"action": "circuit_break_provider", "provider": name, "duration_s": 30});
    let about = |name: &str| event("provider.unhealthy", json!({"provider": name}));
    for (name, expected) in [
        ("azure", expect!["provider azure is blocked already"]),
        ("nobody", expect!["provider nobody is not on the gateway"]),
    ] {
        check(&action(provider(name)), &about(name), &inventory(), &expected);
    }
    let reroute = |group: &str, to: &str| json!({"action": "reroute_model_group", "model_group": group, "from": "openai", "to": to});
    for (form, expected) in [
        (
            reroute("code", "azure"),
            expect!["to azure is not seen to be healthy: blocked, failing, slow or without traffic"],
        ),
        (
            reroute("chat", "mistral"),
            expect!["to mistral is no route of chat yet: nobody knows whether it can serve it"],
        ),
        (
            reroute("ocr", "azure"),
            expect!["from openai has no traffic of ocr"],
        ),
        (
            reroute("nothing", "anthropic"),
            expect!["model_group nothing is not on the gateway"],
        ),
    ] {
        let mut inventory = inventory();
        inventory.model_groups[1].routes[2].weight = 10;
        check(&action(form), &unhealthy(), &inventory, &expected);
    }
    let raise = |team: &str, percent: u64| json!({"action": "raise_rate_limit", "team": team, "rpm_percent": percent});
    let about_team = |team: &str| event("budget.exceeded", json!({"scope_id": team}));
    let nobody = action(raise("nobody", 20));
    check(
        &nobody,
        &about_team("nobody"),
        &inventory(),
        &expect!["team nobody is not on the gateway"],
    );
    let mut tiny = inventory();
    tiny.teams[1].rpm = 99;
    check(
        &action(raise("payments", 1)),
        &about_team("payments"),
        &tiny,
        &expect!["team payments has limits that this raise does not change"],
    );
    let guardrail = |id: &str| action(json!({"action": "disable_guardrail", "guardrail": id}));
    let slow_by = |id: &str| event("latency.spike", json!({"guardrail": id}));
    check(
        &guardrail("toxicity"),
        &slow_by("toxicity"),
        &inventory(),
        &expect!["guardrail toxicity is disabled already"],
    );
    check(
        &guardrail("none"),
        &slow_by("none"),
        &inventory(),
        &expect!["guardrail none is not the one the event is about"],
    );
    let mut blocked = inventory();
    blocked.budgets[0].hard_cap = Micros(0);
    check(
        &action(
            json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "200"}),
        ),
        &event("budget.exceeded", json!({})),
        &blocked,
        &expect!["hard_cap of team/payments is zero: that is a block on purpose, and not raised"],
    );
    let bump = |cap: &str| json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": cap});
    complaint(
        bump("100.00"),
        &expect!["hard_cap of 100.00 USD is not above the present 100.00 USD"],
    );
    complaint(
        bump("10000.01"),
        &expect!["hard_cap of 10000.01 USD is above the policy's maximum of 10000.00 USD"],
    );
    let without = Inventory {
        budgets: Vec::new(),
        ..inventory()
    };
    let about_budget = event("budget.exceeded", json!({}));
    check(
        &action(bump("200")),
        &about_budget,
        &without,
        &expect!["scope_id team/payments has no budget on the gateway"],
    );
    let contract = |id: &str| action(json!({"action": "disable_sla_contract", "sla_id": id}));
    let about_contract = |id: &str| event("sla.violation", json!({"sla_id": id}));
    check(
        &contract("old"),
        &about_contract("old"),
        &inventory(),
        &expect!["sla_id old is not in force already"],
    );
    check(
        &contract("none"),
        &about_contract("none"),
        &inventory(),
        &expect!["sla_id none is not on the gateway"],
    );
}

#[test]
fn a_reroute_goes_only_where_traffic_is_served_well() {
    let problem = |change: &dyn Fn(&mut crate::inventory::Provider)| {
        let mut inventory = inventory();
        change(&mut inventory.providers[0]);
        reroutes().preview(&inventory).is_err()
    };
    assert!(!problem(&|_| {}));
    assert!(problem(&|anthropic| anthropic.blocked = true));
    assert!(problem(&|anthropic| anthropic.error_rate = Ppm(250_001)));
    assert!(problem(&|anthropic| anthropic.latency_p50_ms = Some(1201)));
    assert!(!problem(&|anthropic| anthropic.latency_p50_ms = None));
    assert!(
        problem(&|anthropic| anthropic.requests = 4),
        "nobody has seen how it does"
    );
}

#[test]
fn a_raise_needs_the_limit_to_be_what_refuses_and_ends_at_the_companys_most() {
    let raise = |field: &str| action(json!({"action": "raise_rate_limit", "team": "payments", field: 50}));
    let about = event("budget.exceeded", json!({}));
    let with = |refused: Option<u64>, requests: u64| {
        let mut inventory = inventory();
        (inventory.teams[1].rate_limited_5m, inventory.teams[1].requests_5m) = (refused, requests);
        inventory
    };
    let (rpm, tpm) = (raise("rpm_percent"), raise("tpm_percent"));
    let limits = Deployment::default().limits;
    for (action, inventory, may) in [
        (&rpm, with(Some(5), 0), true),
        (&tpm, with(Some(5), 0), true),
        (&rpm, with(Some(4), 0), true),
        (&rpm, with(Some(4), 1), false),
        (&rpm, with(Some(30), 2970), true),
        (&rpm, with(Some(30), 2971), false),
        (&rpm, with(Some(0), 3000), false),
        (&rpm, with(None, 2700), true),
        (&rpm, with(None, 2699), false),
        (&tpm, with(None, 3000), false),
    ] {
        let checked = action.check(&about, Some(&inventory), &limits);
        assert_eq!(checked.is_ok(), may, "{action} {checked:?}");
    }
    check(
        &rpm,
        &about,
        &with(None, 100),
        &expect![
            "team payments sent 100 requests in the last 5 minutes, and its limit is 600 a minute: that is not what refuses it"
        ],
    );
    check(
        &rpm,
        &about,
        &with(Some(1), 100),
        &expect![
            "team payments was refused 1 of 101 requests by its limits in the last 5 minutes: too few to be what it suffers from"
        ],
    );
    let mut high = inventory();
    (high.teams[1].rpm, high.teams[1].tpm) = (6_668, 10_000_000);
    check(
        &rpm,
        &about,
        &high,
        &expect!["rpm_percent gives 10002 a minute, above the most of 10000 that any team may have"],
    );
    check(
        &tpm,
        &about,
        &high,
        &expect!["tpm_percent gives 15000000 a minute, above the most of 10000000 that any team may have"],
    );
}

#[test]
fn what_the_gateway_says_of_a_contract_counts_and_not_what_the_event_says() {
    let gold_of = |provider: &str| {
        let mut inventory = inventory();
        inventory.contracts[0].provider = Some(id(provider));
        inventory
    };
    let blames_openai = event(
        "sla.violation",
        json!({"provider": "openai", "model_group": "chat"}),
    );
    check(
        &reroutes(),
        &blames_openai,
        &gold_of("anthropic"),
        &expect!["from openai is not the one the event is about"],
    );
    check(
        &breaks(30),
        &blames_openai,
        &gold_of("anthropic"),
        &expect!["provider openai is not the one the event is about"],
    );
    assert!(
        reroutes()
            .check(
                &blames_openai,
                Some(&gold_of("openai")),
                &Deployment::default().limits
            )
            .is_ok()
    );
}

#[test]
fn a_reroute_moves_the_whole_weight_also_to_one_that_stands_by() {
    let routes = |to: &str, inventory: &Inventory| {
        let form =
            json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": to});
        let preview = action(form).preview(inventory).unwrap();
        preview.plan.changes[0].after.to_string()
    };
    assert_eq!(routes("anthropic", &inventory()), "anthropic 100, openai 0");
    let mut stands_by = inventory();
    stands_by.model_groups[0].routes[0].weight = 0;
    assert_eq!(routes("anthropic", &stands_by), "anthropic 70, openai 0");
    let mut heavy = inventory();
    heavy.model_groups[0].routes[0].weight = 900;
    heavy.model_groups[0].routes[1].weight = 900;
    assert_eq!(
        routes("anthropic", &heavy),
        "anthropic 1000, openai 0",
        "held to what the gateway takes"
    );
}

#[test]
fn no_reading_of_the_gateway_makes_a_preview_panic() {
    let mut extreme = inventory();
    for group in &mut extreme.model_groups {
        for route in &mut group.routes {
            route.weight = u32::MAX;
        }
    }
    for team in &mut extreme.teams {
        (team.rpm, team.tpm, team.requests_5m) = (u64::MAX, u64::MAX, u64::MAX);
    }
    for provider in &mut extreme.providers {
        provider.median_1h_ms = Some(u64::MAX);
    }
    for budget in &mut extreme.budgets {
        budget.hard_cap = Micros(u64::MAX);
    }
    for (form, event) in each() {
        let action = action(form);
        if let Ok(preview) = action.check(&event, Some(&extreme), &Deployment::default().limits) {
            let evidence = crate::proposal::Evidence::gather(&event, &preview.plan, &extreme);
            assert!(evidence.traffic_share <= Ppm::ONE);
            let changed = preview
                .plan
                .changes
                .iter()
                .all(|change| change.before != change.after);
            assert!(changed, "{action}");
        }
    }
    assert_eq!(
        extreme.setting(&Target::Budget(crate::value::BudgetOwner::Team(id("payments")))),
        Some(Setting::HardCap(Micros(u64::MAX)))
    );
}
