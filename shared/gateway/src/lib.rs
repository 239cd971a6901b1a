//! The gateway, reading: its inventory and the settings an action may change.
//!
//! One folder for each sort of gateway, each a [`domain::ports::Gateway`]:
//!
//! | folder | what |
//! | --- | --- |
//! | [`admin_api`] | the admin API that the sandbox speaks; `wire` is what it sends and takes, and what of it is believed |
//!
//! What is public beside the adapters is for `actuator`, which writes through the same API. Nothing here sends
//! anything but a `GET`.

use outbound::Bounds;

pub mod admin_api;

pub use self::admin_api::AdminApi;

/// Bounds of one request to a gateway.
pub const BOUNDS: Bounds = Bounds {
    connect_ms: 500,
    request_ms: 2_000,
    reply_bytes: 8 * 1024 * 1024,
};
