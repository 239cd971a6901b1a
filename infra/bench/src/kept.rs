//! What is kept in the repository, and compared with.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

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
}
