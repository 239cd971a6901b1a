//! The library as tools for a model: one for each action, derived from the actions' own types.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{Action, ActionKind};

/// The parameter of every tool in which the model says why.
pub const RATIONALE: &str = "rationale";

/// The longest rationale that is kept, characters.
pub const MAX_RATIONALE: usize = 600;

/// An action as a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionTool {
    /// The action.
    pub kind: ActionKind,
    /// What it does, and how it is taken back.
    pub description: String,
    /// JSON Schema of its parameters and the rationale, in the subset that strict modes take: every property
    /// required, no other properties, and no ranges. The ranges are in the descriptions, and checked by
    /// [`Action::out_of_bounds`].
    pub schema: Value,
}

impl ActionTool {
    /// Every action, in the order of the documents' table.
    pub fn all() -> Vec<Self> {
        ActionKind::ALL.into_iter().map(Self::of).collect()
    }

    fn of(kind: ActionKind) -> Self {
        let entry = kind.entry();
        let root = (entry.schema)();
        let about = root["description"].as_str().unwrap_or_default();
        Self {
            kind,
            description: format!(
                "{about} {} Baseline risk {} of 100.",
                entry.undone, entry.baseline
            ),
            schema: with_rationale(root),
        }
    }
}

impl Action {
    /// Reads what a model gave a tool of the library: the action with the rationale, or what is wrong. Ranges and
    /// targets are not looked at here: [`Action::check`] does.
    pub fn of_tool(kind: ActionKind, input: &Value) -> Result<(Self, String), String> {
        let mut parameters = input.as_object().ok_or("the input is not an object")?.clone();
        let rationale = match parameters.remove(RATIONALE) {
            Some(Value::String(text)) => text.chars().take(MAX_RATIONALE).collect(),
            Some(_) | None => return Err(format!("{RATIONALE} is missing or not a string")),
        };
        let known = Self::parameters(kind);
        if let Some(unknown) = parameters.keys().find(|name| !known.contains(name)) {
            let unknown = crate::value::shorten(unknown);
            return Err(format!("{kind} has no parameter \"{unknown}\""));
        }
        parameters.insert("action".to_owned(), json!(kind));
        match serde_json::from_value(Value::Object(parameters)) {
            Ok(action) => Ok((action, rationale)),
            Err(err) => Err(crate::value::shorten(&err.to_string())),
        }
    }

    fn parameters(kind: ActionKind) -> Vec<String> {
        let schema = ActionTool::of(kind).schema;
        let properties = schema["properties"].as_object();
        properties.map_or_else(Vec::new, |properties| properties.keys().cloned().collect())
    }
}

/// The schema of a type, without references.
pub(super) fn schema<T: JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = SchemaGenerator::new(settings)
        .into_root_schema_for::<T>()
        .to_value();
    make_strict(&mut schema);
    schema
}

/// What strict modes take.
/// <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>,
/// <https://platform.openai.com/docs/guides/structured-outputs>
const KEPT: [&str; 8] = [
    "type",
    "description",
    "properties",
    "required",
    "additionalProperties",
    "enum",
    "items",
    "anyOf",
];

fn make_strict(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    object.retain(|keyword, _| KEPT.contains(&keyword.as_str()));
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(make_strict);
        let names: Vec<String> = properties.keys().cloned().collect();
        object.insert("required".to_owned(), json!(names));
        object.insert("additionalProperties".to_owned(), json!(false));
    }
}

fn with_rationale(mut schema: Value) -> Value {
    let rationale = json!({
        "type": "string",
        "description": "Why this and nothing else, in one or two sentences, for the person who approves it."
    });
    if let Some(object) = schema.as_object_mut() {
        object.remove("description");
        let mut properties = Map::new();
        properties.insert(RATIONALE.to_owned(), rationale);
        if let Some(Value::Object(own)) = object.remove("properties") {
            properties.extend(own);
        }
        object.insert(
            "required".to_owned(),
            json!(properties.keys().collect::<Vec<_>>()),
        );
        object.insert("properties".to_owned(), Value::Object(properties));
    }
    schema
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn every_action_is_a_tool_in_the_subset_that_strict_modes_take() {
        for tool in ActionTool::all() {
            let schema = &tool.schema;
            let properties = schema["properties"].as_object().unwrap();
            let names: Vec<&String> = properties.keys().collect();
            assert_eq!(schema["required"], json!(names), "{}", tool.kind);
            assert_eq!(schema["additionalProperties"], json!(false));
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{} {name}", tool.kind);
                let keywords = property.as_object().unwrap().keys();
                assert!(
                    keywords
                        .into_iter()
                        .all(|keyword| KEPT.contains(&keyword.as_str()))
                );
            }
        }
        let lines: String = ActionTool::all()
            .iter()
            .map(|tool| format!("{}: {}\n  {}\n", tool.kind, tool.description, tool.schema))
            .collect();
        expect![[r#"
            circuit_break_provider: Opens a provider's breaker and closes it by itself when the time is over. It ends by itself. Baseline risk 15 of 100.
              {"type":"object","additionalProperties":false,"required":["rationale","provider","duration_s"],"properties":{"rationale":{"type":"string","description":"Why this and nothing else, in one or two sentences, for the person who approves it."},"provider":{"type":"string","description":"The provider."},"duration_s":{"type":"integer","description":"How long, 30–300 seconds."}}}
            reroute_model_group: Moves the whole weight that `from` has in a model group to `to`. It stays until a person takes it back. Baseline risk 25 of 100.
              {"type":"object","additionalProperties":false,"required":["rationale","model_group","from","to"],"properties":{"rationale":{"type":"string","description":"Why this and nothing else, in one or two sentences, for the person who approves it."},"model_group":{"type":"string","description":"The model group."},"from":{"type":"string","description":"The provider that loses the traffic."},"to":{"type":"string","description":"The provider that gets it: a route of the group already, and healthy."}}}
            raise_rate_limit: Raises one team's requests or tokens a minute by a percentage. It stays until a person takes it back. Baseline risk 30 of 100.
              {"type":"object","additionalProperties":false,"required":["rationale","team","rpm_percent","tpm_percent"],"properties":{"rationale":{"type":"string","description":"Why this and nothing else, in one or two sentences, for the person who approves it."},"team":{"type":"string","description":"The team."},"rpm_percent":{"type":["integer","null"],"description":"Raise of requests a minute, 1–50 %."},"tpm_percent":{"type":["integer","null"],"description":"Raise of tokens a minute, 1–50 %."}}}
            page_oncall: Pages the on-call engineer. A page cannot be taken back. Baseline risk 35 of 100.
              {"type":"object","additionalProperties":false,"required":["rationale","severity","summary"],"properties":{"rationale":{"type":"string","description":"Why this and nothing else, in one or two sentences, for the person who approves it."},"severity":{"type":"string","enum":["info","warning","critical"],"description":"How bad."},"summary":{"type":"string","description":"One sentence, 1–300 characters, no control or invisible characters."}}}
            disable_guardrail: Switches a guardrail off: it slows or refuses traffic that should pass. It stays until a person takes it back. Baseline risk 60 of 100.
              {"type":"object","additionalProperties":false,"required":["rationale","guardrail"],"properties":{"rationale":{"type":"string","description":"Why this and nothing else, in one or two sentences, for the person who approves it."},"guardrail":{"type":"string","description":"The guardrail."}}}
            bump_budget_cap: Sets a budget's hard cap higher. It stays until a person takes it back. Baseline risk 75 of 100.
              {"type":"object","additionalProperties":false,"required":["rationale","scope","scope_id","hard_cap"],"properties":{"rationale":{"type":"string","description":"Why this and nothing else, in one or two sentences, for the person who approves it."},"scope":{"type":"string","enum":["team","org"],"description":"Whose budget."},"scope_id":{"type":"string","description":"Id of the team or the organisation."},"hard_cap":{"type":"string","description":"The new cap in USD as a decimal string, such as \"120.50\": above the present one, at most the policy's\nmaximum."}}}
            disable_sla_contract: Takes an SLA contract out of force. It stays until a person takes it back. Baseline risk 85 of 100.
              {"type":"object","additionalProperties":false,"required":["rationale","sla_id"],"properties":{"rationale":{"type":"string","description":"Why this and nothing else, in one or two sentences, for the person who approves it."},"sla_id":{"type":"string","description":"The contract."}}}
        "#]].assert_eq(&lines);
    }

    #[test]
    fn what_a_model_gave_becomes_an_action_or_says_what_is_wrong() {
        let break_it = json!({"rationale": "It fails.", "provider": "openai", "duration_s": 60});
        let (action, rationale) = Action::of_tool(ActionKind::CircuitBreakProvider, &break_it).unwrap();
        assert_eq!(action.kind(), ActionKind::CircuitBreakProvider);
        assert_eq!(rationale, "It fails.");
        let nulls = json!({"rationale": "x", "team": "a", "rpm_percent": 5, "tpm_percent": null});
        assert!(Action::of_tool(ActionKind::RaiseRateLimit, &nulls).is_ok());
        let mut wrong = String::new();
        for input in [
            json!("x"),
            json!({"provider": "openai", "duration_s": 60}),
            json!({"rationale": "x", "provider": "openai"}),
            json!({"rationale": "x", "provider": "openai", "duration_s": -1}),
            json!({"rationale": "x", "provider": "openai", "duration_s": 60, "force": true}),
            json!({"rationale": "x", "provider": "openai", "duration_s": 60, "action": "disable_guardrail"}),
            json!({"rationale": "x", "provider": "a\u{7}", "duration_s": 60}),
        ] {
            wrong += &Action::of_tool(ActionKind::CircuitBreakProvider, &input).unwrap_err();
            wrong.push('\n');
        }
        expect![[r#"
            the input is not an object
            rationale is missing or not a string
            missing field `duration_s`
            invalid value: integer `-1`, expected u64
            circuit_break_provider has no parameter "force"
            circuit_break_provider has no parameter "action"
            holds a control character or surrounding white space
        "#]]
        .assert_eq(&wrong);
        let long = json!({"rationale": "é".repeat(5000), "guardrail": "pii"});
        let (_, kept) = Action::of_tool(ActionKind::DisableGuardrail, &long).unwrap();
        assert_eq!(kept.chars().count(), MAX_RATIONALE);
    }
}
