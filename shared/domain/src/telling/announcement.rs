//! What the agent tells the world: one bus event for each record of a proposal.

use serde::{Deserialize, Serialize};

use super::story::in_short;
use crate::action::ActionKind;
use crate::incident::{EventType, Severity};
use crate::inventory::Condition;
use crate::proposal::{Decision, DeclineReason, Kind, Proposal, State, UndoState};
use crate::trail::{Record, Seq};
use crate::value::{Digest, OrgId, ProposalId, TeamId, Timestamp, visible};

/// The `detail` of an outgoing event. Its detail-type is `proposal.<kind>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Version of this shape.
    pub version: u32,
    /// The proposal.
    pub proposal: ProposalId,
    /// The record's position.
    pub seq: Seq,
    /// What happened.
    pub kind: Kind,
    /// The record's digest.
    pub digest: Digest,
    /// When the record was written.
    pub at: Timestamp,
    /// The proposal just after this record.
    pub summary: Summary,
}

/// The state of what nobody decided on.
const EXPIRED: &str = "expired";

/// A proposal in a few words: of bus events, and of the view's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Where it stands.
    pub state: String,
    /// What it answers.
    pub event_type: EventType,
    /// The organisation.
    pub org_id: OrgId,
    /// The team most concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// How bad its sender says it is.
    pub severity: Severity,
    /// The action, once proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionKind>,
    /// The score, once scored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<u8>,
    /// Where it went, once scored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Why nothing was proposed, where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<DeclineReason>,
    /// What the gateway said of the trouble some time after the effect: `confirmed` is still there, `refuted` gone,
    /// `unreadable` unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verdict>,
    /// Whether this record says that the trouble has become worse.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub worse: bool,
}

/// What the gateway said when it was asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The trouble is still there.
    Confirmed,
    /// It is gone.
    Refuted,
    /// Nobody knows.
    Unreadable,
}

impl Verdict {
    fn of(condition: &Condition) -> Self {
        match condition {
            Condition::Confirmed(_) => Verdict::Confirmed,
            Condition::Refuted(_) => Verdict::Refuted,
            Condition::Unreadable(_) => Verdict::Unreadable,
        }
    }
}

impl Summary {
    /// The summary of a proposal.
    pub fn of(proposal: &Proposal) -> Self {
        let event = &proposal.received().event;
        Self {
            state: proposal.state().name().to_owned(),
            event_type: event.event_type(),
            org_id: event.org.clone(),
            team_id: event.team.clone(),
            severity: event.severity,
            action: proposal.proposed().map(|proposed| proposed.action.kind()),
            risk_score: proposal.scored().map(|scored| scored.score),
            decision: proposal.scored().map(|scored| scored.decision),
            declined: proposal.declined().map(|declined| declined.reason),
            verified: proposal
                .verified()
                .map(|verified| Verdict::of(&verified.condition)),
            worse: proposal.has_just_worsened(),
        }
    }
}

impl Announcement {
    /// The announcement of a proposal's last record: replay up to the record to be announced.
    pub fn of(proposal: &Proposal) -> Self {
        let last = proposal.last();
        Self {
            version: 1,
            proposal: proposal.id().clone(),
            seq: last.seq,
            kind: proposal.last_kind(),
            digest: last.digest,
            at: last.at,
            summary: Summary::of(proposal),
        }
    }

    /// The EventBridge detail-type.
    pub fn detail_type(&self) -> String {
        format!("proposal.{}", self.kind)
    }

    /// Why people are told of it, if they are: from the score on, of every change.
    pub fn concerns_people(&self) -> Option<Concern> {
        use Urgency::{Decide, Inform, Page};
        let summary = &self.summary;
        // What ended without anybody having helped: people hear of it once, and not only those who look at a card.
        let (urgency, reason) = match (self.kind, summary.decision) {
            (Kind::Scored, Some(Decision::Gate)) => (Decide, "a proposal waits for approval"),
            (Kind::Scored, Some(Decision::Auto)) => (Inform, "the policy lets an action run by itself"),
            (Kind::UndoRequested, _) => (Decide, "an undo waits for approval"),
            (Kind::Failed, _) => (Page, "an action failed"),
            (Kind::Unknown, _) => (Page, "it is unknown whether an action took effect"),
            (Kind::RestoreFailed, _) => (Page, "an effect could not be taken back"),
            (Kind::Declined, _) if summary.declined == Some(DeclineReason::Fruitless) => {
                (Page, "nothing that was tried has helped")
            }
            (Kind::Acknowledged, _) => (Inform, "somebody has seen to it"),
            (Kind::Repeated, _) if summary.worse => (Page, "the trouble has become worse"),
            (Kind::Declined, _) if summary.declined.is_some_and(DeclineReason::is_inability) => {
                (Page, "the agent came to no conclusion")
            }
            // Of what is only watched, nobody is told.
            (_, None | Some(Decision::Shadow)) => return None,
            (Kind::Expired, _) if summary.state == EXPIRED => (Page, "nobody decided in time"),
            (Kind::Refused, _) => (Page, "what was approved was refused at its start"),
            (Kind::Verified, _) if summary.verified == Some(Verdict::Confirmed) => {
                (Page, "the trouble is still there after the action")
            }
            (
                Kind::Amended
                | Kind::Voted
                | Kind::Approved
                | Kind::Revoked
                | Kind::Rejected
                | Kind::Expired
                | Kind::Started
                | Kind::Succeeded
                | Kind::Restored
                | Kind::UndoApproved
                | Kind::UndoRejected
                | Kind::Verified
                | Kind::Repeated
                | Kind::Escalated,
                Some(Decision::Gate | Decision::Auto),
            ) => (Inform, "what people were told has changed"),
            (Kind::Received | Kind::Declined | Kind::Proposed | Kind::Notified | Kind::Commented, _) => {
                return None;
            }
        };
        Some(Concern {
            urgency,
            reason,
            text: String::new(),
            link: None,
        })
    }
}

/// What people are to do about an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Decide: something waits for their yes.
    Decide,
    /// Look: something went wrong.
    Page,
    /// Nothing.
    Inform,
}

impl Urgency {
    /// Every one.
    pub const ALL: [Urgency; 3] = [Urgency::Decide, Urgency::Page, Urgency::Inform];

    /// Its name, as subscribers filter by it.
    pub fn name(self) -> &'static str {
        match self {
            Urgency::Decide => "decide",
            Urgency::Page => "page",
            Urgency::Inform => "inform",
        }
    }
}

/// Why people are told of an announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// What they are to do.
    pub urgency: Urgency,
    /// Why, in a few words.
    pub reason: &'static str,
    /// What it is about, in lines: what was proposed with its preview, and the record itself; and where the page is.
    pub text: String,
    /// The link to the proposal's page, where there is one. Whoever has it may look, and do nothing.
    pub link: Option<String>,
}

impl Concern {
    /// The same, about the last of a proposal's records. Whose words are in it cannot be seen from its form: nothing in it is
    /// markup.
    pub fn about(self, records: &[Record]) -> Self {
        let proposed = records
            .iter()
            .rfind(|record| record.kind == Kind::Proposed.name());
        let told = [proposed, records.last()].into_iter().flatten();
        let mut told: Vec<&Record> = told.collect();
        told.dedup_by_key(|record| record.seq);
        let lines = told.into_iter().flat_map(in_short);
        let lines = lines.map(|line| line.render(visible, |at| at.to_string()));
        Self {
            text: lines.collect::<Vec<_>>().join("\n"),
            ..self
        }
    }

    /// The same, with the link to the proposal's page, if there is one.
    pub fn with_link(self, link: Option<String>) -> Self {
        let text = match &link {
            Some(link) => format!("{}\nAll of it: {link}", self.text),
            None => self.text,
        };
        Self { text, link, ..self }
    }
}

/// One row of the view: the present state of a proposal. Disposable, and never asked to decide anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The proposal.
    pub proposal: ProposalId,
    /// The last record it was made from.
    pub seq: Seq,
    /// Whether something is still to happen.
    pub open: bool,
    /// Whether its effect is in force.
    #[serde(default)]
    pub in_force: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its last record was written.
    pub updated_at: Timestamp,
    /// The proposal in a few words.
    #[serde(flatten)]
    pub summary: Summary,
}

/// Whether what it changed is still so, as far as the trail knows.
fn in_force(proposal: &Proposal) -> bool {
    let execution = proposal.state().execution();
    proposal.is_in_force() && execution.is_some_and(|execution| !execution.plan.changes.is_empty())
}

impl Row {
    /// The row of a proposal.
    pub fn of(proposal: &Proposal) -> Self {
        let undo_waits = matches!(proposal.state(), State::Succeeded(done) if done.undo != UndoState::None);
        Self {
            proposal: proposal.id().clone(),
            seq: proposal.last().seq,
            open: proposal.settled_at().is_none() || undo_waits,
            in_force: in_force(proposal),
            opened_at: proposal.opened_at(),
            updated_at: proposal.last().at,
            summary: Summary::of(proposal),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::proposal::{Failed, ProposalFact, Unclear};
    use crate::samples::*;
    use crate::trail::Actor;

    fn pretty(value: &impl Serialize) -> String {
        serde_json::to_string_pretty(&json!(value)).unwrap()
    }

    #[test]
    fn an_announcement_says_what_happened_and_where_it_left_the_proposal() {
        let story = awaiting(breaks(300), 1);
        let announcement = Announcement::of(story.proposal());
        assert_eq!(announcement.detail_type(), "proposal.scored");
        assert_eq!(announcement.digest, story.last().digest);
        expect![[r#"
            {
              "version": 1,
              "proposal": "gnr4sqzfryd4gg3mhvufxxmnmg-1",
              "seq": 3,
              "kind": "scored",
              "digest": "<digest>",
              "at": "2026-11-22T10:00:20.000Z",
              "summary": {
                "state": "awaiting_approval",
                "event_type": "provider.unhealthy",
                "org_id": "acme",
                "severity": "warning",
                "action": "circuit_break_provider",
                "risk_score": 15,
                "decision": "gate"
              }
            }"#]]
        .assert_eq(&pretty(&announcement).replace(&announcement.digest.to_string(), "<digest>"));
        let text = serde_json::to_string(&announcement).unwrap();
        assert_eq!(serde_json::from_str::<Announcement>(&text).unwrap(), announcement);
    }

    #[test]
    fn what_is_not_known_yet_is_absent() {
        let story = Story::of(&event("provider.unhealthy", json!({"team_id": "payments"})), None);
        expect![[r#"
            {
              "state": "reasoning",
              "event_type": "provider.unhealthy",
              "org_id": "acme",
              "team_id": "payments",
              "severity": "warning"
            }"#]]
        .assert_eq(&pretty(&Summary::of(story.proposal())));
    }

    #[test]
    fn a_row_is_open_while_something_is_still_to_happen() {
        let ask = |story: Story| story.then(60, person("alice"), &asks_undo());
        for (story, open) in [
            (Story::of(&unhealthy(), None), true),
            (awaiting(breaks(300), 1), true),
            (succeeded(breaks(300)), true),
            (succeeded(reroutes()), false),
            (ask(succeeded(reroutes())), true),
        ] {
            let row = Row::of(story.proposal());
            assert_eq!(row.open, open, "{}", row.summary.state);
            assert_eq!(row.seq, story.last().seq);
            assert_eq!((row.opened_at, row.updated_at), (at(0), story.last().at));
            let text = serde_json::to_string(&row).unwrap();
            assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row);
        }
    }

    #[test]
    fn people_hear_of_what_waits_for_them_and_of_what_went_wrong() {
        let reason = |story: &Story| {
            let concern = Announcement::of(story.proposal()).concerns_people();
            let urgent = concern.filter(|concern| concern.urgency != Urgency::Inform);
            urgent.map(|concern| concern.reason)
        };
        assert_eq!(
            reason(&awaiting(breaks(300), 1)),
            Some("a proposal waits for approval")
        );
        let asked = succeeded(reroutes()).then(60, person("alice"), &asks_undo());
        assert_eq!(reason(&asked), Some("an undo waits for approval"));
        let acting = executing(breaks(300));
        let failed = Failed {
            reason: "the gateway refused".to_owned(),
            readings: readings(acting.proposal(), |change| &change.before),
        };
        for (seconds, fact, expected) in [
            (50, ProposalFact::Failed(failed.clone()), "an action failed"),
            (
                340,
                ProposalFact::RestoreFailed(failed),
                "an effect could not be taken back",
            ),
            (
                50,
                ProposalFact::Unknown(Unclear {
                    cause: "a timeout".to_owned(),
                }),
                "it is unknown whether an action took effect",
            ),
        ] {
            let story = acting.clone().then(seconds, Actor::Agent, &fact);
            assert_eq!(reason(&story), Some(expected));
        }
        let by_policy = ProposalFact::Scored(scored(15, Decision::Auto, 1));
        for story in [
            Story::of(&unhealthy(), None),
            proposed(breaks(300)),
            proposed(breaks(300)).then(20, Actor::Agent, &by_policy),
            approved(breaks(300)),
            acting,
            succeeded(breaks(300)),
        ] {
            assert_eq!(reason(&story), None, "{}", story.last().kind);
        }
    }

    #[test]
    fn from_the_score_on_every_change_is_told() {
        let told = |story: &Story| Announcement::of(story.proposal()).concerns_people().is_some();
        for story in [Story::of(&unhealthy(), None), proposed(breaks(300))] {
            assert!(!told(&story), "{}", story.last().kind);
        }
        let watched = ProposalFact::Scored(scored(15, Decision::Shadow, 1));
        assert!(!told(&proposed(breaks(300)).then(20, Actor::Agent, &watched)));
        for story in [
            awaiting(breaks(300), 1),
            approved(breaks(300)),
            executing(breaks(300)),
            succeeded(breaks(300)),
        ] {
            assert!(told(&story), "{}", story.last().kind);
        }
    }
}
