//! What the agent announces, in every state of a proposal.

use std::collections::BTreeSet;

use domain::action::ActionKind;
use domain::incident::{EventType, Severity};
use domain::proposal::{Decision, Kind, Proposal};
use domain::telling::Announcement;
use domain::trail::SOURCE;
use serde_json::{Value, json};
use testkit::sample;
use testkit::story::{Story, breaks, pages, reroutes};

use super::samples::{json as read, outgoing};
use super::{choices, names, schema, validator};

/// The announcement of every record of a story.
fn announcements(story: &Story) -> Vec<Announcement> {
    let records = story.records();
    (1..=records.len())
        .map(|until| Announcement::of(&Proposal::replay(&records[..until]).unwrap()))
        .collect()
}

fn stories() -> Vec<Story> {
    let mut stories = Story::in_every_state();
    stories.extend([
        Story::scored(breaks(), Decision::Auto),
        Story::succeeded(pages()),
        Story::succeeded(reroutes()),
        Story::undo_requested(),
        Story::undo_approved(),
        Story::received(&sample::budget_exceeded("payments")),
        Story::received(&sample::sla_violation("gold")),
        Story::received(&sample::latency_spike("openai")),
    ]);
    stories
}

#[test]
fn every_announcement_passes_the_schema_and_reads_back() {
    let validator = validator("proposal");
    let mut states = BTreeSet::new();
    for announcement in stories().iter().flat_map(announcements) {
        let detail = json!(announcement);
        let problems: Vec<String> = validator
            .iter_errors(&detail)
            .map(|err| err.to_string())
            .collect();
        assert!(problems.is_empty(), "{}: {problems:?}", announcement.kind);
        assert_eq!(
            serde_json::from_value::<Announcement>(detail).unwrap(),
            announcement
        );
        states.insert(announcement.summary.state.clone());
    }
    let known = choices(&schema("proposal")["properties"]["summary"]["properties"]["state"]);
    assert_eq!(states, known, "the states of the schema are those of a proposal");
}

#[test]
fn the_choices_of_the_schema_are_those_of_the_domain() {
    let properties = &schema("proposal")["properties"];
    let summary = &properties["summary"]["properties"];
    assert_eq!(choices(&properties["kind"]), names(Kind::ALL.map(Kind::name)));
    assert_eq!(
        choices(&summary["event_type"]),
        names(EventType::ALL.map(EventType::name))
    );
    assert_eq!(
        choices(&summary["action"]),
        names(ActionKind::ALL.map(ActionKind::name))
    );
    let severities = [Severity::Info, Severity::Warning, Severity::Critical].map(Severity::name);
    assert_eq!(choices(&summary["severity"]), names(severities));
    let decisions = [Decision::Gate, Decision::Auto, Decision::Shadow].map(Decision::name);
    assert_eq!(choices(&summary["decision"]), names(decisions));
    for kind in ActionKind::ALL {
        let range = &summary["risk_score"];
        assert!(range["minimum"] == 0 && range["maximum"] == 100 && kind.baseline() <= 100);
    }
}

#[test]
fn the_schema_refuses_what_is_no_announcement() {
    let (_, sample) = outgoing().pop().unwrap();
    let detail = &sample["detail"];
    let validator = validator("proposal");
    let refuses = |what: &str, mistake: &dyn Fn(&mut Value)| {
        let mut wrong = detail.clone();
        mistake(&mut wrong);
        assert!(!validator.is_valid(&wrong), "{what}");
    };
    for field in ["version", "proposal", "seq", "kind", "digest", "at", "summary"] {
        refuses(field, &|detail| {
            detail.as_object_mut().unwrap().remove(field);
        });
    }
    refuses("another version", &|detail| detail["version"] = json!(2));
    refuses("no digest", &|detail| detail["digest"] = json!("ABC"));
    refuses("generation 0", &|detail| {
        detail["proposal"] = json!("gnr4sqzfryd4gg3mhvufxxmnmg-0")
    });
    refuses("an unknown kind", &|detail| detail["kind"] = json!("scheduled"));
    refuses("a local time", &|detail| {
        detail["at"] = json!("2026-11-22T10:00:00.000+01:00")
    });
    refuses("a risk of 101", &|detail| {
        detail["summary"]["risk_score"] = json!(101)
    });
}

#[test]
fn the_outgoing_samples_are_announcements_of_what_the_incoming_sample_opens() {
    let incident = read("events/bus/provider.unhealthy.json");
    let event = sample::event(&incident.to_string());
    let proposal = sample::proposal_of(&event);
    for (file, envelope) in outgoing() {
        let detail = &envelope["detail"];
        assert!(validator("proposal").is_valid(detail), "{file}");
        assert_eq!(envelope["source"], SOURCE, "{file}");
        let announcement: Announcement = serde_json::from_value(detail.clone()).unwrap();
        assert_eq!(announcement.detail_type(), envelope["detail-type"], "{file}");
        assert_eq!(format!("{}.json", announcement.detail_type()), file);
        assert_eq!(announcement.proposal, proposal, "{file}");
        assert_eq!(announcement.summary.org_id, event.org, "{file}");
        assert_eq!(announcement.summary.severity, event.severity, "{file}");
        assert_eq!(announcement.summary.event_type, event.event_type(), "{file}");
    }
}
