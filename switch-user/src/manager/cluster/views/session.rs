//! What a host is told for as long as it is connected.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval},
};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Sight;
use crate::{
    api::ViewEvent,
    manager::{
        ApiError, Manager,
        cluster::{Cluster, ClusterError},
        extract::{Name, Params, Refused},
    },
};

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(1);

/// Routes of views.
pub(in crate::manager::cluster) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(view))
}

/// What the host has.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct ViewParams {
    /// Digest of the view that the host has. If it is that of its view, the first line has no objects.
    digest: Option<String>,
}

/// Streams what a host is to know, one JSON object a line.
///
/// The first line has all of it, those that follow what has changed since. An object without fields, about
/// once a second, says that the manager is alive.
#[utoipa::path(get, path = "/v1/cluster/hosts/{host}/view", operation_id = "hostView", tag = "cluster",
    params(("host" = String, Path, description = "Name of the host."), ViewParams), responses(
    (status = 200, description = "The view and its changes, for as long as the connection lasts.",
        body = ViewEvent, content_type = "application/x-ndjson"),
    Refused,
))]
async fn view(
    State(manager): State<Manager>,
    Name(host): Name,
    Params(params): Params<ViewParams>,
) -> Result<Response, ApiError> {
    let cluster = manager.many()?;
    let following = cluster.clone();
    manager.blocking(move |manager| manager.catch_up(&following)).await?;
    let Some(news) = cluster.views().news(&host) else { return Err(ClusterError::UnknownHost(host).into()) };
    tracing::info!(host, "host is connected");
    let session = Session { cluster, host, news, beat: beat(), digest: params.digest, told: None };
    let body = Body::from_stream(lines(session));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn beat() -> Interval {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}

/// A connected host.
struct Session {
    cluster: Cluster,
    host: String,
    news: watch::Receiver<()>,
    beat: Interval,
    digest: Option<String>,
    told: Option<Told>,
}

/// What the host has been told.
struct Told {
    generation: u64,
    claims: u64,
    sight: Sight,
}

fn lines(session: Session) -> impl Stream<Item = Result<Bytes, ApiError>> {
    stream::try_unfold(session, |mut session| async move {
        if session.told.is_some() && !session.wait().await {
            return Ok(None);
        }
        Ok(session.next().map(|event| (line(&event), session)))
    })
}

fn line(event: &ViewEvent) -> Bytes {
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

impl Session {
    /// Waits for news, or until it is time for a sign of life; false if the host is removed.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            changed = self.news.changed() => {
                self.beat.reset();
                changed.is_ok()
            }
            _ = self.beat.tick() => true,
        }
    }

    /// The next line; `None` if the host is removed. What concerns other hosts alone is told as a number with a
    /// sign of life, so that everybody comes to the newest generation.
    fn next(&mut self) -> Option<ViewEvent> {
        self.news.mark_unchanged();
        let now = self.cluster.views().glance(&self.host)?;
        let mut event = match &self.told {
            Some(told) if told.sight.is_same(&now.sight) => ViewEvent::default(),
            Some(told) => now.sight.since(&told.sight),
            None if self.digest.as_ref().is_some_and(|digest| now.sight.digest() == *digest) => {
                ViewEvent::default()
            }
            None => now.sight.complete(),
        };
        let told = self.told.as_ref().map(|told| (told.generation, told.claims));
        event.generation = Some(now.generation).filter(|new| told.is_none_or(|(old, _)| *new != old));
        event.claims = Some(now.claims).filter(|new| told.is_none_or(|(_, old)| *new != old));
        self.told = Some(Told { generation: now.generation, claims: now.claims, sight: now.sight });
        Some(event)
    }
}
