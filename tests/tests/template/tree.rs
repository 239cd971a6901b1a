//! The template as a tree of JSON: CloudFormation's short tags written out, so that `!Ref X` is `{"Ref": "X"}`.

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// `template.yaml`, or a copy with a mistake in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template(Value);

impl Template {
    /// The one at the root of the repository.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
        Self(written_out(serde_yaml_ng::from_str(&text).unwrap()))
    }

    /// A copy that was changed.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Value)) -> Self {
        let mut copy = self.clone();
        change(&mut copy.0);
        copy
    }

    /// The whole tree.
    pub(crate) fn root(&self) -> &Value {
        &self.0
    }

    /// Every resource, with its logical id.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        entries(&self.0["Resources"])
    }

    /// The resources of one type.
    pub(crate) fn of_type(&self, wanted: &str) -> Vec<(&str, &Value)> {
        self.resources()
            .filter(|(_, resource)| resource["Type"] == wanted)
            .collect()
    }

    /// The properties of a resource; null where there is none.
    pub(crate) fn properties(&self, id: &str) -> &Value {
        &self.0["Resources"][id]["Properties"]
    }

    /// The parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &Value)> {
        entries(&self.0["Parameters"])
    }

    /// A number, also one that is written as text or looked up in a mapping or parameter.
    pub(crate) fn number(&self, value: &Value) -> Option<u64> {
        value
            .as_u64()
            .or_else(|| self.text(value).and_then(|text| text.parse().ok()))
    }

    /// A text as it is with every parameter at its default; `None` for what only AWS knows.
    pub(crate) fn text(&self, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Array(items) => {
                let items: Option<Vec<String>> = items.iter().map(|item| self.text(item)).collect();
                Some(items?.join(","))
            }
            Value::Object(_) => {
                if let Some(name) = value["Ref"].as_str() {
                    return self.text(&self.0["Parameters"][name]["Default"]);
                }
                if let Some(path) = value["Fn::FindInMap"].as_array() {
                    let key = |at: usize| self.text(&path[at]);
                    return self.text(&self.0["Mappings"][&key(0)?][&key(1)?][&key(2)?]);
                }
                if let Some(join) = value["Fn::Join"].as_array() {
                    return self.text(&join[1]);
                }
                None
            }
            Value::Null => None,
        }
    }

    /// Every `Ref`, `Fn::GetAtt` and `${…}` below a value: the names, without attributes.
    pub(crate) fn names_in(value: &Value) -> Vec<String> {
        let mut names = Vec::new();
        walk(value, &mut |_, value| {
            names.extend(target(value));
            if let Some(text) = value["Fn::Sub"].as_str() {
                let parts = text.split("${").skip(1).filter_map(|part| part.split_once('}'));
                names.extend(parts.map(|(name, _)| name.split('.').next().unwrap().to_owned()));
            }
        });
        names
    }
}

/// The logical id (or parameter) that a `Ref` or `Fn::GetAtt` names.
pub(crate) fn target(value: &Value) -> Option<String> {
    let name = value["Ref"].as_str().or_else(|| value["Fn::GetAtt"][0].as_str());
    name.map(str::to_owned)
}

/// An object's entries, by name.
pub(crate) fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

/// The items of an array, or the one value that stands for an array of one.
pub(crate) fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// The texts of an array, or the one text that stands for an array of one.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    items(value).into_iter().filter_map(Value::as_str).collect()
}

/// Visits every value of a tree, with the path to it.
pub(crate) fn walk(value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    walk_from("", value, visit);
}

fn walk_from(path: &str, value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, value);
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                walk_from(&format!("{path}/{name}"), field, visit);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk_from(&format!("{path}/{at}"), item, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn written_out(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let inner = written_out(tagged.value);
            match (tag.trim_start_matches('!'), &inner) {
                (name @ ("Ref" | "Condition"), _) => json!({ name: inner }),
                ("GetAtt", Value::String(path)) => {
                    let (id, attribute) = path.split_once('.').unwrap();
                    json!({ "Fn::GetAtt": [id, attribute] })
                }
                (name, _) => json!({ format!("Fn::{name}"): inner }),
            }
        }
        Yaml::Mapping(fields) => {
            let field = |(name, value): (Yaml, Yaml)| (name.as_str().unwrap().to_owned(), written_out(value));
            Value::Object(fields.into_iter().map(field).collect::<Map<_, _>>())
        }
        Yaml::Sequence(items) => items.into_iter().map(written_out).collect(),
        other => serde_json::to_value(other).unwrap(),
    }
}

#[test]
fn short_tags_are_read_as_what_they_stand_for() {
    let yaml = "{ a: !Ref X, b: !GetAtt Y.Arn, c: !Sub '${Z.Arn}/*', d: !If [Cond, !Ref V, 1] }";
    let read = written_out(serde_yaml_ng::from_str(yaml).unwrap());
    assert_eq!(
        read,
        json!({"a": {"Ref": "X"}, "b": {"Fn::GetAtt": ["Y", "Arn"]}, "c": {"Fn::Sub": "${Z.Arn}/*"},
               "d": {"Fn::If": ["Cond", {"Ref": "V"}, 1]}})
    );
    assert_eq!(Template::names_in(&read), ["X", "Y", "Z", "V"]);
}
