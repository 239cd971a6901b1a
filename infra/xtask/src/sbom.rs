//! `cargo xtask sbom`: for each function, a bill of materials of what its zip holds, as CycloneDX 1.6.
//!
//! It is read from `cargo tree`, which resolves features and targets as the build of that function does. The tools that
//! were tried, cargo-cyclonedx 0.5.9 and cargo-sbom 0.10.0, read `cargo metadata`, and list what no function holds, such
//! as ring. Two runs write the same bytes: no time and no serial number is in them.
//! <https://cyclonedx.org/docs/1.6/json/>

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::build::cargo;
use crate::paths::Paths;
use crate::template;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The functions' architecture, as the template's parameter Architecture
    #[arg(long, value_enum, default_value_t)]
    architecture: Architecture,
}

/// What the functions are built for.
#[derive(Clone, Copy, Default, ValueEnum)]
pub(crate) enum Architecture {
    #[default]
    Arm64,
    #[value(name = "x86_64")]
    X86,
}

impl Architecture {
    fn target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86 => "x86_64-unknown-linux-gnu",
        }
    }
}

/// Writes the bills and prints where they are.
pub(crate) fn run(paths: &Paths, arguments: &Arguments) -> Result<()> {
    for bill in write(paths, arguments.architecture)? {
        println!("{}", paths.shown(&bill));
    }
    Ok(())
}

/// Writes the bills of all functions.
pub(crate) fn write(paths: &Paths, architecture: Architecture) -> Result<Vec<PathBuf>> {
    let read = |file: &str| {
        fs::read_to_string(paths.root.join(file)).with_context(|| format!("reading {file} of the workspace"))
    };
    let sums = checksums(&read("Cargo.lock")?)?;
    let functions = template::binaries(&template::functions(&read("template.yaml")?));
    if functions.is_empty() {
        bail!("template.yaml names no function");
    }
    let compiler = output(std::process::Command::new("rustc").arg("--version"))?;
    let compiler = compiler
        .split(' ')
        .nth(1)
        .context("rustc --version names no version")?;
    let directory = paths.target().join("sbom");
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    let mut written = Vec::new();
    for function in functions {
        let target = architecture.target();
        let tree = output(
            cargo(paths)
                .args(["tree", "--locked", "--package", &function])
                .args(["--edges", "normal,no-proc-macro", "--target", target])
                .args(["--prefix", "depth", "--charset", "ascii", "--format", FORMAT]),
        )?;
        let bill = bill(&tree, &sums, target, compiler).with_context(|| format!("the bill of {function}"))?;
        let file = directory.join(format!("{function}.cdx.json"));
        fs::write(&file, serde_json::to_string_pretty(&bill)? + "\n")
            .with_context(|| format!("writing {}", file.display()))?;
        written.push(file);
    }
    Ok(written)
}

/// What a command prints.
fn output(command: &mut std::process::Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("starting {program}"))?;
    if !output.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A line of the tree, after its depth: the package, its licence, its repository.
const FORMAT: &str = "|{p}|{l}|{r}|";

/// A package by name and version.
type Id = (String, String);

/// The digests of the packages' archives, as the registry and the lock have them.
fn checksums(lock: &str) -> Result<BTreeMap<Id, String>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        checksum: Option<String>,
    }
    let lock: Lock = toml::from_str(lock).context("reading Cargo.lock")?;
    let packages = lock.package.into_iter();
    Ok(packages
        .filter_map(|package| Some(((package.name, package.version), package.checksum?)))
        .collect())
}

/// The bill of the package at the root of a tree.
fn bill(tree: &str, sums: &BTreeMap<Id, String>, target: &str, compiler: &str) -> Result<Value> {
    let mut components = BTreeMap::new();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // The packages from the root down to this line.
    let mut above: Vec<String> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let read = || -> Option<(usize, Id, &str, &str)> {
            let mut fields = line.split('|');
            let depth = fields.next()?.parse().ok()?;
            let mut package = fields.next()?.split(' ');
            let name = package.next()?.to_owned();
            let version = package.next()?.strip_prefix('v')?.to_owned();
            Some((depth, (name, version), fields.next()?, fields.next()?))
        };
        let (depth, id, licence, repository) =
            read().with_context(|| format!("this is no line of cargo tree: {line}"))?;
        if depth > above.len() {
            bail!("cargo tree leaves out a package above {line}");
        }
        let (name, version) = &id;
        let reference = format!("{name}@{version}");
        above.truncate(depth);
        if let Some(parent) = above.last() {
            edges.entry(parent.clone()).or_default().insert(reference.clone());
        }
        above.push(reference.clone());
        edges.entry(reference.clone()).or_default();
        let kind = if depth == 0 { "application" } else { "library" };
        let mut component = json!({ "type": kind, "bom-ref": reference, "name": name, "version": version });
        if !licence.is_empty() {
            // As crates wrote it before SPDX expressions.
            component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
        }
        if !repository.is_empty() {
            component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
        }
        // What has no digest there is not from the registry, where its name may be somebody else's.
        if let Some(sum) = sums.get(&id) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
            component["purl"] = json!(format!("pkg:cargo/{name}@{}", version.replace('+', "%2B")));
        }
        components.entry(reference).or_insert(component);
    }
    let root = above.first().context("cargo tree printed nothing")?.clone();
    let application = components.remove(&root);
    let library = format!("std@{compiler}");
    edges.entry(root).or_default().insert(library.clone());
    edges.entry(library.clone()).or_default();
    let standard = json!({
        "type": "library", "bom-ref": library, "name": "std", "version": compiler,
        "description": "The Rust standard library",
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        "cpe": format!("cpe:2.3:a:rust-lang:rust:{compiler}:*:*:*:*:*:*:*"),
    });
    components.insert(library, standard);
    let dependencies = edges
        .iter()
        .map(|(from, to)| json!({ "ref": from, "dependsOn": to }));
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": application,
            "properties": [{ "name": "cdx:rustc:sbom:target:triple", "value": target }],
        },
        "components": components.values().collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        version = 4
        [[package]]
        name = "outbox"
        version = "0.1.0"
        dependencies = ["toml"]
        [[package]]
        name = "domain"
        version = "0.1.0"
        [[package]]
        name = "toml"
        version = "1.2.2+spec-1.1.0"
        checksum = "aa"
    "#;
    const TREE: &str = "0|outbox v0.1.0 (/home/ada/outbox)|Apache-2.0||\n\
                        1|domain v0.1.0 (/home/ada/domain)|Apache-2.0||\n\
                        2|toml v1.2.2+spec-1.1.0|MIT/Apache-2.0|https://github.com/toml-rs/toml|\n\
                        1|toml v1.2.2+spec-1.1.0|MIT/Apache-2.0|https://github.com/toml-rs/toml| (*)\n";

    #[test]
    fn a_bill_holds_what_the_tree_does_and_nothing_of_this_machine() {
        let bill = bill(
            TREE,
            &checksums(LOCK).unwrap(),
            "aarch64-unknown-linux-gnu",
            "1.95.0",
        )
        .unwrap();
        assert_eq!(bill["metadata"]["component"]["name"], "outbox");
        let names: Vec<&Value> = bill["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["name"])
            .collect();
        assert_eq!(names, ["domain", "std", "toml"]);
        assert_eq!(
            bill["components"][0].get("purl"),
            None,
            "it is not in the registry"
        );
        let toml = &bill["components"][2];
        assert_eq!(toml["purl"], "pkg:cargo/toml@1.2.2%2Bspec-1.1.0");
        assert_eq!(toml["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(toml["hashes"][0]["content"], "aa");
        assert_eq!(
            bill["dependencies"],
            json!([
                { "ref": "domain@0.1.0", "dependsOn": ["toml@1.2.2+spec-1.1.0"] },
                { "ref": "outbox@0.1.0", "dependsOn": ["domain@0.1.0", "std@1.95.0", "toml@1.2.2+spec-1.1.0"] },
                { "ref": "std@1.95.0", "dependsOn": [] },
                { "ref": "toml@1.2.2+spec-1.1.0", "dependsOn": [] },
            ])
        );
        assert!(!bill.to_string().contains("/home"), "{bill}");
    }

    #[test]
    fn what_is_no_tree_makes_no_bill() {
        let sums = BTreeMap::new();
        for (tree, said) in [
            ("", "cargo tree printed nothing"),
            ("error: no such package\n", "this is no line of cargo tree"),
            ("0|outbox 0.1.0||\n", "this is no line of cargo tree"),
            ("0|outbox v0.1.0|||\n2|toml v1.2.2|||\n", "leaves out a package"),
        ] {
            let error = bill(tree, &sums, "target", "1.95.0").unwrap_err();
            assert!(format!("{error:#}").contains(said), "{tree}: {error:#}");
        }
    }
}
