//! The way a function is run: events go to its handler, and `sre-agent doctor` is told what the function reaches.

use adapters::{Secret, SecretOperators, SystemClock};
use domain::ports::{Clock as _, Gateway, Policies, Trail};
use domain::telling::checkup::{Checkup, Needed, Reached, question};
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, to_value};
use trail::load_control;

/// Runs a function until Lambda ends it. An event is worked by `handle`; where the function is invoked with
/// [`question`] it works nothing, and answers with its version, its clock and what `reach` says.
pub async fn serve<E, R>(
    reach: impl AsyncFn() -> Vec<Reached>,
    handle: impl AsyncFn(E, Context) -> Result<R, Error>,
) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        answer(&reach, &handle, event).await
    }))
    .await
}

/// Whether the gateway that `open` makes of a token can be read: with the token as it is now, since what this process has read
/// may be good for as long as it lives, and not after.
pub async fn gateway_reached<G: Gateway>(
    name: &str,
    token: &Secret,
    open: impl FnOnce(&str) -> anyhow::Result<G>,
) -> Reached {
    let reading = async {
        let gateway = open(token.read().await?.expose())?;
        gateway.reading(SystemClock.now()).await?;
        anyhow::Ok(())
    };
    Reached::of(Needed::Gateway, name, reading.await)
}

/// Whether the directory of operators can be read and used.
pub async fn operators_known(operators: &SecretOperators) -> Reached {
    Reached::of(
        Needed::Operators,
        "directory of operators",
        operators.read().await.map(|_| ()),
    )
}

/// The trail, once the policy that is in force was loaded, before the first event needs it: as soon as there is a trail, and
/// beside whatever else a start waits for. Where that fails, the first event tries again, and says why not.
pub async fn policy_loaded<T: Trail>(trail: impl Future<Output = T>, policies: &dyn Policies) -> T {
    let trail = trail.await;
    match load_control(&trail).await {
        Ok(control) => drop(policies.in_force(&control).await),
        Err(err) => tracing::warn!(error = %err, "the policy was not loaded at start"),
    }
    trail
}

/// Whether the policy that is to be in force is.
pub async fn policy_in_force(trail: &dyn Trail, policies: &dyn Policies) -> Reached {
    let in_force = match load_control(trail).await {
        Ok(control) => match policies.in_force(&control).await.instead_because {
            None => Ok(()),
            Some(problem) => Err(problem),
        },
        Err(err) => Err(err.to_string()),
    };
    Reached::of(Needed::Policy, "policy in force", in_force)
}

async fn answer<E, R>(
    reach: &impl AsyncFn() -> Vec<Reached>,
    handle: &impl AsyncFn(E, Context) -> Result<R, Error>,
    event: LambdaEvent<Value>,
) -> Result<Value, Error>
where
    E: DeserializeOwned,
    R: Serialize,
{
    if event.payload == question() {
        let reached = reach().await;
        return Ok(to_value(Checkup {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at: SystemClock.now(),
            reached,
        })?);
    }
    Ok(to_value(
        handle(serde_json::from_value(event.payload)?, event.context).await?,
    )?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn answered(payload: Value) -> Result<Value, Error> {
        let reach = async || vec![Reached::of(Needed::Gateway, "gateway", Err("it refuses"))];
        let handle = async |event: Vec<u8>, _: Context| Ok(event.len());
        answer(&reach, &handle, LambdaEvent::new(payload, Context::default())).await
    }

    #[tokio::test]
    async fn the_question_is_answered_and_everything_else_is_worked() {
        let told: Checkup = serde_json::from_value(answered(question()).await.unwrap()).unwrap();
        assert_eq!(told.version, env!("CARGO_PKG_VERSION"));
        assert_eq!(told.reached[0].problem.as_deref(), Some("it refuses"));
        assert_eq!(answered(json!([1, 2, 3])).await.unwrap(), 3);
        for other in [
            json!({ "check": "routes" }),
            json!({ "check": "reach", "Records": [] }),
        ] {
            assert!(answered(other).await.is_err());
        }
    }
}
