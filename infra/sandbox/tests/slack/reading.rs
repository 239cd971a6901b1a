//! Looking for what was posted.

use serde_json::{Value, json};

use crate::bench::{ADA, Bench, SRE};

fn texts(reply: &Value) -> Vec<String> {
    let messages = reply["messages"].as_array().unwrap().iter();
    messages
        .map(|message| message["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_history_comes_in_pages_the_newest_first() {
    let bench = Bench::new().await;
    for nth in 1..=5 {
        bench.post(&nth.to_string()).await;
    }
    let mut cursor = String::new();
    let mut pages = Vec::new();
    loop {
        let body = json!({"channel": SRE, "limit": 2, "cursor": cursor});
        let page = bench.done("conversations.history", body).await;
        pages.push(texts(&page).join(""));
        cursor = page["response_metadata"]["next_cursor"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(page["has_more"], !cursor.is_empty());
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(pages, ["54", "32", "1"]);
    for cursor in ["x", "bmV4dF90czoxMjM="] {
        let body = json!({"channel": SRE, "cursor": cursor});
        assert_eq!(
            bench.refused("conversations.history", body).await,
            "invalid_cursor"
        );
    }
}

#[tokio::test]
async fn the_history_has_bounds() {
    let bench = Bench::new().await;
    let mut all = Vec::new();
    for nth in 1..=4 {
        all.push(bench.post(&nth.to_string()).await);
    }
    let read = async |body: Value| texts(&bench.done("conversations.history", body).await).join("");
    let (first, last) = (&all[0], &all[3]);
    let open = json!({"channel": SRE, "oldest": first, "latest": last});
    assert_eq!(read(open).await, "32");
    let closed = json!({"channel": SRE, "oldest": first, "latest": last, "inclusive": true});
    assert_eq!(read(closed).await, "4321");
    assert_eq!(read(json!({"channel": SRE, "oldest": "1795341600"})).await, "432");
    assert_eq!(read(json!({"channel": SRE, "oldest": "1795341601"})).await, "");
    for (body, error) in [
        (json!({"channel": SRE, "oldest": "soon"}), "invalid_ts_oldest"),
        (json!({"channel": SRE, "latest": "soon"}), "invalid_ts_latest"),
        (json!({"channel": SRE, "limit": "many"}), "invalid_limit"),
        (json!({"channel": "C0GENERAL1"}), "not_in_channel"),
        (json!({"channel": "C0PRIVATE1"}), "channel_not_found"),
        (json!({"channel": "#sre"}), "channel_not_found"),
    ] {
        assert_eq!(bench.refused("conversations.history", body).await, error);
    }
}

#[tokio::test]
async fn replies_stand_in_their_thread_and_not_in_the_channel() {
    let bench = Bench::new().await;
    let head = bench.post("head").await;
    let reply = json!({"channel": SRE, "text": "one", "thread_ts": head});
    let one = bench.done("chat.postMessage", reply).await;
    assert_eq!(one["message"]["thread_ts"], json!(head));
    assert_eq!(one["message"]["parent_user_id"], "U0SREAGENT");
    let theirs = json!({"user": ADA, "text": "two", "thread_ts": head});
    bench
        .control("POST", &format!("channels/{SRE}/messages"), theirs)
        .await;
    let history = bench.done("conversations.history", json!({"channel": SRE})).await;
    assert_eq!(texts(&history), ["head"]);
    let shown = &history["messages"][0];
    assert_eq!(
        (&shown["reply_count"], &shown["thread_ts"]),
        (&json!(2), &json!(head))
    );
    assert_eq!(shown["reply_users"], json!([ADA, "U0SREAGENT"]));
    let thread = json!({"channel": SRE, "ts": head});
    assert_eq!(
        texts(&bench.done("conversations.replies", thread).await),
        ["head", "one", "two"]
    );
    let page = json!({"channel": SRE, "ts": head, "limit": 2});
    let page = bench.done("conversations.replies", page).await;
    assert_eq!((texts(&page).len(), &page["has_more"]), (2, &json!(true)));
    let next = json!({"channel": SRE, "ts": head, "cursor": page["response_metadata"]["next_cursor"]});
    assert_eq!(texts(&bench.done("conversations.replies", next).await), ["two"]);
    let alone = json!({"channel": SRE, "ts": one["ts"]});
    assert_eq!(texts(&bench.done("conversations.replies", alone).await), ["one"]);

    let deep = json!({"channel": SRE, "text": "x", "thread_ts": one["ts"]});
    assert_eq!(
        bench.refused("chat.postMessage", deep).await,
        "cannot_reply_to_message"
    );
    let nowhere = json!({"channel": SRE, "text": "x", "thread_ts": "1795341600.999999"});
    assert_eq!(
        bench.refused("chat.postMessage", nowhere).await,
        "thread_not_found"
    );
    let nothing = json!({"channel": SRE, "ts": "1795341600.999999"});
    assert_eq!(
        bench.refused("conversations.replies", nothing).await,
        "thread_not_found"
    );
}

#[tokio::test]
async fn the_head_of_a_thread_leaves_a_tombstone() {
    let bench = Bench::new().await;
    let head = bench.post("head").await;
    let reply = json!({"channel": SRE, "text": "one", "thread_ts": head});
    bench.done("chat.postMessage", reply).await;
    let body = json!({"channel": SRE, "ts": head});
    bench.done("chat.delete", body.clone()).await;
    let thread = bench.done("conversations.replies", body.clone()).await;
    assert_eq!(thread["messages"][0]["subtype"], "tombstone");
    assert_eq!(thread["messages"][1]["text"], "one");
    assert_eq!(bench.refused("chat.delete", body).await, "message_not_found");
}

#[tokio::test]
async fn a_broadcast_reply_stands_in_both() {
    let bench = Bench::new().await;
    let head = bench.post("head").await;
    let reply = json!({"channel": SRE, "text": "one", "thread_ts": head, "reply_broadcast": true});
    bench.done("chat.postMessage", reply).await;
    let history = bench.done("conversations.history", json!({"channel": SRE})).await;
    assert_eq!(texts(&history), ["one", "head"]);
    assert_eq!(history["messages"][0]["subtype"], "thread_broadcast");
}

#[tokio::test]
async fn a_channel_says_what_it_is() {
    let bench = Bench::new().await;
    for (channel, member, archived) in [
        (SRE, true, false),
        ("C0GENERAL1", false, false),
        ("C0ARCHIVED", true, true),
    ] {
        let reply = bench
            .done("conversations.info", json!({"channel": channel}))
            .await;
        let reply = &reply["channel"];
        assert_eq!(
            (&reply["is_member"], &reply["is_archived"]),
            (&json!(member), &json!(archived))
        );
        assert!(reply.get("num_members").is_none());
    }
    let body = json!({"channel": SRE, "include_num_members": true});
    let reply = bench.done("conversations.info", body).await;
    assert_eq!(reply["channel"]["num_members"], 4);
    for channel in ["C0PRIVATE1", "C0NOWHERE0"] {
        let error = bench
            .refused("conversations.info", json!({"channel": channel}))
            .await;
        assert_eq!(error, "channel_not_found");
    }
}

#[tokio::test]
async fn channels_are_listed_in_pages() {
    let bench = Bench::new().await;
    let names = |reply: &Value| -> Vec<String> {
        let channels = reply["channels"].as_array().unwrap().iter();
        channels
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = bench.done("conversations.list", json!({})).await;
    assert_eq!(names(&all), ["archived", "general", "oncall", "sre"]);
    let body = json!({"exclude_archived": true, "limit": 2, "types": "public_channel,private_channel"});
    let page = bench.done("conversations.list", body).await;
    assert_eq!(names(&page), ["general", "oncall"]);
    let next = json!({"cursor": page["response_metadata"]["next_cursor"]});
    assert_eq!(names(&bench.done("conversations.list", next).await), ["sre"]);
    for (body, error) in [
        (json!({"cursor": "x"}), "invalid_cursor"),
        (json!({"limit": 0}), "invalid_limit"),
        (json!({"types": "secret"}), "invalid_types"),
    ] {
        assert_eq!(bench.refused("conversations.list", body).await, error);
    }
}

#[tokio::test]
async fn a_permalink_leads_to_a_message_and_into_its_thread() {
    let bench = Bench::new().await;
    let head = bench.post("head").await;
    let reply = json!({"channel": SRE, "text": "one", "thread_ts": head});
    let one = bench.done("chat.postMessage", reply).await;
    let body = json!({"channel": SRE, "message_ts": one["ts"]});
    let link = bench.done("chat.getPermalink", body).await;
    let expected = "https://sandbox.slack.com/archives/C0SRE00001/p1795341600000001?thread_ts=1795341600.000000&cid=C0SRE00001";
    assert_eq!(link["permalink"], expected);
    let body = json!({"channel": SRE, "message_ts": "1.000000"});
    assert_eq!(
        bench.refused("chat.getPermalink", body).await,
        "message_not_found"
    );
}
