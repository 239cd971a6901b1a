//! The life of a proposal, through the real handlers.

mod path;
