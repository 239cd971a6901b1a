//! The machine's Pythons.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

/// Which Pythons will do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Any from 3.10 on.
    Any,
    /// The one for which the pins are known to resolve.
    Only313,
}

/// Versions for which the pins are known to have wheels come first.
const NAMES: [&str; 6] = [
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python3",
    "python",
];

/// Fails in a Python that will not do, or that cannot make environments.
const PROBE: &str = "import sys, venv, ensurepip; sys.exit(not (low <= sys.version_info[:2] <= high))";

impl Needs {
    fn probe(self) -> String {
        let (low, high) = match self {
            Self::Any => ("(3, 10)", "(3, 99)"),
            Self::Only313 => ("(3, 13)", "(3, 13)"),
        };
        PROBE.replace("low", low).replace("high", high)
    }

    /// Where it may be: by name on the path, and those that pyenv and uv have installed, whether or not they are on it.
    fn places(self) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = match self {
            Self::Any => NAMES.iter().map(PathBuf::from).collect(),
            Self::Only313 => vec![PathBuf::from("python3.13"), PathBuf::from("python3")],
        };
        if self == Self::Only313 {
            let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
            let pyenv = env::var_os("PYENV_ROOT").map_or(home.join(".pyenv"), PathBuf::from);
            let uv = home.join(".local/share/uv/python");
            for (folder, prefix) in [(pyenv.join("versions"), "3.13"), (uv, "cpython-3.13")] {
                let entries = folder.read_dir().into_iter().flatten().flatten();
                let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
                places.extend(named.map(|entry| entry.path().join("bin/python3.13")));
            }
        }
        places
    }
}

/// A Python that will do and can make environments. It is run, since a name on the path may be a stub.
pub(super) fn find(needs: Needs) -> Result<PathBuf> {
    let probe = needs.probe();
    for place in needs.places() {
        let probed = Command::new(&place).args(["-c", &probe]).output();
        if probed.is_ok_and(|output| output.status.success()) {
            return Ok(place);
        }
    }
    match needs {
        Needs::Any => bail!(
            "no Python from 3.10 on that can make virtual environments was found (tried {})\n  install one: apt \
             install python3 python3-venv, dnf install python3, brew install python, or from \
             https://www.python.org/downloads/",
            NAMES.join(", ")
        ),
        Needs::Only313 => bail!(
            "LocalStack needs Python 3.13, and none that can make virtual environments was found (on the path, of \
             pyenv or of uv)\n  install one: uv python install 3.13, pyenv install 3.13, brew install python@3.13, \
             dnf install python3.13, apt install python3.13-venv, or from https://www.python.org/downloads/"
        ),
    }
}
