//! `sre-agent trail control` and `trail guard`: who paused, published and switched, and what the agent says against itself.

use anyhow::{Context as _, bail};
use domain::ports::Trail;
use domain::telling::{count, story};
use domain::trail::chain::{Chain, verify_signature};
use domain::trail::{BrokenChain, Doubt, Record, Seq, StreamId};
use trail::load_control;

use crate::print::Terminal;

/// Tells the stream record by record, or prints its records. False where one does not hold that nobody has set aside.
pub(super) async fn tell(
    trail: &dyn Trail,
    stream: &StreamId,
    json: bool,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let records = trail.load(stream).await.context("not verified")?;
    let aside = load_control(trail)
        .await
        .context("not verified")?
        .set_aside_of(stream);
    let judged = Judged::of(trail, &records, &aside);
    if json {
        for record in &records {
            terminal.json(record)?;
        }
        if let Some(problem) = judged.problem() {
            bail!("not verified: {problem}");
        }
        return Ok(true);
    }
    terminal.line(&stream.to_string())?;
    let mut before = None;
    for record in &records {
        terminal.line("")?;
        let fault = judged.faults.iter().find(|fault| fault.seq == record.seq);
        match fault {
            None => {
                for line in story::of_switches(record, before) {
                    terminal.told(&line)?;
                }
                before = Some(record);
            }
            Some(fault) => terminal.line(&format!("{:>4}  counts for nothing: {fault}", record.seq))?,
        }
    }
    if !records.is_empty() {
        terminal.line("")?;
    }
    match judged.problem() {
        None => terminal.line(&format!("verified: {}", count(records.len(), "record")))?,
        Some(problem) => terminal.fault(&format!("NOT VERIFIED: {problem}"))?,
    }
    Ok(judged.problem().is_none())
}

/// What verifying a stream of switches found.
struct Judged {
    /// Every record that does not hold.
    faults: Vec<BrokenChain>,
    /// The first of them that counts as a fault of the stream.
    open: Option<String>,
    /// Why it is not known whether the signatures are good.
    unknown: Option<String>,
}

impl Judged {
    fn of(trail: &dyn Trail, records: &[Record], aside: &[Seq]) -> Self {
        let mut chain = Chain::new();
        let (mut faults, mut unknown) = (Vec::new(), None);
        for record in records {
            let held = chain
                .next(record)
                .and_then(|()| match verify_signature(record, trail.keys()) {
                    Ok(()) => Ok(()),
                    Err(Doubt::Unknown(because)) => {
                        unknown = Some(because);
                        Ok(())
                    }
                    Err(Doubt::Forged(problem)) => Err(BrokenChain::of(record, problem)),
                });
            faults.extend(held.err());
        }
        // A later record that operators signed overrules what does not hold before it.
        let last_that_holds = records
            .iter()
            .map(|record| record.seq)
            .rfind(|seq| faults.iter().all(|fault| fault.seq != *seq));
        let open = faults.iter().find(|fault| {
            let overruled = fault.stream == StreamId::Control && last_that_holds > Some(fault.seq);
            !overruled && !aside.contains(&fault.seq)
        });
        Self {
            open: open.map(ToString::to_string),
            faults,
            unknown,
        }
    }

    fn problem(&self) -> Option<String> {
        let unknown = self.unknown.as_ref();
        let unknown = unknown
            .map(|because| format!("digests and order hold, signatures could not be checked: {because}"));
        self.open.clone().or(unknown)
    }
}

#[cfg(test)]
mod tests {
    use domain::trail::{Actor, Author, Control, ControlFact, Entry};
    use domain::value::Digest;
    use expect_test::expect;
    use testkit::story::{person, second};
    use testkit::{FrozenClock, MemoryTrail, keys};
    use trail::name_forged;

    use super::*;

    /// Appends what a person switches.
    fn switches(trail: &MemoryTrail, at: u64, who: &str, fact: impl Fn(&Control) -> Option<ControlFact>) {
        let records = trail.records(&StreamId::Control);
        let fact = fact(&Control::read(records.last()).unwrap()).unwrap();
        let entry = Entry::next(
            StreamId::Control,
            records.last(),
            second(at),
            person(who),
            &fact,
            None,
        );
        trail.insert(entry).unwrap();
    }

    fn switched() -> MemoryTrail {
        let trail = MemoryTrail::new();
        switches(&trail, 0, "ada", |control| control.publish(Digest::of(b"one")));
        switches(&trail, 10, "bob", |control| {
            control.pause("gateway\u{1b}[2J upgrade", second(10))
        });
        switches(&trail, 130, "ada", |control| {
            control.resume_because(Some("it is done"), second(130))
        });
        switches(&trail, 140, "bob", |control| control.publish(Digest::of(b"two")));
        switches(&trail, 150, "eve", |control| control.automatic_off("a bad week"));
        switches(&trail, 160, "ada", |control| {
            control.automatic_on_because(None, second(160))
        });
        trail
    }

    async fn told(trail: &MemoryTrail, json: bool) -> (anyhow::Result<bool>, String) {
        told_of(&StreamId::Control, trail, json).await
    }

    async fn told_of(stream: &StreamId, trail: &MemoryTrail, json: bool) -> (anyhow::Result<bool>, String) {
        let mut printed = Vec::new();
        let holds = tell(trail, stream, json, &mut Terminal::buffer(&mut printed)).await;
        (holds, String::from_utf8(printed).unwrap())
    }

    #[tokio::test]
    async fn control_tells_who_paused_published_and_switched() {
        let (holds, told) = told(&switched(), false).await;
        assert!(holds.unwrap());
        expect![[r#"
            control

               1  2026-11-22T10:00:00.000Z  6c8613b2e074  policy_published, by ada (ada) in slack
                  policy 7692c3ad3540 is in force

               2  2026-11-22T10:00:10.000Z  7fdf594cdb02  paused, by bob (bob) in slack
                  the agent pauses, because: gateway\u{1b}[2J upgrade

               3  2026-11-22T10:02:10.000Z  ee3f30aab305  resumed, by ada (ada) in slack
                  the agent goes on after 2 min of a pause: gateway\u{1b}[2J upgrade
                  because: it is done

               4  2026-11-22T10:02:20.000Z  5db3f01aab13  policy_published, by bob (bob) in slack
                  policy 3fc4ccfe7458 is in force, in the place of 7692c3ad3540

               5  2026-11-22T10:02:30.000Z  dcaa84fbe4ed  automatic_off, by eve (eve) in slack
                  nothing executes by itself
                  because: a bad week

               6  2026-11-22T10:02:40.000Z  15ad61032c1e  automatic_on, by ada (ada) in slack
                  what the policy lets through executes by itself again

            verified: 6 records
        "#]]
        .assert_eq(&told);
    }

    #[tokio::test]
    async fn guard_tells_what_the_agent_says_against_itself() {
        let trail = MemoryTrail::new();
        let fault = BrokenChain {
            stream: StreamId::Control,
            seq: 7,
            kind: "paused".to_owned(),
            problem: "is \u{1b}[2J forged".to_owned(),
        };
        name_forged(&trail, &FrozenClock::default(), &fault)
            .await
            .unwrap();
        let (holds, told) = told_of(&StreamId::Guard, &trail, false).await;
        assert!(holds.is_ok(), "{told}");
        assert!(
            told.contains("forged_record, by the system\n      record 7 of control is \\u{1b}[2J forged\n"),
            "{told}"
        );
        let (_, nothing) = told_of(&StreamId::Guard, &MemoryTrail::new(), false).await;
        assert_eq!(nothing, "guard\nverified: 0 records\n");
    }

    #[tokio::test]
    async fn a_record_that_does_not_hold_is_named_until_a_later_one_overrules_it() {
        let trail = switched();
        let records = trail.records(&StreamId::Control);
        let fact = Control::read(records.last())
            .unwrap()
            .pause("forged", second(170))
            .unwrap();
        let entry = Entry::next(
            StreamId::Control,
            records.last(),
            second(170),
            Actor::Agent,
            &fact,
            None,
        );
        trail.forge(keys::sealed(entry.by(Author::Scoring), keys::writer(99)));
        let (holds, said) = told(&trail, false).await;
        assert!(!holds.unwrap());
        assert!(
            said.ends_with(
                "NOT VERIFIED: record 7 of control was written by scoring, which may not say paused\n"
            ),
            "{said}"
        );
        let (holds, said) = told(&trail, true).await;
        assert_eq!(said.lines().count(), 7);
        assert!(
            holds
                .unwrap_err()
                .to_string()
                .starts_with("not verified: record 7 of control")
        );
    }
}
