//! The whole system in one process: the real handlers, fakes only for what is outside.

mod contracts;
mod faults;
mod hostile;
mod lifecycle;
mod security;
mod template;
