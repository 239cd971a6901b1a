//! What is measured, a file each.

pub(crate) mod calls;
pub(crate) mod export;
pub(crate) mod instructions;
pub(crate) mod peers;
pub(crate) mod pipeline;
pub(crate) mod replay;
pub(crate) mod start;
pub(crate) mod sweep;
pub(crate) mod warm;
