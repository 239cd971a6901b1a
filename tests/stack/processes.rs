//! The functions' processes: children of the emulator, told apart by the environment that it gives them.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{variable, within};

/// For how long a process does nothing that waits for its next invocation, and not for an answer.
const QUIET: Duration = Duration::from_millis(400);

/// One process of a function of this stack.
struct Process {
    pid: Pid,
    /// The end of the addresses of the Runtime API that hands it its invocations, as `/proc/net/tcp` writes it.
    runtime_api: String,
}

impl Process {
    /// Every process of a function.
    fn of(function: &str) -> Vec<Self> {
        let name = format!("{}-{function}", variable("SRE_AGENT_STACK"));
        let endpoint = variable("AWS_ENDPOINT_URL");
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter_map(|pid| {
            // One that has just ended has no environment any more.
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            let environment = String::from_utf8_lossy(&environment).into_owned();
            let value = |name: &str| {
                let mut lines = environment.split('\0');
                lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            };
            // The endpoint too: another stack on this machine has functions of the same names.
            if value("AWS_LAMBDA_FUNCTION_NAME")? != name || value("AWS_ENDPOINT_URL")? != endpoint {
                return None;
            }
            let port: u16 = value("AWS_LAMBDA_RUNTIME_API")?
                .rsplit_once(':')?
                .1
                .parse()
                .ok()?;
            Some(Self {
                pid: Pid::from_raw(pid)?,
                runtime_api: format!(":{port:04X}"),
            })
        })
        .collect()
    }

    fn signal(&self, signal: Signal) {
        // Fails where it has ended meanwhile.
        let _ = kill_process(self.pid, signal);
    }

    /// Whether it is there, and not only its remains.
    fn runs(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid.as_raw_pid()));
        stat.is_ok_and(|stat| {
            stat.rsplit_once(')')
                .is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
        })
    }

    /// How often its threads were given the processor. It stands still while they all wait.
    fn activity(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid.as_raw_pid()));
        let statuses = tasks.into_iter().flatten().flatten();
        let statuses = statuses.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
        statuses
            .map(|status| {
                let switches = status.lines().filter(|line| line.contains("ctxt_switches:"));
                let counts = switches.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
                counts.sum::<u64>()
            })
            .sum()
    }

    /// Whether its Runtime API has sent it something that it has not read.
    fn is_handed_something(&self) -> bool {
        const ESTABLISHED: &str = "01";
        let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
        sockets.lines().any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, _, remote, state, queues, ..] = fields[..] else {
                return false;
            };
            let unread = queues
                .split_once(':')
                .is_some_and(|(_, unread)| unread.bytes().any(|digit| digit != b'0'));
            remote.ends_with(&self.runtime_api) && state == ESTABLISHED && unread
        })
    }
}

/// A function that is stopped while it waits for work: its next invocation is handed to it, and stays with it.
pub(crate) struct Held {
    function: &'static str,
    processes: Vec<Process>,
}

/// Stops every process of a function that has run before, at a moment when none has anything to do.
pub(crate) async fn hold(function: &'static str) -> Held {
    within(30, &format!("{function} waits for work"), async || {
        let processes = Process::of(function);
        let activity = || processes.iter().map(Process::activity).collect::<Vec<_>>();
        let before = activity();
        tokio::time::sleep(QUIET).await;
        if processes.is_empty() || activity() != before {
            return None;
        }
        for process in &processes {
            process.signal(Signal::STOP);
        }
        Some(Held { function, processes })
    })
    .await
}

impl Held {
    /// Waits until an invocation has been handed over, then kills the process that has it; the others go on.
    pub(crate) async fn kill_at_work(self) {
        let at_work = within(60, &format!("{} is handed work", self.function), async || {
            let at_work: Vec<&Process> = self
                .processes
                .iter()
                .filter(|process| process.is_handed_something())
                .collect();
            (!at_work.is_empty()).then_some(at_work)
        })
        .await;
        kill(self.function, &at_work).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for process in &self.processes {
            process.signal(Signal::CONT);
        }
    }
}

/// Kills every process of a function, whatever it is doing. One of them, at least, must run.
pub(crate) async fn kill_all(function: &str) {
    let processes = Process::of(function);
    assert!(!processes.is_empty(), "{function} does not run");
    kill(function, &processes.iter().collect::<Vec<_>>()).await;
}

async fn kill(function: &str, processes: &[&Process]) {
    for process in processes {
        process.signal(Signal::KILL);
    }
    within(5, &format!("{function} is dead"), async || {
        processes.iter().all(|process| !process.runs()).then_some(())
    })
    .await;
}
