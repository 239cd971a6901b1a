//! The files under `events/` and `infra/schemas/`.

use serde_json::Value;

/// The text of a file of the repository.
pub(crate) fn text(path: &str) -> String {
    let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|err| panic!("{path}: {err}"))
}

/// A file of the repository as JSON.
pub(crate) fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|err| panic!("{path}: {err}"))
}

/// The names of the files in a folder of the repository, sorted.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let folder = format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The JSON files of a folder, each with its name.
fn all(folder: &str) -> Vec<(String, Value)> {
    let files = files(folder).into_iter().filter(|name| name.ends_with(".json"));
    files
        .map(|name| (name.clone(), json(&format!("{folder}/{name}"))))
        .collect()
}

/// Incidents as a rule delivers them.
pub(crate) fn bus() -> Vec<(String, Value)> {
    all("events/bus")
}

/// Incidents that are wrong as their names say.
pub(crate) fn malformed() -> Vec<(String, Value)> {
    all("events/bus/malformed")
}

/// Incidents that are not as their schemas say, and are taken nevertheless.
pub(crate) fn tolerated() -> Vec<(String, Value)> {
    all("events/bus/tolerated")
}

/// What the agent announces.
pub(crate) fn outgoing() -> Vec<(String, Value)> {
    all("events/bus/outgoing")
}

/// What Lambda hands to the functions.
pub(crate) fn lambda() -> Vec<(String, Value)> {
    all("events/lambda")
}
