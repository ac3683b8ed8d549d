//! A copy of the store.

use std::{fs::File, io::Read};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ApiError, Manager, extract::Refused};

/// How much of the copy is in memory at a time.
const CHUNK: usize = 256 << 10;

/// Routes of copies.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(backup))
}

/// Copies the store with its history, in the form that `dvs store restore` takes.
#[utoipa::path(get, path = "/v1/backup", operation_id = "backup", tag = "configuration", responses(
    (status = 200, description = "The copy.", content_type = "application/octet-stream"),
    Refused,
))]
async fn backup(State(manager): State<Manager>) -> Result<Response, ApiError> {
    let file = manager.blocking(|manager| Ok(manager.store.backup()?)).await?;
    let body = Body::from_stream(chunks(file));
    Ok(([(CONTENT_TYPE, "application/octet-stream")], body).into_response())
}

fn chunks(file: File) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold(file, |mut file| async {
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = Vec::new();
            file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk).map(|_| (chunk, file))
        });
        let (chunk, file) = read.await??;
        Ok((!chunk.is_empty()).then(|| (chunk.into(), file)))
    })
}
