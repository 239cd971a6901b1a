//! Pages through PagerDuty's Events API v2.

use std::sync::Arc;

use actuator::{AdminActuator, PagerDuty};
use domain::action::Page;
use domain::incident::Severity;
use domain::ports::{ActError, Actuator, Gateway};
use sandbox::Options;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::permits::{Begun, action, pages};
use testkit::FixedCredential;
use testkit::blunt::{End, answering};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// An actuator whose gateway is never asked.
fn pager(url: &str, key: &str) -> AdminActuator {
    AdminActuator::new("http://127.0.0.1:9", "a-token", PagerDuty::new(url, key).unwrap()).unwrap()
}

async fn sandbox() -> sandbox::Running {
    let options = Options {
        pagerduty_key: Some(KEY.to_owned()),
        ..Options::default()
    };
    sandbox::spawn(options).await.unwrap()
}

async fn story(sandbox: &sandbox::Running) -> Begun {
    let reader = gateway::AdminApi::new(&sandbox.url(), "sandbox-read-token").unwrap();
    Begun::started(&pages(), &reader.inventory().await.unwrap())
}

fn page(severity: Severity, summary: &str) -> Page {
    Page {
        severity,
        summary: summary.to_owned(),
    }
}

#[tokio::test]
async fn a_page_sent_again_under_its_key_wakes_nobody_again() {
    let sandbox = sandbox().await;
    let permit = story(&sandbox).await.permit_apply();
    let page = permit.plan().page.clone().unwrap();
    let key = format!("{}/page", permit.proposal());
    for _ in 0..2 {
        pager(&sandbox.url(), KEY)
            .page(&permit, &page, &key)
            .await
            .unwrap();
    }
    let [shown] = <[sandbox::Page; 1]>::try_from(sandbox.pages()).unwrap();
    assert_eq!((shown.dedup_key, shown.triggers), (key, 2));
    assert_eq!(
        shown.payload,
        json!({"summary": "openai fails", "source": "sre-agent", "severity": "critical",
               "custom_details": {"proposal": permit.proposal()}})
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn leave_to_take_back_is_leave_to_page_of_what_went_wrong() {
    let sandbox = sandbox().await;
    let reader = gateway::AdminApi::new(&sandbox.url(), "sandbox-read-token").unwrap();
    let disables = action(json!({"action": "disable_guardrail", "guardrail": "pii"}));
    let permit = Begun::started(&disables, &reader.inventory().await.unwrap()).permit_undo();
    for (severity, name) in [
        (Severity::Info, "info"),
        (Severity::Warning, "warning"),
        (Severity::Critical, "critical"),
    ] {
        let drift = page(severity, "guardrail pii reads neither before nor after");
        pager(&sandbox.url(), KEY)
            .page(&permit, &drift, name)
            .await
            .unwrap();
    }
    let shown: Vec<_> = sandbox.pages().into_iter().map(|page| page.severity).collect();
    assert_eq!(shown, ["info", "warning", "critical"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_summary_is_cut_to_what_pagerduty_takes() {
    let sandbox = sandbox().await;
    let permit = story(&sandbox).await.permit_apply();
    let long = page(Severity::Critical, &"ä".repeat(1025));
    pager(&sandbox.url(), KEY)
        .page(&permit, &long, "k")
        .await
        .unwrap();
    assert_eq!(sandbox.pages()[0].summary, "ä".repeat(1024));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_page_without_a_key_of_its_own_is_not_sent() {
    let sandbox = sandbox().await;
    let permit = story(&sandbox).await.permit_apply();
    for key in [String::new(), "k".repeat(256)] {
        let outcome = pager(&sandbox.url(), KEY)
            .page(&permit, &page(Severity::Info, "x"), &key)
            .await;
        assert!(matches!(outcome, Err(ActError::Refused(_))), "{outcome:?}");
    }
    assert!(sandbox.pages().is_empty());
    sandbox.stop().await;
}

#[tokio::test]
async fn a_wrong_routing_key_is_refused_and_not_repeated() {
    let sandbox = sandbox().await;
    let permit = story(&sandbox).await.permit_apply();
    let wrong = "f".repeat(32);
    let outcome = pager(&sandbox.url(), &wrong)
        .page(&permit, &page(Severity::Info, "x"), "k")
        .await;
    let told = outcome.unwrap_err().to_string();
    assert!(told.starts_with("refused: PagerDuty answered 400: "), "{told}");
    assert!(!told.contains(&wrong), "{told}");
    assert!(!format!("{:?}", pager(&sandbox.url(), &wrong)).contains(&wrong));
    sandbox.stop().await;
}

#[tokio::test]
async fn whatever_is_neither_taken_nor_refused_is_unclear() {
    let sandbox = sandbox().await;
    let permit = story(&sandbox).await.permit_apply();
    let alarm = page(Severity::Critical, "openai fails");
    for (status, refused) in [
        (200, false),
        (302, false),
        (400, true),
        (403, true),
        (408, false),
        (429, false),
        (500, false),
        (503, false),
    ] {
        let server = MockServer::start().await;
        let reply = ResponseTemplate::new(status).set_body_string(KEY);
        Mock::given(any())
            .respond_with(reply)
            .expect(1)
            .mount(&server)
            .await;
        let outcome = pager(&server.uri(), KEY).page(&permit, &alarm, "k").await;
        let told = outcome.unwrap_err();
        assert_eq!(matches!(told, ActError::Refused(_)), refused, "{status}: {told}");
        assert!(!told.to_string().contains(KEY), "{told}");
    }
    for end in [End::Close, End::Reset, End::Hang] {
        let outcome = pager(&answering("", end).await, KEY)
            .page(&permit, &alarm, "k")
            .await;
        assert!(
            matches!(outcome, Err(ActError::Unclear(_))),
            "{end:?}: {outcome:?}"
        );
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_routing_key_that_was_rotated_is_read_again_for_the_next_try() {
    let sandbox = sandbox().await;
    let permit = story(&sandbox).await.permit_apply();
    let page = permit.plan().page.clone().unwrap();
    let old = "f".repeat(32);
    let rotated = PagerDuty::new(&sandbox.url(), &old)
        .unwrap()
        .renewed_by(Arc::new(FixedCredential::rotated(&old, KEY)));
    let actuator = AdminActuator::new("http://127.0.0.1:9", "a-token", rotated).unwrap();
    let first = actuator.page(&permit, &page, "key").await;
    assert!(matches!(first, Err(ActError::Unclear(_))), "{first:?}");
    actuator.page(&permit, &page, "key").await.unwrap();
    assert_eq!(sandbox.pages().len(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn whatever_the_routing_key_is_the_gateway_is_reached_and_the_next_page_takes_the_mended_one() {
    let sandbox = sandbox().await;
    let reader = gateway::AdminApi::new(&sandbox.url(), "sandbox-read-token").unwrap();
    let disables = action(json!({"action": "disable_guardrail", "guardrail": "pii"}));
    for key in [
        Ok("a\nkey"),
        Ok(""),
        Ok("unset"),
        Err("Secrets Manager is unavailable"),
    ] {
        let pager = PagerDuty::without_waiting_for(&sandbox.url(), key).unwrap();
        let actuator = AdminActuator::new(&sandbox.url(), "sandbox-write-token", pager).unwrap();
        let begun = Begun::started(&disables, &reader.inventory().await.unwrap());
        let plan = begun.permit_undo();
        let target = &plan.plan().changes[0].target;
        assert!(actuator.read(target).await.is_ok(), "{key:?}");
        let outcome = actuator.page(&plan, &page(Severity::Info, "x"), "k").await;
        assert!(
            matches!(outcome, Err(ActError::Refused(_))),
            "{key:?}: {outcome:?}"
        );
    }
    assert!(sandbox.pages().is_empty());

    let mended = FixedCredential::rotated("unusable", KEY);
    let pager = PagerDuty::without_waiting_for(&sandbox.url(), Ok::<_, String>("a\nkey")).unwrap();
    let pager = pager.renewed_by(Arc::new(mended));
    let actuator = AdminActuator::new(&sandbox.url(), "sandbox-write-token", pager).unwrap();
    let permit = story(&sandbox).await.permit_apply();
    let told = page(Severity::Critical, "openai fails");
    let first = actuator.page(&permit, &told, "k").await;
    assert!(matches!(first, Err(ActError::Unclear(_))), "{first:?}");
    actuator.page(&permit, &told, "k").await.unwrap();
    assert_eq!(sandbox.pages().len(), 1);
    sandbox.stop().await;
}
