//! Which Slack channel is asked about what: configuration, read at start.
//!
//! A default channel, and routes that go before it: `action=bump_budget_cap>C0BUDGETS;team=payments,score=75>C0PAYMENTS`.
//! A route has conditions, which all must hold, and a channel; the first one that fits is taken.

use domain::action::ActionKind;
use domain::incident::Severity;
use domain::proposal::Proposal;
use domain::value::TeamId;

/// The most routes.
pub const MOST: usize = 50;

/// Where people are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    default: String,
    routes: Vec<Route>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    conditions: Vec<Condition>,
    channel: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Action(ActionKind),
    Team(TeamId),
    /// This severity or a worse one.
    Severity(Severity),
    /// This score or a higher one.
    Score(u8),
}

/// Why routes are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRoute(String);

impl Routes {
    /// Reads the default channel and the routes before it.
    pub fn read(default: &str, routes: &str) -> Result<Self, BadRoute> {
        let routes: Vec<Route> = routes
            .split(';')
            .map(str::trim)
            .filter(|route| !route.is_empty())
            .map(Route::read)
            .collect::<Result<_, _>>()?;
        if routes.len() > MOST {
            return Err(BadRoute(format!("has more than {MOST} routes")));
        }
        Ok(Self {
            default: channel(default)?,
            routes,
        })
    }

    /// The channels to try for a proposal, in order.
    pub fn channels(&self, proposal: &Proposal) -> Vec<&str> {
        let route = self.routes.iter().find(|route| route.fits(proposal));
        let mut channels: Vec<&str> = route.map(|route| route.channel.as_str()).into_iter().collect();
        if !channels.contains(&self.default.as_str()) {
            channels.push(&self.default);
        }
        channels
    }

    /// Where people are told of what is about no proposal.
    pub fn default_channel(&self) -> &str {
        &self.default
    }

    /// Every channel, each once.
    pub fn all(&self) -> Vec<&str> {
        let mut all = vec![self.default.as_str()];
        for route in &self.routes {
            if !all.contains(&route.channel.as_str()) {
                all.push(&route.channel);
            }
        }
        all
    }
}

impl Route {
    fn read(text: &str) -> Result<Self, BadRoute> {
        let (conditions, to) = text
            .split_once('>')
            .ok_or_else(|| BadRoute(format!("\"{text}\" is not <condition>,<condition>><channel>")))?;
        let conditions = conditions.split(',').map(|one| Condition::read(one.trim()));
        Ok(Self {
            conditions: conditions.collect::<Result<_, _>>()?,
            channel: channel(to.trim())?,
        })
    }

    fn fits(&self, proposal: &Proposal) -> bool {
        self.conditions.iter().all(|condition| condition.holds(proposal))
    }
}

impl Condition {
    fn read(text: &str) -> Result<Self, BadRoute> {
        let bad = |what: &str| BadRoute(format!("\"{text}\": {what}"));
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| bad("a condition is action=, team=, severity= or score="))?;
        match name {
            "action" => ActionKind::ALL
                .into_iter()
                .find(|kind| kind.name() == value)
                .map(Condition::Action)
                .ok_or_else(|| bad("there is no such action")),
            "team" => TeamId::new(value)
                .map(Condition::Team)
                .map_err(|err| bad(&err.to_string())),
            "severity" => [Severity::Info, Severity::Warning, Severity::Critical]
                .into_iter()
                .find(|severity| severity.name() == value)
                .map(Condition::Severity)
                .ok_or_else(|| bad("a severity is info, warning or critical")),
            "score" => value
                .parse()
                .ok()
                .filter(|score| *score <= 100)
                .map(Condition::Score)
                .ok_or_else(|| bad("a score is a number from 0 to 100")),
            _ => Err(bad("a condition is action=, team=, severity= or score=")),
        }
    }

    fn holds(&self, proposal: &Proposal) -> bool {
        let event = &proposal.received().event;
        match self {
            Condition::Action(kind) => proposal
                .proposed()
                .is_some_and(|proposed| proposed.action.kind() == *kind),
            Condition::Team(team) => event.team.as_ref() == Some(team),
            Condition::Severity(least) => event.severity >= *least,
            Condition::Score(least) => proposal.scored().is_some_and(|scored| scored.score >= *least),
        }
    }
}

/// A channel's id, as Slack shows it at the bottom of the channel's details. A name would change its meaning when the
/// channel is renamed.
fn channel(text: &str) -> Result<String, BadRoute> {
    let sound = text.len() > 1
        && text.starts_with(['C', 'G'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    match sound {
        true => Ok(text.to_owned()),
        false => Err(BadRoute(format!(
            "\"{text}\" is not the id of a Slack channel, such as C0123456789"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use testkit::story::{Story, breaks, reroutes};

    use super::*;

    #[test]
    fn the_first_route_that_fits_goes_before_the_default() {
        let text = "action=bump_budget_cap>C0B; action=circuit_break_provider,score=100>C0H;\
                    severity=warning, action=reroute_model_group>C0R;";
        let routes = Routes::read("C0SRE", text).unwrap();
        let breaks = Story::awaiting(breaks());
        assert_eq!(routes.channels(breaks.proposal()), ["C0SRE"]);
        let reroutes = Story::awaiting(reroutes());
        assert_eq!(routes.channels(reroutes.proposal()), ["C0R", "C0SRE"]);
        assert_eq!(routes.all(), ["C0SRE", "C0B", "C0H", "C0R"]);
        let routes = Routes::read("C0SRE", "score=0>C0SRE").unwrap();
        assert_eq!(routes.channels(breaks.proposal()), ["C0SRE"]);
    }

    #[test]
    fn a_team_and_a_severity_are_those_of_the_event() {
        let story = Story::awaiting(breaks());
        let event = &story.proposal().received().event;
        let team = event.team.clone();
        for (text, fits) in [
            (format!("severity={}>C0X", event.severity.name()), true),
            ("team=nobody>C0X".to_owned(), false),
            (
                format!(
                    "team={}>C0X",
                    team.map_or("nobody".to_owned(), |team| team.to_string())
                ),
                event.team.is_some(),
            ),
        ] {
            let routes = Routes::read("C0SRE", &text).unwrap();
            assert_eq!(routes.channels(story.proposal()).contains(&"C0X"), fits, "{text}");
        }
    }

    #[test]
    fn what_is_no_route_is_said() {
        for (text, words) in [
            ("C0X", "is not <condition>"),
            (">C0X", "a condition is"),
            ("action=drop_tables>C0X", "no such action"),
            ("severity=bad>C0X", "info, warning or critical"),
            ("score=101>C0X", "from 0 to 100"),
            ("org=acme>C0X", "a condition is"),
            ("score=1>#sre", "not the id of a Slack channel"),
            ("score=1>", "not the id of a Slack channel"),
        ] {
            let problem = Routes::read("C0SRE", text).unwrap_err().to_string();
            assert!(problem.contains(words), "{text}: {problem}");
        }
        assert!(Routes::read("sre", "").is_err());
        let many = "score=1>C0X;".repeat(MOST + 1);
        assert!(Routes::read("C0SRE", &many).is_err());
    }
}
