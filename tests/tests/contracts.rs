//! The contracts with the outside: samples against schemas, schemas against types, types against samples.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod accepted;
mod announced;
mod documents;
mod lambda;
mod received;
pub(crate) mod samples;

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::Value;

/// A schema of `infra/schemas/`, as a tree.
pub(crate) fn schema(name: &str) -> Value {
    samples::json(&format!("infra/schemas/{name}.json"))
}

/// The same, ready to judge. Formats are checked, as a sender's own tools would.
fn validator(name: &str) -> Validator {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&schema(name)).unwrap()
}

/// The choices of an `enum`, without null.
fn choices(schema: &Value) -> BTreeSet<String> {
    let choices = schema["enum"].as_array().unwrap().iter();
    choices.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The names of an enumeration's variants.
fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn every_schema_is_one_and_its_own_examples_pass_it() {
    let schemas = samples::files("infra/schemas");
    assert_eq!(schemas.len(), 6, "{schemas:?}");
    for file in schemas {
        let schema = samples::json(&format!("infra/schemas/{file}"));
        jsonschema::meta::validate(&schema).unwrap_or_else(|err| panic!("{file}: {err}"));
        let name = file.trim_end_matches(".json");
        assert_eq!(schema["$id"], format!("urn:sre-agent:schema:{name}"));
        let examples = schema["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{file}");
        for example in examples {
            let problems: Vec<String> = validator(name)
                .iter_errors(example)
                .map(|err| err.to_string())
                .collect();
            assert!(problems.is_empty(), "{file}: {problems:?}");
        }
    }
}
