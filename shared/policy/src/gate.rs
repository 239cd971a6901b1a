//! The files of rules: parsed, validated against the schema, and every fault found with its place.

use std::collections::BTreeMap;

use cedar_policy::{
    Effect, Policy, PolicyId, PolicySet, PrincipalConstraint, ResourceConstraint, ValidationMode, Validator,
};
use miette::Diagnostic;

use crate::fault::{MAX_FAULTS, Place, PolicyFault};
use crate::guard;
use crate::rules::{self, CedarRules};

/// The most rules: each is asked for every decision, and those that decide are recorded.
const MAX_RULES: usize = 200;

/// The longest @id, bytes. Ids are recorded.
const MAX_ID: usize = 64;

/// The longest @reason, characters. Reasons are told.
const MAX_REASON: usize = 200;

/// A file of rules.
type File<'a> = (&'a str, &'a str);

/// Reads the files, or says what is wrong with them.
pub(crate) fn read<'a>(files: impl Iterator<Item = File<'a>>) -> Result<CedarRules, Vec<PolicyFault>> {
    let mut reading = Reading::default();
    let mut first = None;
    for file in files {
        first.get_or_insert(file);
        reading.parse(file);
    }
    reading.validate();
    // What could not be parsed might be the rule that is missing.
    if reading.complete {
        reading.somebody_may_approve(first.unwrap_or(("gate.cedar", "")));
    }
    if reading.faults.is_empty() {
        Ok(CedarRules::new(reading.rules))
    } else {
        Err(reading.faults)
    }
}

struct Reading<'a> {
    rules: PolicySet,
    /// Where each rule is: its file and its first byte.
    places: BTreeMap<PolicyId, (File<'a>, usize)>,
    complete: bool,
    faults: Vec<PolicyFault>,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Self {
            rules: PolicySet::new(),
            places: BTreeMap::new(),
            complete: true,
            faults: Vec::new(),
        }
    }
}

impl<'a> Reading<'a> {
    fn parse(&mut self, file: File<'a>) {
        let (name, text) = file;
        if let Some((byte, reason)) = guard::beyond_bounds(text) {
            self.faults.push(PolicyFault::at(name, text, byte, reason));
            self.complete = false;
            return;
        }
        let parsed: PolicySet = match text.parse() {
            Ok(parsed) => parsed,
            Err(errors) => {
                let errors: &cedar_policy::ParseErrors = &errors;
                for error in errors.iter().take(MAX_FAULTS) {
                    self.faults.push(told(error, file, 0));
                }
                self.complete = false;
                return;
            }
        };
        for template in parsed.templates() {
            let byte = template.as_ref().loc().map_or(0, |place| place.start());
            let reason = "a template decides nothing: nothing links it";
            self.faults.push(PolicyFault::at(name, text, byte, reason));
        }
        let mut rules: Vec<(usize, &Policy)> = parsed
            .policies()
            .map(|rule| (rule.as_ref().loc().map_or(0, |place| place.start()), rule))
            .collect();
        rules.sort_by_key(|(byte, _)| *byte);
        for (byte, rule) in rules {
            self.take(file, byte, rule);
        }
    }

    /// Adds one rule under its @id. One without gets another, so that the rest of it is looked at too.
    fn take(&mut self, file: File<'a>, byte: usize, rule: &Policy) {
        let (name, text) = file;
        let mut fault = |reason: String| self.faults.push(PolicyFault::at(name, text, byte, reason));
        let id = rule.annotation("id");
        match id {
            None => fault("the rule has no @id".to_owned()),
            Some(id) if !is_id(id) => fault(format!(
                "@id(\"{id}\") is not an id of 1–{MAX_ID} letters, digits, - and _"
            )),
            Some(_) => {}
        }
        if rule.annotation("reason").is_some_and(|reason| !is_reason(reason)) {
            fault(format!(
                "the @reason is not one line of 1–{MAX_REASON} characters"
            ));
        }
        let place = format!("{name} {byte}");
        let mut unique = PolicyId::new(id.unwrap_or(&place));
        if let Some(((other, other_text), other_byte)) = self.places.get(&unique) {
            let line = Place::of(other_text, *other_byte).line;
            fault(format!(
                "@id(\"{unique}\") is taken by the rule at {other}:{line}"
            ));
            unique = PolicyId::new(place);
        }
        if self.places.len() == MAX_RULES {
            fault(format!("there are more than {MAX_RULES} rules"));
        }
        if self.places.len() >= MAX_RULES {
            self.complete = false;
        } else if self.rules.add(rule.new_id(unique.clone())).is_ok() {
            self.places.insert(unique, (file, byte));
        } else {
            // Cannot be: the id is new and the rule is no template.
            fault("the rule cannot be added".to_owned());
        }
    }

    /// A warning is a fault too: it is how Cedar tells of a rule that can never apply.
    fn validate(&mut self) {
        let validator = Validator::new(rules::schema().clone());
        let result = validator.validate(&self.rules, ValidationMode::Strict);
        let errors = result
            .validation_errors()
            .map(|error| (error.policy_id(), error as &dyn Diagnostic));
        let warnings = result
            .validation_warnings()
            .map(|warning| (warning.policy_id(), warning as &dyn Diagnostic));
        for (id, told_of) in errors.chain(warnings).take(MAX_FAULTS) {
            if let Some((file, byte)) = self.places.get(id) {
                self.faults.push(told(told_of, *file, *byte));
            }
        }
    }

    /// A policy under which nobody can ever approve is a mistake. Only what is certain is looked for: no rule permits
    /// it, or one forbids it to everybody.
    fn somebody_may_approve(&mut self, (name, text): File<'_>) {
        let approves = |rule: &Policy| {
            let schema = rules::schema();
            rule.get_valid_request_envs(schema)
                .any(|env| env.action().id().unescaped() == "approve")
        };
        let mut permitted = false;
        for rule in self.rules.policies().filter(|rule| approves(rule)) {
            match rule.effect() {
                Effect::Permit => permitted = true,
                Effect::Forbid if is_unconditional(rule) => {
                    if let Some(((name, text), byte)) = self.places.get(rule.id()) {
                        let reason = "nobody could ever approve anything: the rule forbids it to everybody";
                        self.faults.push(PolicyFault::at(name, text, *byte, reason));
                    }
                }
                Effect::Forbid => {}
            }
        }
        if !permitted {
            let reason = "nobody could ever approve anything: no rule permits SreAgent::Action::\"approve\"";
            self.faults.push(PolicyFault::at(name, text, 0, reason));
        }
    }
}

/// Whether a rule holds for every operator and every proposal.
fn is_unconditional(rule: &Policy) -> bool {
    let everybody = matches!(
        rule.principal_constraint(),
        PrincipalConstraint::Any | PrincipalConstraint::Is(_)
    );
    let everything = matches!(
        rule.resource_constraint(),
        ResourceConstraint::Any | ResourceConstraint::Is(_)
    );
    everybody && everything && !rule.has_non_scope_constraint()
}

/// A fault that Cedar tells of, at its own place or else at `byte`.
fn told(diagnostic: &(impl Diagnostic + ?Sized), (name, text): File<'_>, byte: usize) -> PolicyFault {
    let labels: Vec<_> = diagnostic.labels().into_iter().flatten().collect();
    let byte = labels.first().map_or(byte, |label| label.offset());
    let mut reason = diagnostic.to_string();
    let hints = labels
        .iter()
        .filter_map(|label| label.label().map(ToOwned::to_owned));
    for hint in hints.chain(diagnostic.help().map(|help| help.to_string())) {
        reason.push_str("; ");
        reason.push_str(&hint);
    }
    PolicyFault::at(name, text, byte, reason)
}

fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=MAX_ID).contains(&text.len()) && text.chars().all(plain)
}

fn is_reason(text: &str) -> bool {
    (1..=MAX_REASON).contains(&text.chars().count()) && !text.chars().any(domain::value::is_dangerous)
}
