//! What differs, the oldest first, however much it is: the last of it is in memory, the rest in files of its own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, Write as _};

use anyhow::Context as _;
use domain::value::{ProposalId, Timestamp};

use super::Difference;

/// How many are kept in memory: some megabytes. Where a process may have 1,024 files open, ten million are put aside.
const MOST: usize = 10_000;

/// Where one stands among the others.
type Place = (Timestamp, ProposalId, u64);

/// All that was found so far, in no order until it is told.
#[derive(Debug)]
pub(crate) struct Differences {
    most: usize,
    waiting: Vec<Difference>,
    /// Sorted each by itself, a JSON object a line. They have no name, and are gone with the process.
    aside: Vec<File>,
    problem: Option<io::Error>,
}

impl Default for Differences {
    fn default() -> Self {
        Self::keeping(MOST)
    }
}

impl Differences {
    /// None yet, of which so many are kept in memory.
    pub(super) fn keeping(most: usize) -> Self {
        Self {
            most,
            waiting: Vec::new(),
            aside: Vec::new(),
            problem: None,
        }
    }

    /// One more. Where it cannot be kept, telling them fails.
    pub(super) fn add(&mut self, difference: Difference) {
        if self.problem.is_some() {
            return;
        }
        self.waiting.push(difference);
        if self.waiting.len() >= self.most {
            self.problem = self.put_aside().err();
        }
    }

    /// Those of another one, too.
    pub(super) fn extend(&mut self, other: Self) {
        self.aside.extend(other.aside);
        self.problem = self.problem.take().or(other.problem);
        for difference in other.waiting {
            self.add(difference);
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.aside.is_empty() && self.problem.is_none()
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.waiting.sort_by_cached_key(Difference::place);
        let mut out = BufWriter::new(tempfile::tempfile()?);
        for difference in self.waiting.drain(..) {
            serde_json::to_writer(&mut out, &difference)?;
            out.write_all(b"\n")?;
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        self.aside.push(file);
        Ok(())
    }

    /// Hands on each, the oldest first, until `take` wants no more.
    pub(super) fn each(
        &mut self,
        mut take: impl FnMut(Difference) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let put_aside = || {
            format!(
                "what differs could not be put aside in {}: TMPDIR names another folder",
                std::env::temp_dir().display()
            )
        };
        if let Some(problem) = self.problem.take() {
            return Err(problem).with_context(put_aside);
        }
        self.waiting.sort_by_cached_key(Difference::place);
        let mut sources: Vec<Box<dyn Iterator<Item = io::Result<Difference>> + '_>> = Vec::new();
        for file in &self.aside {
            let mut file = file;
            file.rewind().with_context(put_aside)?;
            let lines = BufReader::new(file).lines();
            sources.push(Box::new(lines.map(|line| Ok(serde_json::from_str(&line?)?))));
        }
        sources.push(Box::new(self.waiting.iter().cloned().map(Ok)));
        let mut heads = Vec::with_capacity(sources.len());
        let mut order = BinaryHeap::with_capacity(sources.len());
        for (at, source) in sources.iter_mut().enumerate() {
            let head = source.next().transpose().with_context(put_aside)?;
            order.extend(head.as_ref().map(|head| Reverse((head.place(), at))));
            heads.push(head);
        }
        while let Some(Reverse((_, at))) = order.pop() {
            let (Some(head), Some(source)) = (heads.get_mut(at), sources.get_mut(at)) else {
                continue;
            };
            let next = source.next().transpose().with_context(put_aside)?;
            order.extend(next.as_ref().map(|next| Reverse((next.place(), at))));
            let Some(difference) = std::mem::replace(head, next) else {
                continue;
            };
            if !take(difference)? {
                break;
            }
        }
        Ok(())
    }

    /// All of them.
    #[cfg(test)]
    pub(super) fn all(&mut self) -> Vec<Difference> {
        let mut all = Vec::new();
        self.each(|difference| {
            all.push(difference);
            Ok(true)
        })
        .unwrap();
        all
    }
}

impl Difference {
    fn place(&self) -> Place {
        (self.at, self.proposal.clone(), self.seq)
    }
}

#[cfg(test)]
mod tests {
    use domain::action::ActionKind;
    use domain::proposal::Decision;
    use domain::value::{Digest, Fingerprint};
    use proptest::prelude::*;

    use super::*;
    use crate::what_if::life::{Answer, Course, End, Person};
    use crate::what_if::replay::{FactorChange, Side};

    fn difference(second: u64, number: u8) -> Difference {
        let side = |score| Side {
            score,
            decision: Decision::Gate,
            approvals_needed: 2,
            because: format!("number {number}: \"quoted\"\n\u{202e}and turned"),
            rules: vec!["a-rule".to_owned()],
            limit: None,
            sampled: false,
            threshold: 40,
            auto_approve: true,
            policy: Digest::of(b"a policy"),
        };
        Difference {
            at: Timestamp::from_millis(1_800_000_000_000).plus_seconds(second),
            proposal: ProposalId::new(Fingerprint::of(&Digest::of(&[number])), 1),
            seq: 3,
            action: ActionKind::PageOncall,
            old: side(20),
            new: side(number),
            factors: vec![FactorChange {
                name: "baseline".to_owned(),
                old: 20,
                new: number.into(),
            }],
            course: Course {
                answer: Answer::Approved,
                by: vec![Person {
                    id: "ada".parse().unwrap(),
                    name: "Ada".to_owned(),
                }],
                end: End::Succeeded,
                helped: Some(true),
            },
        }
    }

    proptest! {
        #[test]
        fn they_are_told_in_the_order_of_time_whatever_was_put_aside(
            found in prop::collection::vec((0_u64..50, any::<u8>(), any::<bool>()), 0..60), most in 1_usize..20,
        ) {
            let mut sides = [Differences::keeping(most), Differences::keeping(most)];
            let mut expected = Vec::new();
            for (second, number, which) in &found {
                sides[usize::from(*which)].add(difference(*second, *number));
                expected.push(difference(*second, *number));
            }
            expected.sort_by_key(Difference::place);
            let [mut all, other] = sides;
            prop_assert!(all.waiting.len() < most && other.waiting.len() < most);
            all.extend(other);
            prop_assert_eq!(all.is_empty(), found.is_empty());
            prop_assert_eq!(all.all(), expected.clone());
            prop_assert_eq!(all.all(), expected.clone(), "a second time");
            let mut some = Vec::new();
            all.each(|one| {
                some.push(one);
                Ok(some.len() < 5)
            }).unwrap();
            prop_assert_eq!(&some[..], expected.get(..5).unwrap_or(&expected));
        }
    }

    #[test]
    fn what_could_not_be_kept_is_no_shorter_list() {
        let mut differences = Differences::keeping(2);
        differences.problem = Some(io::Error::other("the disk is full"));
        for number in 0..5 {
            differences.add(difference(0, number));
        }
        assert!(!differences.is_empty());
        let mut all = Differences::default();
        all.extend(differences);
        let told = all.each(|_| Ok(true)).unwrap_err();
        assert!(format!("{told:#}").contains("TMPDIR"), "{told:#}");
        assert!(format!("{told:#}").ends_with("the disk is full"), "{told:#}");
    }
}
