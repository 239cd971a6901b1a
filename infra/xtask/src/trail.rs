//! The trail of the local stack, as the operators' command exports it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use domain::trail::{Record, StreamId};
use domain::value::ProposalId;

use crate::environment;
use crate::state::State;

/// As far back as one demo goes.
const RECENT: &str = "15m";

/// For one export of it.
const EXPORTS_WITHIN: Duration = Duration::from_secs(60);

/// Between two looks.
const AGAIN: Duration = Duration::from_millis(300);

/// The trail's recent streams, and what the command complains of.
pub(crate) async fn recent(cli: &Path, state: &State) -> Result<(Vec<Record>, String)> {
    let mut command = std::process::Command::new(cli);
    command.args(["trail", "export", "--since", RECENT]);
    environment::apply(state, &mut command)?;
    let mut command = tokio::process::Command::from(command);
    let output = tokio::time::timeout(EXPORTS_WITHIN, command.kill_on_drop(true).output())
        .await
        .context("sre-agent trail export does not end")??;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let records = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>();
    let records = records.with_context(|| format!("reading what sre-agent exports: {complaint}"))?;
    Ok((records, complaint))
}

/// The proposal that an event led to, or was counted with; none where no record names it in that time.
pub(crate) async fn proposal_of(
    cli: &Path,
    state: &State,
    event_id: &str,
    within: Duration,
) -> Result<Option<ProposalId>> {
    let began = Instant::now();
    loop {
        let (records, _) = recent(cli, state).await?;
        let found = named_by(&records, event_id);
        if found.is_some() || began.elapsed() > within {
            return Ok(found);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The proposal whose records name an event last.
fn named_by(records: &[Record], event_id: &str) -> Option<ProposalId> {
    // As a field of a body has it, and not as a part of another's.
    let field = format!("\"event_id\":{}", serde_json::json!(event_id));
    let named = records.iter().filter(|record| record.body.contains(&field));
    let proposals = named.filter_map(|record| match &record.stream {
        StreamId::Proposal(id) => Some((record.at, id)),
        StreamId::Incident(_)
        | StreamId::Target(_)
        | StreamId::Limit { .. }
        | StreamId::Control
        | StreamId::Guard => None,
    });
    proposals.max_by_key(|(at, _)| *at).map(|(_, id)| id.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(stream: &str, at: &str, body: &str) -> Record {
        let digest = "0".repeat(64);
        serde_json::from_value(json!({
            "stream": stream, "seq": 1, "kind": "received", "at": at, "actor": { "type": "agent" }, "body": body,
            "prev": null, "digest": digest, "writer": "0".repeat(32), "source": "sre-agent", "schema": 2,
            "hour": "2026-11-22T10", "expires_at": null, "author": null, "signature": null,
        }))
        .unwrap()
    }

    #[test]
    fn an_events_proposal_is_the_one_that_names_it_last() {
        let records = [
            record(
                "proposal/te62pwqbdtyue7vjfvvymfu5mi-1",
                "2026-11-22T10:00:00Z",
                "{\"event_id\":\"one\"}",
            ),
            record(
                "proposal/te62pwqbdtyue7vjfvvymfu5mi-2",
                "2026-11-22T10:00:05Z",
                "{\"event_id\":\"one\"}",
            ),
            record("control", "2026-11-22T10:00:09Z", "{\"event_id\":\"one\"}"),
        ];
        let found = |event| named_by(&records, event).map(|id| id.to_string());
        assert_eq!(found("one").as_deref(), Some("te62pwqbdtyue7vjfvvymfu5mi-2"));
        assert_eq!(found("two"), None);
        assert_eq!(found("on"), None);
        assert_eq!(found(""), None);
    }
}
