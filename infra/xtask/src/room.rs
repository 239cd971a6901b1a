//! Room on the disk: said before the work begins, not by whichever tool runs out of it first.

use std::path::Path;

use anyhow::{Result, bail};

use crate::paths::Paths;

/// What is to be built and installed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// The functions and a stack to run them on.
    Stack,
    /// Every check and every test.
    Everything,
}

impl Work {
    /// The tool that it installs last: where that is, nearly all of it is.
    fn ends_with(self) -> &'static str {
        match self {
            Work::Stack => "ministack",
            Work::Everything => "cargo-lambda",
        }
    }

    /// What it takes on the disk, GB; and what it takes again where it was done before: what changed is linked anew, and a
    /// stack writes its logs.
    fn takes_gb(self, built: bool) -> u64 {
        match (self, built) {
            (_, true) => 3,
            (Work::Stack, false) => 7,
            (Work::Everything, false) => 13,
        }
    }
}

/// Fails where the disk has less room than the work takes.
pub(crate) fn check(paths: &Paths, work: Work) -> Result<()> {
    let target = paths.target();
    // Nearest to it what exists already.
    let Some(disk) = target.ancestors().find(|path| path.exists()) else {
        return Ok(());
    };
    let stat = rustix::fs::statvfs(disk)?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let built = paths.tools().join(work.ends_with()).exists();
    lacks(target, free, work.takes_gb(built))
}

fn lacks(target: &Path, free: u64, needed: u64) -> Result<()> {
    let gb = free / 1_000_000_000;
    if gb < needed {
        bail!(
            "{gb} GB are free where {} lies, and this needs {needed} GB\n  \
             free some (cargo clean removes what was built), or set CARGO_TARGET_DIR to a directory on another disk",
            target.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_said_with_what_to_do() {
        let whole = Work::Everything.takes_gb(false);
        let lacks = |gb: u64| lacks(Path::new("target"), gb * 1_000_000_000, whole);
        assert!(lacks(whole).is_ok());
        let said = lacks(whole - 1).unwrap_err().to_string();
        assert!(
            said.starts_with("12 GB are free where target lies, and this needs 13 GB"),
            "{said}"
        );
        assert!(Work::Stack.takes_gb(true) < Work::Stack.takes_gb(false));
        assert!(said.contains("CARGO_TARGET_DIR"), "{said}");
    }
}
