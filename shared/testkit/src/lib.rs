//! Fakes with behaviour, for tests.
