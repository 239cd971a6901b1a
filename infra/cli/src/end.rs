//! What the process ends with: the table of exit codes in `infra/docs/operate.md`.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use adapters::aws;
use anyhow::anyhow;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use domain::ports::{TrailError, Unavailable};
use trail::history::Unreadable;

use crate::print::Unwritten;
use crate::proposals::Problem;

/// An error that does not end with 1.
#[derive(Debug)]
pub(crate) enum Ended {
    /// What the command line asks for cannot be asked for like this. Ends with 2, as whatever clap refuses.
    Usage(String),
    /// Nobody can tell whether what was asked for was done. Ends with 3.
    Unclear(String),
    /// It could not be looked or asked: the stack is not there, or AWS, a service or a file does not answer or does not
    /// let whoever runs this. Ends with 4.
    NoAnswer(String),
}

impl Ended {
    fn code(&self) -> u8 {
        match self {
            Ended::Usage(_) => 2,
            Ended::Unclear(_) => 3,
            Ended::NoAnswer(_) => NO_ANSWER,
        }
    }
}

/// With which code [`Ended::NoAnswer`] ends.
const NO_ANSWER: u8 = 4;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Usage(sentence) | Ended::Unclear(sentence) | Ended::NoAnswer(sentence) => {
                f.write_str(sentence)
            }
        }
    }
}

impl Error for Ended {}

/// The exit code of an error: the outermost of its causes that has one of its own says it.
pub(crate) fn code(err: &anyhow::Error) -> u8 {
    if let Some(ended) = err.downcast_ref::<Ended>() {
        return ended.code();
    }
    let mut causes = err.chain();
    causes.find_map(own_code).unwrap_or(1)
}

/// The error of a file that was to be read and to hold, with its name: it could not be read, or it does not hold.
pub(crate) fn of_file(file: &Path, err: anyhow::Error) -> anyhow::Error {
    let mut causes = err.chain().filter_map(|cause| cause.downcast_ref());
    if causes.any(Unwritten::is) {
        return err;
    }
    let what = match code(&err) {
        NO_ANSWER => "cannot be read",
        _ => "does not hold",
    };
    err.context(format!("{} {what}", file.display()))
}

fn own_code(cause: &(dyn Error + 'static)) -> Option<u8> {
    if let Some(ended) = cause.downcast_ref::<Ended>() {
        return Some(ended.code());
    }
    let is_silence = cause.is::<Unavailable>()
        || matches!(cause.downcast_ref(), Some(err) if is_no_access(err))
        || matches!(cause.downcast_ref(), Some(TrailError::Unavailable(_)))
        || matches!(cause.downcast_ref(), Some(Unreadable::Trail { source, .. }) if is_unavailable(source))
        || cause.downcast_ref().is_some_and(Problem::is_silence);
    is_silence.then_some(NO_ANSWER)
}

/// A file with something else in it than text can be looked at: that is what is wrong with it.
fn is_no_access(err: &io::Error) -> bool {
    err.kind() != io::ErrorKind::InvalidData && !Unwritten::is(err)
}

fn is_unavailable(err: &TrailError) -> bool {
    matches!(err, TrailError::Unavailable(_))
}

/// What AWS answered, or why it did not, as a sentence.
pub(crate) trait Answered<T> {
    /// The answer. What was asked for where there is none, which ends with 4: `what` is the beginning of that sentence.
    fn answered<W: fmt::Display>(self, what: impl FnOnce() -> W) -> anyhow::Result<T>;

    /// The same for what changes something: it ends with 1, and whoever calls says what was changed before.
    fn carried_out<W: fmt::Display>(self, what: impl FnOnce() -> W) -> anyhow::Result<T>;
}

impl<T, E> Answered<T> for Result<T, SdkError<E>>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn answered<W: fmt::Display>(self, what: impl FnOnce() -> W) -> anyhow::Result<T> {
        self.map_err(|err| Ended::NoAnswer(format!("{}: {}", what(), aws::told(&err))).into())
    }

    fn carried_out<W: fmt::Display>(self, what: impl FnOnce() -> W) -> anyhow::Result<T> {
        self.map_err(|err| anyhow!("{}: {}", what(), aws::told(&err)))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;
    use crate::print::Terminal;

    #[test]
    fn each_sort_of_error_has_its_code() {
        let ended = |ended: Ended| anyhow::Error::from(ended);
        assert_eq!(code(&anyhow!("refused")), 1);
        assert_eq!(code(&ended(Ended::Usage("x".to_owned()))), 2);
        assert_eq!(code(&ended(Ended::Unclear("x".to_owned()))), 3);
        assert_eq!(code(&ended(Ended::NoAnswer("x".to_owned()))), 4);
        let within = Err::<(), _>(ended(Ended::Unclear("x".to_owned()))).context("sent");
        assert_eq!(code(&within.unwrap_err()), 3);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_said_not_to_hold() {
        let told = |err: anyhow::Error| {
            let err = of_file(Path::new("trail.jsonl"), err);
            (code(&err), format!("{err:#}"))
        };
        assert_eq!(
            told(anyhow!("line 1 is wrong")),
            (1, "trail.jsonl does not hold: line 1 is wrong".to_owned())
        );
        let (code, said) = told(io::Error::from(io::ErrorKind::IsADirectory).into());
        assert_eq!(code, 4);
        assert!(said.starts_with("trail.jsonl cannot be read: "), "{said}");
    }

    #[test]
    fn what_cannot_be_printed_says_nothing_of_the_file_that_was_read() {
        let mut full = Terminal::broken(io::ErrorKind::StorageFull);
        let err = full.line("x").unwrap_err();
        let err = of_file(Path::new("trail.jsonl"), err.into());
        assert_eq!(code(&err), 1);
        assert_eq!(
            format!("{err:#}"),
            "what is to be printed cannot be written: no storage space"
        );
    }

    #[test]
    fn what_could_not_be_looked_at_is_not_what_is_wrong() {
        let silent = || Unavailable::new("the trail", "no answer");
        let unreadable = |source: TrailError| Unreadable::Trail {
            what: "control".to_owned(),
            source: Box::new(source),
        };
        let corrupt = || TrailError::Corrupt("x".to_owned());
        for (err, expected) in [
            (anyhow::Error::from(silent()), 4),
            (TrailError::from(silent()).into(), 4),
            (unreadable(silent().into()).into(), 4),
            (io::Error::from(io::ErrorKind::NotFound).into(), 4),
            (io::Error::from(io::ErrorKind::InvalidData).into(), 1),
            (corrupt().into(), 1),
            (unreadable(corrupt()).into(), 1),
        ] {
            let told = err.to_string();
            assert_eq!(code(&err.context("not verified")), expected, "{told}");
        }
        // Where it is not known what became of a change, that counts.
        let lost = anyhow::Error::from(TrailError::from(silent()));
        let lost = lost.context(Ended::Unclear("it may be switched".to_owned()));
        assert_eq!(code(&lost), 3);
        assert_eq!(
            format!("{lost:#}"),
            "it may be switched: the trail is unavailable: no answer"
        );
    }
}
