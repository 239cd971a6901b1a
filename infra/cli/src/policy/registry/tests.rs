//! What is published, and what is shown of it.

use domain::trail::Entry;
use domain::value::OperatorId;
use expect_test::expect;
use testkit::{FrozenClock, MemoryPayloads, MemoryTrail};

use super::*;

/// A directory with the default policy, where one text stands in the place of another.
fn directory(from: &str, to: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in Bundle::builtin().files() {
        fs::write(directory.path().join(name), text.replace(from, to)).unwrap();
    }
    directory
}

/// The default policy with another weight of the night.
fn version(night: u8) -> Bundle {
    let directory = directory("night = 10", &format!("night = {night}"));
    Bundle::read_dir(directory.path()).unwrap()
}

fn ada() -> Actor {
    Actor::Operator {
        id: OperatorId::new("ada").unwrap(),
        name: "Ada".to_owned(),
        channel: "cli".to_owned(),
    }
}

#[derive(Default)]
struct Scene {
    trail: MemoryTrail,
    bucket: MemoryPayloads,
    clock: FrozenClock,
}

impl Scene {
    fn registry(&self) -> Registry<'_> {
        Registry {
            trail: &self.trail,
            bucket: &self.bucket,
            clock: &self.clock,
        }
    }

    async fn publishes(&self, bundle: &Bundle) -> anyhow::Result<String> {
        let mut printed = Vec::new();
        let mut terminal = Terminal::buffer(&mut printed);
        self.registry().publish(bundle, ada(), &mut terminal).await?;
        drop(terminal);
        Ok(String::from_utf8(printed).unwrap())
    }

    /// What is shown, up to the first file.
    async fn shows(&self, hash: Option<Digest>) -> (bool, String) {
        let hash = hash.map(|hash| hash.to_string());
        let (taken, told) = self.looks_at(hash.as_deref()).await;
        (taken.unwrap(), told)
    }

    async fn looks_at(&self, hash: Option<&str>) -> (anyhow::Result<bool>, String) {
        let hash: Option<Hash> = hash.map(|hash| hash.parse().unwrap());
        let mut printed = Vec::new();
        let mut terminal = Terminal::buffer(&mut printed);
        let taken = self.registry().show(hash.as_ref(), None, &mut terminal).await;
        drop(terminal);
        let printed = String::from_utf8(printed).unwrap();
        let (head, _) = printed.split_once("\n--- ").unwrap_or((&printed, ""));
        (taken, head.to_owned())
    }

    async fn control(&self) -> Control {
        load_control(&self.trail).await.unwrap()
    }
}

fn looks(directory: &Path) -> (bool, String) {
    let mut printed = Vec::new();
    let sound = sound(directory, &mut Terminal::buffer(&mut printed)).unwrap();
    (sound.is_some(), String::from_utf8(printed).unwrap())
}

#[test]
fn a_sound_policy_is_told_by_its_hash_and_others_by_their_faults() {
    let told = format!("ok: sha256 {}\n", Bundle::builtin().digest());
    assert_eq!(looks(directory("", "").path()), (true, told));
    let faulty = directory("night = 10", "night = 101");
    fs::write(faulty.path().join("company.cedar"), "permit (all);\u{1b}[2J").unwrap();
    let (sound, told) = looks(faulty.path());
    assert!(!sound);
    expect![[r#"
        company.cedar:1:14: invalid token
        risk.toml:62:9: night: 101 is not within 0–100
    "#]]
    .assert_eq(&told);
    let nowhere = faulty.path().join("nowhere");
    let unread = super::sound(&nowhere, &mut Terminal::unread()).unwrap_err();
    assert_eq!(
        unread.to_string(),
        format!("{} cannot be read", nowhere.display())
    );
    assert_eq!(crate::end::code(&unread), 4);
}

#[tokio::test]
async fn what_is_published_is_stored_recorded_and_in_force() {
    let scene = Scene::default();
    let told = scene.publishes(&version(11)).await.unwrap();
    assert_eq!(told, "in force: record 1 of control says so\n");
    let records = scene.trail.records(&StreamId::Control);
    assert_eq!(
        (records[0].kind.as_str(), &records[0].actor),
        ("policy_published", &ada())
    );
    assert!(scene.bucket.get(&version(11).digest()).await.is_ok());

    let again = scene.publishes(&version(11)).await.unwrap();
    assert_eq!(again, "it is in force already: nothing changed\n");
    assert_eq!(scene.trail.records(&StreamId::Control).len(), 1);

    scene.publishes(&version(12)).await.unwrap();
    let switches = scene.control().await.switches;
    assert_eq!(switches.policy, Some(version(12).digest()));
    assert_eq!(switches.policies_before, [version(11).digest()]);
}

#[tokio::test]
async fn a_pause_that_was_quicker_is_kept() {
    let scene = Scene::default();
    let now = scene.clock.now();
    scene.trail.before_next_append(move |trail| {
        let pause = Control::default().pause("a storm", now).unwrap();
        trail
            .insert(Entry::first(StreamId::Control, now, ada(), &pause, None))
            .unwrap();
    });
    scene.publishes(&version(11)).await.unwrap();
    let records = scene.trail.records(&StreamId::Control);
    let kinds: Vec<&str> = records.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(kinds, ["paused", "policy_published"]);
    let published = ControlFact::read(&records[1]).unwrap();
    assert!(published.switches().paused.is_some());
    domain::trail::verify_chain(&records).unwrap();
}

#[tokio::test]
async fn what_could_not_be_stored_is_not_named() {
    let scene = Scene::default();
    scene.bucket.outages.next(1);
    let problem = scene.publishes(&version(11)).await.unwrap_err();
    assert_eq!(problem.to_string(), "nothing was published");
    assert_eq!(scene.control().await, Control::default());
}

#[tokio::test]
async fn every_policy_that_was_published_can_be_looked_at() {
    let scene = Scene::default();
    let builtin = Bundle::builtin().digest();
    let (taken, told) = scene.shows(None).await;
    assert!(taken);
    assert_eq!(
        told,
        format!("sha256 {builtin}\nbuilt in, and in force: none was published\n")
    );
    scene.publishes(&version(11)).await.unwrap();
    scene.publishes(&version(12)).await.unwrap();
    for (hash, standing) in [
        (None, "published last"),
        (Some(version(12).digest()), "published last"),
        (Some(version(11).digest()), "in force before"),
        (Some(builtin), "built in, and not in force"),
    ] {
        let (taken, told) = scene.shows(hash).await;
        let hash = hash.unwrap_or(version(12).digest());
        assert_eq!((taken, told), (true, format!("sha256 {hash}\n{standing}\n")));
    }
}

#[tokio::test]
async fn a_policy_is_found_by_the_first_digits_of_its_hash() {
    let scene = Scene::default();
    scene.publishes(&version(11)).await.unwrap();
    scene.publishes(&version(12)).await.unwrap();
    for digest in [
        version(11).digest(),
        version(12).digest(),
        Bundle::builtin().digest(),
    ] {
        let (taken, told) = scene
            .looks_at(Some(&digest.to_string()[..12].to_uppercase()))
            .await;
        assert!(taken.unwrap());
        assert!(told.starts_with(&format!("sha256 {digest}\n")), "{told}");
    }
    let unknown = Digest::of(b"unknown").to_string();
    for hash in [&unknown[..8], &unknown] {
        let (refused, told) = scene.looks_at(Some(hash)).await;
        let refused = refused.unwrap_err();
        assert_eq!((told.as_str(), crate::end::code(&refused)), ("", 1));
        assert!(
            refused
                .to_string()
                .starts_with("there is no such policy: none of this stack has the sha256"),
            "{refused}"
        );
    }
    for text in ["", "0123456", "0123456g", &"0".repeat(65)] {
        assert!(text.parse::<Hash>().is_err(), "{text}");
    }
    scene.bucket.outages.next(1);
    let (silent, _) = scene.looks_at(Some(&version(11).digest().to_string())).await;
    assert_eq!(crate::end::code(&silent.unwrap_err()), 4);
}

#[tokio::test]
async fn one_that_this_version_does_not_take_is_shown_with_its_faults() {
    let scene = Scene::default();
    let old = scene.bucket.put(b"{\"files\":{}}").await.unwrap();
    let (taken, told) = scene.shows(Some(old)).await;
    assert!(!taken);
    assert!(told.contains("risk.toml: is missing"), "{told}");

    let mut files: std::collections::BTreeMap<String, String> = Bundle::builtin()
        .files()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.replace("night = 10", "night = 101")))
        .collect();
    files.remove(::policy::SCHEMA);
    let faulty = Bundle::new(files).unwrap();
    scene.bucket.put(faulty.bytes()).await.unwrap();
    let (taken, told) = scene.shows(Some(faulty.digest())).await;
    assert!(!taken);
    assert!(told.contains("does not take it:\nrisk.toml:62:9: "), "{told}");
}

#[tokio::test]
async fn files_that_are_written_out_are_the_policy_and_overwrite_nothing() {
    let scene = Scene::default();
    scene.publishes(&version(11)).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("policy");
    let mut printed = Vec::new();
    let show = async |printed: &mut Vec<u8>| {
        let mut terminal = Terminal::buffer(printed);
        scene.registry().show(None, Some(&target), &mut terminal).await
    };
    assert!(show(&mut printed).await.unwrap());
    assert!(
        String::from_utf8(printed.clone())
            .unwrap()
            .contains("3 files written to ")
    );
    assert_eq!(Bundle::read_dir(&target).unwrap(), version(11));
    fs::remove_file(target.join("gate.cedar")).unwrap();
    let problem = show(&mut printed).await.unwrap_err();
    assert!(
        problem
            .to_string()
            .contains("is there already: nothing was written"),
        "{problem}"
    );
    assert!(!target.join("gate.cedar").exists());
}
