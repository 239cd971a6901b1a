//! Who may report incidents, and for whom.

use std::collections::{BTreeMap, BTreeSet};

use domain::incident::{Event, Malformed, Trouble};
use domain::inventory::Inventory;
use domain::value::{BudgetOwner, OrgId, TeamId, shorten};

/// The sources whose events are taken, each with the organisations that it speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources(BTreeMap<String, BTreeSet<OrgId>>);

impl Sources {
    /// Reads the sources, and the organisations as `source=organisation`, one entry for each. A source that is named there
    /// speaks for those organisations alone; one that is not, for any. The error says what is wrong.
    pub fn parse(sources: &[String], orgs: &[String]) -> Result<Self, String> {
        let mut speak: BTreeMap<String, BTreeSet<OrgId>> = sources
            .iter()
            .map(|source| (source.clone(), BTreeSet::new()))
            .collect();
        for entry in orgs {
            let (source, org) = entry
                .split_once('=')
                .ok_or_else(|| format!("\"{}\" is not source=organisation", shorten(entry)))?;
            let org: OrgId = org
                .trim()
                .parse()
                .map_err(|err| format!("the organisation in \"{}\" {err}", shorten(entry)))?;
            speak
                .get_mut(source.trim())
                .ok_or_else(|| {
                    format!(
                        "\"{}\" names a source that is not in EVENT_SOURCES",
                        shorten(entry)
                    )
                })?
                .insert(org);
        }
        Ok(Self(speak))
    }

    /// Why an event of a source is not taken, if it is not. It must speak for the event's organisation and, where that is
    /// another, for the one whose budget it is about.
    pub fn refuse(&self, source: &str, event: &Event) -> Option<Malformed> {
        let of_org = |org: &OrgId, field| self.refuse_for(source, org, field);
        of_org(&event.org, "detail.org_id").or_else(|| of_org(spending_org(event)?, "detail.scope_id"))
    }

    /// Why a source may not name a team of the gateway's, if it may not: the gateway says that the team belongs to an
    /// organisation that the source does not speak for.
    pub fn refuse_team(&self, source: &str, event: &Event, inventory: &Inventory) -> Option<Malformed> {
        let (team, field) = match (spending_team(event), &event.team) {
            (Some(team), _) => (team, "detail.scope_id"),
            (None, Some(team)) => (team, "detail.team_id"),
            (None, None) => return None,
        };
        self.refuse_for(source, inventory.team(team)?.org.as_ref()?, field)
    }

    fn refuse_for(&self, source: &str, org: &OrgId, field: &'static str) -> Option<Malformed> {
        match self.0.get(source) {
            None => Some(Malformed::new(
                "source",
                format!("\"{}\" is not among the allowed sources", shorten(source)),
            )),
            Some(orgs) if !orgs.is_empty() && !orgs.contains(org) => Some(Malformed::new(
                field,
                format!(
                    "{} may not speak for \"{}\": EventSourceOrgs names whom it may",
                    shorten(source),
                    shorten(org.as_str())
                ),
            )),
            Some(_) => None,
        }
    }

    /// Whether a source speaks for some organisations alone.
    pub fn is_limited(&self, source: &str) -> bool {
        self.0.get(source).is_some_and(|orgs| !orgs.is_empty())
    }

    /// An event as far as its source may say it: without a team beside its subject that it does not speak for, and why.
    pub fn heard(&self, source: &str, event: &Event, inventory: &Inventory) -> (Event, Option<String>) {
        let mut heard = event.clone();
        let foreign = match spending_team(event) {
            Some(_) => None,
            None => self.refuse_team(source, event, inventory),
        };
        if foreign.is_some() {
            heard.team = None;
        }
        (heard, foreign.map(|foreign| foreign.to_string()))
    }

    /// Whether a source's events are taken, by its name as [`shorten`] shows it.
    pub fn has(&self, shown: &str) -> bool {
        self.0.keys().any(|source| shorten(source) == shown)
    }
}

/// The organisation whose own budget an event is about, if it is about one.
fn spending_org(event: &Event) -> Option<&OrgId> {
    match spender(event)? {
        BudgetOwner::Org(org) => Some(org),
        BudgetOwner::Team(_) => None,
    }
}

/// The team whose own budget an event is about, if it is about one.
pub(crate) fn spending_team(event: &Event) -> Option<&TeamId> {
    match spender(event)? {
        BudgetOwner::Team(team) => Some(team),
        BudgetOwner::Org(_) => None,
    }
}

fn spender(event: &Event) -> Option<&BudgetOwner> {
    match &event.trouble {
        Trouble::BudgetExceeded { owner, .. } => owner.owner(),
        Trouble::ProviderUnhealthy { .. } | Trouble::LatencySpike { .. } | Trouble::SlaViolation { .. } => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(sources: &[&str], orgs: &[&str]) -> Result<Sources, String> {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        Sources::parse(&owned(sources), &owned(orgs))
    }

    #[test]
    fn a_source_speaks_for_the_organisations_that_it_is_given() {
        let sources = read(&["a", "b"], &["a=acme", "a = globex"]).unwrap();
        let about = |org: &str, scope: &str, scope_id: &str| {
            let detail = json!({"version": 1, "event_id": "e", "org_id": org, "scope": scope, "scope_id": scope_id,
                                "kind": "hard", "spend": "2", "limit": "1", "period": "monthly"});
            Event::parse("budget.exceeded", &detail).unwrap()
        };
        let refuses = |source: &str, org: &str| {
            let refused = sources.refuse(source, &about(org, "team", "payments"));
            refused.map(|refused| refused.to_string())
        };
        let of_another = sources.refuse("a", &about("acme", "org", "initech"));
        assert_eq!(
            of_another.unwrap().to_string(),
            "detail.scope_id: a may not speak for \"initech\": EventSourceOrgs names whom it may"
        );
        assert_eq!(sources.refuse("a", &about("acme", "org", "globex")), None);
        assert_eq!(refuses("a", "acme"), None);
        assert_eq!(refuses("a", "globex"), None);
        assert_eq!(
            refuses("a", "invented").as_deref(),
            Some("detail.org_id: a may not speak for \"invented\": EventSourceOrgs names whom it may")
        );
        assert_eq!(
            refuses("b", "invented"),
            None,
            "it was given none, and speaks for all"
        );
        assert_eq!(
            refuses("c", "acme").as_deref(),
            Some("source: \"c\" is not among the allowed sources")
        );
    }

    #[test]
    fn what_is_configured_wrongly_says_so() {
        let wrong = |entry: &str| read(&["a"], &[entry]).unwrap_err();
        assert_eq!(wrong("a"), "\"a\" is not source=organisation");
        assert_eq!(
            wrong("b=acme"),
            "\"b=acme\" names a source that is not in EVENT_SOURCES"
        );
        assert_eq!(wrong("a="), "the organisation in \"a=\" is empty");
    }
}
