//! The way of one request: team → model group → provider → outcome and bill.

use super::stats::Sample;
use super::time::Millis;
use super::world::GatewayWorld;
use super::world_file::Scope;

/// How far back a team's rate limits look.
const MINUTE_MS: Millis = 60_000;

/// A request of a team for a model group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) team: &'a str,
    pub(crate) group: &'a str,
}

/// A request that reached a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// The provider it went to.
    pub(crate) provider: String,
    /// Whether the provider answered.
    pub(crate) ok: bool,
    /// How long it would have taken, in ms: it is recorded, not waited for.
    pub(crate) latency_ms: u32,
    /// Tokens billed.
    pub(crate) tokens: u64,
}

/// Why a request reached no provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownTeam,
    UnknownGroup,
    GroupNotAllowed,
    RateLimited,
    OverBudget(Scope),
    NoDeployment,
}

impl Refusal {
    /// The name it is counted under.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Refusal::UnknownTeam => "unknown_team",
            Refusal::UnknownGroup => "unknown_group",
            Refusal::GroupNotAllowed => "group_not_allowed",
            Refusal::RateLimited => "rate_limited",
            Refusal::OverBudget(Scope::Team) => "over_team_budget",
            Refusal::OverBudget(Scope::Org) => "over_org_budget",
            Refusal::NoDeployment => "no_deployment",
        }
    }
}

impl GatewayWorld {
    /// Takes a caller's request.
    pub(crate) fn serve(&mut self, now: Millis, call: Call<'_>) -> Result<Served, Refusal> {
        let indices = self
            .team(call.team)
            .ok_or(Refusal::UnknownTeam)
            .and_then(|team| Ok((self.group(call.group).ok_or(Refusal::UnknownGroup)?, team)));
        let outcome = indices.and_then(|(group, team)| self.route(now, group, team, true));
        self.count_refusal(outcome)
    }

    /// Sends `count` synthetic requests, drawn by demand, through the gateway; with `through`, only for
    /// groups that route to that provider. `limited` says whether the teams' rate limits hold: they do
    /// for the steady stream, and not for a burst, which compresses minutes into an instant.
    pub(crate) fn synthesise(&mut self, now: Millis, count: u64, through: Option<usize>, limited: bool) {
        for _ in 0..count {
            let Some((group, team)) = self.draw_call(through) else {
                return;
            };
            let outcome = self.route(now, group, team, limited);
            drop(self.count_refusal(outcome));
        }
    }

    /// Draws a model group by demand and a team that may call it.
    pub(crate) fn draw_call(&mut self, through: Option<usize>) -> Option<(usize, usize)> {
        let through = through.map(|provider| self.providers[provider].file.id.clone());
        let reaches = |routes: &[super::world_file::Route]| {
            through
                .as_ref()
                .is_none_or(|id| routes.iter().any(|r| r.provider == *id && r.weight > 0))
        };
        let demand: Vec<u64> = self
            .groups
            .iter()
            .map(|g| if reaches(&g.routes) { g.demand } else { 0 })
            .collect();
        let group = self.rng.weighted(&demand)?;
        let id = &self.groups[group].id;
        let teams: Vec<u64> = self
            .teams
            .iter()
            .map(|t| if t.model_groups.contains(id) { t.demand } else { 0 })
            .collect();
        Some((group, self.rng.weighted(&teams)?))
    }

    /// Draws a latency in ms: 40 % around the provider's usual one, times the fault's factor.
    pub(crate) fn draw_latency(&mut self, provider: usize) -> u32 {
        let provider = &self.providers[provider];
        let usual = u64::from(provider.file.latency_ms);
        let factor = u64::from(provider.slowed_permille.unwrap_or(1000));
        let spread = 600 + self.rng.below(801);
        u32::try_from(usual * spread / 1000 * factor / 1000).unwrap_or(u32::MAX)
    }

    fn route(&mut self, now: Millis, group: usize, team: usize, limited: bool) -> Result<Served, Refusal> {
        if !self.teams[team].model_groups.contains(&self.groups[group].id) {
            return Err(Refusal::GroupNotAllowed);
        }
        if limited && let Err(refusal) = self.check_rate(now, team) {
            self.rate_limited.push_back((now, team));
            return Err(refusal);
        }
        self.check_budgets(now, team)?;

        let routes = &self.groups[group].routes;
        let targets: Vec<Option<usize>> = routes
            .iter()
            .map(|r| self.provider(&r.provider).filter(|&p| !self.providers[p].blocked))
            .collect();
        let weights: Vec<u64> = targets
            .iter()
            .zip(routes)
            .map(|(t, r)| t.map_or(0, |_| u64::from(r.weight)))
            .collect();
        let provider = self
            .rng
            .weighted(&weights)
            .and_then(|pick| targets[pick])
            .ok_or(Refusal::NoDeployment)?;

        let failing = &self.providers[provider];
        let ok = !self
            .rng
            .chance(failing.failing_ppm.unwrap_or(failing.file.error_rate_ppm));
        let latency_ms = self.draw_latency(provider);
        // A failed request is not billed.
        let tokens = if ok { 200 + self.rng.below(601) } else { 0 };
        self.stats.record(Sample {
            at: now,
            group,
            team,
            provider,
            ok,
            latency_ms,
            tokens,
        });
        self.charge(
            team,
            tokens * self.providers[provider].file.cost_micros_per_1k_tokens / 1000,
        );
        Ok(Served {
            provider: self.providers[provider].file.id.clone(),
            ok,
            latency_ms,
            tokens,
        })
    }

    fn check_rate(&self, now: Millis, team: usize) -> Result<(), Refusal> {
        let (mut requests, mut tokens) = (0, 0);
        for sample in self
            .stats
            .last(now, MINUTE_MS)
            .filter(|sample| sample.team == team)
        {
            requests += 1;
            tokens += sample.tokens;
        }
        let limits = &self.teams[team];
        if requests < limits.rpm && tokens < limits.tpm {
            Ok(())
        } else {
            Err(Refusal::RateLimited)
        }
    }

    /// The team's budget and the organisation's: a hard cap refuses once it is reached.
    fn check_budgets(&mut self, now: Millis, team: usize) -> Result<(), Refusal> {
        self.roll_budgets(now);
        let over = self
            .budgets_of(team)
            .map(|index| &self.budgets[index].file)
            .find(|budget| budget.spend_micros >= budget.hard_cap_micros);
        over.map_or(Ok(()), |budget| Err(Refusal::OverBudget(budget.scope)))
    }

    fn charge(&mut self, team: usize, micros: u64) {
        for index in self.budgets_of(team).collect::<Vec<_>>() {
            let spend = &mut self.budgets[index].file.spend_micros;
            *spend = spend.saturating_add(micros);
        }
    }

    fn budgets_of(&self, team: usize) -> impl Iterator<Item = usize> {
        let team = self.budget(Scope::Team, &self.teams[team].id);
        team.into_iter().chain(self.budget(Scope::Org, &self.org_id))
    }

    fn count_refusal(&mut self, outcome: Result<Served, Refusal>) -> Result<Served, Refusal> {
        if let Err(refusal) = &outcome {
            *self.refused.entry(refusal.reason()).or_default() += 1;
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::world::fixture::{START, world};
    use super::*;

    const CHAT: Call<'_> = Call {
        team: "payments",
        group: "chat",
    };

    fn providers_of_chat(world: &mut GatewayWorld, count: u32) -> BTreeMap<String, u32> {
        let mut hits = BTreeMap::new();
        for _ in 0..count {
            *hits
                .entry(world.serve(START, CHAT).unwrap().provider)
                .or_default() += 1;
        }
        hits
    }

    #[test]
    fn traffic_is_split_by_weight_among_the_unblocked_providers() {
        let mut world = world();
        let hits = providers_of_chat(&mut world, 1_000);
        assert!((550..650).contains(&hits["openai"]), "{hits:?}");

        world.providers[0].blocked = true;
        world.teams[0].rpm = 10_000;
        assert_eq!(
            providers_of_chat(&mut world, 100),
            BTreeMap::from([("anthropic".to_owned(), 100)])
        );
    }

    #[test]
    fn a_group_without_an_unblocked_provider_refuses() {
        let mut world = world();
        world.providers[0].blocked = true;
        world.providers[1].blocked = true;
        assert_eq!(world.serve(START, CHAT), Err(Refusal::NoDeployment));
        assert_eq!(world.refused, BTreeMap::from([("no_deployment", 1)]));
    }

    #[test]
    fn the_same_seed_gives_the_same_requests() {
        let run = || {
            let mut world = world();
            (0..50)
                .map(|_| world.serve(START, CHAT).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn the_minutes_limit_holds_and_moves_on() {
        let mut world = world();
        world.teams[0].rpm = 3;
        let outcomes: Vec<_> = (0..4).map(|_| world.serve(START, CHAT).is_ok()).collect();
        assert_eq!(outcomes, [true, true, true, false]);
        assert!(world.serve(START + MINUTE_MS, CHAT).is_ok());
        world.teams[0].rpm = 0;
        assert_eq!(
            world.serve(START + 2 * MINUTE_MS, CHAT),
            Err(Refusal::RateLimited)
        );
    }

    #[test]
    fn a_request_is_billed_to_its_team_and_the_organisation() {
        let mut world = world();
        let before = |world: &GatewayWorld, scope, id| {
            world.budgets[world.budget(scope, id).unwrap()].file.spend_micros
        };
        let (team, org) = (
            before(&world, Scope::Team, "payments"),
            before(&world, Scope::Org, "acme"),
        );
        world.synthesise(START, 100, None, true);
        assert!(before(&world, Scope::Team, "payments") > team);
        assert!(before(&world, Scope::Org, "acme") - org > before(&world, Scope::Team, "payments") - team);
    }

    #[test]
    fn a_hard_cap_refuses_once_it_is_reached() {
        let mut world = world();
        let budget = world.budget(Scope::Team, "payments").unwrap();
        world.budgets[budget].file.spend_micros = 100_000_000;
        assert_eq!(world.serve(START, CHAT), Err(Refusal::OverBudget(Scope::Team)));
        world.budgets[budget].file.spend_micros = 99_999_999;
        assert!(world.serve(START, CHAT).is_ok());
    }
}
