//! The whole system in one process: the real handlers, fakes only for what is outside.

mod authority;
mod contracts;
mod faults;
mod hostile;
mod house;
mod lifecycle;
mod reasoning;
mod security;
mod supply;
mod telling;
mod template;
