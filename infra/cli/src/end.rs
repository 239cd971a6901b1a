//! Errors that end the process with a code of their own.

use std::fmt;

/// An error that does not end with 1.
#[derive(Debug)]
pub(crate) enum Ended {
    /// What the command line asks for cannot be asked for like this. Ends with 2, as whatever clap refuses.
    Usage(String),
    /// Nobody can tell whether what was asked for was done. Ends with 3.
    Unclear(String),
    /// Something could not be looked at, so that nobody can say how it stands. Ends with 4.
    Unseen(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Usage(sentence) | Ended::Unclear(sentence) | Ended::Unseen(sentence) => {
                f.write_str(sentence)
            }
        }
    }
}

impl std::error::Error for Ended {}

/// The exit code of an error.
pub(crate) fn code(err: &anyhow::Error) -> u8 {
    match err.downcast_ref() {
        Some(Ended::Usage(_)) => 2,
        Some(Ended::Unclear(_)) => 3,
        Some(Ended::Unseen(_)) => 4,
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn only_what_is_misused_or_unclear_has_a_code_of_its_own() {
        let ended = |ended: Ended| anyhow::Error::from(ended);
        assert_eq!(code(&anyhow!("refused")), 1);
        assert_eq!(code(&ended(Ended::Usage("x".to_owned()))), 2);
        assert_eq!(code(&ended(Ended::Unclear("x".to_owned()))), 3);
        let within = Err::<(), _>(ended(Ended::Unclear("x".to_owned()))).context("sent");
        assert_eq!(code(&within.unwrap_err()), 3);
    }
}
