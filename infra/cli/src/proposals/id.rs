//! A proposal's id on the command line: the whole of it, or enough to find it.

use std::fmt;
use std::str::FromStr;

use domain::trail::StreamId;
use domain::value::ProposalId;

/// The fewest characters of an id that find a proposal.
const FEWEST: usize = 4;

/// The fewest that a list shows.
const FEWEST_SHOWN: usize = 8;

/// Characters of an id before its generation.
const MOST: usize = 26;

/// A proposal's id or the beginning of one, with or without the generation: `te62pwqb`, `te62pwqb-2`. Without it, the
/// newest proposal of the trouble is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beginning {
    start: String,
    generation: Option<u32>,
}

impl Beginning {
    /// The id, where it is a whole one.
    pub(crate) fn whole(&self) -> Option<ProposalId> {
        self.to_string().parse().ok()
    }

    /// Whether a proposal is one that is meant.
    pub(crate) fn is_of(&self, id: &ProposalId) -> bool {
        id.fingerprint().as_str().starts_with(&self.start)
            && self.generation.is_none_or(|number| number == id.generation())
    }
}

impl From<&ProposalId> for Beginning {
    fn from(id: &ProposalId) -> Self {
        Self {
            start: id.fingerprint().as_str().to_owned(),
            generation: Some(id.generation()),
        }
    }
}

impl fmt::Display for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.start)?;
        match self.generation {
            Some(number) => write!(f, "-{number}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Beginning {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "is neither a proposal's id nor the beginning of one: 4 to 26 characters of a-z and 2-7, with a dash and the generation or without";
        let (start, generation) = match text.split_once('-') {
            Some((start, number)) => (start, Some(generation(number).ok_or(FORM)?)),
            None => (text, None),
        };
        let sound = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
        if !(FEWEST..=MOST).contains(&start.len()) || !start.chars().all(sound) {
            return Err(FORM);
        }
        Ok(Self {
            start: start.to_owned(),
            generation,
        })
    }
}

/// A stream by its name; a proposal's also by its id or the beginning of it, with `proposal/` before it or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamedStream {
    /// The whole name.
    Whole(StreamId),
    /// A proposal's.
    Proposal(Beginning),
}

impl FromStr for NamedStream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `control` could be the beginning of an id, too.
        if let Ok(stream) = text.parse() {
            return Ok(NamedStream::Whole(stream));
        }
        let id = text.strip_prefix("proposal/").unwrap_or(text);
        let beginning = id.parse().map_err(|problem| {
            format!("{problem}. Nor is it another stream: control, guard, target/…/…, limit/…/…, incident/…")
        });
        beginning.map(NamedStream::Proposal)
    }
}

/// A generation as ids have it: digits without a zero before them.
fn generation(text: &str) -> Option<u32> {
    let canonical = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| canonical)
}

/// The beginning of an id that no other trouble's among these has, and its generation.
pub(super) fn short<'a>(id: &ProposalId, among: impl IntoIterator<Item = &'a ProposalId>) -> String {
    let own = id.fingerprint().as_str();
    let shared = |other: &str| own.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let others = among.into_iter().map(|one| one.fingerprint().as_str());
    let longest = others.filter(|other| *other != own).map(shared).max();
    let length = longest.map_or(FEWEST_SHOWN, |shared| FEWEST_SHOWN.max(shared + 1));
    let start: String = own.chars().take(length).collect();
    format!("{start}-{}", id.generation())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ProposalId {
        text.parse().unwrap()
    }

    #[test]
    fn an_id_or_the_beginning_of_one_is_taken() {
        let one = id("te62pwqbdtyue7vjfvvymfu5mi-12");
        for text in [
            "te62",
            "te62pwqb",
            "te62pwqb-12",
            "te62pwqbdtyue7vjfvvymfu5mi",
            "te62pwqbdtyue7vjfvvymfu5mi-12",
        ] {
            let beginning: Beginning = text.parse().unwrap();
            assert_eq!(beginning.to_string(), text);
            assert!(beginning.is_of(&one), "{text}");
        }
        for text in ["te63", "te62pwqb-1", "te62pwqbdtyue7vjfvvymfu5mi-1"] {
            assert!(!text.parse::<Beginning>().unwrap().is_of(&one), "{text}");
        }
        assert!(Beginning::from(&one).is_of(&one));
        assert_eq!(Beginning::from(&one).to_string(), one.to_string());
    }

    #[test]
    fn a_stream_is_named_whole_or_by_the_beginning_of_a_proposals_id() {
        let named = |text: &str| text.parse::<NamedStream>().unwrap();
        let whole = "te62pwqbdtyue7vjfvvymfu5mi-12";
        for (text, stream) in [
            ("control", StreamId::Control),
            ("guard", StreamId::Guard),
            (&format!("proposal/{whole}"), StreamId::Proposal(id(whole))),
        ] {
            assert_eq!(named(text), NamedStream::Whole(stream), "{text}");
        }
        for text in [
            "te62",
            "proposal/te62",
            "te62pwqb-12",
            "proposal/te62pwqb-12",
            whole,
        ] {
            let NamedStream::Proposal(beginning) = named(text) else {
                panic!("{text}")
            };
            assert!(beginning.is_of(&id(whole)), "{text}");
            assert_eq!(beginning.whole().is_some(), text == whole, "{text}");
        }
        for text in [
            "",
            "te6",
            "nothing/te62",
            "proposal/",
            "proposal/../x",
            "target/x",
        ] {
            assert!(text.parse::<NamedStream>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_could_be_no_id_is_refused() {
        for text in [
            "",
            "te6",
            "te6-1",
            "TE62",
            "te61",
            "te62/../x",
            "te62?x",
            "te62-",
            "te62-0",
            "te62-01",
            "te62-+1",
            "te62-1-1",
            "te62-99999999999",
            "te62é",
            "te62pwqbdtyue7vjfvvymfu5mix",
        ] {
            assert!(text.parse::<Beginning>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_short_id_finds_its_proposal_among_those_listed() {
        let ids = [
            "te62pwqbdtyue7vjfvvymfu5mi-1",
            "te62pwqbdtyue7vjfvvymfu5mi-12",
            "te62pwqbdaaaaaaaaaaaaaaaaa-1",
            "abcdefgh234567abcdefgh2345-3",
        ]
        .map(id);
        let shown: Vec<String> = ids.iter().map(|one| short(one, &ids)).collect();
        assert_eq!(
            shown,
            ["te62pwqbdt-1", "te62pwqbdt-12", "te62pwqbda-1", "abcdefgh-3"]
        );
        for (shown, id) in shown.iter().zip(&ids) {
            let beginning: Beginning = shown.parse().unwrap();
            let meant: Vec<_> = ids.iter().filter(|one| beginning.is_of(one)).collect();
            assert_eq!(meant, [id]);
        }
    }
}
