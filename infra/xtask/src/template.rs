//! The derived template: `template.yaml` with each function's `CodeUri` set, as `sam build` does, and nothing else.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Result, bail};

/// A function of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name, without the stack's.
    pub(crate) name: String,
    /// The binary that it names in its build properties; two may have the same.
    pub(crate) binary: String,
}

/// The template's functions.
pub(crate) fn functions(template: &str) -> Vec<Function> {
    let after = |line: &str, key: &str| line.trim().strip_prefix(key).map(|name| name.trim().to_owned());
    let lines = template.lines();
    let binaries = lines.clone().filter_map(|line| after(line, "Binary: "));
    let names = lines.filter_map(|line| after(line, "FunctionName: !Sub ${AWS::StackName}-"));
    names
        .zip(binaries)
        .map(|(name, binary)| Function { name, binary })
        .collect()
}

/// The binaries that functions have, each once.
pub(crate) fn binaries(functions: &[Function]) -> Vec<String> {
    let names: BTreeSet<&String> = functions.iter().map(|function| &function.binary).collect();
    names.into_iter().cloned().collect()
}

/// The template with `CodeUri: functions/<binary>` in each function, relative to where it will lie.
///
/// Works on the text, line by line: short-form tags, comments and order stay as they are.
///
/// # Errors
///
/// If a function does not name its binary and, below that, its `CodeUri`; or if there is no function.
pub(crate) fn derive(template: &str) -> Result<String> {
    let mut derived = String::with_capacity(template.len() + 1024);
    let mut resource = "";
    let mut binary = None;
    let mut functions = 0;
    let mut replaced = 0;
    for line in template.lines() {
        let key = line.trim();
        if indent(line) <= 2 && !key.is_empty() && !key.starts_with('#') {
            resource = key.trim_end_matches(':');
            binary = None;
        }
        if line == "    Type: AWS::Serverless::Function" {
            functions += 1;
        }
        if let Some(name) = key.strip_prefix("Binary: ") {
            binary = Some(name.trim());
        }
        if indent(line) == 6 && key.starts_with("CodeUri:") {
            let Some(binary) = binary else {
                bail!("template.yaml: {resource} has no Metadata.BuildProperties.Binary above its CodeUri");
            };
            writeln!(derived, "      CodeUri: functions/{binary}")?;
            replaced += 1;
        } else {
            writeln!(derived, "{line}")?;
        }
    }
    if functions == 0 || replaced != functions {
        bail!("template.yaml has {functions} functions, and {replaced} of them have a CodeUri of their own");
    }
    Ok(derived)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../template.yaml");

    #[test]
    fn every_function_of_the_template_gets_its_code_and_nothing_else_differs() {
        let derived = derive(TEMPLATE).unwrap();
        let code: Vec<&str> = derived
            .lines()
            .filter_map(|line| line.strip_prefix("      CodeUri: functions/"))
            .collect();
        let functions = functions(TEMPLATE);
        let built: Vec<&str> = functions
            .iter()
            .map(|function| function.binary.as_str())
            .collect();
        assert_eq!(code, built);
        assert!(!code.is_empty());
        let named = |name: &str| functions.iter().find(|function| function.name == name);
        assert_eq!(named("outbox").unwrap().binary, "outbox");
        assert_eq!(named("approval-commands").unwrap().binary, "approval-callback");
        assert!(binaries(&functions).len() < functions.len());

        let without = |text: &str| -> Vec<String> {
            text.lines()
                .filter(|line| !line.starts_with("      CodeUri:"))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(without(&derived), without(TEMPLATE));
    }

    #[test]
    fn deriving_twice_is_deriving_once() {
        let derived = derive(TEMPLATE).unwrap();
        assert_eq!(derive(&derived).unwrap(), derived);
    }

    #[test]
    fn a_function_without_a_binary_is_named() {
        let template =
            "Resources:\n  One:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: .\n";
        let error = derive(template).unwrap_err().to_string();
        assert!(error.contains("One has no"), "{error}");
    }
}
