//! A whole policy as one byte string, which its hash is taken of.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use domain::value::Digest;
use serde::{Deserialize, Serialize};

use crate::fault::{Faults, PolicyFault};

/// Weights, windows, calendars and limits.
pub const RISK: &str = "risk.toml";

/// What rules can speak of.
pub const SCHEMA: &str = "gate.cedarschema";

/// What ends the name of a file of rules.
const RULES: &str = ".cedar";

/// The text of [`SCHEMA`]: the contract between rules and this version of the code.
pub(crate) const SCHEMA_TEXT: &str = include_str!("../../../infra/policy/gate.cedarschema");

/// The most that a policy may have, bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// The most files.
const MAX_FILES: usize = 32;

/// The longest name of a file.
const MAX_FILE_NAME: usize = 64;

/// What faults of the byte string as such are told under.
const WHOLE: &str = "policy";

/// The files of a policy. One policy has one byte string: a schema that says what this version's says is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    files: BTreeMap<String, String>,
    bytes: Vec<u8>,
    digest: Digest,
}

/// Its canonical form: names are sorted, nothing is optional.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    files: BTreeMap<String, String>,
}

impl Bundle {
    /// The policy that is in force where none was published.
    pub fn builtin() -> Self {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        Self::encode(BTreeMap::from([
            file(RISK, include_str!("../../../infra/policy/risk.toml")),
            file("gate.cedar", include_str!("../../../infra/policy/gate.cedar")),
        ]))
    }

    /// Reads a directory. Every file there must be one of a policy.
    pub fn read_dir(directory: &Path) -> Result<Self, Faults> {
        let shown = directory.display().to_string();
        let entries = fs::read_dir(directory).map_err(|err| PolicyFault::of_file(&shown, err))?;
        let (mut files, mut faults) = (BTreeMap::new(), Vec::new());
        for entry in entries {
            let entry = entry.map_err(|err| PolicyFault::of_file(&shown, err))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match read_file(&entry.path(), &name) {
                Ok(text) => {
                    files.insert(name, text);
                }
                Err(fault) => faults.push(fault),
            }
        }
        match Faults::of(faults) {
            Some(faults) => Err(faults),
            None => Self::new(files),
        }
    }

    /// Reads a byte string. It must be the one that [`Bundle::bytes`] gives.
    pub fn decode(bytes: &[u8]) -> Result<Self, Faults> {
        sized(bytes.len())?;
        let form: Form = serde_json::from_slice(bytes)
            .map_err(|err| PolicyFault::of_file(WHOLE, format!("is not a policy: {err}")))?;
        let bundle = Self::new(form.files)?;
        if bundle.bytes == bytes {
            Ok(bundle)
        } else {
            Err(PolicyFault::of_file(WHOLE, "is not written as a policy is").into())
        }
    }

    /// A policy of named texts.
    pub fn new(mut files: BTreeMap<String, String>) -> Result<Self, Faults> {
        let mut faults: Vec<PolicyFault> = files
            .keys()
            .filter_map(|name| misnamed(name).map(|reason| PolicyFault::of_file(name, reason)))
            .collect();
        if !files.contains_key(RISK) {
            faults.push(PolicyFault::of_file(RISK, "is missing"));
        }
        if !files.keys().any(|name| name.ends_with(RULES)) {
            faults.push(PolicyFault::of_file(
                "gate.cedar",
                "is missing, and there is no other *.cedar",
            ));
        }
        if files.len() > MAX_FILES {
            let reason = format!("has {} files, more than {MAX_FILES}", files.len());
            faults.push(PolicyFault::of_file(WHOLE, reason));
        }
        if let Some(faults) = Faults::of(faults) {
            return Err(faults);
        }
        if files.get(SCHEMA).is_some_and(|schema| schema == SCHEMA_TEXT) {
            files.remove(SCHEMA);
        }
        let bundle = Self::encode(files);
        sized(bundle.bytes.len())?;
        Ok(bundle)
    }

    fn encode(files: BTreeMap<String, String>) -> Self {
        let form = Form { files };
        // Texts by text: serialising them cannot fail.
        let bytes = serde_json::to_vec(&form).unwrap_or_default();
        Self {
            files: form.files,
            digest: Digest::of(&bytes),
            bytes,
        }
    }

    /// The whole policy.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the whole policy: its hash in the trail.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its files by name, with the schema of this version where it has no other.
    pub fn files(&self) -> BTreeMap<&str, &str> {
        let own = self
            .files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        std::iter::once((SCHEMA, SCHEMA_TEXT)).chain(own).collect()
    }

    pub(crate) fn risk(&self) -> &str {
        self.files.get(RISK).map_or("", String::as_str)
    }

    /// A schema that is not this version's.
    pub(crate) fn other_schema(&self) -> Option<&str> {
        self.files.get(SCHEMA).map(String::as_str)
    }

    /// The files of rules, by name.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter().filter(|(name, _)| name.ends_with(RULES));
        files.map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

fn sized(bytes: usize) -> Result<(), PolicyFault> {
    if bytes <= MAX_BYTES {
        Ok(())
    } else {
        let reason = format!("has {bytes} bytes, more than the {MAX_BYTES} of a policy");
        Err(PolicyFault::of_file(WHOLE, reason))
    }
}

fn read_file(path: &Path, name: &str) -> Result<String, PolicyFault> {
    if let Some(reason) = misnamed(name) {
        return Err(PolicyFault::of_file(name, reason));
    }
    let fault = |err| PolicyFault::of_file(name, err);
    let found = fs::metadata(path).map_err(fault)?;
    if !found.is_file() {
        return Err(PolicyFault::of_file(name, "is not a file"));
    }
    sized(usize::try_from(found.len()).unwrap_or(usize::MAX))?;
    let bytes = fs::read(path).map_err(fault)?;
    String::from_utf8(bytes).map_err(|err| {
        let valid = err.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&err.as_bytes()[..valid]).into_owned();
        PolicyFault::at(name, &text, valid, "is not UTF-8 text")
    })
}

/// Why a policy has no file of this name. Names are also written to disk.
fn misnamed(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let stem = name.strip_suffix(RULES).unwrap_or("");
    let rules = !stem.is_empty() && !stem.starts_with('.') && stem.chars().all(plain);
    if name.len() > MAX_FILE_NAME {
        Some(format!("has a name longer than {MAX_FILE_NAME} bytes"))
    } else if rules || name == RISK || name == SCHEMA {
        None
    } else {
        Some(format!(
            "does not belong to a policy: it has {RISK}, *{RULES} (of a-z, 0-9, -, _ and .) and perhaps {SCHEMA}"
        ))
    }
}
