//! Who may do what.

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::Method,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};

use super::{ApiError, Author, listener::Peer, refusals::Refusals};
use crate::tls::{Identity, Role};

/// What a role may do, for those who are told that it is not enough.
const fn scope(role: Role) -> &'static str {
    match role {
        Role::Admin => "may do everything",
        Role::Viewer => "may only read",
        Role::Host => "may only use /v1/cluster/hosts/ITS-OWN-NAME/ and read /openapi.json",
        Role::Manager => "only serves, and may ask for nothing",
    }
}

/// Whether somebody may make a request.
fn may(who: &Identity, method: &Method, path: &str) -> bool {
    let reads = [Method::GET, Method::HEAD].contains(method);
    match who.role {
        Role::Admin => true,
        Role::Viewer => reads,
        Role::Host => is_below(path, &who.name) || (reads && path == "/openapi.json"),
        Role::Manager => false,
    }
}

/// True for what is a host's own. Names have no characters that an address writes otherwise: one that is, is none.
fn is_below(path: &str, host: &str) -> bool {
    let rest = path.strip_prefix("/v1/cluster/hosts/").and_then(|rest| rest.strip_prefix(host));
    rest.is_some_and(|rest| rest.starts_with('/'))
}

/// Lets only those pass who may, and tells the handlers who it is.
pub(super) fn guarded(router: Router) -> Router {
    router.layer(from_fn_with_state(Arc::<Refusals>::default(), check))
}

async fn check(
    State(refusals): State<Arc<Refusals>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let refusal = match peer.who {
        Ok(who) if may(&who, request.method(), request.uri().path()) => {
            request.extensions_mut().insert(Author(who.name.clone()));
            request.extensions_mut().insert(who);
            return next.run(request).await;
        }
        Ok(who) => {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            ApiError::Forbidden { scope: scope(who.role), who, method, path }
        }
        Err(reason) => ApiError::Unknown(reason),
    };
    refusals.say(peer.address, &refusal);
    refusal.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_its_place() {
        use Role::{Admin, Host, Manager, Viewer};
        let all = [Admin, Viewer, Host, Manager];
        let rows: &[(&str, &str, &[Role])] = &[
            ("GET", "/v1/networks", &[Admin, Viewer]),
            ("HEAD", "/v1/networks", &[Admin, Viewer]),
            ("GET", "/v1/watch", &[Admin, Viewer]),
            ("GET", "/openapi.json", &[Admin, Viewer, Host]),
            ("GET", "/v1/hosts", &[Admin, Viewer]),
            ("GET", "/v1/cluster/hosts", &[Admin, Viewer]),
            ("GET", "/v1/cluster/bindings", &[Admin, Viewer]),
            ("GET", "/v1/hosts/h1", &[Admin, Viewer]),
            ("GET", "/v1/cluster/hosts/h1/view", &[Admin, Viewer, Host]),
            ("GET", "/v1/cluster/hosts/h2/view", &[Admin, Viewer]),
            ("GET", "/v1/cluster/hosts/h11/view", &[Admin, Viewer]),
            ("POST", "/openapi.json", &[Admin]),
            ("POST", "/v1/networks", &[Admin]),
            ("POST", "/v1/apply", &[Admin]),
            ("PUT", "/v1/ports/p1", &[Admin]),
            ("PATCH", "/v1/switch", &[Admin]),
            ("DELETE", "/v1/ports/p1", &[Admin]),
            ("DELETE", "/v1/hosts/h1", &[Admin]),
            ("POST", "/v1/cluster/hosts/h1/report", &[Admin, Host]),
            ("POST", "/v1/cluster/hosts/h1/claims", &[Admin, Host]),
            ("DELETE", "/v1/cluster/hosts/h1/claims/p1", &[Admin, Host]),
            ("POST", "/v1/cluster/hosts/h2/report", &[Admin]),
            ("POST", "/v1/cluster/hosts/%681/report", &[Admin]),
            ("POST", "/v1/cluster/hosts//report", &[Admin]),
            ("POST", "/v2/cluster/hosts/h1/report", &[Admin]),
        ];
        for (method, path, roles) in rows {
            let method: Method = method.parse().unwrap();
            let who = |role| Identity { role, name: "h1".into() };
            let found: Vec<Role> = all.into_iter().filter(|role| may(&who(*role), &method, path)).collect();
            assert_eq!(found, *roles, "{method} {path}");
        }
    }
}
