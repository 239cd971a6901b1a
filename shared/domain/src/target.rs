//! Targets: the things on the gateway that an action may change, their settings, and who holds them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{BadId, GuardrailId, ModelGroupId, OrgId, ProposalId, ProviderId, SlaId, TeamId};
use crate::proposal::{Proposal, State};
use crate::record::{BadBody, Fact, Record};
use crate::stream::Seq;
use crate::time::Timestamp;
use crate::units::Micros;

/// Whose budget it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "scope", content = "scope_id", rename_all = "snake_case")]
pub enum BudgetOwner {
    /// One team's budget.
    Team(TeamId),
    /// An organisation's budget.
    Org(OrgId),
}

impl schemars::JsonSchema for BudgetOwner {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BudgetOwner".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "properties": {
                "scope": { "type": "string", "enum": ["team", "org"], "description": "Whose budget." },
                "scope_id": { "type": "string", "description": "Id of the team or the organisation." }
            },
            "required": ["scope", "scope_id"]
        })
    }
}

impl BudgetOwner {
    /// The owner from its scope (`team` or `org`) and id.
    pub fn parse(scope: &str, id: &str) -> Result<Self, BadId> {
        match scope {
            "team" => TeamId::new(id).map(BudgetOwner::Team),
            "org" => OrgId::new(id).map(BudgetOwner::Org),
            _ => Err(BadId::Form("a budget's scope: team or org")),
        }
    }

    /// `team` or `org`.
    pub fn scope(&self) -> &'static str {
        match self {
            BudgetOwner::Team(_) => "team",
            BudgetOwner::Org(_) => "org",
        }
    }

    /// The team's or organisation's id.
    pub fn id(&self) -> &str {
        match self {
            BudgetOwner::Team(id) => id.as_str(),
            BudgetOwner::Org(id) => id.as_str(),
        }
    }
}

impl fmt::Display for BudgetOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope(), self.id())
    }
}

/// One thing on the gateway that an action may change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Target {
    /// A provider's breaker.
    Provider(ProviderId),
    /// A model group's routes.
    ModelGroup(ModelGroupId),
    /// A team's rate limits.
    Team(TeamId),
    /// A guardrail's switch.
    Guardrail(GuardrailId),
    /// A budget's hard cap.
    Budget(BudgetOwner),
    /// An SLA contract's switch.
    Contract(SlaId),
}

impl Target {
    /// The kind, as in stream names.
    pub fn kind(&self) -> &'static str {
        match self {
            Target::Provider(_) => "provider",
            Target::ModelGroup(_) => "model_group",
            Target::Team(_) => "team",
            Target::Guardrail(_) => "guardrail",
            Target::Budget(_) => "budget",
            Target::Contract(_) => "contract",
        }
    }

    /// The id within its kind; a budget's is `team/<id>` or `org/<id>`.
    pub fn id(&self) -> String {
        match self {
            Target::Provider(id) => id.to_string(),
            Target::ModelGroup(id) => id.to_string(),
            Target::Team(id) => id.to_string(),
            Target::Guardrail(id) => id.to_string(),
            Target::Budget(owner) => owner.to_string(),
            Target::Contract(id) => id.to_string(),
        }
    }

    /// The inverse of [`Target::kind`] and [`Target::id`].
    pub fn parse(kind: &str, id: &str) -> Result<Self, BadId> {
        match kind {
            "provider" => ProviderId::new(id).map(Target::Provider),
            "model_group" => ModelGroupId::new(id).map(Target::ModelGroup),
            "team" => TeamId::new(id).map(Target::Team),
            "guardrail" => GuardrailId::new(id).map(Target::Guardrail),
            "budget" => {
                let (scope, id) = id
                    .split_once('/')
                    .ok_or(BadId::Form("a budget: team/… or org/…"))?;
                BudgetOwner::parse(scope, id).map(Target::Budget)
            }
            "contract" => SlaId::new(id).map(Target::Contract),
            _ => Err(BadId::Form("a kind of target")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind().replace('_', " "), self.id())
    }
}

/// One deployment of a model group: which provider serves it, and its share of the group's traffic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    /// Who serves it.
    pub provider: ProviderId,
    /// Relative share of the group's traffic, 0–1000; 0 gets none.
    pub weight: u32,
}

/// The value of a target, absolute, so that setting it twice is setting it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Whether a provider's breaker is open (no traffic goes there).
    Blocked(bool),
    /// A model group's routes, sorted by provider.
    Routes(Vec<Route>),
    /// A team's limits.
    RateLimit {
        /// Requests a minute.
        rpm: u64,
        /// Tokens a minute.
        tpm: u64,
    },
    /// Whether a guardrail or contract is in force.
    Enabled(bool),
    /// A budget's hard cap in USD.
    HardCap(Micros),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Blocked(true) => f.write_str("blocked"),
            Setting::Blocked(false) => f.write_str("open"),
            Setting::Routes(routes) => {
                let shares: Vec<String> = routes
                    .iter()
                    .map(|route| format!("{} {}", route.provider, route.weight))
                    .collect();
                f.write_str(&shares.join(", "))
            }
            Setting::RateLimit { rpm, tpm } => write!(f, "{rpm} rpm, {tpm} tpm"),
            Setting::Enabled(true) => f.write_str("enabled"),
            Setting::Enabled(false) => f.write_str("disabled"),
            Setting::HardCap(cap) => write!(f, "{cap} USD"),
        }
    }
}

/// One absolute change of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What changes.
    pub target: Target,
    /// Its value now.
    pub before: Setting,
    /// Its value afterwards.
    pub after: Setting,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} → {}", self.target, self.before, self.after)
    }
}

/// What a target read at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What was read.
    pub target: Target,
    /// Its value.
    pub value: Setting,
}

/// Facts of a `target/…` stream. Each holds the whole state: only the last one is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum TargetFact {
    /// A proposal may now change the target.
    Claimed(Claim),
    /// Nobody holds it.
    Released(Release),
}

/// Who holds a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The holder.
    pub proposal: ProposalId,
    /// Grows with every claim of this target: the seq of the claim itself.
    pub fence: Seq,
    /// Until when the claim counts although the proposal has not started.
    pub lease_until: Timestamp,
    /// When the effect ends by itself, if it does.
    pub restore_at: Option<Timestamp>,
    /// Whether it was claimed to take the effect back: one does that at a time, too.
    pub taking_back: bool,
}

/// Why nobody holds a target any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Who held it.
    pub proposal: ProposalId,
    /// The fence of the claim that ended.
    pub fence: Seq,
}

impl TargetFact {
    /// The proposal that holds, or held.
    pub fn proposal(&self) -> &ProposalId {
        match self {
            TargetFact::Claimed(claim) => &claim.proposal,
            TargetFact::Released(release) => &release.proposal,
        }
    }
}

impl Fact for TargetFact {
    fn kind(&self) -> &'static str {
        match self {
            TargetFact::Claimed(_) => "claimed",
            TargetFact::Released(_) => "released",
        }
    }
}

/// The claim that the last record of a target's stream names, if it names one.
pub fn claim_of(last: Option<&Record>) -> Result<Option<Claim>, BadBody> {
    Ok(match last.map(TargetFact::read).transpose()? {
        Some(TargetFact::Claimed(claim)) => Some(claim),
        Some(TargetFact::Released(_)) | None => None,
    })
}

/// Whether a claim still counts, given its holder's proposal.
///
/// It counts while the holder may have an effect on the target: executing, unknown, or in force until a
/// restore. Before the start, and before an undo on demand, it counts for its lease, which outlives the
/// function that took it. Anybody who finds a claim that does not count appends `released`.
pub fn claim_counts(claim: &Claim, holder: &Proposal, now: Timestamp) -> bool {
    match holder.state() {
        State::Executing(_) | State::Unknown(_) => true,
        State::Approved(_) => now <= claim.lease_until,
        State::Succeeded(done) => {
            done.restore_pending() || (done.undo.is_approved() && now <= claim.lease_until)
        }
        State::Reasoning(_) | State::Proposed | State::AwaitingApproval(_) | State::Closed(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::proposal::ProposalFact;
    use crate::record::{Actor, Entry};
    use crate::samples::*;
    use crate::stream::StreamId;

    fn one_of_each() -> [Target; 7] {
        [
            Target::Provider(id("openai")),
            Target::ModelGroup(id("chat")),
            Target::Team(id("payments")),
            Target::Guardrail(id("pii")),
            Target::Budget(BudgetOwner::Team(id("payments"))),
            Target::Budget(BudgetOwner::Org(id("a/b"))),
            Target::Contract(id("gold")),
        ]
    }

    /// The proposal's claim on a target, with a lease until second 100.
    fn claim(proposal: &Proposal) -> Claim {
        Claim {
            proposal: proposal.id().clone(),
            fence: 1,
            lease_until: at(100),
            restore_at: None,
            taking_back: false,
        }
    }

    /// A re-route in force whose undo was approved.
    fn undo_approved() -> Story {
        let asked = succeeded(reroutes()).then(60, person("alice"), &asks_undo());
        let yes = ProposalFact::UndoApproved(answers_undo(asked.proposal()));
        asked.then(70, person("bob"), &yes)
    }

    #[test]
    fn a_target_reads_back_from_its_kind_and_id() {
        for target in one_of_each() {
            assert_eq!(Target::parse(target.kind(), &target.id()), Ok(target.clone()));
            let text = serde_json::to_string(&target).unwrap();
            assert_eq!(serde_json::from_str::<Target>(&text).unwrap(), target);
        }
        for (kind, id) in [
            ("planet", "mars"),
            ("provider", ""),
            ("budget", "payments"),
            ("budget", "planet/mars"),
            ("budget", "team/"),
        ] {
            assert!(Target::parse(kind, id).is_err(), "{kind} {id}");
        }
    }

    #[test]
    fn a_claim_counts_while_its_holder_may_have_an_effect_on_the_target() {
        let mut table = format!("{:36} {:>6} {:>6} {:>6}\n", "", "100 s", "101 s", "1 day");
        for (head, story) in [
            ("reasoning", Story::of(&unhealthy(), None)),
            ("proposed", proposed(breaks(300))),
            ("awaiting approval", awaiting(breaks(300), 1)),
            ("approved", approved(breaks(300))),
            ("executing", executing(breaks(300))),
            ("in force until its end", succeeded(breaks(300))),
            ("in force without an end", succeeded(reroutes())),
            (
                "in force, undo requested",
                succeeded(reroutes()).then(60, person("alice"), &asks_undo()),
            ),
            ("in force, undo approved", undo_approved()),
            ("a page sent", succeeded(pages())),
        ] {
            let proposal = story.proposal();
            let cells: String = [at(100), at(101), at(86_400)]
                .iter()
                .map(|now| {
                    let counts = claim_counts(&claim(proposal), proposal, *now);
                    format!(" {:>6}", if counts { "counts" } else { "·" })
                })
                .collect();
            table += &format!("{head:36}{cells}\n");
        }
        expect![[r#"
                                                  100 s  101 s  1 day
            reasoning                                 ·      ·      ·
            proposed                                  ·      ·      ·
            awaiting approval                         ·      ·      ·
            approved                             counts      ·      ·
            executing                            counts counts counts
            in force until its end               counts counts counts
            in force without an end                   ·      ·      ·
            in force, undo requested                  ·      ·      ·
            in force, undo approved              counts      ·      ·
            a page sent                               ·      ·      ·
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn the_last_record_says_who_holds_a_target() {
        let story = executing(breaks(300));
        let held = claim(story.proposal());
        let stream = StreamId::Target(Target::Provider(id("openai")));
        let claimed = TargetFact::Claimed(held.clone());
        let first = Entry::next(stream.clone(), None, at(0), Actor::Agent, &claimed).seal(writer(1));
        assert_eq!(claim_of(Some(&first)), Ok(Some(held.clone())));
        let released = TargetFact::Released(Release {
            proposal: held.proposal,
            fence: held.fence,
        });
        let second = Entry::next(stream, Some(&first), at(1), Actor::Agent, &released).seal(writer(2));
        assert_eq!(claim_of(Some(&second)), Ok(None));
        assert_eq!(claim_of(None), Ok(None));
        assert!(
            claim_of(Some(story.last())).is_err(),
            "a proposal's record is not a target's"
        );
    }

    #[test]
    fn a_change_is_said_in_words() {
        let change = Change {
            target: Target::ModelGroup(id("chat")),
            before: Setting::Blocked(true),
            after: Setting::HardCap(Micros(1)),
        };
        expect!["model group chat: blocked → 0.000001 USD"].assert_eq(&change.to_string());
    }
}
