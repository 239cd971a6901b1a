//! What is kept in the repository, and compared with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Counts by their names: those that may move a little.
pub(crate) type Counts = BTreeMap<String, f64>;

/// How far a count is from what is kept, of a hundred.
pub(crate) fn moved(count: f64, kept: f64) -> f64 {
    (count / kept - 1.0) * 100.0
}

/// What is done with counts that are kept in the repository.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keeping<'a> {
    /// Nothing: they are shown.
    Show,
    /// They must be as they are kept in this folder.
    Check(&'a Path),
    /// They are kept in this folder from now on.
    Update(&'a Path),
}

impl Keeping<'_> {
    /// Does it with one file.
    pub(crate) fn keep(self, name: &str, text: &str) -> Result<()> {
        match self {
            Keeping::Show => Ok(()),
            Keeping::Update(folder) => {
                let file = folder.join(name);
                fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))
            }
            Keeping::Check(folder) => {
                let file = folder.join(name);
                let kept = fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read", file.display()))?;
                if kept == text {
                    return Ok(());
                }
                let gone = kept.lines().filter(|line| !text.lines().any(|now| now == *line));
                let new = text.lines().filter(|line| !kept.lines().any(|was| was == *line));
                let gone: Vec<String> = gone.map(|line| format!("- {line}")).collect();
                let new: Vec<String> = new.map(|line| format!("+ {line}")).collect();
                bail!(
                    "it is not what {} keeps:\n{}\n{}\n  if it is meant: `cargo xtask bench calls --tests --update`",
                    file.display(),
                    gone.join("\n"),
                    new.join("\n")
                )
            }
        }
    }

    /// The counts that are kept in a file. `None` where nothing is to be compared with.
    pub(crate) fn counts(self, name: &str) -> Result<Option<Counts>> {
        match self {
            Keeping::Check(folder) if folder.join(name).is_file() => read(&folder.join(name)).map(Some),
            Keeping::Check(_) | Keeping::Show | Keeping::Update(_) => Ok(None),
        }
    }

    /// The same as [`Keeping::keep`] with counts that may move by `tolerance` of a hundred.
    pub(crate) fn keep_counts(self, name: &str, counts: &Counts, tolerance: f64, part: &str) -> Result<()> {
        if let Keeping::Update(folder) = self {
            let lines = counts
                .iter()
                .map(|(what, count)| format!("{count:>14}  {what}\n"));
            let file = folder.join(name);
            return fs::write(&file, lines.collect::<String>())
                .with_context(|| format!("{} cannot be written", file.display()));
        }
        let Keeping::Check(folder) = self else {
            return Ok(());
        };
        let kept = read(&folder.join(name))?;
        let mut complaints = Vec::new();
        for what in kept.keys().filter(|what| !counts.contains_key(*what)) {
            complaints.push(format!("{what} is kept, and was not counted"));
        }
        for (what, count) in counts {
            match kept.get(what) {
                None => complaints.push(format!("{what} is not kept")),
                Some(kept) => {
                    let moved = moved(*count, *kept);
                    // What was nothing and is something has moved without end.
                    if *count != *kept && (!moved.is_finite() || moved.abs() > tolerance) {
                        complaints.push(format!(
                            "{what} moved by {moved:+.1} %: {kept} is kept, and it is {count}"
                        ));
                    }
                }
            }
        }
        if complaints.is_empty() {
            return Ok(());
        }
        bail!(
            "{}\n  if it is meant: `cargo xtask bench {part} --tests --update`",
            complaints.join("\n")
        )
    }
}

fn read(file: &Path) -> Result<Counts> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let lines = text.lines().map(|line| {
        let (count, name) = line.trim().split_once("  ").context("no count")?;
        Ok((name.to_owned(), count.parse()?))
    });
    lines
        .collect::<Result<_>>()
        .with_context(|| format!("{} holds something else", file.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::{Counts, Keeping};

    fn counts(all: &[(&str, f64)]) -> Counts {
        all.iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    #[test]
    fn counts_may_move_by_as_much_as_is_said_and_each_that_moved_more_is_named() {
        let folder = TempDir::new().unwrap();
        let kept = counts(&[
            ("reads", 99.5),
            ("signatures", 2.0),
            ("nothing", 0.0),
            ("gone", 1.0),
        ]);
        let keep = Keeping::Update(folder.path());
        keep.keep_counts("units.txt", &kept, 5.0, "calls").unwrap();
        let check = Keeping::Check(folder.path());
        assert_eq!(check.counts("units.txt").unwrap(), Some(kept.clone()));
        check.keep_counts("units.txt", &kept, 0.0, "calls").unwrap();

        let now = counts(&[
            ("reads", 97.0),
            ("signatures", 3.0),
            ("nothing", 0.5),
            ("new", 1.0),
        ]);
        let err = check
            .keep_counts("units.txt", &now, 5.0, "calls")
            .unwrap_err()
            .to_string();
        assert!(!err.contains("reads"), "{err}");
        for complaint in [
            "gone is kept, and was not counted",
            "new is not kept",
            "signatures moved by +50.0 %: 2 is kept, and it is 3",
            "nothing moved by +inf %: 0 is kept, and it is 0.5",
            "if it is meant: `cargo xtask bench calls --tests --update`",
        ] {
            assert!(err.contains(complaint), "{err}");
        }
    }

    #[test]
    fn where_nothing_is_kept_no_comparison_passes_and_a_file_of_something_else_is_an_error() {
        let folder = TempDir::new().unwrap();
        let check = Keeping::Check(folder.path());
        assert_eq!(check.counts("units.txt").unwrap(), None);
        let err = check
            .keep_counts("units.txt", &counts(&[]), 5.0, "calls")
            .unwrap_err();
        assert!(err.to_string().ends_with("units.txt cannot be read"), "{err}");
        fs::write(folder.path().join("units.txt"), "many  reads\n").unwrap();
        let err = check.counts("units.txt").unwrap_err().to_string();
        assert!(err.ends_with("units.txt holds something else"), "{err}");
    }
}
