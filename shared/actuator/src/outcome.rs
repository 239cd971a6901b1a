//! What a reply, or its absence, says about the effect of a write.

use domain::ports::ActError;
use outbound::{Reply, Token};

/// A status that is not the one asked for. Only a 4xx says that nothing happened, and not each of them:
/// 408 and 429 may come from something on the way that gave up on a request it had passed on already.
pub(crate) fn of_status(service: &str, reply: &Reply, token: &Token) -> ActError {
    let problem = format!("{service} {}", reply.problem(token));
    match reply.status.as_u16() {
        408 | 429 => ActError::Unclear(problem),
        400..=499 => ActError::Refused(problem),
        _ => ActError::Unclear(problem),
    }
}

/// No whole reply came. Even where no connection was made, that is for whoever reads the target to find.
pub(crate) fn of_silence(service: &str, problem: &str) -> ActError {
    ActError::Unclear(format!("{service} gave {problem}"))
}
