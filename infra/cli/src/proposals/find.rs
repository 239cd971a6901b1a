//! Which proposal the beginning of an id means, from the trail and the view: for commands that do not ask the agent.

use anyhow::{Context as _, anyhow, bail};
use domain::ports::{Trail, View};
use domain::trail::StreamId;
use domain::value::{ProposalId, Timestamp};
use trail::walk;

use super::id::{Beginning, NamedStream};

/// How far back proposals are found by the beginning of an id that are neither open nor in force, as the agent finds them.
const RECENT_S: u64 = 7 * 86_400;

/// The stream that is meant.
pub(crate) async fn stream(
    trail: &dyn Trail,
    view: &dyn View,
    named: NamedStream,
    now: Timestamp,
) -> anyhow::Result<StreamId> {
    match named {
        NamedStream::Whole(stream) => Ok(stream),
        NamedStream::Proposal(which) => Ok(StreamId::Proposal(proposal(trail, view, &which, now).await?)),
    }
}

/// The proposal that is meant; of one trouble, the newest.
async fn proposal(
    trail: &dyn Trail,
    view: &dyn View,
    which: &Beginning,
    now: Timestamp,
) -> anyhow::Result<ProposalId> {
    if let Some(id) = which.whole() {
        return Ok(id);
    }
    let (open, in_force, opened) = tokio::try_join!(
        async { anyhow::Ok(view.open().await?) },
        async { anyhow::Ok(view.in_force().await?) },
        async { anyhow::Ok(walk::opened(trail, now.minus_seconds(RECENT_S), now, usize::MAX).await?) },
    )
    .with_context(|| format!("which proposal {which} is could not be looked up"))?;
    let recent = opened.into_iter().map(|(id, _)| id);
    let all = open.into_iter().chain(in_force).chain(recent);
    let mut found: Vec<ProposalId> = all.filter(|id| which.is_of(id)).collect();
    found.sort_by_key(|id| (id.fingerprint().to_string(), std::cmp::Reverse(id.generation())));
    found.dedup_by(|later, first| later.fingerprint() == first.fingerprint());
    if found.len() > 1 {
        let ids: Vec<String> = found.iter().map(ToString::to_string).collect();
        bail!("several proposals begin with {which}: {}", ids.join(", "));
    }
    found.pop().ok_or_else(|| {
        anyhow!(
            "no proposal of the last seven days, and none that is open or in force, begins with {which}: an older one is \
             named by its whole id"
        )
    })
}

#[cfg(test)]
mod tests {
    use testkit::story::{Story, breaks, second};
    use testkit::{MemoryTrail, MemoryView};

    use super::*;

    async fn found(text: &str) -> Result<String, String> {
        let trail = MemoryTrail::new();
        let story = Story::awaiting(breaks());
        story.write_to(&trail);
        let found = stream(&trail, &MemoryView::default(), text.parse().unwrap(), second(60)).await;
        found
            .map(|stream| stream.to_string())
            .map_err(|err| format!("{err:#}"))
    }

    #[tokio::test]
    async fn the_beginning_of_an_id_finds_its_proposal_without_the_agent() {
        let whole = Story::awaiting(breaks()).proposal().id().to_string();
        for text in [&whole[..4], &whole[..8], &whole[..26], &whole] {
            assert_eq!(found(text).await, Ok(format!("proposal/{whole}")), "{text}");
        }
        let (start, generation) = whole.split_once('-').unwrap();
        let short = format!("proposal/{}-{generation}", &start[..8]);
        assert_eq!(found(&short).await, Ok(format!("proposal/{whole}")));
        assert_eq!(found("control").await, Ok("control".to_owned()));
        // A whole id is looked at whether it is known or not.
        let old = "abcdefgh234567abcdefgh2345-3";
        assert_eq!(found(old).await, Ok(format!("proposal/{old}")));
        for text in ["abcd", &format!("{}-999", &whole[..8])] {
            let told = found(text).await.unwrap_err();
            assert!(told.ends_with("an older one is named by its whole id"), "{told}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_looked_up_is_not_what_is_not_there() {
        let view = MemoryView::default();
        view.outages.next(1);
        let looked = stream(&MemoryTrail::new(), &view, "te62".parse().unwrap(), second(60)).await;
        assert_eq!(crate::end::code(&looked.unwrap_err()), 4);
    }
}
