//! What one incident may take of a model: turns, tokens, seconds, money. Each has its own reason when it is used up.
//!
//! Money and tokens are never overdrawn, whatever a provider charges in the end: an attempt is only made if the most that
//! it can read and write fits in what is left, and one of which nobody says what it took counts at that most.

use std::collections::BTreeMap;

use domain::proposal::DeclineReason;
use domain::value::{Micros, Timestamp};

use crate::model::Usage;

/// The fewest tokens in which a model can still conclude.
const FEWEST_TOKENS: u64 = 1_024;

/// The most tokens that one answer may have, thinking included.
const MOST_TOKENS: u64 = 8_192;

/// The limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Answers of a model, from `MODEL_MAX_TURNS`.
    pub turns: u32,
    /// Tokens read and written, from `MODEL_MAX_TOKENS`.
    pub tokens: u64,
    /// Seconds, from `MODEL_MAX_SECONDS`.
    pub seconds: u64,
    /// USD, from `MODEL_MAX_COST`.
    pub cost: Micros,
}

/// What a model costs, USD for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Read.
    pub input: Micros,
    /// Written.
    pub output: Micros,
}

/// The prices of models, by name.
pub type Prices = BTreeMap<String, Price>;

impl Price {
    /// What an answer cost. Providers charge a tenth for what their cache held and a quarter more for what it took
    /// in: <https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing>. Rounded up.
    pub fn of(&self, usage: &Usage) -> Micros {
        let (input, output) = (u128::from(self.input.0), u128::from(self.output.0));
        // In twentieths of a token, so that a tenth and five quarters are whole.
        let read = u128::from(usage.input) * 20
            + u128::from(usage.cache_read) * 2
            + u128::from(usage.cache_write) * 25;
        let twentieths = read * input + u128::from(usage.output) * 20 * output;
        Micros(u64::try_from(twentieths.div_ceil(20_000_000)).unwrap_or(u64::MAX))
    }
}

/// What was used so far, of all models together.
#[derive(Debug, Clone)]
pub struct Budget {
    limits: Limits,
    /// When the time is over.
    pub deadline: Timestamp,
    /// Answers so far.
    pub turns: u32,
    /// Tokens read so far.
    pub input: u64,
    /// Tokens written so far.
    pub output: u64,
    /// USD so far.
    pub cost: Micros,
}

impl Budget {
    /// A whole budget, from now on, and not past `deadline`.
    pub fn new(limits: &Limits, now: Timestamp, deadline: Timestamp) -> Self {
        Self {
            limits: limits.clone(),
            deadline: now.plus_seconds(limits.seconds).min(deadline),
            turns: 0,
            input: 0,
            output: 0,
            cost: Micros(0),
        }
    }

    /// Counts an answer. One that does not say what it read, or what it wrote, is not free: it counts as if that had been
    /// all that it could.
    pub fn count(&mut self, usage: &Usage, room: &Room, price: Price) {
        let most = room.most();
        let is_read_said = usage.read() > 0;
        let usage = Usage {
            cache_write: if is_read_said {
                usage.cache_write
            } else {
                most.cache_write
            },
            output: if usage.output > 0 {
                usage.output
            } else {
                most.output
            },
            ..*usage
        };
        self.turns += 1;
        self.add(&usage, price);
    }

    /// Counts attempts that may have been charged without anybody saying how much: each at the most it can have been.
    pub fn lose(&mut self, attempts: u32, room: &Room, price: Price) {
        for _ in 0..attempts {
            self.add(&room.most(), price);
        }
    }

    fn add(&mut self, usage: &Usage, price: Price) {
        self.input = self.input.saturating_add(usage.read());
        self.output = self.output.saturating_add(usage.output);
        self.cost = Micros(self.cost.0.saturating_add(price.of(usage).0));
    }

    /// Why a model was not even asked a first question of `reads` tokens.
    pub fn too_little(&self, reads: u64) -> String {
        let Limits { tokens, cost, .. } = &self.limits;
        let used = self.input.saturating_add(self.output);
        format!(
            "it was not asked, as its first question may have {reads} tokens: {used} of {tokens} tokens and {} of {cost} USD are used or may have been charged",
            self.cost
        )
    }

    /// Room for the next answer, to a question of at most `reads` tokens; or what is used up, with a sentence.
    pub fn next(&self, price: Price, reads: u64, now: Timestamp) -> Result<Room, (DeclineReason, String)> {
        let limits = &self.limits;
        if self.turns >= limits.turns {
            let said = format!("the model had not concluded after {} turns", self.turns);
            return Err((DeclineReason::OutOfTurns, said));
        }
        if now >= self.deadline {
            let said = format!("the model had not concluded within {} s", limits.seconds);
            return Err((DeclineReason::OutOfTime, said));
        }
        let tokens = limits
            .tokens
            .saturating_sub(self.input.saturating_add(self.output));
        let writable = tokens.saturating_sub(reads);
        if writable < FEWEST_TOKENS {
            let said = format!("the model had not concluded within {} tokens", limits.tokens);
            return Err((DeclineReason::OutOfTokens, said));
        }
        let money = limits.cost.0.saturating_sub(self.cost.0);
        let read = price.of(&Room::new(reads, 0).most());
        let left = u128::from(money.saturating_sub(read.0)) * 1_000_000;
        let affordable = left
            .checked_div(u128::from(price.output.0))
            .map_or(u64::MAX, |tokens| u64::try_from(tokens).unwrap_or(u64::MAX));
        if affordable < FEWEST_TOKENS {
            let said = format!("the model had not concluded for {} USD", limits.cost);
            return Err((DeclineReason::OutOfMoney, said));
        }
        let room = Room::new(reads, writable.min(affordable).min(MOST_TOKENS));
        let by_money = money.checked_div(price.of(&room.most()).0).unwrap_or(u64::MAX);
        let by_tokens = tokens / reads.saturating_add(room.writes).max(1);
        let attempts = by_money.min(by_tokens);
        Ok(Room {
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            ..room
        })
    }
}

/// What one answer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// The most tokens that are read for it.
    pub reads: u64,
    /// The most tokens that it may have.
    pub writes: u64,
    /// How many attempts at it fit, where each takes as much as it can.
    pub attempts: u32,
}

impl Room {
    fn new(reads: u64, writes: u64) -> Self {
        Self {
            reads,
            writes,
            attempts: 1,
        }
    }

    /// The most that one attempt can take, at the dearest price: all of it goes into the provider's cache.
    fn most(&self) -> Usage {
        Usage {
            cache_write: self.reads,
            output: self.writes,
            ..Usage::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SONNET: Price = Price {
        input: Micros(3_000_000),
        output: Micros(15_000_000),
    };

    fn limits() -> Limits {
        Limits {
            turns: 3,
            tokens: 50_000,
            seconds: 60,
            cost: Micros(500_000),
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000_000).plus_seconds(seconds)
    }

    #[test]
    fn an_answer_costs_what_the_provider_charges() {
        let usage = |input, cache_read, cache_write, output| Usage {
            input,
            cache_read,
            cache_write,
            output,
        };
        for (usage, micros) in [
            (usage(1_000_000, 0, 0, 0), 3_000_000),
            (usage(0, 1_000_000, 0, 0), 300_000),
            (usage(0, 0, 1_000_000, 0), 3_750_000),
            (usage(0, 0, 0, 1_000_000), 15_000_000),
            (usage(1, 0, 0, 0), 3),
            (usage(0, 1, 0, 0), 1),
            (usage(u64::MAX, u64::MAX, u64::MAX, u64::MAX), u64::MAX),
        ] {
            assert_eq!(SONNET.of(&usage), Micros(micros), "{usage:?}");
        }
    }

    #[test]
    fn each_limit_has_its_own_reason() {
        let used = |change: fn(&mut Budget), seconds: u64| {
            let mut budget = Budget::new(&limits(), at(0), at(1000));
            change(&mut budget);
            let room = budget.next(SONNET, 1_000, at(seconds));
            room.map(|room| room.writes).map_err(|(reason, _)| reason)
        };
        assert_eq!(used(|_| {}, 59), Ok(MOST_TOKENS));
        assert_eq!(used(|_| {}, 60), Err(DeclineReason::OutOfTime));
        assert_eq!(used(|budget| budget.turns = 3, 0), Err(DeclineReason::OutOfTurns));
        assert_eq!(used(|budget| budget.input = 47_000, 0), Ok(2_000));
        assert_eq!(
            used(|budget| budget.output = 48_000, 0),
            Err(DeclineReason::OutOfTokens)
        );
        assert_eq!(used(|budget| budget.cost = Micros(466_250), 0), Ok(2_000));
        assert_eq!(
            used(|budget| budget.cost = Micros(482_000), 0),
            Err(DeclineReason::OutOfMoney)
        );
        let short = Budget::new(&limits(), at(0), at(10));
        assert_eq!(
            short.next(SONNET, 0, at(10)).unwrap_err().0,
            DeclineReason::OutOfTime
        );
    }
}
