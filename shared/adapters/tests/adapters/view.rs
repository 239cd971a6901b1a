use domain::incident::{EventType, Severity};
use domain::ports::View;
use domain::telling::{Row, Summary};
use domain::value::OrgId;
use testkit::{Dynamo, Proxy, Trouble, sample};

fn row(provider: &str, seq: u64, open: bool) -> Row {
    let event = sample::provider_unhealthy(provider);
    Row {
        proposal: sample::proposal_of(&event),
        seq,
        open,
        in_force: false,
        opened_at: sample::now(),
        updated_at: sample::now().plus_seconds(seq),
        summary: Summary {
            worse: false,
            state: if open { "awaiting_approval" } else { "rejected" }.to_owned(),
            event_type: EventType::ProviderUnhealthy,
            org_id: OrgId::new("acme").unwrap(),
            team_id: None,
            severity: Severity::Critical,
            action: None,
            risk_score: Some(15),
            decision: None,
            declined: None,
            verified: None,
        },
    }
}

#[tokio::test]
async fn a_row_gives_way_to_a_newer_one_only() {
    let dynamo = Dynamo::start().await;
    let view = dynamo.view();
    let newer = row("openai", 3, true);
    for late in [2, 3, 1, 3] {
        view.put(&row("openai", late, true)).await.unwrap();
    }
    assert_eq!(view.get(&newer.proposal).await.unwrap(), Some(newer.clone()));
    assert_eq!(view.get(&row("mistral", 1, true).proposal).await.unwrap(), None);
}

#[tokio::test]
async fn the_open_rows_are_those_on_which_something_is_still_to_happen() {
    let dynamo = Dynamo::start().await;
    let view = dynamo.view();
    view.put(&row("openai", 3, true)).await.unwrap();
    view.put(&row("anthropic", 3, true)).await.unwrap();
    view.put(&row("bedrock", 5, false)).await.unwrap();
    view.put(&row("anthropic", 4, false)).await.unwrap();
    assert_eq!(view.open().await.unwrap(), [row("openai", 3, true).proposal]);
}

#[tokio::test]
async fn the_rows_in_force_are_those_whose_effect_lasts() {
    let dynamo = Dynamo::start().await;
    let view = dynamo.view();
    let lasting = |provider: &str, seq| Row {
        in_force: true,
        ..row(provider, seq, false)
    };
    view.put(&lasting("openai", 5)).await.unwrap();
    view.put(&lasting("anthropic", 5)).await.unwrap();
    view.put(&row("bedrock", 5, true)).await.unwrap();
    view.put(&row("anthropic", 6, false)).await.unwrap();
    assert_eq!(view.in_force().await.unwrap(), [lasting("openai", 5).proposal]);
}

#[tokio::test]
async fn a_view_out_of_reach_is_unavailable() {
    let dynamo = Dynamo::start().await;
    let proxy = Proxy::before(&dynamo).await;
    proxy.next(usize::MAX, Trouble::CutRequest);
    assert!(proxy.view().put(&row("openai", 1, true)).await.is_err());
    assert!(proxy.view().open().await.is_err());
}
