//! Reading the gateway: inventory, health, limits, budgets. It also holds what the writing half shares with it:
//! the connection and the shapes on the wire. Nothing here changes anything.

mod admin_api;
mod http;
pub mod wire;

pub use self::admin_api::AdminApi;
pub use self::http::{BadUrl, Connection, RequestError};
