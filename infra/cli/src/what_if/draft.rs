//! A policy that is proposed: the one in force, with one rule for each action beside it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use anyhow::{Context, anyhow, ensure};
use domain::action::ActionKind;
use domain::value::Digest;
use policy::{Bundle, Checked, SCHEMA};

use super::calibrate::Finding;

/// The file of the proposed rules. One that is there already is replaced.
pub(super) const FILE: &str = "calibrated.cedar";

/// `SRE_RISK_THRESHOLD`: the highest that is proposed for any action; the rules hold the others to theirs.
pub(super) fn threshold(findings: &[(ActionKind, Finding)]) -> Option<u8> {
    let proposed = findings.iter().filter_map(|(_, finding)| match finding {
        Finding::Supported(found) => Some(found.threshold),
        Finding::Unsupported { .. } => None,
    });
    proposed.max()
}

/// The policy with the rules. An action that nothing is proposed for is held to `held`, or does not run by itself at all:
/// a threshold that others deserve lets it through nowhere that it was not let through before.
pub(super) fn bundle(
    base: &Bundle,
    findings: &[(ActionKind, Finding)],
    held: Option<u8>,
) -> anyhow::Result<Bundle> {
    let files = base.files().into_iter();
    let mut files: BTreeMap<String, String> = files
        .filter(|(name, _)| *name != SCHEMA)
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let rules: Vec<String> = findings
        .iter()
        .map(|(action, finding)| rule(*action, finding, held))
        .collect();
    let heading =
        "// Written by `sre-agent policy calibrate`: above its score an action does not run by itself.\n";
    files.insert(FILE.to_owned(), format!("{heading}\n{}", rules.join("\n")));
    let bundle = Bundle::new(files)?;
    Checked::new(&bundle).map_err(|faults| {
        let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow!("the proposed policy does not check: {}", all.join("; "))
    })?;
    Ok(bundle)
}

fn rule(action: ActionKind, finding: &Finding, held: Option<u8>) -> String {
    let (above, reason) = match (finding, held) {
        (Finding::Supported(found), _) => (
            Some(found.threshold),
            format!(
                "{} of {} answers up to a score of {} were a yes that went well: at least {:.4}",
                found.good, found.labels, found.threshold, found.bounds.lower
            ),
        ),
        (Finding::Unsupported { .. }, Some(held)) => (
            Some(held),
            format!("people's answers support no threshold for {action}: it stays at {held}"),
        ),
        (Finding::Unsupported { .. }, None) => (
            None,
            format!("people's answers support no threshold for {action}"),
        ),
    };
    let score = above.map_or(String::new(), |score| format!(" && resource.score > {score}"));
    let id = action.name().replace('_', "-");
    format!(
        "@id(\"calibrated-{id}\")\n@reason(\"{reason}\")\nforbid (\n  principal,\n  action == \
         SreAgent::Action::\"auto_execute\",\n  resource\n)\nwhen {{ resource.action == \
         SreAgent::ActionKind::\"{action}\"{score} }};\n"
    )
}

/// That a directory is empty or is not there.
pub(super) fn is_free(directory: &Path) -> anyhow::Result<()> {
    let shown = || directory.display().to_string();
    match fs::read_dir(directory) {
        Ok(mut there) => ensure!(there.next().is_none(), "{} is not empty", shown()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {}
        Err(err) => return Err(err).with_context(|| format!("{} cannot be read", shown())),
    }
    Ok(())
}

/// Checks the policy and writes it into a directory that is empty or is not there; its digest.
pub(super) fn write(
    directory: &Path,
    base: &Bundle,
    findings: &[(ActionKind, Finding)],
    held: Option<u8>,
) -> anyhow::Result<Digest> {
    let bundle = bundle(base, findings, held)?;
    is_free(directory)?;
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    for (name, text) in bundle.files() {
        if name != SCHEMA {
            fs::write(directory.join(name), text)
                .with_context(|| directory.join(name).display().to_string())?;
        }
    }
    Ok(bundle.digest())
}
