//! Any JSON at all.

use proptest::prelude::*;

use super::*;

/// Any JSON of some depth, with the texts and numbers that break readers.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<u64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        (0.0..2.0_f64).prop_map(|value| json!(value)),
        any::<String>().prop_map(|value| json!(value)),
        "\\PC{0,300}".prop_map(|value| json!(value)),
        "[\u{202e}\u{200b}\u{1b}\u{e0041}\"\\\\]{0,300}".prop_map(|value| json!(value)),
        "-?[0-9]{0,12}[.]?[0-9]{0,12}(e-?[0-9]{1,9})?".prop_map(|value| json!(value)),
        prop::sample::select(vec![
            "team",
            "key",
            "hard",
            "p95",
            "success_rate",
            "high",
            "30d",
            "1",
            "0.5",
            "100.00"
        ])
        .prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec(("[a-z]{1,5}", inner), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The complaints of one event, with all that is around them in a record, are this long at most, bytes as JSON.
const MOST_BYTES: usize = 12_000;

proptest! {
    #[test]
    fn any_json_is_read_or_refused_and_complaints_stay_within_bounds(
        which in prop::sample::select(EventType::ALL.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..8),
        whole in prop::option::weighted(0.1, any_json()),
    ) {
        let mut detail = detail(which);
        let names: Vec<String> = detail.as_object().unwrap().keys().cloned().collect();
        for (at, value) in changes {
            detail[&names[at.index(names.len())]] = value;
        }
        let detail = whole.unwrap_or(detail);
        match read(which, &detail) {
            Ok(reading) => {
                let mut fields: Vec<&str> = reading.complaints.iter().map(|one| one.field.as_str()).collect();
                fields.sort_unstable();
                fields.dedup();
                prop_assert_eq!(fields.len(), reading.complaints.len(), "one complaint a field");
                let complaints: Vec<String> = reading.complaints.iter().map(ToString::to_string).collect();
                let bytes = serde_json::to_string(&complaints).unwrap().len();
                prop_assert!(bytes <= MOST_BYTES, "{} bytes", bytes);
                for complaint in &complaints {
                    prop_assert!(!complaint.chars().any(char::is_control), "{:?}", complaint);
                }
                // What is recorded reads back.
                let recorded = serde_json::to_string(&reading.event).unwrap();
                prop_assert_eq!(serde_json::from_str::<Event>(&recorded).unwrap(), reading.event);
            }
            Err(refused) => {
                prop_assert!(refused.field.starts_with("detail"), "{}", refused);
                prop_assert!(refused.to_string().chars().count() < 1_000, "{}", refused);
                prop_assert!(!refused.problem.chars().any(char::is_control), "{:?}", refused);
            }
        }
    }
}
