//! Where things lie: the workspace, and below `target/` everything that a task makes.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Directories of this checkout.
pub(crate) struct Paths {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// Cargo's target directory.
    target: PathBuf,
}

impl Paths {
    pub(crate) fn find() -> Result<Self> {
        let manifest =
            std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
        let root = Path::new(&manifest)
            .ancestors()
            .nth(2)
            .context("infra/xtask lies two directories below the workspace")?
            .to_owned();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(directory) => root.join(directory),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// Everything that is built or installed.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Pinned tools, one virtual environment each.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// Everything of the running stack.
    pub(crate) fn stack(&self) -> PathBuf {
        self.target.join("stack")
    }

    /// One file for each process that a task has started and that may have to be stopped.
    pub(crate) fn processes(&self) -> PathBuf {
        self.stack().join("processes")
    }

    /// Output of a step or of a process of the stack.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.stack().join("logs").join(format!("{name}.log"))
    }

    /// Files of the local stack that belong to the repository.
    pub(crate) fn localstack(&self) -> PathBuf {
        self.root.join("infra").join("localstack")
    }

    /// `path` as a person would type it from the workspace.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// Creates the directories below `target/`.
    pub(crate) fn create(&self) -> Result<()> {
        for directory in [
            self.tools(),
            self.stack(),
            self.processes(),
            self.stack().join("logs"),
        ] {
            std::fs::create_dir_all(&directory)
                .with_context(|| format!("creating {}", directory.display()))?;
        }
        Ok(())
    }
}
