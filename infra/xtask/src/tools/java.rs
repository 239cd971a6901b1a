//! Java, which DynamoDB Local runs in.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

/// The oldest Java that DynamoDB Local runs with.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.DownloadingAndRunning.html>
const OLDEST: u32 = 17;

/// The machine's Java: that of `JAVA_HOME`, else the first on the path that is recent enough.
pub(crate) fn java() -> Result<PathBuf> {
    let home = env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found = None;
    for folder in home.into_iter().chain(env::split_paths(&path)) {
        let java = folder.join("java");
        let Ok(output) = Command::new(&java).arg("-version").output() else {
            continue;
        };
        // It says its version on standard error.
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        match major(&text) {
            Some(version) if version >= OLDEST => return Ok(java),
            Some(version) => found = Some(version),
            None => {}
        }
    }
    let found = found.map_or("none was found".to_owned(), |version| {
        format!("only {version} was found")
    });
    bail!(
        "LocalStack needs Java from {OLDEST} on for DynamoDB Local, and {found}\n  install one: apt install \
         openjdk-17-jre-headless, dnf install java-17-openjdk-headless, brew install openjdk@17, or from \
         https://adoptium.net/; or set JAVA_HOME"
    )
}

/// The major version in what `java -version` prints, such as `openjdk version "17.0.15" 2025-04-15`. Before 9, it is the
/// second number.
fn major(text: &str) -> Option<u32> {
    let version = text.split('"').nth(1)?;
    let mut numbers = version.split(['.', '-', '+']).map(str::parse::<u32>);
    match numbers.next()?.ok()? {
        1 => numbers.next()?.ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_java_prints() {
        for (text, version) in [
            (
                "openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime",
                Some(17),
            ),
            ("java version \"1.8.0_402\"", Some(8)),
            ("openjdk version \"21\" 2023-09-19", Some(21)),
            ("openjdk version \"25-ea\" 2025-09-16", Some(25)),
            (
                "The operation couldn’t be completed. Unable to locate a Java Runtime.",
                None,
            ),
            ("", None),
        ] {
            assert_eq!(major(text), version, "{text}");
        }
    }
}
