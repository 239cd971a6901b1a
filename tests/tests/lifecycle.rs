//! The life of a proposal, through the real handlers.

mod actions;
mod again;
mod alarmed;
mod automatic;
mod days;
mod decisions;
mod evidence;
mod path;
mod pauses;
mod refusals;
mod reported;
mod switches;
mod table;
mod targets;
mod threshold;
mod told;
mod tolerated;
mod undo;

use expect_test::Expect;
use tests::World;

/// Compares the whole trail with a story.
pub(crate) async fn tells(world: &World, story: Expect) {
    story.assert_eq(&world.story().await);
}
