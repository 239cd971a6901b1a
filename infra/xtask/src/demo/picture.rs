//! The page as a browser shows it, where there is one.

use std::env;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::paths::Paths;
use crate::processes::Run;

/// A telephone's screen, points.
const SIZE: &str = "390,1600";

/// The names of Chromium in the distributions.
const BROWSERS: [&str; 2] = ["chromium", "chromium-browser"];

/// Keeps a picture of a page beside the stack's files; says so where there is no browser.
pub(super) async fn take(paths: &Paths, page: &str) -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    let browser = BROWSERS
        .iter()
        .find(|name| folders.iter().any(|folder| folder.join(name).is_file()));
    let Some(browser) = browser else {
        println!("picture   none: there is no Chromium (Debian: apt-get install chromium)");
        return Ok(());
    };
    let picture = paths.stack().join("page.png");
    if picture.exists() {
        std::fs::remove_file(&picture)?;
    }
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-proxy-server",
        ])
        .arg(format!(
            "--user-data-dir={}",
            paths.stack().join("browser").display()
        ))
        .arg(format!("--window-size={SIZE}"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(page);
    let run = Run {
        name: "browser",
        label: "looking at the page in Chromium",
        remedy: "open the link in a browser",
        limit: Duration::from_secs(60),
        stdout: None,
    };
    run.run(paths, &mut command).await?;
    ensure!(picture.is_file(), "Chromium kept no picture of the page");
    println!("picture   {}", paths.shown(&picture));
    Ok(())
}
