//! Where policies are published: their bucket, and `control`, which says which one is in force.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Display;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use ::policy::{Bundle, Checked, Faults};
use anyhow::{Context as _, anyhow, bail};
use domain::ports::{Clock, Payloads, Trail, TrailError};
use domain::trail::{Actor, Control, ControlFact, Fact as _, Record, StreamId};
use domain::value::Digest;
use trail::{Extended, Next, Stream, extend, load_control, load_held};

use crate::end::Ended;
use crate::policy::Hash;
use crate::print::{Terminal, count};
use crate::switches::{UNSIGNED, signable};

/// A directory's policy, told as sound or with everything that is wrong with it.
pub(crate) fn sound(directory: &Path, terminal: &mut Terminal<'_>) -> anyhow::Result<Option<Bundle>> {
    let checked = read(directory)?.and_then(|bundle| Checked::new(&bundle).map(|_| bundle));
    match checked {
        Ok(bundle) => {
            terminal.line(&format!("ok: sha256 {}", bundle.digest()))?;
            Ok(Some(bundle))
        }
        Err(faults) => {
            tell(&faults, terminal)?;
            Ok(None)
        }
    }
}

/// A directory's policy, or what is wrong with it. That the directory or a file of it cannot be read is no fault of a policy.
pub(crate) fn read(directory: &Path) -> anyhow::Result<Result<Bundle, Faults>> {
    let unread = |path: &Path| format!("{} cannot be read", path.display());
    for entry in fs::read_dir(directory).with_context(|| unread(directory))? {
        let path = entry.with_context(|| unread(directory))?.path();
        if path.is_file() {
            fs::File::open(&path).with_context(|| unread(&path))?;
        }
    }
    Ok(Bundle::read_dir(directory))
}

fn tell(faults: &Faults, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
    for fault in faults.iter() {
        terminal.fault(&fault.to_string())?;
    }
    Ok(())
}

/// The deployed agent's policies.
pub(super) struct Registry<'a> {
    pub(super) trail: &'a dyn Trail,
    pub(super) bucket: &'a dyn Payloads,
    pub(super) clock: &'a dyn Clock,
}

impl Registry<'_> {
    /// Puts a policy in force that was checked. First it is stored: `control` must name none that cannot be had.
    pub(super) async fn publish(
        &self,
        bundle: &Bundle,
        actor: Actor,
        terminal: &mut Terminal<'_>,
    ) -> anyhow::Result<()> {
        let stored = self.bucket.put(bundle.bytes()).await;
        let hash = stored.context("nothing was published")?;
        let guard = signable(self.trail)
            .await
            .context("the policy is stored, and not in force")?;
        // Of before signatures: publishing it again signs it.
        let signed = load_control(self.trail).await?.switches.unverified.is_none();
        let stream = Stream::endless(StreamId::Control, actor);
        // A switch that somebody else changes meanwhile is kept.
        let publishes = |last: &[Record], _| {
            let control = Control::read(last.last())?.guarded(guard.held.as_ref())?;
            let control = match signed {
                true => control,
                false => control.unverified("nobody signed it"),
            };
            Ok(match control.publish(hash) {
                Some(fact) => Next::<_, Infallible>::Append(fact),
                None => Next::Nothing,
            })
        };
        match extend(self.trail, self.clock, &stream, publishes).await {
            Ok(Extended::Appended { record, .. }) => {
                terminal.line(&format!("in force: record {} of control says so", record.seq))?;
                Ok(())
            }
            Ok(Extended::Nothing) => {
                terminal.line("it is in force already: nothing changed")?;
                Ok(())
            }
            Ok(Extended::Refused(never)) => match never {},
            Err(err @ TrailError::Unsigned { .. }) => Err(err)
                .context("the policy is stored, and not in force")
                .context(UNSIGNED),
            Err(TrailError::Outrun(_)) => {
                bail!("the policy is stored, and not in force: others kept writing to control. Try again")
            }
            Err(err) => Err(err).context(Ended::Unclear(
                "the policy is stored; whether it is in force is not known: sre-agent policy show tells"
                    .to_owned(),
            )),
        }
    }

    /// Shows a policy, the one in force where none is named. False where this version would not take it.
    pub(super) async fn show(
        &self,
        hash: Option<&Hash>,
        files: Option<&Path>,
        terminal: &mut Terminal<'_>,
    ) -> anyhow::Result<bool> {
        let control = load_control(self.trail).await?;
        let builtin = Bundle::builtin();
        let hash = match hash {
            Some(hash) => self.named(hash, builtin.digest()).await?,
            None => control.switches.policy.unwrap_or(builtin.digest()),
        };
        let stored = match hash == builtin.digest() {
            true => None,
            false => Some(self.bucket.get(&hash).await?.ok_or_else(|| no_such(hash))?),
        };
        terminal.line(&format!("sha256 {hash}"))?;
        terminal.line(standing(&control, hash, builtin.digest()))?;
        let bundle = match stored.map(|bytes| Bundle::decode(&bytes)) {
            None => builtin,
            Some(Ok(bundle)) => bundle,
            Some(Err(faults)) => {
                tell(&faults, terminal)?;
                return Ok(false);
            }
        };
        let taken = match Checked::new(&bundle) {
            Ok(_) => true,
            Err(faults) => {
                terminal.fault("this version of the agent does not take it:")?;
                tell(&faults, terminal)?;
                false
            }
        };
        match files {
            Some(directory) => {
                write(&bundle, directory)?;
                let written = count(bundle.files().len(), "file");
                terminal.line(&format!("{written} written to {}", directory.display()))?;
            }
            None => print(&bundle, terminal)?,
        }
        Ok(taken)
    }
}

impl Registry<'_> {
    /// The policy that is meant: a whole hash is itself, the beginning of one that of a policy that was ever in force.
    async fn named(&self, hash: &Hash, builtin: Digest) -> anyhow::Result<Digest> {
        if let Some(whole) = hash.whole() {
            return Ok(whole);
        }
        let mut known = BTreeSet::from([builtin]);
        for record in load_held(self.trail, &StreamId::Control).await? {
            known.extend(ControlFact::read(&record)?.switches().policy);
        }
        known.retain(|digest| hash.is_of(digest));
        match known.iter().collect::<Vec<_>>().as_slice() {
            [] => Err(no_such(hash)),
            [one] => Ok(**one),
            several => bail!(
                "several policies begin with {hash}: {}",
                several
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        }
    }
}

fn no_such(hash: impl Display) -> anyhow::Error {
    anyhow!(
        "there is no such policy: none of this stack has the sha256 {hash}; sre-agent trail control tells which there were"
    )
}

/// How a policy stands to the agent.
fn standing(control: &Control, hash: Digest, builtin: Digest) -> &'static str {
    let switches = &control.switches;
    match switches.policy {
        Some(published) if published == hash => "published last",
        None if hash == builtin => "built in, and in force: none was published",
        Some(_) | None if switches.policies_before.contains(&hash) => "in force before",
        Some(_) | None if hash == builtin => "built in, and not in force",
        Some(_) | None => "not in force",
    }
}

fn print(bundle: &Bundle, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
    for (name, text) in bundle.files() {
        terminal.line("")?;
        terminal.line(&format!("--- {name}"))?;
        for line in text.lines() {
            terminal.line(line)?;
        }
    }
    Ok(())
}

/// Writes the files out, all of them or none.
fn write(bundle: &Bundle, directory: &Path) -> anyhow::Result<()> {
    let shown = directory.display();
    fs::create_dir_all(directory).with_context(|| format!("{shown} cannot be made"))?;
    for name in bundle.files().into_keys() {
        let path = directory.join(name);
        if path.symlink_metadata().is_ok() {
            bail!("{} is there already: nothing was written", path.display());
        }
    }
    for (name, text) in bundle.files() {
        let path = directory.join(name);
        let file = fs::File::create_new(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
