//! The gateway's wires.

pub(crate) mod admin;
mod callers;
mod cut;
mod reply;
mod slack;
mod workshop;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio::net::TcpListener;

use crate::core::error::ApiError;
use crate::gateway::Gateway;
use cut::{CuttableListener, Peer};

/// Largest body taken: PagerDuty's own limit, 512 KB.
const MAX_BODY: usize = 512 * 1024;

/// Serves the whole API on a listener until `stopped`, and then until the calls under way have ended.
pub(crate) async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = Router::new()
        .merge(admin::router())
        .merge(callers::router())
        .merge(slack::router())
        .merge(workshop::router())
        .fallback(async || reply::refuse(&ApiError::new(404, "not_found", "there is no such path")))
        .method_not_allowed_fallback(async || {
            reply::refuse(&ApiError::new(
                405,
                "method_not_allowed",
                "this path does not take that method",
            ))
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(gateway);
    axum::serve(
        CuttableListener::new(listener),
        app.into_make_service_with_connect_info::<Peer>(),
    )
    .with_graceful_shutdown(stopped)
    .await
}

/// Whether the caller is on this machine.
fn is_local(addr: SocketAddr) -> bool {
    addr.ip().to_canonical().is_loopback()
}
