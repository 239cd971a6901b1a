//! Processes that a task starts: each in a group of its own and on record, so that all of it can be stopped by this
//! run or, where this one was killed, by the next.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::paths::Paths;
use crate::progress::{Step, last_lines, seconds};

const POLL: Duration = Duration::from_millis(40);
const PATIENCE: Duration = Duration::from_secs(3);

fn patience_s() -> u64 {
    PATIENCE.as_secs()
}

/// A process on record. Its process group has the same number.
#[derive(Serialize, Deserialize)]
pub(crate) struct Process {
    name: String,
    pid: i32,
    /// Whether it ends with the run that started it; what makes up the stack does not.
    #[serde(default)]
    step: bool,
    /// How long it may take to end after it was asked to, s.
    #[serde(default = "patience_s")]
    ends_within_s: u64,
    /// Tells this process from another that was given its number later.
    identity: String,
}

impl Process {
    /// Starts a process of the stack.
    pub(crate) fn start(paths: &Paths, name: &str, command: &mut Command) -> Result<Self> {
        Self::spawn(paths, name, false, command, None).map(|(process, _)| process)
    }

    /// Gives it more or less time than others to end once it is asked to.
    pub(crate) fn ending_within(mut self, paths: &Paths, limit: Duration) -> Result<Self> {
        self.ends_within_s = limit.as_secs();
        self.keep(paths)?;
        Ok(self)
    }

    /// Starts a process whose output goes to its log, its standard output to a file of its own where one is given,
    /// and puts it on record.
    fn spawn(
        paths: &Paths,
        name: &str,
        step: bool,
        command: &mut Command,
        stdout: Option<File>,
    ) -> Result<(Self, Child)> {
        let log = File::create(paths.log(name)).with_context(|| format!("creating the log of {name}"))?;
        command
            .stdin(Stdio::null())
            .stdout(stdout.unwrap_or(log.try_clone()?))
            .stderr(log)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("starting {name}: {}", command.get_program().to_string_lossy()))?;
        let pid = i32::try_from(child.id())?;
        let process = Self {
            name: name.to_owned(),
            pid,
            step,
            ends_within_s: patience_s(),
            identity: identity(pid).unwrap_or_default(),
        };
        process.keep(paths)?;
        Ok((process, child))
    }

    /// Puts it on record.
    fn keep(&self, paths: &Paths) -> Result<()> {
        let whole = self.record(paths).with_extension("partial");
        fs::write(&whole, serde_json::to_vec(self)?)?;
        fs::rename(&whole, self.record(paths))?;
        Ok(())
    }

    /// Every process on record.
    pub(crate) fn recorded(paths: &Paths) -> Result<Vec<Self>> {
        let Ok(entries) = fs::read_dir(paths.processes()) else {
            return Ok(Vec::new());
        };
        let mut processes = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let record = fs::read(&path)?;
                let process = serde_json::from_slice(&record).with_context(|| {
                    format!(
                        "{} is no record of a process: stop what it names and remove it",
                        path.display()
                    )
                })?;
                processes.push(process);
            }
        }
        Ok(processes)
    }

    /// The process of that name, if it is on record and runs.
    pub(crate) fn running(paths: &Paths, name: &str) -> Result<Option<Self>> {
        Ok(Self::recorded(paths)?
            .into_iter()
            .find(|process| process.name == name && process.runs()))
    }

    /// Whether the very process on record still runs.
    pub(crate) fn runs(&self) -> bool {
        identity(self.pid).is_some_and(|identity| identity == self.identity)
    }

    /// Whether any process is left in the group, the one on record or a child of it.
    fn group_runs(&self) -> bool {
        // A number is not given away while a group of that number exists: a leader with another identity means that
        // the whole group is gone.
        match identity(self.pid) {
            Some(identity) if identity != self.identity => false,
            _ => members(self.pid).is_ok_and(|members| !members.is_empty()),
        }
    }

    /// Asks the group to end, then ends it, and checks that it has ended.
    pub(crate) async fn stop(self, paths: &Paths) -> Result<()> {
        let ends_within = Duration::from_secs(self.ends_within_s);
        for (signal, patience) in [(Signal::TERM, ends_within), (Signal::KILL, PATIENCE)] {
            if !self.group_runs() {
                break;
            }
            self.signal(signal);
            let asked = Instant::now();
            while self.group_runs() && asked.elapsed() < patience {
                tokio::time::sleep(POLL).await;
            }
        }
        if self.group_runs() {
            bail!(
                "{} (process group {}) does not end; look at it with: ps -o pid,stat,args -g {0}",
                self.name,
                self.pid
            );
        }
        self.forget(paths)
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            // Fails where the group has just ended, which is what is wanted.
            let _ = kill_process_group(pid, signal);
        }
    }

    fn forget(&self, paths: &Paths) -> Result<()> {
        match fs::remove_file(self.record(paths)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn record(&self, paths: &Paths) -> PathBuf {
        paths.processes().join(format!("{}.json", self.name))
    }
}

/// Stops whatever is on record.
pub(crate) async fn stop_all(paths: &Paths) -> Result<usize> {
    let mut stopped = 0;
    for process in Process::recorded(paths)? {
        if process.group_runs() {
            stopped += 1;
        }
        process.stop(paths).await?;
    }
    Ok(stopped)
}

/// Stops the steps on record: where they belong to another run, that one was killed.
pub(crate) async fn stop_steps(paths: &Paths) -> Result<()> {
    for process in Process::recorded(paths)?
        .into_iter()
        .filter(|process| process.step)
    {
        process.stop(paths).await?;
    }
    Ok(())
}

/// A command that runs to its end, with progress meanwhile.
pub(crate) struct Run<'a> {
    /// Names its log and its record.
    pub(crate) name: &'a str,
    /// What it does, for people.
    pub(crate) label: &'a str,
    /// What to do where it fails.
    pub(crate) remedy: &'a str,
    /// The longest it may take.
    pub(crate) limit: Duration,
    /// Where its standard output goes, if not to its log.
    pub(crate) stdout: Option<PathBuf>,
}

impl Run<'_> {
    /// Runs the command; a failure shows the end of its log and the remedy.
    pub(crate) async fn run(&self, paths: &Paths, command: &mut Command) -> Result<()> {
        let (status, step) = self.attempt(paths, command).await?;
        if status.success() {
            step.done();
            return Ok(());
        }
        step.failed();
        for line in last_lines(&paths.log(self.name), 25) {
            eprintln!("  | {line}");
        }
        let log = paths.shown(&paths.log(self.name));
        bail!(
            "{} failed ({status}); its whole output is in {log}\n  {}",
            self.label,
            self.remedy
        )
    }

    /// Runs the command and leaves the judgement to the caller.
    pub(crate) async fn attempt(&self, paths: &Paths, command: &mut Command) -> Result<(ExitStatus, Step)> {
        let mut step = Step::begin(self.label);
        let stdout = self.stdout.as_ref().map(File::create).transpose()?;
        let (process, mut child) = Process::spawn(paths, self.name, true, command, stdout)?;
        let group = Group { process, paths };
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if began.elapsed() > self.limit {
                step.failed();
                let log = paths.shown(&paths.log(self.name));
                bail!(
                    "{} did not end within {}; its output is in {log}\n  {}",
                    self.label,
                    seconds(self.limit),
                    self.remedy
                );
            }
            step.heartbeat(|| {
                last_lines(&paths.log(self.name), 1)
                    .pop()
                    .map(|line| shortened(&line))
            });
            tokio::time::sleep(POLL).await;
        };
        drop(group);
        Ok((status, step))
    }
}

/// Ends a step's whole group when the step ends, however it does: what it started ends with it.
struct Group<'a> {
    process: Process,
    paths: &'a Paths,
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if self.process.group_runs() {
            self.process.signal(Signal::TERM);
            let asked = Instant::now();
            while self.process.group_runs() && asked.elapsed() < PATIENCE {
                std::thread::sleep(POLL);
            }
            self.process.signal(Signal::KILL);
        }
        let _ = self.process.forget(self.paths);
    }
}

fn shortened(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(90) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// What tells a process from a later one of the same number: when it began, since which start of the machine.
/// `None` where there is no such process, or only its remains.
fn identity(pid: i32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, fields) = after_name(&stat)?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        (state != "Z").then(|| format!("{} {}", boot.trim(), fields.get(18).copied().unwrap_or_default()))
    } else {
        let output = Command::new("ps")
            .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let (state, began) = text.split_once(' ')?;
        (!state.starts_with('Z')).then(|| began.trim().to_owned())
    }
}

/// The processes of a group, without those that have ended and only wait to be collected: where nobody collects
/// orphans, as in many containers, they stay for ever.
fn members(group: i32) -> Result<Vec<i32>> {
    let mut members = Vec::new();
    if Path::new("/proc/self/stat").exists() {
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<i32>().ok())
            else {
                continue;
            };
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
                continue;
            };
            let Some((state, fields)) = after_name(&stat) else {
                continue;
            };
            if state != "Z" && fields.get(1).is_some_and(|field| *field == group.to_string()) {
                members.push(pid);
            }
        }
    } else {
        let output = Command::new("ps")
            .args(["-A", "-o", "pid=,pgid=,stat="])
            .output()
            .context("running ps")?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if let [pid, pgid, state] = fields[..]
                && pgid == group.to_string()
                && !state.starts_with('Z')
            {
                members.push(pid.parse()?);
            }
        }
    }
    Ok(members)
}

/// The state and what follows it in `/proc/<pid>/stat`, whose second field is a name that may hold anything.
fn after_name(stat: &str) -> Option<(&str, Vec<&str>)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some((fields.next()?, fields.collect()))
}
