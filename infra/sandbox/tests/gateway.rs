//! The sandbox over HTTP and in process: faults, recovery, effects, pages.

#![expect(clippy::unwrap_used, reason = "the tests' helpers are tests too")]

use std::time::Duration;

use reqwest::{Client, Response};
use sandbox::{CallFault, CallFaultMode, Clock, Injection, Options, Running};
use serde_json::{Value, json};

/// 2026-11-22T10:00:00Z.
const START: i64 = 1_795_341_600_000;

struct Bench {
    sandbox: Running,
    clock: Clock,
    http: Client,
}

impl Bench {
    async fn new() -> Bench {
        let clock = Clock::manual(START);
        let options = Options {
            clock: clock.clone(),
            window_s: 15,
            pagerduty_key: Some("0123456789abcdef0123456789abcdef".to_owned()),
            ..Options::default()
        };
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        Bench {
            sandbox: sandbox::spawn(options).await.unwrap(),
            clock,
            http,
        }
    }

    async fn put(&self, path: &str, body: Value) -> reqwest::Result<Response> {
        let token = Options::default().write_token;
        self.http
            .put(format!("{}{path}", self.sandbox.url()))
            .bearer_auth(token)
            .json(&body)
            .send()
            .await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let response = self
            .http
            .post(format!("{}{path}", self.sandbox.url()))
            .json(&body)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        self.http
            .get(format!("{}{path}", self.sandbox.url()))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn complete(&self, team: &str, group: &str) -> (u16, Value, Option<String>) {
        let response = self
            .http
            .post(format!("{}/v1/chat/completions", self.sandbox.url()))
            .header("x-team", team)
            .json(&json!({"model": group, "messages": [{"role": "user", "content": "hello"}]}))
            .send()
            .await
            .unwrap();
        let provider = response
            .headers()
            .get("x-provider")
            .map(|value| value.to_str().unwrap().to_owned());
        (
            response.status().as_u16(),
            response.json().await.unwrap(),
            provider,
        )
    }

    fn strike(&self, mode: CallFaultMode, delay_ms: Option<u64>, path: &str) {
        let path = path.to_owned();
        self.sandbox
            .inject(Injection::Admin(CallFault {
                mode,
                times: 1,
                delay_ms,
                method: None,
                path,
            }))
            .unwrap();
    }

    fn chat_shares(&self) -> Vec<(String, u64)> {
        let chat = self.sandbox.state().groups.remove(0);
        chat.shares
            .into_iter()
            .map(|share| (share.provider, share.share_ppm))
            .collect()
    }
}

#[tokio::test]
async fn a_break_moves_the_traffic_and_the_error_rate_recovers() {
    let bench = Bench::new().await;
    let (status, reply) = bench
        .post(
            "/sandbox/v1/faults",
            json!({"fault": "fail_provider", "provider": "openai", "error_rate": 0.9, "burst": 200}),
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(reply["faults"][0]["provider"], "openai");
    assert!(bench.chat_shares()[0].1 > 400_000, "{:?}", bench.chat_shares());
    let state = bench.get("/sandbox/v1/state").await;
    assert_eq!(state["conditions"], json!(["provider.unhealthy/openai"]));

    bench
        .put("/admin/v1/providers/openai/breaker", json!({"blocked": true}))
        .await
        .unwrap();
    bench.clock.advance(Duration::from_secs(6));
    bench.sandbox.inject(Injection::Burst { requests: 100 }).unwrap();
    assert_eq!(
        bench.chat_shares(),
        [("openai".to_owned(), 0), ("anthropic".to_owned(), 1_000_000)]
    );
    assert!(
        bench.sandbox.inventory().providers[0].error_rate_ppm > 700_000,
        "the window still remembers"
    );

    bench.clock.advance(Duration::from_secs(10));
    bench
        .sandbox
        .inject(Injection::Clear { forget_window: false })
        .unwrap();
    bench
        .put("/admin/v1/providers/openai/breaker", json!({"blocked": false}))
        .await
        .unwrap();
    bench.sandbox.inject(Injection::Burst { requests: 200 }).unwrap();
    let openai = bench.sandbox.inventory().providers.remove(0);
    assert!(
        openai.requests > 30 && openai.error_rate_ppm < 100_000,
        "{openai:?}"
    );
    assert!(bench.sandbox.state().conditions.is_empty());
    assert_eq!(
        bench.get("/sandbox/v1/writes").await["writes"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn a_person_can_send_a_request() {
    let bench = Bench::new().await;
    let (status, body, provider) = bench.complete("checkout", "ocr").await;
    assert_eq!((status, provider.as_deref()), (200, Some("mistral")), "{body}");
    assert_eq!(body["object"], "chat.completion");

    for (team, group, status, code) in [
        ("nobody", "chat", 401, "unknown_team"),
        ("checkout", "nothing", 404, "model_not_found"),
        ("checkout", "code", 403, "group_not_allowed"),
    ] {
        let (answered, body, _) = bench.complete(team, group).await;
        assert_eq!((answered, &body["error"]["code"]), (status, &json!(code)));
    }

    let certain = Injection::FailProvider {
        provider: "mistral".to_owned(),
        error_rate: 1.0,
        burst: 0,
    };
    bench.sandbox.inject(certain).unwrap();
    assert_eq!(bench.complete("checkout", "ocr").await.0, 502);
    bench
        .put("/admin/v1/providers/mistral/breaker", json!({"blocked": true}))
        .await
        .unwrap();
    assert_eq!(bench.complete("checkout", "ocr").await.0, 503);
    bench
        .put("/admin/v1/teams/checkout/limits", json!({"rpm": 0, "tpm": 0}))
        .await
        .unwrap();
    assert_eq!(bench.complete("checkout", "chat").await.0, 429);
}

#[tokio::test]
async fn a_dropped_reply_comes_after_the_commit() {
    let bench = Bench::new().await;
    let path = "/admin/v1/guardrails/pii";
    bench.strike(CallFaultMode::DropReplyAfterCommit, None, "/admin/v1/");
    let error = bench.put(path, json!({"enabled": false})).await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    assert_eq!(bench.sandbox.writes().len(), 1);
    assert!(!bench.sandbox.inventory().guardrails[0].enabled);
    assert_eq!(
        bench.put(path, json!({"enabled": false})).await.unwrap().status(),
        200,
        "it strikes once"
    );
}

#[tokio::test]
async fn an_erring_gateway_commits_nothing_and_a_slow_one_commits_without_its_caller() {
    let bench = Bench::new().await;
    let path = "/admin/v1/guardrails/pii";
    for (mode, status) in [(CallFaultMode::Error, 500), (CallFaultMode::Unavailable, 503)] {
        bench.strike(mode, None, "/admin/v1/");
        assert_eq!(
            bench.put(path, json!({"enabled": false})).await.unwrap().status(),
            status
        );
        assert!(bench.sandbox.writes().is_empty());
    }

    // Long enough for the request to arrive on a busy machine, and given up long before it is worked.
    bench.strike(CallFaultMode::Delay, Some(4_000), "/admin/v1/");
    let impatient = tokio::time::timeout(Duration::from_secs(2), bench.put(path, json!({"enabled": false})));
    impatient.await.unwrap_err();
    assert!(bench.sandbox.writes().is_empty());
    let committed = async {
        while bench.sandbox.writes().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), committed)
        .await
        .unwrap();

    bench.strike(CallFaultMode::DelayReply, Some(60_000), "/admin/v1/");
    let impatient = tokio::time::timeout(Duration::from_secs(30), async {
        tokio::select! {
            reply = bench.put(path, json!({"enabled": true})) => panic!("{reply:?}"),
            () = async { while bench.sandbox.writes().len() < 2 { tokio::task::yield_now().await } } => {}
        }
    });
    impatient.await.unwrap();
}

#[tokio::test]
async fn a_page_opens_one_incident_even_when_the_reply_is_lost() {
    let bench = Bench::new().await;
    let page = json!({
        "routing_key": "0123456789abcdef0123456789abcdef", "event_action": "trigger", "dedup_key": "p-1/page",
        "payload": {"summary": "openai is failing", "source": "sre-agent", "severity": "critical"},
    });
    bench.strike(CallFaultMode::DropReplyAfterCommit, None, "/v2/enqueue");
    bench
        .http
        .post(format!("{}/v2/enqueue", bench.sandbox.url()))
        .json(&page)
        .send()
        .await
        .unwrap_err();
    let accepted = json!({"status": "success", "message": "Event processed", "dedup_key": "p-1/page"});
    assert_eq!(bench.post("/v2/enqueue", page).await, (202, accepted));
    let pages = bench.get("/sandbox/v1/pages").await;
    assert_eq!(pages["pages"].as_array().unwrap().len(), 1);
    assert_eq!(pages["pages"][0]["triggers"], 2);
    assert_eq!(bench.post("/v2/enqueue", json!({})).await.0, 400);
}

#[tokio::test]
async fn what_is_posted_to_a_response_url_is_kept() {
    let bench = Bench::new().await;
    let url = format!("{}/sandbox/v1/slack/response/T1-42", bench.sandbox.url());
    let reply = bench
        .http
        .post(&url)
        .json(&json!({"text": "Approved"}))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.text().await.unwrap(), "ok");
    bench.http.post(&url).body("not json").send().await.unwrap();
    let responses = bench.get("/sandbox/v1/slack/responses").await;
    let told = |n: usize| {
        (
            &responses["responses"][n]["id"],
            &responses["responses"][n]["body"],
        )
    };
    assert_eq!(told(0), (&json!("T1-42"), &json!({"text": "Approved"})));
    assert_eq!(told(1), (&json!("T1-42"), &json!("not json")));
}

#[tokio::test]
async fn a_nonsensical_fault_is_refused() {
    let bench = Bench::new().await;
    for fault in [
        json!({"fault": "meteor"}),
        json!({"fault": "fail_provider", "provider": "nobody", "error_rate": 1}),
    ] {
        let (status, reply) = bench.post("/sandbox/v1/faults", fault).await;
        assert!(
            [404, 422].contains(&status) && reply["error"]["message"].is_string(),
            "{reply}"
        );
    }
}

#[tokio::test]
async fn a_stopped_sandbox_takes_no_more_calls() {
    let bench = Bench::new().await;
    let url = format!("{}/healthz", bench.sandbox.url());
    assert_eq!(bench.http.get(&url).send().await.unwrap().status(), 200);
    bench.sandbox.stop().await;
    assert!(bench.http.get(&url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    for options in [
        Options {
            write_token: String::new(),
            ..Options::default()
        },
        Options {
            write_token: Options::default().read_token,
            ..Options::default()
        },
        Options {
            window_s: 4,
            ..Options::default()
        },
        Options {
            rate_per_s: f64::NAN,
            ..Options::default()
        },
    ] {
        sandbox::spawn(options).await.unwrap_err();
    }
}
