//! Which dead letters there are, and which of them are meant.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use anyhow::Context as _;

use super::{Desk, diagnosis};
use crate::print::{Terminal, count, quote};
use crate::redrive::sqs::{Letter, MOST_AT_ONCE};

/// How long listed messages stay invisible where this command dies before it shows them again, seconds.
const LISTING_S: i32 = 60;

/// So often a list looks again, where SQS counts more than were seen: two lists at once take turns.
const ROUNDS: usize = 5;

/// The longest wait before it looks again, milliseconds.
const LONGEST_WAIT_MS: u64 = 1000;

/// The most messages of one queue that are looked at, to find those that are meant.
const MOST_LOOKED_AT: usize = 5000;

/// What was found in a dead-letter queue.
pub(super) struct Found {
    /// Those that are meant, the oldest first.
    pub(super) letters: Vec<Letter>,
    /// How many were looked at.
    pub(super) seen: usize,
    /// How many SQS says there are.
    pub(super) counted: usize,
}

impl Found {
    /// At least so many are there.
    pub(super) fn total(&self) -> usize {
        self.counted.max(self.seen)
    }
}

/// Messages that were looked at.
#[derive(Default)]
struct Seen {
    letters: BTreeMap<String, Letter>,
    /// How many of them are meant.
    meant: usize,
}

impl Desk<'_> {
    /// What is here now, which stays where it is: it was shown again, or this is why not. Where SQS counts more than were
    /// seen, somebody else has the others out, and it looks again a few times.
    pub(super) async fn look(&self) -> anyhow::Result<(Found, anyhow::Result<()>)> {
        let (mut all, mut counted, mut shown) = (Seen::default(), 0, Ok(()));
        for round in 0..ROUNDS {
            if round > 0 {
                let wait = RandomState::new().build_hasher().finish() % LONGEST_WAIT_MS;
                self.clock.sleep(Duration::from_millis(wait)).await;
            }
            let taken = self.receive_all(LISTING_S, &mut all).await?;
            // First of all: nobody must wait for a list to be printed.
            shown = shown.and(self.show_again(&taken).await);
            counted = self.queues.count(self.dead).await?;
            if all.letters.len() >= counted || self.is_enough(&all) {
                break;
            }
        }
        let (found, _) = self.found(all, counted);
        Ok((found, shown))
    }

    /// Takes every message out that is meant and here now, up to the limit.
    pub(super) async fn take_out(&self, invisible_s: i32) -> anyhow::Result<Found> {
        let counted = self.queues.count(self.dead).await?;
        let mut all = Seen::default();
        self.receive_all(invisible_s, &mut all).await?;
        let (found, others) = self.found(all, counted);
        self.show_again(&others).await?;
        Ok(found)
    }

    /// Takes messages out until there are none, or enough with those that were seen before. Gives those taken out.
    async fn receive_all(&self, invisible_s: i32, all: &mut Seen) -> anyhow::Result<Vec<Letter>> {
        let mut taken: BTreeMap<String, Letter> = BTreeMap::new();
        while !self.is_enough(all) {
            let most = match self.only.is_empty() && self.reason.is_none() {
                true => self.limit - all.meant,
                false => MOST_AT_ONCE,
            };
            let received = match self.queues.receive(self.dead, most, invisible_s).await {
                Ok(received) => received,
                Err(err) => {
                    let taken: Vec<Letter> = taken.into_values().collect();
                    self.show_again(&taken).await.ok();
                    return Err(err);
                }
            };
            if received.is_empty() {
                break;
            }
            for letter in received {
                // SQS may deliver one twice: the later receipt counts.
                taken.insert(letter.id.clone(), letter.clone());
                let means = self.means(&letter);
                let before = all.letters.insert(letter.id.clone(), letter);
                all.meant += usize::from(means && before.is_none());
            }
        }
        Ok(taken.into_values().collect())
    }

    /// Whether no more need be looked at.
    fn is_enough(&self, all: &Seen) -> bool {
        let named = !self.only.is_empty() && self.only.iter().all(|id| all.letters.contains_key(id));
        named || all.meant >= self.limit || all.letters.len() >= MOST_LOOKED_AT
    }

    fn means(&self, letter: &Letter) -> bool {
        let named = self.only.is_empty() || self.only.contains(&letter.id);
        named
            && self.reason.is_none_or(|reason| {
                let cause = diagnosis::cause(self.lane, letter);
                cause.to_lowercase().contains(&reason.to_lowercase())
            })
    }

    /// Those that are meant, up to the limit; and the others.
    fn found(&self, all: Seen, counted: usize) -> (Found, Vec<Letter>) {
        let seen = all.letters.len();
        let (mut letters, mut others): (Vec<Letter>, Vec<Letter>) =
            all.letters.into_values().partition(|letter| self.means(letter));
        letters.sort_by_key(|letter| letter.sent_at);
        others.extend(letters.split_off(self.limit.min(letters.len())));
        let found = Found {
            letters,
            seen,
            counted,
        };
        (found, others)
    }

    /// Shows messages again that were taken out. All are tried, whatever becomes of the others.
    pub(super) async fn show_again(&self, letters: &[Letter]) -> anyhow::Result<()> {
        let mut problem = None;
        for letter in letters {
            if let Err(err) = self.queues.show_again(self.dead, &letter.receipt).await {
                problem = Some(err);
            }
        }
        problem.map_or(Ok(()), |err| {
            Err(err).context("nothing is lost: they come back by themselves within five minutes")
        })
    }

    /// `ingest: 4 dead letters`, or how many of how many.
    pub(super) fn heading(&self, found: &Found, noun: &str) -> String {
        let (number, total) = (found.letters.len(), found.total());
        match number == total {
            true => format!("{}: {}", self.lane, count(number, noun)),
            false => format!("{}: {number} of about {}", self.lane, count(total, noun)),
        }
    }

    /// Tells which of the messages that were named are not there. Whether all are.
    pub(super) fn say_what_is_absent(
        &self,
        found: &Found,
        terminal: &mut Terminal<'_>,
    ) -> anyhow::Result<bool> {
        let absent = self.not_there(found);
        for note in &absent {
            terminal.fault(note)?;
        }
        Ok(absent.is_empty())
    }

    /// Of the messages that were named, those that are not among what was found.
    fn not_there(&self, found: &Found) -> Vec<String> {
        let here = |id: &&String| found.letters.iter().any(|letter| letter.id == **id);
        let absent = self.only.iter().filter(|id| !here(id));
        let note = |id: &String| match self.reason {
            Some(_) => format!(
                "{} is not here, or not for that reason: {} has no such dead letter",
                quote(id),
                self.lane
            ),
            None => format!("{} is not here: {} has no such dead letter", quote(id), self.lane),
        };
        absent.map(note).collect()
    }

    /// Whether there are as many as were asked for at most.
    fn is_limited(&self, found: &Found) -> bool {
        self.only.is_empty() && found.letters.len() >= self.limit
    }

    /// What was not looked at, where that matters: not where all that were named are here.
    pub(super) fn what_is_unseen(&self, found: &Found, some_absent: bool) -> Option<String> {
        let unseen = found.total() - found.seen;
        let limited = self.is_limited(found);
        if limited && found.total() > found.letters.len() {
            return Some(format!(
                "there may be more: run it again, or with more than --limit {}",
                self.limit
            ));
        }
        (!limited && unseen > 0 && (self.only.is_empty() || some_absent)).then(|| {
            format!(
                "about {unseen} more were counted and not seen: somebody else has them out just now, or SQS's count, which \
                 may be a minute old, is wrong. Run it again"
            )
        })
    }

    /// Tells it. Whether all that was meant was here, as far as SQS tells.
    pub(super) fn say_what_is_left(
        &self,
        found: &Found,
        terminal: &mut Terminal<'_>,
    ) -> anyhow::Result<bool> {
        let all_there = self.say_what_is_absent(found, terminal)?;
        let Some(note) = self.what_is_unseen(found, !all_there) else {
            return Ok(all_there);
        };
        terminal.fault(&format!("{}: {note}", self.lane))?;
        Ok(false)
    }
}
