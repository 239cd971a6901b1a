//! How well a reasoner answers a labelled set of incidents. `infra/eval/README.md` says where the set comes from.
//!
//! | file | what |
//! | --- | --- |
//! | [`set`] | the incidents: event, gateway, acceptable answers |
//! | [`expected`] | what an acceptable answer is |
//! | [`judge`] | one incident through one reasoner, and through the checks of production |
//! | [`report`] | all of it in numbers |
//! | [`reasoners`] | the reasoners that can be chosen |

pub mod expected;
pub mod judge;
pub mod reasoners;
pub mod report;
pub mod set;
