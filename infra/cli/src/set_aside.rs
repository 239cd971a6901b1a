//! `sre-agent set-aside`: a record that does not hold is left out, and its stream goes on.

use std::convert::Infallible;

use adapters::{DynamoView, SystemClock};
use anyhow::{Context as _, bail};
use domain::ports::{Clock, Trail, TrailError};
use domain::proposal::Proposal;
use domain::trail::chain::{Chain, verify_signature};
use domain::trail::{Actor, BrokenChain, Control, Doubt, Record, Seq, SetAside, StreamId};
use trail::{Extended, Next, Stream, extend};

use crate::end::Ended;
use crate::print::Terminal;
use crate::proposals::{NamedStream, find};
use crate::stack::Stack;
use crate::switches::{UNSIGNED, reason, signable};
use crate::who;

/// What `set-aside` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The stream, as `status` and `trail` name it: proposal/…, target/…/…, limit/…/…; a proposal's also by the beginning
    /// of its id
    stream: NamedStream,

    /// The record's position in it
    seq: Seq,

    /// Why it may be left out, for whoever reads the trail: at most 500 characters
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

/// Sets a record aside.
pub(crate) async fn run(
    stack: &Stack,
    arguments: Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let trail = stack.trail()?;
    let by = who::asks(&stack.aws).await?;
    let view = DynamoView::new(&stack.aws, stack.output("ProposalsTableName")?);
    let aside = SetAside {
        stream: find::stream(&trail, &view, arguments.stream, SystemClock.now()).await?,
        seq: arguments.seq,
        reason: arguments.reason,
    };
    for line in set_aside(&trail, &SystemClock, &by, &aside).await? {
        terminal.line(&line)?;
    }
    Ok(true)
}

async fn set_aside(
    trail: &dyn Trail,
    clock: &dyn Clock,
    by: &Actor,
    aside: &SetAside,
) -> anyhow::Result<Vec<String>> {
    let SetAside { stream, seq, .. } = aside;
    let records = trail.load(stream).await.context("nothing was set aside")?;
    let Some(fault) = fault_of(trail, stream, &records, *seq) else {
        bail!("record {seq} of {stream} holds, or there is none: nothing was set aside");
    };
    let guard = signable(trail).await.context("nothing was set aside")?;
    let control = Stream::endless(StreamId::Control, by.clone());
    let sets = |last: &[Record], _| {
        let control = Control::read(last.last())?.guarded(guard.held.as_ref())?;
        Ok(match control.set_aside(aside.clone()) {
            Some(fact) => Next::<_, Infallible>::Append(fact),
            None => Next::Nothing,
        })
    };
    match extend(trail, clock, &control, sets).await {
        Ok(Extended::Appended { record, .. }) => Ok(vec![
            format!("set aside: record {} of control says so", record.seq),
            format!("  {fault}"),
            "  the stream goes on without it; nothing that it says counts".to_owned(),
        ]),
        Ok(Extended::Nothing) => Ok(vec!["set aside already: nothing was changed".to_owned()]),
        Ok(Extended::Refused(never)) => match never {},
        Err(err @ TrailError::Unsigned { .. }) => Err(err).context(UNSIGNED),
        Err(err) => Err(err).context(Ended::Unclear(
            "whether it was set aside is not known: sre-agent status tells".to_owned(),
        )),
    }
}

/// Why a record does not hold; none where it does.
fn fault_of(trail: &dyn Trail, stream: &StreamId, records: &[Record], seq: Seq) -> Option<BrokenChain> {
    let mut chain = Chain::new();
    let mut passed = Vec::new();
    for record in records {
        let next = chain
            .next(record)
            .and_then(|()| match verify_signature(record, trail.keys()) {
                Err(Doubt::Forged(problem)) => Err(BrokenChain::of(record, problem)),
                Err(Doubt::Unknown(_)) | Ok(()) => Ok(()),
            });
        if let Err(fault) = next {
            if fault.seq == seq {
                return Some(fault);
            }
            passed.push(record.seq);
        }
    }
    // Of a proposal, what is illegal where it stands does not hold either.
    let StreamId::Proposal(_) = stream else {
        return None;
    };
    let fault = match Proposal::read(records, trail.keys(), &passed) {
        Ok(proposal) => proposal.standing().fault.clone(),
        Err(fault) => Some(fault),
    };
    fault.filter(|fault| fault.seq == seq)
}

#[cfg(test)]
mod tests {
    use domain::trail::{Author, Entry};
    use testkit::story::{Story, breaks, person, second};
    use testkit::{FrozenClock, MemoryTrail, keys};
    use trail::{load_control, load_proposal};

    use super::*;

    fn aside(stream: &StreamId, seq: Seq) -> SetAside {
        SetAside {
            stream: stream.clone(),
            seq,
            reason: "a drill".to_owned(),
        }
    }

    /// A proposal that waits, and a forged approval behind it.
    fn forged() -> (MemoryTrail, StreamId) {
        let trail = MemoryTrail::new();
        let story = Story::awaiting(breaks());
        story.write_to(&trail);
        let yes = Story::approved(breaks());
        let fact = <domain::proposal::ProposalFact as domain::trail::Fact>::read(yes.last()).unwrap();
        let entry = Entry::after(story.last(), second(30), person("alice"), &fact);
        let record = keys::sealed(entry.by(Author::Scoring), keys::writer(99));
        let stream = record.stream.clone();
        trail.forge(record);
        (trail, stream)
    }

    #[tokio::test]
    async fn what_does_not_hold_is_set_aside_once_and_the_stream_goes_on() {
        let (trail, stream) = forged();
        let StreamId::Proposal(id) = &stream else {
            panic!("a proposal")
        };
        let read = load_proposal(&trail, id).await.unwrap().unwrap();
        assert!(read.standing().fault.is_some());
        let (clock, by) = (FrozenClock::default(), person("ada"));
        let told = set_aside(&trail, &clock, &by, &aside(&stream, 4)).await.unwrap();
        assert_eq!(told[0], "set aside: record 1 of control says so");
        assert!(
            told[1].ends_with("was written by scoring, which may not say approved"),
            "{told:?}"
        );
        let read = load_proposal(&trail, id).await.unwrap().unwrap();
        assert_eq!(
            (read.standing().fault.clone(), read.state().name()),
            (None, "awaiting_approval")
        );
        let again = set_aside(&trail, &clock, &by, &aside(&stream, 4)).await.unwrap();
        assert_eq!(again, ["set aside already: nothing was changed"]);
        assert_eq!(load_control(&trail).await.unwrap().seq, 1);
    }

    #[tokio::test]
    async fn what_holds_is_not_set_aside_nor_is_anything_without_the_key() {
        let (trail, stream) = forged();
        let (clock, by) = (FrozenClock::default(), person("ada"));
        for seq in [1, 3, 5] {
            let refused = set_aside(&trail, &clock, &by, &aside(&stream, seq))
                .await
                .unwrap_err();
            assert!(
                refused.to_string().contains("holds, or there is none"),
                "{refused}"
            );
        }
        trail.signing.outages.next(usize::MAX);
        let unsigned = set_aside(&trail, &clock, &by, &aside(&stream, 4))
            .await
            .unwrap_err();
        assert_eq!(unsigned.to_string(), UNSIGNED);
        assert_eq!(load_control(&trail).await.unwrap().seq, 0);
    }
}
