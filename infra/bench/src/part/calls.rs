//! The calls to AWS that an incident makes, one by one, and what they cost.
//!
//! The counts do not depend on the machine: they are kept in `kept/calls.txt`, and `--check` says where they differ. The units of
//! DynamoDB depend on how long a record's texts are, a little: `kept/units.txt`.

mod incident;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use domain::action::ActionKind;
use domain::value::ProposalId;
use serde_json::json;
use testkit::slack::{ADA, GRACE};

use self::incident::{Incident, MORE};
use crate::agent::{Agent, Programs};
use crate::cloud::{Call, Calls};
use crate::deployment::FUNCTIONS;
use crate::kept::{Counts, Keeping};
use crate::prices;
use crate::report::{Report, Table};

/// How many targets each action's incident holds here. What is broken and what is re-routed hold the model group that they thin
/// or move, and the provider that it goes away from or to.
fn targets(action: ActionKind) -> usize {
    match action {
        ActionKind::CircuitBreakProvider | ActionKind::RerouteModelGroup => 2,
        ActionKind::RaiseRateLimit
        | ActionKind::DisableGuardrail
        | ActionKind::BumpBudgetCap
        | ActionKind::DisableSlaContract => 1,
        ActionKind::PageOncall => 0,
    }
}

/// Whether the policy of this library asks for two people.
fn needs_two(action: ActionKind) -> bool {
    matches!(
        action,
        ActionKind::DisableGuardrail | ActionKind::BumpBudgetCap | ActionKind::DisableSlaContract
    )
}

/// The records of an incident that this action answers: on the way to a decision and its execution nine where one target is held,
/// then its end where it has one, and what was measured afterwards.
fn records(action: ActionKind) -> Vec<&'static str> {
    let targets = targets(action);
    let mut records = vec!["opened", "received", "proposed", "scored"];
    if needs_two(action) {
        records.push("voted");
    }
    records.push("approved");
    records.extend(vec!["claimed"; targets]);
    records.extend(["started", "succeeded"]);
    if action == ActionKind::CircuitBreakProvider {
        // In force, and held, until it ends by itself: whoever restores claims what is written, once more.
        records.extend(["claimed", "restored"]);
        records.extend(vec!["released"; targets]);
    } else {
        records.extend(vec!["released"; targets]);
    }
    records.push("verified");
    records
}

/// How far units may move, of a hundred: a record of a little less than a whole kilobyte is of a little more where a time of day
/// has more digits, or where it says that a Saturday is no working day.
const UNITS_MOVE: f64 = 5.0;

/// The longest that is waited for an incident's last step.
const PATIENCE: Duration = Duration::from_secs(120);

/// Incidents, one of each action, as they go their way.
struct Incidents(Vec<(ActionKind, Option<ProposalId>, Incident)>);

impl Incidents {
    /// Lets one of each action begin, and everybody approve whose approval it needs.
    async fn begin(agent: &mut Agent, actions: &[ActionKind]) -> Result<Self> {
        let mut incidents = Self(Vec::new());
        for action in actions {
            agent.incident_of(*action);
            incidents.0.push((*action, None, Incident::default()));
            incidents.go_on(agent).await?;
            for person in [ADA, GRACE] {
                let Some((_, proposal, incident)) = incidents.0.last() else {
                    continue;
                };
                if incident.inserted.iter().any(|kind| kind == "started") {
                    break;
                }
                let proposal = proposal.clone().context("no step names a proposal")?;
                agent.next(agent.approval(&proposal, person).await?);
                incidents.go_on(agent).await?;
            }
        }
        Ok(incidents)
    }

    /// Works what waits. What names no proposal is of the last one, which has none yet.
    async fn go_on(&mut self, agent: &mut Agent) -> Result<()> {
        while let Some((step, answered)) = agent.step().await? {
            let about = Agent::about(&step);
            let known = |(_, proposal, _): &(_, Option<ProposalId>, _)| about.is_some() && *proposal == about;
            let at = self.0.iter().position(known).or(self.0.len().checked_sub(1));
            let (_, proposal, incident) = at.and_then(|at| self.0.get_mut(at)).context("no incident")?;
            if proposal.is_none() {
                *proposal = about;
            }
            incident.add(step.function, answered.took, agent.cloud.take_calls());
        }
        Ok(())
    }

    /// Waits for what is due later: the end of what ends by itself, and what is measured then.
    async fn end(mut self, agent: &mut Agent) -> Result<Vec<(ActionKind, Incident)>> {
        let began = Instant::now();
        while agent.wait_for_what_is_delayed().await {
            self.go_on(agent).await?;
            ensure!(
                began.elapsed() < PATIENCE,
                "they have not come to their end in {PATIENCE:?}"
            );
        }
        let incidents = self.0.into_iter();
        Ok(incidents
            .map(|(action, _, incident)| (action, incident))
            .collect())
    }
}

pub(crate) async fn run(programs: Programs, keeping: Keeping<'_>, out: &Path) -> Result<()> {
    let mut agent = Agent::start(programs).await?;
    // The first one starts the processes, whose own calls are told apart.
    let usual = ActionKind::RerouteModelGroup;
    let first = Incidents::begin(&mut agent, &[usual]).await?;
    let first = first.end(&mut agent).await?;
    for (_, name, _) in FUNCTIONS {
        agent.run(name).await?;
    }
    let begun = Incidents::begin(&mut agent, &ActionKind::ALL).await?;
    let incidents = begun.end(&mut agent).await?;
    let mut report = Report::of(
        "calls",
        "the calls to AWS of an incident, approved in Slack, until its effect is verified",
    );
    let again = incidents.iter().find(|(action, _)| *action == usual);
    let (_, again) = again.context("an action that is in the library")?;
    let (_, first) = first.first().context("an incident that began")?;
    let text = text(&incidents, agent.calls_of_starts(), &besides(first, again));
    report.say(&text);
    let costs = costs(&incidents, &mut report);
    report.table(&costs);
    let dollars = dollars(again, &mut report);
    report.table(&dollars);
    report.finish(out)?;
    for (action, incident) in &incidents {
        let path = incident.path();
        ensure!(
            path == records(*action),
            "{action} has other records than are to be:\n  {}\n  {}",
            path.join(" "),
            records(*action).join(" ")
        );
        ensure!(
            incident.complaints.is_empty(),
            "{action}: {}",
            incident.complaints.join("\n")
        );
    }
    for (name, calls) in agent.calls_of_starts() {
        let repeated = calls.repeated();
        ensure!(
            repeated.is_empty(),
            "{name} asks twice as it starts: {repeated:?}"
        );
    }
    ensure!(first.complaints.is_empty(), "{}", first.complaints.join("\n"));
    keeping.keep("calls.txt", &text)?;
    keeping.keep_counts("units.txt", &units(&incidents), UNITS_MOVE, "calls")
}

/// The units of DynamoDB.
fn units(incidents: &[(ActionKind, Incident)]) -> Counts {
    let mut units = Counts::new();
    for (action, incident) in incidents {
        units.insert(format!("write units, {action}"), incident.writes as f64);
        units.insert(format!("read units, {action}"), incident.half_reads as f64 / 2.0);
    }
    units
}

/// What an incident of each action comes to.
fn costs(incidents: &[(ActionKind, Incident)], report: &mut Report) -> Table {
    let mut table = Table::of(&[
        "an incident of",
        "calls",
        "records",
        "write units",
        "of them the view's",
        "read units",
        "signatures",
        "USD a million",
    ]);
    for (action, incident) in incidents {
        let calls: usize = incident.calls.values().sum();
        let reads = incident.half_reads as f64 / 2.0;
        let signatures = incident.count("kms Sign");
        let dollars: f64 = incident
            .dollars()
            .iter()
            .map(|(_, count, price)| count * price)
            .sum();
        table.row(vec![
            action.to_string(),
            calls.to_string(),
            incident.inserted.len().to_string(),
            incident.writes.to_string(),
            incident.of_the_view.to_string(),
            reads.to_string(),
            signatures.to_string(),
            format!("{dollars:.2}"),
        ]);
        report.figure(
            action.name(),
            json!({
                "calls": calls, "records": incident.inserted.len(), "write_units": incident.writes,
                "write_units_of_the_view": incident.of_the_view, "read_units": reads, "signatures": signatures,
                "usd_per_million": dollars,
            }),
        );
    }
    table
}

/// What a million incidents cost, by what is paid for, beside other designs of the same flow.
fn dollars(incident: &Incident, report: &mut Report) -> Table {
    let mut table = Table::of(&["a million that re-route", "count of one", "USD"]);
    let mut whole = 0.0;
    for (what, count, price) in incident.dollars() {
        whole += count * price;
        let shown = format!("{count:.3}");
        table.row(vec![
            what.to_owned(),
            shown.trim_end_matches('0').trim_end_matches('.').to_owned(),
            format!("{:.2}", count * price),
        ]);
        report.figure(what, json!({ "count": count, "usd_per_million": count * price }));
    }
    table.row(vec!["all of it".to_owned(), String::new(), format!("{whole:.2}")]);
    report.figure("all of it", json!({ "usd_per_million": whole }));
    for (name, row, count, price) in [
        (
            "Step Functions",
            "Step Functions, its transitions alone",
            prices::STATES,
            prices::TRANSITIONS,
        ),
        (
            "a durable function",
            "a durable function, its operations alone",
            prices::OPERATIONS,
            prices::DURABLE_OPERATIONS,
        ),
    ] {
        let dollars = count * price;
        table.row(vec![
            row.to_owned(),
            format!("{count:.0}"),
            format!("{dollars:.2}"),
        ]);
        report.figure(name, json!({ "usd_per_million": dollars }));
    }
    table
}

/// What the first incident of a process calls besides: what could not be asked as it started.
fn besides(first: &Incident, again: &Incident) -> Vec<((String, String), usize)> {
    let besides = first.calls.iter().filter_map(|(call, count)| {
        let more = count.saturating_sub(again.calls.get(call).copied().unwrap_or(0));
        (more > 0).then(|| (call.clone(), more))
    });
    besides.collect()
}

/// What is kept: a column for each action.
fn text(
    incidents: &[(ActionKind, Incident)],
    starts: &BTreeMap<&'static str, Calls>,
    besides: &[((String, String), usize)],
) -> String {
    let mut text = String::from(
        "An incident of each action, approved in Slack, until its effect is verified. The records that are written, but for the\n\
         money and the card:\n",
    );
    let columns = || ('a'..).zip(incidents);
    for (column, (action, incident)) in columns() {
        let _ = writeln!(
            text,
            "\n{column}  {action}, {} held\n   {}",
            targets(*action),
            incident.path().join(" ")
        );
    }
    text.push_str("\nThe calls:\n\n");
    let mut line = |what: &str, counts: &mut dyn FnMut(&Incident) -> String| {
        let cells: String = columns()
            .map(|(_, (_, incident))| format!("{:>5}", counts(incident)))
            .collect();
        let _ = writeln!(text, "{what:70}{cells}");
    };
    let mut names = 'a'..;
    line("", &mut |_| names.next().unwrap_or_default().to_string());
    let all: BTreeSet<&(String, String)> = incidents
        .iter()
        .flat_map(|(_, incident)| incident.calls.keys())
        .collect();
    for call in all {
        let (function, what) = call;
        line(&format!("{function:19} {what}"), &mut |incident| {
            let count = incident.calls.get(call);
            count.map(usize::to_string).unwrap_or_else(|| "-".to_owned())
        });
    }
    line("all of them", &mut |incident| {
        incident.calls.values().sum::<usize>().to_string()
    });
    line("invocations", &mut |incident| incident.invocations.to_string());
    text.push_str("\nBesides, before a function's first event:\n\n");
    for (function, calls) in starts {
        let mut calls: Vec<String> = calls.0.iter().map(Call::what).collect();
        calls.sort();
        for call in calls {
            let _ = writeln!(text, "{function:19} {call}");
        }
    }
    text.push_str("\nBesides, in the first event of a function:\n\n");
    if besides.is_empty() {
        text.push_str("nothing\n");
    }
    for ((function, what), more) in besides {
        let _ = writeln!(text, "{function:19} {more:3}  {what}");
    }
    text.push_str("\nMore than three reads:\n\n");
    for (function, most, why) in MORE {
        let _ = writeln!(text, "{function:19} {most:3}  {why}");
    }
    text
}
