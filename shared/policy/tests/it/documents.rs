//! The rules that the documents show come into force as they stand there.

use policy::{Bundle, Checked};

use crate::world;

const POLICY: &str = include_str!("../../../../infra/docs/policy.md");

/// The default policy with these rules besides, checked.
fn holds(rules: &str) {
    let checked = Checked::new(&world::with("company.cedar", rules).unwrap());
    assert!(checked.is_ok(), "{rules}\n{checked:?}");
}

#[test]
fn the_rules_in_the_documents_come_into_force() {
    let blocks: Vec<&str> = POLICY.split("```cedar\n").skip(1).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        holds(block.split("```").next().unwrap());
    }
}

#[test]
fn every_attribute_of_a_proposal_has_an_example_and_it_comes_into_force() {
    let (_, table) = POLICY.split_once("| of `resource` |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(2)
        // A bar within a cell is escaped.
        .map(|row| row.trim_matches('|').split(" | ").collect())
        .collect();
    for row in &rows {
        let condition = row[2].trim().trim_matches('`').replace("\\|", "|");
        holds(&format!(
            "@id(\"example\")\nforbid (principal, action, resource)\nwhen {{ {condition} }};"
        ));
    }
    let named: String = rows.iter().map(|row| format!("{} {}", row[0], row[1])).collect();
    let bundle = Bundle::builtin();
    let (_, attributes) = bundle.files()[policy::SCHEMA]
        .split_once("entity Proposal = {")
        .unwrap();
    let (attributes, _) = attributes.split_once("};").unwrap();
    let attributes: Vec<&str> = attributes
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim().trim_end_matches('?'))
        .collect();
    assert!(attributes.len() > 10, "{attributes:?}");
    for attribute in attributes {
        assert!(
            named.contains(&format!("`{attribute}`")),
            "{attribute} is not explained"
        );
    }
}
