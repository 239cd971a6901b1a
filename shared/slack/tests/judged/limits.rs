//! Slack's limits, held against JSON as it is sent: apart from the code that keeps them. Characters are counted in UTF-16
//! units, of which a text never has fewer than code points.
//!
//! Facts: <https://docs.slack.dev/reference/block-kit/blocks>, <https://docs.slack.dev/reference/block-kit/block-elements>,
//! <https://docs.slack.dev/reference/block-kit/composition-objects>, <https://docs.slack.dev/reference/views/modal-views>,
//! <https://docs.slack.dev/reference/methods/chat.postMessage>, <https://docs.slack.dev/reference/methods/chat.update>.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// What is wrong with something that is sent.
#[derive(Default)]
struct Complaints {
    all: Vec<String>,
    ids: BTreeSet<String>,
}

/// What is wrong with a message of `chat.postMessage` or `chat.update`.
pub(crate) fn of_message(message: &Value) -> Vec<String> {
    let mut found = Complaints::default();
    found.text("the message", &message["text"], 4000);
    found.inert("the message", &message["text"]);
    if let Some(blocks) = message.get("blocks") {
        found.blocks(blocks, 50, &["header", "section", "context", "actions"]);
    }
    found.word("metadata", &message["metadata"]["event_type"], 255);
    found.check(
        message["metadata"]["event_payload"].is_object(),
        "metadata without a payload",
    );
    found.all
}

/// What is wrong with a message as `chat.postMessage` is called with it.
pub(crate) fn of_posted(body: &Value) -> Vec<String> {
    let mut all = of_message(body);
    for name in ["unfurl_links", "unfurl_media"] {
        if body[name] != json!(false) {
            all.push(format!("{name} is not off"));
        }
    }
    all
}

/// What is wrong with a modal.
pub(crate) fn of_modal(modal: &Value) -> Vec<String> {
    let mut found = Complaints::default();
    found.check(modal["type"] == "modal", "it is no modal");
    found.plain("title", &modal["title"], 24);
    for name in ["submit", "close"] {
        if let Some(text) = modal.get(name) {
            found.plain(name, text, 24);
        }
    }
    found.word("callback_id", &modal["callback_id"], 255);
    let metadata = modal["private_metadata"].as_str().unwrap_or_default();
    found.check(units(metadata) <= 3000, "private_metadata is too long");
    found.blocks(&modal["blocks"], 100, &["section", "input"]);
    let asks = modal["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .any(|block| block["type"] == "input");
    found.check(!asks || modal.get("submit").is_some(), "inputs and no submit");
    found.all
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

impl Complaints {
    fn check(&mut self, good: bool, problem: &str) {
        if !good {
            self.all.push(problem.to_owned());
        }
    }

    /// A text of at least one character that can be seen, and at most so many.
    fn text(&mut self, what: &str, text: &Value, most: usize) {
        let text = text.as_str().unwrap_or_default();
        self.check(!text.trim().is_empty(), &format!("{what} is empty"));
        let many = units(text);
        self.check(many <= most, &format!("{what} has {many} characters of {most}"));
    }

    /// An id: a text without white space.
    fn word(&mut self, what: &str, text: &Value, most: usize) {
        self.text(what, text, most);
        let spaced = text.as_str().unwrap_or_default().contains(char::is_whitespace);
        self.check(!spaced, &format!("{what} holds white space"));
    }

    fn unique(&mut self, what: &str, id: &Value) {
        self.word(what, id, 255);
        let new = self.ids.insert(format!("{what} {id}"));
        self.check(new, &format!("{what} {id} comes twice"));
    }

    fn plain(&mut self, what: &str, text: &Value, most: usize) {
        self.check(text["type"] == "plain_text", &format!("{what} is no plain text"));
        self.text(what, &text["text"], most);
    }

    /// Nothing in a mrkdwn text is a link, a mention or half an entity: all that stands in `<…>` is an instant of ours.
    fn inert(&mut self, what: &str, text: &Value) {
        let mut rest = text.as_str().unwrap_or_default();
        while let Some(at) = rest.find(['<', '>']) {
            let entity = &rest[at..];
            let end = entity.find('>').unwrap_or(0);
            let dated = entity.starts_with("<!date^") && !entity[1..end.max(1)].contains('<');
            self.check(dated, &format!("{what} holds an entity: {entity:.40}"));
            if !dated {
                return;
            }
            rest = &entity[end + 1..];
        }
        let escapes = text.as_str().unwrap_or_default().split('&').skip(1);
        let whole = escapes
            .into_iter()
            .all(|rest| ["amp;", "lt;", "gt;"].iter().any(|one| rest.starts_with(one)));
        self.check(whole, &format!("{what} holds half an entity"));
    }

    fn mrkdwn(&mut self, what: &str, text: &Value, most: usize) {
        self.check(text["type"] == "mrkdwn", &format!("{what} is no mrkdwn"));
        self.text(what, &text["text"], most);
        self.inert(what, &text["text"]);
        self.check(text["verbatim"] == true, &format!("{what} finds links by itself"));
    }

    fn blocks(&mut self, blocks: &Value, most: usize, kinds: &[&str]) {
        let blocks = blocks.as_array().unwrap();
        self.check(
            (1..=most).contains(&blocks.len()),
            &format!("{} blocks", blocks.len()),
        );
        for block in blocks {
            let kind = block["type"].as_str().unwrap();
            self.check(kinds.contains(&kind), &format!("no {kind} can be there"));
            if let Some(id) = block.get("block_id") {
                self.unique("block_id", id);
            }
            match kind {
                "header" => self.plain("header", &block["text"], 150),
                "section" => self.mrkdwn("section", &block["text"], 3000),
                "context" => self.context(block),
                "actions" => self.actions(block),
                "input" => self.input(block),
                _ => {}
            }
        }
    }

    fn context(&mut self, block: &Value) {
        let elements = block["elements"].as_array().unwrap();
        self.check((1..=10).contains(&elements.len()), "too many texts in a context");
        for element in elements {
            self.mrkdwn("context", element, 3000);
        }
    }

    fn actions(&mut self, block: &Value) {
        let elements = block["elements"].as_array().unwrap();
        self.check((1..=25).contains(&elements.len()), "too many buttons");
        for button in elements {
            self.check(button["type"] == "button", "an element is no button");
            self.unique("action_id", &button["action_id"]);
            self.plain("button", &button["text"], 75);
            if let Some(value) = button.get("value") {
                self.text("value", value, 2000);
            }
            if let Some(url) = button.get("url") {
                self.word("url", url, 3000);
            }
            let style = button.get("style").map(|style| style.as_str().unwrap());
            self.check(
                matches!(style, None | Some("primary" | "danger")),
                "a style of no button",
            );
            if let Some(confirm) = button.get("confirm") {
                self.plain("confirm.title", &confirm["title"], 100);
                self.plain("confirm.text", &confirm["text"], 300);
                self.plain("confirm.confirm", &confirm["confirm"], 30);
                self.plain("confirm.deny", &confirm["deny"], 30);
            }
        }
    }

    fn input(&mut self, block: &Value) {
        self.plain("label", &block["label"], 2000);
        if let Some(hint) = block.get("hint") {
            self.plain("hint", hint, 2000);
        }
        self.word("block_id", &block["block_id"], 255);
        let field = &block["element"];
        self.check(
            field["type"] == "plain_text_input",
            "a form's field is no text field",
        );
        self.word("action_id", &field["action_id"], 255);
        let most = field["max_length"].as_u64().unwrap();
        self.check((1..=3000).contains(&most), "max_length is not 1 to 3000");
        if let Some(first) = field.get("initial_value") {
            self.text("initial_value", first, usize::try_from(most).unwrap());
        }
    }
}

#[test]
fn what_breaks_a_limit_is_named() {
    let button =
        |id: &str| json!({"type": "button", "action_id": id, "text": {"type": "plain_text", "text": "x"}});
    let message = json!({
        "text": "<!channel> hello",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "x".repeat(151)}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "😀".repeat(1501), "verbatim": true}},
            {"type": "section", "text": {"type": "mrkdwn", "text": " ", "verbatim": true}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "<!date^1^{date}|x> & <https://x|y>", "verbatim": false}},
            {"type": "actions", "block_id": "a", "elements": [button("b"), button("b")]},
        ],
        "metadata": {"event_type": "t", "event_payload": {}},
    });
    let expected = [
        "the message holds an entity: <!channel> hello",
        "header has 151 characters of 150",
        "section has 3002 characters of 3000",
        "section is empty",
        "section holds an entity: <https://x|y>",
        "section finds links by itself",
        "action_id \"b\" comes twice",
    ];
    assert_eq!(of_message(&message), expected);
    assert_eq!(of_posted(&message).len(), expected.len() + 2);
}
