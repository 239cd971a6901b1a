//! What is read of the sandbox.

use domain::inventory::{Setting, Target};
use domain::ports::Gateway;
use domain::value::{BudgetOwner, Micros, Ppm};
use gateway::AdminApi;
use sandbox::{Clock, Injection, Options};

async fn start() -> (sandbox::Running, AdminApi) {
    let options = Options {
        clock: Clock::manual(1_795_341_600_000),
        ..Options::default()
    };
    let sandbox = sandbox::spawn(options).await.unwrap();
    let api = AdminApi::new(&sandbox.url(), "sandbox-read-token").unwrap();
    (sandbox, api)
}

fn target(kind: &str, id: &str) -> Target {
    Target::parse(kind, id).unwrap()
}

#[tokio::test]
async fn the_inventory_is_what_the_gateway_shows() {
    let (sandbox, api) = start().await;
    let provider = "openai".to_owned();
    let fault = Injection::FailProvider {
        provider,
        error_rate: 0.9,
        burst: 200,
    };
    sandbox.inject(fault).unwrap();

    let (read, shown) = (api.inventory().await.unwrap(), sandbox.inventory());

    for (read, shown) in read.providers.iter().zip(&shown.providers) {
        assert_eq!(
            (
                read.id.as_str(),
                read.blocked,
                read.requests,
                u64::from(read.error_rate.0)
            ),
            (
                shown.id.as_str(),
                shown.blocked,
                shown.requests,
                shown.error_rate_ppm
            )
        );
        assert_eq!(read.latency_p50_ms, shown.latency_p50_ms.map(u64::from));
        assert_eq!(read.median_1h_ms, shown.median_1h_ms.map(u64::from));
    }
    let openai = read
        .providers
        .iter()
        .find(|one| one.id.as_str() == "openai")
        .unwrap();
    assert!(openai.is_unhealthy() && openai.error_rate > Ppm(250_000));
    let counts = [
        (read.providers.len(), shown.providers.len()),
        (read.model_groups.len(), shown.model_groups.len()),
        (read.teams.len(), shown.teams.len()),
        (read.budgets.len(), shown.budgets.len()),
        (read.guardrails.len(), shown.guardrails.len()),
        (read.contracts.len(), shown.sla_contracts.len()),
    ];
    assert!(
        counts.iter().all(|(read, shown)| read == shown && *read > 0),
        "{counts:?}"
    );
    for (read, shown) in read.budgets.iter().zip(&shown.budgets) {
        assert_eq!(read.spend, Micros(shown.spend_micros), "{}", read.owner);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_target_reads_the_same_alone_as_in_the_inventory() {
    let (sandbox, api) = start().await;
    let inventory = api.inventory().await.unwrap();
    for (kind, id) in [
        ("provider", "openai"),
        ("model_group", "chat"),
        ("team", "payments"),
        ("guardrail", "toxicity"),
        ("budget", "org/acme"),
        ("budget", "team/research"),
        ("contract", "gold"),
    ] {
        let target = target(kind, id);
        let alone = api.read(&target).await.unwrap();
        assert_eq!(Some(alone), inventory.setting(&target), "{target}");
    }
    let research = Target::Budget(BudgetOwner::parse("team", "research").unwrap());
    assert_eq!(
        api.read(&research).await.unwrap(),
        Setting::HardCap(Micros(50_000_000))
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn what_the_gateway_does_not_have_is_said_so() {
    let (sandbox, api) = start().await;
    for (kind, id, problem) in [
        ("provider", "nobody", "the gateway is unavailable: answered 404: "),
        (
            "provider",
            "a/../openai",
            "the gateway is unavailable: answered 404: ",
        ),
        (
            "guardrail",
            "..",
            "the gateway is unavailable: no path can name guardrail ..",
        ),
    ] {
        let told = api.read(&target(kind, id)).await.unwrap_err().to_string();
        assert!(told.starts_with(problem), "{told}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_wrong_token_is_told_by_its_secrets_purpose() {
    let (sandbox, _) = start().await;
    let api = AdminApi::new(&sandbox.url(), "a-wrong-token").unwrap();
    let told = api.inventory().await.unwrap_err().to_string();
    assert_eq!(
        told,
        "the gateway is unavailable: answered 401: it does not know the token of the secret gateway-read"
    );
    assert!(!format!("{api:?}").contains("a-wrong-token"));
    sandbox.stop().await;
}
