//! The stream of changes.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    extract::{Params, Refused},
    known::Known,
};
use crate::{
    api::WatchEvent,
    model::{Desired, changes},
};

/// Routes of watching.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(watch))
}

/// Where to start.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct WatchParams {
    /// The generation that the caller knows. If it is the newest, the stream starts with the next
    /// change, otherwise with a line that has all objects.
    since: Option<u64>,
}

/// Streams the changes of the configuration, one JSON object a line.
#[utoipa::path(get, path = "/v1/watch", operation_id = "watch", tag = "configuration", params(WatchParams), responses(
    (status = 200, description = "Changes, for as long as the connection lasts.", body = WatchEvent,
        content_type = "application/x-ndjson"),
    Refused,
))]
async fn watch(
    State(manager): State<Manager>,
    Params(params): Params<WatchParams>,
) -> Result<Response, ApiError> {
    let mut news = manager.store.watch();
    news.mark_changed();
    let known = manager.desired().await?;
    let known = (params.since == Some(known.generation)).then_some(known);
    let body = Body::from_stream(lines(Watcher { manager, news, known }));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// A reader of the stream.
struct Watcher {
    manager: Manager,
    news: watch::Receiver<u64>,
    known: Option<Arc<Known>>,
}

fn lines(watcher: Watcher) -> impl Stream<Item = Result<Bytes, ApiError>> {
    stream::try_unfold(watcher, |mut watcher| async move {
        while let Ok(()) = watcher.news.changed().await {
            if let Some(event) = watcher.next().await? {
                return Ok(Some((line(&event), watcher)));
            }
        }
        Ok(None)
    })
}

fn line(event: &WatchEvent) -> Bytes {
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

impl Watcher {
    /// What the reader does not know yet.
    async fn next(&mut self) -> Result<Option<WatchEvent>, ApiError> {
        let new = self.manager.desired().await?;
        let old = self.known.replace(Arc::clone(&new));
        let generation = new.generation;
        Ok(match old {
            Some(old) if old.generation == generation => None,
            Some(old) => {
                Some(WatchEvent { generation, complete: false, changes: changes(&old.desired, &new.desired) })
            }
            None => {
                let changes = changes(&Desired::default(), &new.desired);
                Some(WatchEvent { generation, complete: true, changes })
            }
        })
    }
}
