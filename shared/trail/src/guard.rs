//! What functions say against themselves, on `guard`.

use std::convert::Infallible;

use domain::ports::{Clock, Trail, TrailError};
use domain::trail::{Actor, BrokenChain, Control, GuardFact, Record, StreamId};
use domain::value::Timestamp;

use crate::advance::{Extended, Next, Stream, extend};
use crate::load::{alarm, load_end};

/// Appends to `guard` what `decide` asks for, which sees what is in force; what was appended, if anything was.
pub async fn extend_guard(
    trail: &dyn Trail,
    clock: &dyn Clock,
    decide: impl Fn(&Control, Timestamp) -> Option<GuardFact>,
) -> Result<Option<Record>, TrailError> {
    let control = load_end(trail, &StreamId::Control).await?;
    let control = Control::read(control.held.as_ref())?;
    let stream = Stream::endless(StreamId::Guard, Actor::System);
    let decides = |last: &[Record], now| {
        let in_force = control.clone().guarded(last.last())?;
        Ok(match decide(&in_force, now) {
            Some(fact) => Next::<_, Infallible>::Append(fact),
            None => Next::Nothing,
        })
    };
    Ok(match extend(trail, clock, &stream, decides).await? {
        Extended::Appended { record, .. } => Some(*record),
        Extended::Nothing => None,
        Extended::Refused(never) => match never {},
    })
}

/// Names a record that does not hold, once.
pub async fn name_forged(
    trail: &dyn Trail,
    clock: &dyn Clock,
    fault: &BrokenChain,
) -> Result<(), TrailError> {
    let named = extend_guard(trail, clock, |control, _| control.names_forged(fault)).await?;
    if named.is_some() {
        alarm(fault);
    }
    Ok(())
}
