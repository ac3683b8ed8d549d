//! What the host says of its firewalls: hits of rules, and the log.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    extract::{Params, Refused},
    reports::{found, known_port},
};
use crate::report::{LogEvent, RuleHits};

/// Routes of the firewalls' reports.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(rule_hits)).routes(routes!(log))
}

/// Which hits to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct HitParams {
    /// Only those of this policy.
    policy: Option<String>,
    /// Only those at this port.
    port: Option<String>,
}

/// Which events to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct LogParams {
    /// Only those of this port.
    port: Option<String>,
    /// Go on with those to come, for as long as the connection lasts.
    follow: bool,
}

/// Lists what rules and the defaults of policies decided about.
#[utoipa::path(get, path = "/v1/rule-hits", operation_id = "ruleHits", tag = "reports", params(HitParams), responses(
    (status = 200, description = "Packets and bytes by rule and port, without those that have none.", body = Vec<RuleHits>),
    Refused,
))]
async fn rule_hits(
    State(manager): State<Manager>,
    Params(HitParams { policy, port }): Params<HitParams>,
) -> Result<Json<Vec<RuleHits>>, ApiError> {
    let known = manager.desired().await?;
    known_port(&known.desired, port.as_ref())?;
    found("policy", policy.as_ref(), |name| known.desired.policies.contains_key(name))?;
    let mut rows = manager.blocking(|manager| Ok(manager.host.rules()?)).await?;
    rows.retain(|row| {
        policy.as_ref().is_none_or(|policy| row.policy == *policy)
            && port.as_ref().is_none_or(|port| row.port == *port)
    });
    Ok(Json(rows))
}

/// Lists the last events of rules that log, one JSON object a line.
#[utoipa::path(get, path = "/v1/log", operation_id = "log", tag = "reports", params(LogParams), responses(
    (status = 200, description = "The last 1,000 events, the oldest first.", body = LogEvent,
        content_type = "application/x-ndjson"),
    Refused,
))]
async fn log(
    State(manager): State<Manager>,
    Params(LogParams { port, follow }): Params<LogParams>,
) -> Result<Response, ApiError> {
    let known = manager.desired().await?;
    known_port(&known.desired, port.as_ref())?;
    let (last, next) = manager.host.log()?;
    let last = stream::iter(last);
    let wanted = move |event: &LogEvent| port.as_ref().is_none_or(|port| event.port == *port);
    let line = move |event: LogEvent| {
        let line = wanted(&event).then(|| line(&event));
        async move { line.map(Ok::<_, ApiError>) }
    };
    let body = if follow {
        Body::from_stream(last.chain(news(next)).filter_map(line))
    } else {
        Body::from_stream(last.filter_map(line))
    };
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// The events to come. Who reads too slowly misses some.
fn news(events: Receiver<LogEvent>) -> impl Stream<Item = LogEvent> {
    stream::unfold(events, |mut events| async move {
        loop {
            match events.recv().await {
                Ok(event) => return Some((event, events)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    })
}

fn line(event: &LogEvent) -> Bytes {
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
