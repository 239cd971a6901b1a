//! The only crate that can change production, behind a `Permit`.
