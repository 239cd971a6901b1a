//! Working with the trail: load, decide, append, by name.
//!
//! Every change of the agent's state is that one sentence. Here it is written once, with one bound, one way to meet
//! others who write at the same time, and one way to hold a slow clock to its predecessor's time. What is decided is a
//! pure closure's business.
//!
//! | wants | here |
//! | --- | --- |
//! | to append to a proposal | [`advance`] |
//! | to append to any other stream | [`extend`] |
//! | to say on `guard` what tightens the switches | [`extend_guard`], [`name_forged`] |
//! | to try a whole turn again where somebody was quicker | [`Race`] |
//! | a proposal, the switches of the agent | [`load_proposal`], [`load_control`] |
//! | the last record that holds of a stream that never ends | [`load_end`] |
//! | which streams have records in a span of time | [`walk`] |
//! | what the agent did on the same targets before | [`look_back`], [`actions_on`] |
//! | the slots of an automatic execution | [`admit`] |
//! | to know whether a stream holds, and up to where | [`verify`] |
//! | whole streams, from the trail or from an export | [`history`] |
//!
//! No SDK: everything goes through the port [`domain::ports::Trail`].

mod admission;
mod advance;
mod guard;
pub mod history;
mod load;
mod look_back;
mod race;
pub mod verify;
pub mod walk;

pub use self::admission::admit;
pub use self::advance::{Advanced, Extended, Next, Stream, advance, extend, extend_after};
pub use self::guard::{extend_guard, name_forged};
pub use self::load::{
    End, alarm, fault_of, in_force, load_control, load_end, load_held, load_proposal, read_proposal,
};
pub use self::look_back::{KnownIncidents, actions_on, look_back};
pub use self::race::Race;
