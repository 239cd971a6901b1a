//! The rules in force, and how they answer a question.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use cedar_policy::{
    Authorizer, Context, Decision, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, Response, RestrictedExpression as Value, Schema,
};
use domain::action::Undo;
use domain::permission::{Circumstances, Principal, Resource, Rules, Targets, Verb, Verdict};
use domain::policy::Weekday;

use crate::bundle::SCHEMA_TEXT;

/// Rules in Cedar, validated.
pub(crate) struct CedarRules {
    rules: PolicySet,
    authorizer: Authorizer,
    types: Types,
}

/// What rules can speak of.
#[expect(
    clippy::expect_used,
    reason = "compiled in, and every test of this crate reads it"
)]
pub(crate) fn schema() -> &'static Schema {
    static READ: OnceLock<Schema> = OnceLock::new();
    READ.get_or_init(|| SCHEMA_TEXT.parse().expect("gate.cedarschema is a schema"))
}

impl CedarRules {
    /// Rules whose ids are their @ids.
    pub(crate) fn new(rules: PolicySet) -> Self {
        Self {
            rules,
            authorizer: Authorizer::new(),
            types: Types::new(),
        }
    }

    /// Cedar's answer; `Err` where what is asked does not fit the schema.
    fn response(
        &self,
        verb: Verb,
        principal: &Principal<'_>,
        resource: &Resource<'_>,
        circumstances: &Circumstances,
    ) -> Result<Response, Box<dyn std::error::Error>> {
        let (types, schema) = (&self.types, Some(schema()));
        let mut entities = Vec::with_capacity(2);
        let who = match principal {
            Principal::Agent => uid(&types.agent, "sre-agent"),
            Principal::Operator { operator, approver } => {
                let who = uid(&types.operator, operator.id.as_str());
                let groups = operator.groups.iter().map(|group| uid(&types.group, group));
                let role = approver.then(|| uid(&types.role, "approver"));
                let attributes = HashMap::from([
                    attribute("id", text(operator.id.as_str())),
                    attribute("name", text(&operator.name)),
                    attribute("bot", Value::new_bool(operator.bot)),
                    attribute("active", Value::new_bool(operator.active)),
                ]);
                let parents: HashSet<EntityUid> = groups.chain(role).collect();
                entities.push(Entity::new(who.clone(), attributes, parents)?);
                who
            }
        };
        let what = uid(&types.proposal, &resource.id.to_string());
        entities.push(Entity::new(
            what.clone(),
            types.proposal_attributes(resource),
            HashSet::new(),
        )?);
        let context = Context::from_pairs(types.context(circumstances))?;
        let action = uid(&types.action, verb.name());
        let request = Request::new(who, action, what, context, schema)?;
        let entities = Entities::from_entities(entities, schema)?;
        Ok(self.authorizer.is_authorized(&request, &self.rules, &entities))
    }

    fn forbids(&self, id: &PolicyId) -> bool {
        self.rules
            .policy(id)
            .is_some_and(|rule| rule.effect() == Effect::Forbid)
    }

    fn reason(&self, id: &PolicyId) -> String {
        match self.rules.annotation(id, "reason") {
            Some(reason) => reason.to_owned(),
            None => format!("the rule {id} forbids it"),
        }
    }
}

impl Rules for CedarRules {
    fn ask(
        &self,
        verb: Verb,
        principal: &Principal<'_>,
        resource: &Resource<'_>,
        circumstances: &Circumstances,
    ) -> Verdict {
        let response = match self.response(verb, principal, resource, circumstances) {
            Ok(response) => response,
            Err(err) => {
                return Verdict {
                    allowed: false,
                    rules: Vec::new(),
                    because: Some(format!("the rules could not be asked: {err}")),
                };
            }
        };
        // Cedar skips a rule that fails, a `forbid` too: here nothing is allowed then.
        let failed: BTreeSet<&PolicyId> = response
            .diagnostics()
            .errors()
            .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| error.policy_id())
            .collect();
        let decided: BTreeSet<&PolicyId> = response.diagnostics().reason().collect();
        let names = |ids: &BTreeSet<&PolicyId>| ids.iter().map(ToString::to_string).collect();
        if !failed.is_empty() {
            let because = failed
                .iter()
                .map(|id| format!("the rule {id} could not be evaluated"));
            return Verdict {
                allowed: false,
                rules: names(&failed),
                because: Some(sentence(because)),
            };
        }
        let allowed = response.decision() == Decision::Allow;
        let forbidding = decided.iter().filter(|id| self.forbids(id));
        let reasons: Vec<String> = forbidding.map(|id| self.reason(id)).collect();
        Verdict {
            allowed,
            rules: names(&decided),
            because: (!reasons.is_empty()).then(|| sentence(reasons.into_iter())),
        }
    }
}

/// The most reasons that one answer tells.
const MOST_REASONS: usize = 3;

fn sentence(reasons: impl Iterator<Item = String>) -> String {
    let reasons: Vec<String> = reasons.take(MOST_REASONS).collect();
    reasons.join("; ")
}

/// The types of the schema, by name.
struct Types {
    action: EntityTypeName,
    agent: EntityTypeName,
    operator: EntityTypeName,
    group: EntityTypeName,
    role: EntityTypeName,
    proposal: EntityTypeName,
    action_kind: EntityTypeName,
    reversibility: EntityTypeName,
    weekday: EntityTypeName,
}

impl Types {
    #[expect(
        clippy::expect_used,
        reason = "fixed names, which every test of this crate reads"
    )]
    fn new() -> Self {
        let name = |name: &str| {
            format!("SreAgent::{name}")
                .parse()
                .expect("the schema's names are names")
        };
        Self {
            action: name("Action"),
            agent: name("Agent"),
            operator: name("Operator"),
            group: name("Group"),
            role: name("Role"),
            proposal: name("Proposal"),
            action_kind: name("ActionKind"),
            reversibility: name("Reversibility"),
            weekday: name("Weekday"),
        }
    }

    fn proposal_attributes(&self, resource: &Resource<'_>) -> HashMap<String, Value> {
        let reversibility = match resource.undo {
            Undo::Restore { .. } => "restores",
            Undo::OnDemand => "on_demand",
            Undo::OneShot => "one_shot",
        };
        let Targets {
            teams,
            providers,
            reroute_to,
            model_groups,
            budgets,
            guardrails,
            contracts,
            affected_teams,
            affected_teams_known,
        } = &resource.targets;
        let claimed = &resource.claimed;
        let team = claimed
            .team
            .map(|team| attribute("claimed_team", text(team.as_str())));
        let provider = claimed
            .provider
            .map(|provider| attribute("claimed_provider", text(provider.as_str())));
        [
            attribute("action", named(&self.action_kind, resource.action.name())),
            attribute("score", Value::new_long(i64::from(resource.score))),
            attribute("reversibility", named(&self.reversibility, reversibility)),
            attribute("teams", names(teams)),
            attribute("providers", names(providers)),
            attribute("reroute_to", names(reroute_to)),
            attribute("model_groups", names(model_groups)),
            attribute("budgets", names(budgets)),
            attribute("guardrails", names(guardrails)),
            attribute("contracts", names(contracts)),
            attribute("affected_teams", names(affected_teams)),
            attribute("affected_teams_known", Value::new_bool(*affected_teams_known)),
            attribute("claimed_org", text(claimed.org.as_str())),
        ]
        .into_iter()
        .chain(team)
        .chain(provider)
        .collect()
    }

    fn context(&self, circumstances: &Circumstances) -> [(String, Value); 11] {
        let Circumstances {
            threshold,
            auto_approve,
            confirmed,
            freeze,
            local,
            working_hours,
            on_call,
            other_votes,
            votes_needed,
            own,
        } = circumstances;
        let number = |number: u8| Value::new_long(i64::from(number));
        [
            attribute("threshold", number(*threshold)),
            attribute("auto_approve", Value::new_bool(*auto_approve)),
            attribute("confirmed", Value::new_bool(*confirmed)),
            attribute("freeze", Value::new_bool(*freeze)),
            attribute("hour", number(local.hour())),
            attribute("weekday", named(&self.weekday, weekday(local.weekday()))),
            attribute("working_hours", Value::new_bool(*working_hours)),
            attribute("on_call", Value::new_bool(*on_call)),
            attribute("other_votes", number(*other_votes)),
            attribute("votes_needed", number(*votes_needed)),
            attribute("own", Value::new_bool(*own)),
        ]
    }
}

fn uid(entity_type: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(entity_type.clone(), EntityId::new(id))
}

fn named(entity_type: &EntityTypeName, id: &str) -> Value {
    Value::new_entity_uid(uid(entity_type, id))
}

fn names<'a>(all: impl IntoIterator<Item = &'a (impl ToString + 'a)>) -> Value {
    Value::new_set(all.into_iter().map(|name| text(&name.to_string())))
}

fn text(text: &str) -> Value {
    Value::new_string(text.to_owned())
}

fn attribute(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}
