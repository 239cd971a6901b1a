//! The gateway, reading: its inventory and the settings an action may change.
//!
//! | file | what |
//! | --- | --- |
//! | `admin_api` | the gateway's admin API as a [`domain::ports::Gateway`] |
//! | [`wire`] | what that API sends and takes, and what of it is believed |
//! | [`http`] | one bounded request: time, size, no redirects, no secrets in errors |
//!
//! [`wire`] and [`http`] are public for `actuator`, which writes through the same API. Nothing here sends
//! anything but a `GET`.

mod admin_api;
pub mod http;
pub mod wire;

pub use self::admin_api::AdminApi;
pub use self::http::BadSettings;
