//! The environment of a function as a table: what is missing or wrong in it must be named.

use std::fmt::Display;

/// Every variable of a function with a good value.
pub type Table<'a> = &'a [(&'a str, &'a str)];

/// The table with one variable at another value, or without it.
pub fn with<'a>(
    table: Table<'a>,
    name: &'a str,
    value: Option<&'a str>,
) -> impl Fn(&str) -> Option<String> + 'a {
    move |asked| {
        let given = || table.iter().find(|(known, _)| *known == asked);
        let value = if asked == name {
            value
        } else {
            given().map(|(_, value)| *value)
        };
        value.map(str::to_owned)
    }
}

/// The table as it is.
pub fn complete<'a>(table: Table<'a>) -> impl Fn(&str) -> Option<String> + 'a {
    with(table, "", None)
}

/// Without a variable, or with an empty one, reading fails and names it; those of `optional` may be missing.
#[track_caller]
pub fn names_what_is_missing<T, E: Display>(
    table: Table<'_>,
    optional: &[&str],
    read: impl Fn(&dyn Fn(&str) -> Option<String>) -> Result<T, E>,
) {
    for (name, _) in table {
        for value in [None, Some("")] {
            match read(&with(table, name, value)) {
                Ok(_) => assert!(optional.contains(name), "{name} may be missing"),
                Err(problem) => assert_eq!(
                    problem.to_string(),
                    format!("environment variable {name} is not set")
                ),
            }
        }
    }
}

/// With each of these values reading fails and names the variable.
#[track_caller]
pub fn names_what_is_wrong<T, E: Display>(
    table: Table<'_>,
    wrong: Table<'_>,
    read: impl Fn(&dyn Fn(&str) -> Option<String>) -> Result<T, E>,
) {
    for (name, value) in wrong {
        let Err(problem) = read(&with(table, name, Some(value))) else {
            panic!("{name} may be {value}");
        };
        let problem = problem.to_string();
        let named = problem.starts_with(&format!("environment variable {name} "));
        assert!(named, "{problem}");
    }
}
