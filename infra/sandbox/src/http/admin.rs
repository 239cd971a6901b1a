//! The admin API, `infra/sandbox/openapi.yaml`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, RawPathParams, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use serde_json::{Value, json};

use super::cut::Peer;
use super::reply;
use crate::core::error::ApiError;
use crate::core::faults::{CallFault, CallFaultMode};
use crate::core::resources::Resource;
use crate::core::world_file::Scope;
use crate::gateway::Gateway;

const INVENTORY: &str = "/admin/v1/inventory";
const HEALTH: &str = "/healthz";

/// Makes a resource of the path's ids, in order.
type Target = fn(&[String]) -> Option<Resource>;

/// Every resource that is read with `GET` and set with `PUT`.
const RESOURCES: [(&str, Target); 6] = [
    ("/admin/v1/providers/{id}/breaker", |ids| {
        Some(Resource::Breaker(ids.first()?.clone()))
    }),
    ("/admin/v1/model-groups/{id}/routes", |ids| {
        Some(Resource::Routes(ids.first()?.clone()))
    }),
    ("/admin/v1/teams/{id}/limits", |ids| {
        Some(Resource::Limits(ids.first()?.clone()))
    }),
    ("/admin/v1/guardrails/{id}", |ids| {
        Some(Resource::Guardrail(ids.first()?.clone()))
    }),
    ("/admin/v1/budgets/{scope}/{id}/hard-cap", |ids| {
        let scope = [Scope::Team, Scope::Org]
            .into_iter()
            .find(|scope| scope.as_str() == ids[0])?;
        Some(Resource::HardCap(scope, ids.get(1)?.clone()))
    }),
    ("/admin/v1/sla-contracts/{id}", |ids| {
        Some(Resource::Sla(ids.first()?.clone()))
    }),
];

/// Every route of the admin API as (method, path template), as the router is built from them.
pub fn admin_routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let resources = RESOURCES
        .into_iter()
        .flat_map(|(path, _)| [("GET", path), ("PUT", path)]);
    [("GET", HEALTH), ("GET", INVENTORY)].into_iter().chain(resources)
}

#[derive(Clone, Copy)]
enum Endpoint {
    Inventory,
    Resource(Target),
}

pub(crate) fn router() -> Router<Arc<Gateway>> {
    let mut router = Router::new()
        .route(HEALTH, get(async || reply::ok(json!({"status": "ok"}))))
        .route(INVENTORY, endpoint(MethodFilter::GET, Endpoint::Inventory));
    for (path, target) in RESOURCES {
        let methods = MethodFilter::GET.or(MethodFilter::PUT);
        router = router.route(path, endpoint(methods, Endpoint::Resource(target)));
    }
    router
}

fn endpoint(methods: MethodFilter, endpoint: Endpoint) -> axum::routing::MethodRouter<Arc<Gateway>> {
    on(
        methods,
        async move |State(gateway): State<Arc<Gateway>>,
                    ConnectInfo(peer): ConnectInfo<Peer>,
                    method: Method,
                    uri: Uri,
                    params: RawPathParams,
                    headers: HeaderMap,
                    body: Bytes| {
            if let Err(error) = authorise(&gateway, &method, &headers) {
                return unauthorised(&error);
            }
            let ids = params.iter().map(|(_, id)| id.to_owned()).collect();
            let call = Call {
                endpoint,
                write: method == Method::PUT,
                path: uri.path().to_owned(),
                ids,
                body,
            };
            let fault = gateway.world().strike(method.as_str(), uri.path());
            struck(fault, &peer, async move { call.carry_out(&gateway) }).await
        },
    )
}

/// A call that may be carried out.
struct Call {
    endpoint: Endpoint,
    write: bool,
    path: String,
    ids: Vec<String>,
    body: Bytes,
}

impl Call {
    fn carry_out(&self, gateway: &Gateway) -> Response {
        match self.result(gateway) {
            Ok(body) => reply::ok(body),
            Err(error) => reply::refuse(&error),
        }
    }

    fn result(&self, gateway: &Gateway) -> Result<Value, ApiError> {
        let now = gateway.clock.now();
        let mut world = gateway.world();
        match self.endpoint {
            Endpoint::Inventory => Ok(json!(world.inventory(now))),
            Endpoint::Resource(target) => {
                let no_such = || ApiError::not_found("resource", &self.path);
                let resource = target(&self.ids).ok_or_else(no_such)?;
                if self.write {
                    world.write(now, &resource, &self.path, &self.body)
                } else {
                    world.read(&resource)
                }
            }
        }
    }
}

/// Carries a call out as the fault that strikes it lets it.
pub(super) async fn struck(
    fault: Option<CallFault>,
    peer: &Peer,
    call: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let Some(fault) = fault else { return call.await };
    let delay = Duration::from_millis(fault.delay_ms.unwrap_or(0));
    match fault.mode {
        CallFaultMode::Error => reply::refuse(&ApiError::new(500, "internal", "a fault was asked for")),
        CallFaultMode::Unavailable => {
            reply::refuse(&ApiError::new(503, "unavailable", "a fault was asked for"))
        }
        CallFaultMode::DelayReply => {
            let response = call.await;
            tokio::time::sleep(delay).await;
            response
        }
        // In a task of its own: a gateway that is slow commits even when the caller has given up.
        CallFaultMode::Delay => {
            let delayed = tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                call.await
            });
            delayed
                .await
                .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        CallFaultMode::DropReplyAfterCommit => {
            let unsent = call.await;
            peer.cut();
            unsent
        }
    }
}

fn authorise(gateway: &Gateway, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    match token {
        Some(token) if token == gateway.write_token => Ok(()),
        Some(token) if token == gateway.read_token => {
            let reads = method == Method::GET || method == Method::HEAD;
            let message = "the read token does not write";
            if reads {
                Ok(())
            } else {
                Err(ApiError::new(403, "forbidden", message))
            }
        }
        _ => Err(ApiError::new(401, "unauthorized", "a bearer token is needed")),
    }
}

fn unauthorised(error: &ApiError) -> Response {
    let mut response = reply::refuse(error);
    if error.status == 401 {
        let challenge = header::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
