//! Bytes from a bucket that somebody else may have written: refused, and nothing worse.

use policy::{Bundle, Checked, RISK};
use proptest::prelude::*;

use crate::world::{files, with};

fn look(bytes: &[u8]) -> bool {
    Bundle::decode(bytes).is_ok_and(|bundle| Checked::new(&bundle).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_no_policy(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(!look(&bytes));
    }

    #[test]
    fn a_changed_byte_changes_the_hash_and_panics_nowhere(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let bundle = Bundle::builtin();
        let mut bytes = bundle.bytes().to_vec();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        look(&bytes);
        if let Ok(changed) = Bundle::decode(&bytes) {
            prop_assert_ne!(changed.digest(), bundle.digest());
        }
    }

    #[test]
    fn a_cut_or_doubled_part_panics_nowhere(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), which in 0..2, twice in any::<bool>()) {
        let mut files = files();
        let name = [RISK, "gate.cedar"][which as usize];
        let text = files[name].clone();
        let (from, to) = (from.index(text.len()), to.index(text.len()));
        let (from, to) = (text.floor_char_boundary(from.min(to)), text.floor_char_boundary(from.max(to)));
        let part = if twice { text[from..to].repeat(2) } else { String::new() };
        files.insert(name.to_owned(), format!("{}{part}{}", &text[..from], &text[to..]));
        if let Ok(bundle) = Bundle::new(files) {
            let _ = Checked::new(&bundle);
        }
    }

    #[test]
    fn any_text_in_a_file_panics_nowhere(text in "\\PC{0,300}", toml in "[a-z0-9\\[\\]{}=.,\"'\n# -]{0,200}", rules in "[a-z(){}\\[\\];=&|!.\"@ :<?-]{0,200}") {
        for (name, text) in [(RISK, &text), ("gate.cedar", &text), (RISK, &toml), ("gate.cedar", &rules)] {
            let bundle = with(name, text).unwrap();
            prop_assert!(Checked::new(&bundle).is_err() || name != RISK);
        }
    }
}

/// As little stack as a worker of the async runtime has.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn rules_that_nest_or_go_on_overflow_no_stack() {
    let rule =
        |condition: &str| format!("@id(\"x\") forbid (principal, action, resource) when {{ {condition} }};");
    let chain = |unit: &str, number: usize| unit.repeat(number);
    let conditions = [
        chain("(", 100_000),
        chain("[", 100_000),
        chain("!", 1900),
        chain("-", 1900),
        format!("{}1", chain("!(", 50_000)),
        format!("{}true{}", chain("(", 29), chain(")", 29)),
        format!("{}true{}", chain("!!!!(", 29), chain(")", 29)),
        format!("{}true", chain("if true then true else ", 4000)),
        format!("{}true{}", chain("if true then true else (", 14), chain(")", 14)),
        format!("{}true", chain("if true then true else ", 29)),
        format!("true{}", chain(" && true", 900)),
        format!("true{}", chain(" || context.own", 400)),
        format!("1{} < 2", chain(" + 1", 900)),
        format!("1{} < 2", chain(" * 1", 900)),
        format!("context{}", chain(".own", 900)),
        format!("context{}", chain("[\"own\"]", 400)),
        chain("{a: ", 25_000),
        format!("[1{}].contains(1)", chain(", 1", 900)),
        format!("context has a{}", chain(".a", 900)),
        format!("\"{}", chain("(", 100_000)),
        chain("@", 100_000),
        chain("a::", 600),
    ];
    for condition in conditions {
        let text = rule(&condition);
        on_a_small_stack(move || {
            // Whether it is refused depends on what it says; that it is looked at is enough.
            let _ = Checked::new(&with("company.cedar", &text).unwrap());
        });
    }
}

#[test]
fn a_table_that_nests_overflows_no_stack() {
    let texts = [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(60_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("[{}a]", "a.".repeat(100_000)),
        "[[a]]\n".repeat(30_000),
        "a=1\n".repeat(50_000),
        (0..20_000).map(|n| format!("k{n}=1\n")).collect::<String>(),
    ];
    for text in texts {
        on_a_small_stack(move || {
            assert!(Checked::new(&with(RISK, &text).unwrap()).is_err());
        });
    }
}
