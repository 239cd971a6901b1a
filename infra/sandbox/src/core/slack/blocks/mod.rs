//! Whether blocks and modals are what Slack takes, and what it makes of them.

mod elements;
mod schema;
mod tables;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use schema::Complaints;

/// What is wrong with the blocks of a message; nothing where they are good.
pub(super) fn wrong_in_message(blocks: &Value) -> Vec<String> {
    let mut wrong = Complaints::default();
    wrong.check(&tables::MESSAGE, blocks, "/blocks");
    among_each_other(blocks, "/blocks", &mut wrong);
    wrong.0
}

/// What is wrong with a modal; nothing where it is good.
pub(super) fn wrong_in_modal(view: &Value) -> Vec<String> {
    let mut wrong = Complaints::default();
    wrong.check(&tables::MODAL, view, "/view");
    let blocks = &view["blocks"];
    among_each_other(blocks, "/view/blocks", &mut wrong);
    if view.get("submit").is_none() {
        for (nth, block) in list(blocks).iter().enumerate() {
            if block["type"] == "input" {
                let at = format!("/view/blocks/{nth}/input");
                wrong.add(&at, "must define `submit` to use an `input` block in modals");
            }
        }
    }
    wrong.0
}

/// What no field alone says: one of two fields, ids that come twice.
fn among_each_other(blocks: &Value, at: &str, wrong: &mut Complaints) {
    let mut seen = BTreeSet::new();
    for (nth, block) in list(blocks).iter().enumerate() {
        let at = format!("{at}/{nth}");
        if let Some(id) = block["block_id"].as_str()
            && !seen.insert(id)
        {
            wrong.add(
                &format!("{at}/block_id"),
                format!("`block_id` \"{id}\" already exists"),
            );
        }
        match block["type"].as_str() {
            Some("section") if block.get("text").is_none() && block.get("fields").is_none() => {
                wrong.add(&at, "must define either `text` or `fields`");
            }
            Some("image") => picture(block, &at, wrong),
            Some("actions") => action_ids(block, &at, wrong),
            _ => {}
        }
        let nested = list(&block["elements"]).iter().enumerate();
        let nested = nested.map(|(nth, one)| (one, format!("{at}/elements/{nth}")));
        let single = ["accessory", "element"].map(|name| (&block[name], format!("{at}/{name}")));
        for (element, at) in nested.chain(single) {
            match element["type"].as_str() {
                Some("image") => picture(element, &at, wrong),
                Some("static_select" | "multi_static_select")
                    if element.get("options").is_some() == element.get("option_groups").is_some() =>
                {
                    wrong.add(&at, "must define either `options` or `option_groups`");
                }
                _ => {}
            }
        }
    }
}

fn picture(image: &Value, at: &str, wrong: &mut Complaints) {
    if image.get("image_url").is_some() == image.get("slack_file").is_some() {
        wrong.add(at, "must define either `image_url` or `slack_file`");
    }
}

fn action_ids(block: &Value, at: &str, wrong: &mut Complaints) {
    let mut seen = BTreeSet::new();
    for (nth, element) in list(&block["elements"]).iter().enumerate() {
        if let Some(id) = element["action_id"].as_str()
            && !seen.insert(id)
        {
            let at = format!("{at}/elements/{nth}/action_id");
            wrong.add(&at, format!("`action_id` \"{id}\" already exists"));
        }
    }
}

/// The items of a list, none of what is no list.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Good blocks as Slack keeps them: every block and every element that acts has its id, every text says whether its
/// emoji are pictures or whether it is left as it is.
pub(super) fn kept(blocks: &Value, mut id: impl FnMut() -> String) -> Vec<Value> {
    let mut blocks = list(blocks).to_vec();
    for block in &mut blocks {
        fill_in_texts(block);
        if block.get("block_id").is_none() {
            block["block_id"] = json!(id());
        }
        if block["type"] == "input" && block.get("optional").is_none() {
            block["optional"] = json!(false);
        }
        let kind = block["type"].as_str().unwrap_or_default().to_owned();
        let elements = match kind.as_str() {
            "actions" => block["elements"].as_array_mut().into_iter().flatten().collect(),
            "section" => block.get_mut("accessory").into_iter().collect(),
            "input" => block.get_mut("element").into_iter().collect(),
            _ => Vec::new(),
        };
        for element in elements {
            if element["type"] != "image" && element.get("action_id").is_none() {
                element["action_id"] = json!(id());
            }
        }
    }
    blocks
}

/// A good text with what Slack fills in.
pub(super) fn fill_in_texts(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let default = match fields.get("type").and_then(Value::as_str) {
                Some("plain_text") => Some(("emoji", true)),
                Some("mrkdwn") => Some(("verbatim", false)),
                _ => None,
            };
            if let Some((name, usual)) = default {
                fields.entry(name).or_insert(json!(usual));
            }
            fields.values_mut().for_each(fill_in_texts);
        }
        Value::Array(items) => items.iter_mut().for_each(fill_in_texts),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
