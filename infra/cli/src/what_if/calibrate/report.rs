//! A calibration, printed, and written as a policy.

use std::path::Path;

use anyhow::bail;
use domain::value::Digest;
use policy::Bundle;
use serde::Serialize;

use super::{CalibrateArguments, Calibration, Class, Counts, DEFAULT_SINCE, Finding};
use crate::print::Terminal;
use crate::what_if::draft;
use crate::what_if::replay::aligned;
use crate::what_if::source::Gathered;
use crate::what_if::wilson::{Bounds, Confidence};

/// One action, for a program.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "action")]
struct Told<'a> {
    action: &'a str,
    #[serde(flatten)]
    counts: &'a Counts,
    approval_rate: Option<f64>,
    approval_rate_bounds: Option<Bounds>,
    proposed: &'a Finding,
}

/// The whole, for a program.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "summary")]
struct Whole<'a> {
    target: f64,
    confidence: Confidence,
    /// The policy that is changed.
    policy: Digest,
    /// `SRE_RISK_THRESHOLD` that goes with what is proposed; none where nothing is.
    threshold: Option<u8>,
    /// The changed policy that was written.
    written: Option<Digest>,
    out: Option<&'a Path>,
}

/// Prints what was found, and writes the changed policy where that is asked for.
pub(in crate::what_if) fn conclude(
    arguments: &CalibrateArguments,
    given: Option<Bundle>,
    gathered: Gathered<Calibration>,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<()> {
    let Gathered { all, switched, .. } = gathered;
    let base = given.clone().unwrap_or_else(Bundle::builtin);
    let builtin = Bundle::builtin().digest();
    let in_force = switched.policy.unwrap_or(builtin);
    let (target, confidence) = (arguments.target, arguments.confidence);
    let findings = all.findings(target, confidence);
    let threshold = draft::threshold(&findings);
    let written = match (&arguments.out, threshold) {
        (Some(_), Some(_)) if given.is_none() && in_force != builtin => bail!(
            "the policy in force is {in_force}, and not the built-in one: say with --policy DIR where its files are"
        ),
        (Some(out), Some(_)) => Some(draft::write(out, &base, &findings, all.held())?),
        (Some(_) | None, _) => None,
    };
    if arguments.json {
        let unknown = Class::default();
        for (action, finding) in &findings {
            let class = all.classes.get(action).unwrap_or(&unknown);
            let rate = class.approval_rate(confidence);
            terminal.json(&Told {
                action: action.name(),
                counts: &class.counts,
                approval_rate: rate.map(|(rate, _)| rate),
                approval_rate_bounds: rate.map(|(_, bounds)| bounds),
                proposed: finding,
            })?;
        }
        return terminal.json(&Whole {
            target,
            confidence,
            policy: base.digest(),
            threshold,
            written,
            out: arguments.out.as_deref().filter(|_| written.is_some()),
        });
    }
    for line in all.table(arguments, &findings) {
        terminal.line(&line)?;
    }
    terminal.line("")?;
    let Some(threshold) = threshold else {
        terminal.line("no threshold is proposed for any action, and nothing is written")?;
        return Ok(());
    };
    let rest = match all.held() {
        Some(held) => format!("runs by itself up to {held}, as before"),
        None => "does not run by itself, as before".to_owned(),
    };
    terminal.line(&format!("an action without a proposed threshold {rest}"))?;
    if base.digest() != in_force {
        terminal.line(&format!(
            "note: the policy in force is {in_force}, and what is changed here is {}",
            base.digest()
        ))?;
    }
    let (Some(out), Some(written)) = (&arguments.out, written) else {
        terminal.line(&format!(
            "SRE_RISK_THRESHOLD={threshold} (SreRiskThreshold) goes with it; --out DIR writes the policy"
        ))?;
        return Ok(());
    };
    let directory = quoted(out);
    let source = arguments.source.written(DEFAULT_SINCE, quoted);
    for line in [
        format!(
            "{directory} has the policy {written}: {} with {}. It is not in force. SRE_RISK_THRESHOLD={threshold} \
             (SreRiskThreshold) goes with it",
            base.digest(),
            draft::FILE
        ),
        format!(
            "sre-agent policy replay --policy {directory} --threshold {threshold} --auto-approve true {source}"
        ),
        format!("sre-agent policy publish {directory}"),
    ] {
        terminal.line(&line)?;
    }
    Ok(())
}

impl Calibration {
    fn table(
        &self,
        arguments: &CalibrateArguments,
        findings: &[(super::ActionKind, Finding)],
    ) -> Vec<String> {
        let (target, confidence) = (arguments.target, arguments.confidence);
        let head = [
            "action",
            "asked",
            "approved",
            "rejected",
            "narrowed",
            "expired",
            "by itself",
            "refused",
            "succeeded",
            "helped",
            "failed",
            "undone",
            "approval rate",
            "runs by itself up to",
        ];
        let mut rows = vec![head.map(str::to_owned)];
        let unknown = Class::default();
        for (action, finding) in findings {
            let class = self.classes.get(action).unwrap_or(&unknown);
            let rate = class.approval_rate(confidence);
            let rate = rate.map_or("–".to_owned(), |(rate, Bounds { lower, upper })| {
                format!("{rate:.3} ({lower:.3}–{upper:.3})")
            });
            let proposed = match finding {
                Finding::Supported(found) => format!(
                    "{}: {} of {} answers went well, {:.4} ({:.4}–{:.4}), as good as {:.1} answers",
                    found.threshold,
                    found.good,
                    found.labels,
                    found.share,
                    found.bounds.lower,
                    found.bounds.upper,
                    found.effective,
                ),
                Finding::Unsupported { because } => format!("–: {because}"),
            };
            let (counts, number) = (&class.counts, |count: u64| count.to_string());
            rows.push([
                action.name().to_owned(),
                number(counts.asked),
                number(counts.approved),
                number(counts.rejected),
                number(counts.narrowed),
                number(counts.expired),
                number(counts.by_itself),
                number(counts.refused),
                number(counts.succeeded),
                number(counts.helped),
                number(counts.failed),
                number(counts.undone),
                rate,
                proposed,
            ]);
        }
        let mut lines = aligned(rows);
        lines.push(format!(
            "the lower bound meets {target}; bounds are Wilson's, at a confidence of {confidence}"
        ));
        lines
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
