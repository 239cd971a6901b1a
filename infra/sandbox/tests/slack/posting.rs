//! Posting, updating and deleting.

use serde_json::json;

use crate::bench::{ADA, Bench, SRE};

#[tokio::test]
async fn a_posted_message_comes_back_in_slacks_shape() {
    let bench = Bench::new().await;
    let reply = bench
        .done("chat.postMessage", json!({"channel": SRE, "text": "hello"}))
        .await;
    assert_eq!(reply["channel"], SRE);
    assert_eq!(reply["ts"], "1795341600.000000");
    let message = &reply["message"];
    for (name, value) in [
        ("type", "message"),
        ("user", "U0SREAGENT"),
        ("bot_id", "B0123456789"),
        ("app_id", "A0123456789"),
        ("team", "T0123456789"),
        ("text", "hello"),
        ("ts", "1795341600.000000"),
    ] {
        assert_eq!(message[name], value, "{name}");
    }
    assert!(message.get("blocks").is_none() && message.get("edited").is_none());
}

#[tokio::test]
async fn no_two_messages_have_the_same_ts() {
    let bench = Bench::new().await;
    let mut all = Vec::new();
    for nth in 0..20 {
        all.push(bench.post(&format!("{nth}")).await);
    }
    let mut sorted = all.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted, all);
}

#[tokio::test]
async fn a_channel_that_the_bot_may_not_post_into_says_why() {
    let bench = Bench::new().await;
    for (channel, error) in [
        ("C0NOWHERE0", "channel_not_found"),
        ("#nowhere", "channel_not_found"),
        ("sre", "channel_not_found"),
        ("C0PRIVATE1", "channel_not_found"),
        ("C0GENERAL1", "not_in_channel"),
        ("C0ARCHIVED", "is_archived"),
    ] {
        let body = json!({"channel": channel, "text": "x"});
        assert_eq!(bench.refused("chat.postMessage", body).await, error, "{channel}");
    }
    let (status, _) = bench
        .control("PUT", &format!("channels/{SRE}"), json!({"bot_is_member": false}))
        .await;
    assert_eq!(status, 200);
    let body = json!({"channel": SRE, "text": "x"});
    assert_eq!(bench.refused("chat.postMessage", body).await, "not_in_channel");
    let body = json!({"text": "x"});
    let reply = bench.call("chat.postMessage", body).await;
    assert_eq!(
        reply["response_metadata"]["messages"],
        json!(["[ERROR] missing required field: channel"])
    );
}

#[tokio::test]
async fn a_message_says_something_and_not_too_much() {
    let bench = Bench::new().await;
    for body in [
        json!({"channel": SRE}),
        json!({"channel": SRE, "text": "", "blocks": []}),
    ] {
        assert_eq!(bench.refused("chat.postMessage", body).await, "no_text");
    }
    let long = json!({"channel": SRE, "text": "é".repeat(40_001)});
    let reply = bench.done("chat.postMessage", long).await;
    assert_eq!(reply["message"]["text"].as_str().unwrap().chars().count(), 40_000);
    let update = |many: usize| json!({"channel": SRE, "ts": reply["ts"], "text": "é".repeat(many)});
    bench.done("chat.update", update(4_000)).await;
    assert_eq!(bench.refused("chat.update", update(4_001)).await, "msg_too_long");
}

#[tokio::test]
async fn blocks_that_slack_would_not_take_are_refused_with_what_is_wrong() {
    let bench = Bench::new().await;
    let header = json!({"type": "header", "text": {"type": "plain_text", "text": "x".repeat(151)}});
    let reply = bench
        .call("chat.postMessage", json!({"channel": SRE, "blocks": [header]}))
        .await;
    let said = "must be less than 151 characters [json-pointer:/blocks/0/text/text]";
    let expected = json!({
        "ok": false, "error": "invalid_blocks", "errors": [said],
        "response_metadata": {"messages": [format!("[ERROR] {said}")]},
    });
    assert_eq!(reply, expected);
    for blocks in [json!("[{"), json!({}), json!("{}"), json!(["x"])] {
        let body = json!({"channel": SRE, "text": "x", "blocks": blocks});
        assert_eq!(
            bench.refused("chat.postMessage", body).await,
            "invalid_blocks_format"
        );
    }
    let (_, shown) = bench
        .control("GET", &format!("channels/{SRE}"), json!(null))
        .await;
    assert_eq!(shown["messages"], json!([]));
}

#[tokio::test]
async fn metadata_is_kept_and_shown_to_those_who_ask() {
    let bench = Bench::new().await;
    let metadata = json!({"event_type": "sre_agent_proposal", "event_payload": {"proposal": "p", "seq": 3}});
    let post = |metadata| json!({"channel": SRE, "text": "x", "metadata": metadata});
    let posted = bench.done("chat.postMessage", post(metadata.clone())).await;
    let history = async |all: bool| {
        let body = json!({"channel": SRE, "include_all_metadata": all});
        bench.done("conversations.history", body).await["messages"][0]["metadata"].clone()
    };
    assert_eq!(
        (history(true).await, history(false).await),
        (metadata.clone(), json!(null))
    );
    let mut update = json!({"channel": SRE, "ts": posted["ts"], "text": "y"});
    bench.done("chat.update", update.clone()).await;
    assert_eq!(history(true).await, metadata);
    update["metadata"] = json!({});
    bench.done("chat.update", update).await;
    assert_eq!(history(true).await, json!(null));
    for (metadata, error) in [
        (json!("{"), "invalid_metadata_format"),
        (json!([]), "invalid_metadata_format"),
        (json!({"event_type": "x"}), "invalid_metadata_schema"),
        (
            json!({"event_type": "x", "event_payload": "y"}),
            "invalid_metadata_schema",
        ),
        (
            json!({"event_type": "x", "event_payload": {}, "more": 1}),
            "invalid_metadata_schema",
        ),
    ] {
        assert_eq!(bench.refused("chat.postMessage", post(metadata)).await, error);
    }
    let odd = post(json!({"event_type": "a.b", "event_payload": {}}));
    let reply = bench.done("chat.postMessage", odd).await;
    assert_eq!(reply["warning"], "invalid_metadata_schema");
    assert_eq!(reply["message"]["metadata"], json!(null));
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_marks_the_message_edited() {
    let bench = Bench::new().await;
    let ts = bench.card().await;
    let header = json!([{"type": "header", "text": {"type": "plain_text", "text": "Well"}}]);
    let reply = bench
        .done("chat.update", json!({"channel": SRE, "ts": ts, "blocks": header}))
        .await;
    assert_eq!(
        (&reply["ts"], &reply["text"]),
        (&json!(ts), &json!("openai is failing"))
    );
    assert_eq!(reply["message"]["blocks"][0]["text"]["text"], "Well");
    assert_eq!(reply["message"]["edited"]["user"], "U0SREAGENT");
    let both = json!({"channel": SRE, "ts": ts, "text": "openai is well", "blocks": header});
    let reply = bench.done("chat.update", both).await;
    assert_eq!(reply["message"]["blocks"].as_array().unwrap().len(), 1);
    let text = json!({"channel": SRE, "ts": ts, "text": "done"});
    let reply = bench.done("chat.update", text).await;
    assert_eq!(reply["text"], "done");
    assert!(reply["message"].get("blocks").is_none());
    let (_, shown) = bench
        .control("GET", &format!("channels/{SRE}"), json!(null))
        .await;
    let before = shown["messages"][0]["before"].as_array().unwrap();
    let said: Vec<_> = before.iter().map(|one| &one["text"]).collect();
    assert_eq!(said, ["openai is failing", "openai is failing", "openai is well"]);
    assert_eq!(bench.sandbox.slack_messages(SRE).unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_bots_own_messages_are_updated_and_deleted() {
    let bench = Bench::new().await;
    let path = format!("channels/{SRE}/messages");
    let (_, theirs) = bench
        .control("POST", &path, json!({"user": ADA, "text": "hi"}))
        .await;
    let of = |ts: &serde_json::Value| json!({"channel": SRE, "ts": ts, "text": "x"});
    assert_eq!(
        bench.refused("chat.update", of(&theirs["ts"])).await,
        "cant_update_message"
    );
    assert_eq!(
        bench.refused("chat.delete", of(&theirs["ts"])).await,
        "cant_delete_message"
    );
    let none = json!("1795341600.999999");
    for method in ["chat.update", "chat.delete"] {
        assert_eq!(bench.refused(method, of(&none)).await, "message_not_found");
        assert_eq!(bench.refused(method, of(&json!("x"))).await, "message_not_found");
    }
    let ours = json!(bench.post("ours").await);
    let nothing = json!({"channel": SRE, "ts": ours});
    assert_eq!(bench.refused("chat.update", nothing).await, "no_text");
    let deleted = bench.done("chat.delete", of(&ours)).await;
    assert_eq!((&deleted["channel"], &deleted["ts"]), (&json!(SRE), &ours));
    assert_eq!(bench.refused("chat.update", of(&ours)).await, "message_not_found");
    bench
        .control("PUT", &format!("channels/{SRE}"), json!({"archived": true}))
        .await;
    assert_eq!(bench.refused("chat.update", of(&ours)).await, "is_inactive");
}

#[tokio::test]
async fn a_person_can_delete_what_the_bot_posted() {
    let bench = Bench::new().await;
    let ts = bench.post("card").await;
    let (status, _) = bench
        .control("DELETE", &format!("channels/{SRE}/messages/{ts}"), json!(null))
        .await;
    assert_eq!(status, 200);
    let body = json!({"channel": SRE, "ts": ts, "text": "x"});
    assert_eq!(bench.refused("chat.update", body).await, "message_not_found");
    let (status, _) = bench
        .control("DELETE", &format!("channels/{SRE}/messages/{ts}"), json!(null))
        .await;
    assert_eq!(status, 404);
}
