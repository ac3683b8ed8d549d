//! The collections of objects: one set of handlers a kind, all of them alike.

use axum::{Json, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    author::Writer,
    extract::{Body, Name, Params, Refused, RemoveParams, WriteParams},
    object::{self, Written},
};
use crate::{
    api::{ChangeSet, ObjectList},
    model::{Document, Group, Host, Kind, Network, Policy, Port, Route, Router, Rule, Uplink},
};

/// Routes of all collections.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    router::routes()
        .merge(network::routes())
        .merge(host::routes())
        .merge(port::routes())
        .merge(uplink::routes())
        .merge(route::routes())
        .merge(group::routes())
        .merge(policy::routes())
        .merge(rule::routes())
}

/// The handlers of a kind. The description of the API wants every path with words of its own, so
/// they are written out for each kind, by this macro; what they do is in [`object`].
macro_rules! collection {
    ($module:ident, $kind:ident, [$article:literal, $one:literal, $many:literal], $list:literal, $all:literal, $name:literal, $about:literal) => {
        mod $module {
            use super::*;

            pub(super) fn routes() -> OpenApiRouter<Manager> {
                OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, replace, patch, remove))
            }

            #[utoipa::path(get, path = $all, operation_id = $list,
                tag = $many, summary = concat!("Lists ", $many, "."), responses(
                (status = 200, description = concat!("All ", $many, "."), body = ObjectList),
                Refused,
            ))]
            async fn list(State(manager): State<Manager>) -> Result<Json<ObjectList>, ApiError> {
                object::list(manager, Kind::$kind).await
            }

            #[utoipa::path(post, path = $all, operation_id = concat!("create", stringify!($kind)),
                tag = $many, summary = concat!("Creates ", $article, " ", $one, "."),
                request_body = $kind, params(WriteParams), responses(
                (status = 200, description = "It was not created, as only a dry run was wanted.", body = ChangeSet),
                (status = 201, description = "It was created.", body = ChangeSet),
                Refused,
            ))]
            async fn create(
                Writer(manager): Writer,
                Params(params): Params<WriteParams>,
                body: Body,
            ) -> Result<(StatusCode, Json<ChangeSet>), ApiError> {
                object::create(manager, Kind::$kind, params, body).await
            }

            #[utoipa::path(get, path = $name, operation_id = concat!("show", stringify!($kind)),
                tag = $many, summary = concat!("Shows ", $article, " ", $one, "."),
                params(("name" = String, Path, description = $about)), responses(
                (status = 200, description = concat!("The ", $one, "."), body = Document),
                Refused,
            ))]
            async fn show(State(manager): State<Manager>, Name(name): Name) -> Result<Json<Document>, ApiError> {
                object::show(manager, object::id(Kind::$kind, name)).await
            }

            #[utoipa::path(put, path = $name, operation_id = concat!("replace", stringify!($kind)),
                tag = $many,
                summary = concat!("Creates ", $article, " ", $one, ", or replaces it as a whole."),
                request_body = $kind,
                params(("name" = String, Path, description = $about), WriteParams), responses(
                (status = 200, description = "It is as it was sent.", body = ChangeSet),
                Refused,
            ))]
            async fn replace(
                Writer(manager): Writer,
                Name(name): Name,
                Params(params): Params<WriteParams>,
                body: Body,
            ) -> Written {
                object::replace(manager, object::id(Kind::$kind, name), params, body).await
            }

            #[utoipa::path(patch, path = $name, operation_id = concat!("patch", stringify!($kind)),
                tag = $many,
                summary = concat!("Changes fields of ", $article, " ", $one, " by a JSON merge patch (RFC 7396)."),
                request_body(content = Object, description = "Fields with their new values; null takes a field away."),
                params(("name" = String, Path, description = $about), WriteParams), responses(
                (status = 200, description = "It was changed.", body = ChangeSet),
                Refused,
            ))]
            async fn patch(
                Writer(manager): Writer,
                Name(name): Name,
                Params(params): Params<WriteParams>,
                body: Body,
            ) -> Written {
                object::patch(manager, object::id(Kind::$kind, name), params, body).await
            }

            #[utoipa::path(delete, path = $name, operation_id = concat!("remove", stringify!($kind)),
                tag = $many, summary = concat!("Removes ", $article, " ", $one, "."),
                params(("name" = String, Path, description = $about), RemoveParams), responses(
                (status = 200, description = "It was removed.", body = ChangeSet),
                Refused,
            ))]
            async fn remove(
                Writer(manager): Writer,
                Name(name): Name,
                Params(params): Params<RemoveParams>,
            ) -> Written {
                object::remove(manager, object::id(Kind::$kind, name), params).await
            }
        }
    };
}

collection!(
    router,
    Router,
    ["a", "router", "routers"],
    "listRouters",
    "/v1/routers",
    "/v1/routers/{name}",
    "Name of the router."
);
collection!(
    network,
    Network,
    ["a", "network", "networks"],
    "listNetworks",
    "/v1/networks",
    "/v1/networks/{name}",
    "Name of the network."
);
collection!(
    host,
    Host,
    ["a", "host", "hosts"],
    "listHosts",
    "/v1/hosts",
    "/v1/hosts/{name}",
    "Name of the host."
);
collection!(
    port,
    Port,
    ["a", "port", "ports"],
    "listPorts",
    "/v1/ports",
    "/v1/ports/{name}",
    "Name of the port."
);
collection!(
    uplink,
    Uplink,
    ["an", "uplink", "uplinks"],
    "listUplinks",
    "/v1/uplinks",
    "/v1/uplinks/{name}",
    "Device of the uplink."
);
collection!(
    route,
    Route,
    ["a", "route", "routes"],
    "listRoutes",
    "/v1/routes",
    "/v1/routes/{*name}",
    "Router and prefix of the route, such as r1/10.0.0.0/8."
);
collection!(
    group,
    Group,
    ["a", "group", "groups"],
    "listGroups",
    "/v1/groups",
    "/v1/groups/{name}",
    "Name of the group."
);
collection!(
    policy,
    Policy,
    ["a", "policy", "policies"],
    "listPolicies",
    "/v1/policies",
    "/v1/policies/{name}",
    "Name of the policy."
);
collection!(
    rule,
    Rule,
    ["a", "rule", "rules"],
    "listRules",
    "/v1/rules",
    "/v1/rules/{*name}",
    "Policy and name of the rule, such as web/https."
);
