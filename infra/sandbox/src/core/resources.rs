//! What the admin API reads and writes, one resource at a time.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::ApiError;
use super::time::{Millis, rfc3339};
use super::world::GatewayWorld;
use super::world_file::{Route, Scope, check_routes};

/// Writes remembered; the oldest go first.
const MAX_WRITES: usize = 10_000;

/// The highest limit a team can have, requests or tokens a minute.
const MAX_LIMIT: u64 = 1_000_000_000;

/// The highest cap, in micro-dollars: a billion dollars.
const MAX_CAP_MICROS: u64 = 1_000_000_000_000_000;

/// A resource of the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Breaker(String),
    Routes(String),
    Limits(String),
    Guardrail(String),
    HardCap(Scope, String),
    Sla(String),
}

/// An accepted write.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct WriteRecord {
    /// When (RFC 3339).
    pub at: String,
    /// The HTTP method; `PUT`.
    pub method: String,
    /// The path, as it was called.
    pub path: String,
    /// The resource before.
    pub before: Value,
    /// The resource after; the same as before when the write repeated what was there.
    pub after: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakerBody {
    blocked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoutesBody {
    routes: Vec<Route>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsBody {
    rpm: u64,
    tpm: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnabledBody {
    enabled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HardCapBody {
    hard_cap_micros: u64,
}

impl GatewayWorld {
    /// The resource as it is.
    pub(crate) fn read(&self, resource: &Resource) -> Result<Value, ApiError> {
        let index = self.find(resource)?;
        Ok(match resource {
            Resource::Breaker(_) => json!({"blocked": self.providers[index].blocked}),
            Resource::Routes(_) => json!({"routes": self.groups[index].routes}),
            Resource::Limits(_) => json!({"rpm": self.teams[index].rpm, "tpm": self.teams[index].tpm}),
            Resource::Guardrail(_) => json!({"enabled": self.guardrails[index].enabled}),
            Resource::HardCap(..) => json!({"hard_cap_micros": self.budgets[index].file.hard_cap_micros}),
            Resource::Sla(_) => json!({"enabled": self.slas[index].enabled}),
        })
    }

    /// Sets the resource to the body's absolute value, logs that, and returns the resource.
    pub(crate) fn write(
        &mut self,
        now: Millis,
        resource: &Resource,
        path: &str,
        body: &[u8],
    ) -> Result<Value, ApiError> {
        let before = self.read(resource)?;
        self.set(resource, body)?;
        let after = self.read(resource)?;
        if self.writes.len() == MAX_WRITES {
            self.writes.pop_front();
        }
        let (method, path) = ("PUT".to_owned(), path.to_owned());
        self.writes.push_back(WriteRecord {
            at: rfc3339(now),
            method,
            path,
            before,
            after: after.clone(),
        });
        Ok(after)
    }

    fn set(&mut self, resource: &Resource, body: &[u8]) -> Result<(), ApiError> {
        let index = self.find(resource)?;
        match resource {
            Resource::Breaker(_) => self.providers[index].blocked = parse::<BreakerBody>(body)?.blocked,
            Resource::Routes(_) => {
                let routes = parse::<RoutesBody>(body)?.routes;
                check_routes(&routes, |id| self.provider(id).is_some()).map_err(ApiError::invalid)?;
                self.groups[index].routes = routes;
            }
            Resource::Limits(_) => {
                let LimitsBody { rpm, tpm } = parse(body)?;
                at_most("rpm", rpm, MAX_LIMIT)?;
                at_most("tpm", tpm, MAX_LIMIT)?;
                let team = &mut self.teams[index];
                (team.rpm, team.tpm) = (rpm, tpm);
            }
            Resource::Guardrail(_) => self.guardrails[index].enabled = parse::<EnabledBody>(body)?.enabled,
            Resource::HardCap(..) => {
                let HardCapBody { hard_cap_micros } = parse(body)?;
                at_most("hard_cap_micros", hard_cap_micros, MAX_CAP_MICROS)?;
                self.budgets[index].file.hard_cap_micros = hard_cap_micros;
            }
            Resource::Sla(_) => self.slas[index].enabled = parse::<EnabledBody>(body)?.enabled,
        }
        Ok(())
    }

    fn find(&self, resource: &Resource) -> Result<usize, ApiError> {
        let (index, what, id) = match resource {
            Resource::Breaker(id) => (self.provider(id), "provider", id),
            Resource::Routes(id) => (self.group(id), "model group", id),
            Resource::Limits(id) => (self.team(id), "team", id),
            Resource::Guardrail(id) => (self.guardrails.iter().position(|g| g.id == *id), "guardrail", id),
            Resource::HardCap(scope, id) => (self.budget(*scope, id), "budget of", id),
            Resource::Sla(id) => (self.slas.iter().position(|s| s.id == *id), "SLA contract", id),
        };
        index.ok_or_else(|| ApiError::not_found(what, id))
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::new(400, "bad_request", format!("the body is not JSON: {error}")))?;
    serde_json::from_value(value).map_err(|error| ApiError::invalid(error.to_string()))
}

fn at_most(name: &str, value: u64, most: u64) -> Result<(), ApiError> {
    if value <= most {
        Ok(())
    } else {
        Err(ApiError::invalid(format!("{name} is at most {most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::fixture::{START, world};
    use super::*;

    fn put(world: &mut GatewayWorld, resource: &Resource, body: &str) -> Result<Value, u16> {
        world
            .write(START, resource, "/path", body.as_bytes())
            .map_err(|error| error.status)
    }

    #[test]
    fn a_write_sets_the_absolute_value_and_is_logged_with_both() {
        let mut world = world();
        let cap = Resource::HardCap(Scope::Team, "payments".to_owned());
        for _ in 0..2 {
            let reply = put(&mut world, &cap, r#"{"hard_cap_micros":120000000}"#);
            assert_eq!(reply, Ok(json!({"hard_cap_micros": 120_000_000})));
        }
        let effects: Vec<_> = world
            .writes
            .iter()
            .map(|write| write.before != write.after)
            .collect();
        assert_eq!(
            effects,
            [true, false],
            "the repetition is logged, and changes nothing"
        );
    }

    #[test]
    fn nonsense_is_refused_and_leaves_everything_as_it_was() {
        let mut world = world();
        let routes = Resource::Routes("chat".to_owned());
        let limits = Resource::Limits("payments".to_owned());
        let breaker = Resource::Breaker("openai".to_owned());
        for (resource, body, status) in [
            (&breaker, "", 400),
            (&breaker, "{", 400),
            (&breaker, r#"{"blocked":1}"#, 422),
            (&breaker, r#"{"blocked":true,"for_s":30}"#, 422),
            (
                &Resource::Breaker("nobody".to_owned()),
                r#"{"blocked":true}"#,
                404,
            ),
            (&limits, r#"{"rpm":1000000001,"tpm":1}"#, 422),
            (&limits, r#"{"rpm":-1,"tpm":1}"#, 422),
            (&limits, r#"{"rpm":1.5,"tpm":1}"#, 422),
            (&routes, r#"{"routes":[]}"#, 422),
            (&routes, r#"{"routes":[{"provider":"openai","weight":0}]}"#, 422),
            (
                &routes,
                r#"{"routes":[{"provider":"openai","weight":1001}]}"#,
                422,
            ),
            (&routes, r#"{"routes":[{"provider":"nobody","weight":1}]}"#, 422),
            (
                &routes,
                r#"{"routes":[{"provider":"openai","weight":1},{"provider":"openai","weight":1}]}"#,
                422,
            ),
            (
                &Resource::HardCap(Scope::Org, "payments".to_owned()),
                r#"{"hard_cap_micros":1}"#,
                404,
            ),
        ] {
            let before = world.read(resource).ok();
            assert_eq!(put(&mut world, resource, body), Err(status), "{body}");
            assert_eq!(world.read(resource).ok(), before, "{body}");
        }
        assert!(world.writes.is_empty());
    }
}
