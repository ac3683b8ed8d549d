//! Answers that come bit by bit.

use std::{marker::PhantomData, path::PathBuf};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::{net::UnixStream, task::JoinHandle};

use super::{Answer, ClientError, read};

/// An answer as it comes, which may have no end.
#[derive(Debug)]
pub struct Chunks {
    socket: PathBuf,
    body: Incoming,
    connection: JoinHandle<()>,
}

/// An answer of one JSON object a line.
#[derive(Debug)]
pub struct Lines<T> {
    chunks: Chunks,
    /// What has come of the next lines.
    buffer: Vec<u8>,
    kind: PhantomData<fn() -> T>,
}

/// Sends a request; says whether it was granted, and gives the answer.
pub(super) async fn send(
    stream: UnixStream,
    request: Request<Full<Bytes>>,
) -> hyper::Result<(bool, Incoming, JoinHandle<()>)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // How the connection ends is told to who reads the body.
    let connection = tokio::spawn(async move { drop(connection.await) });
    let response = sender.send_request(request).await?;
    Ok((response.status().is_success(), response.into_body(), connection))
}

impl Chunks {
    pub(super) fn new(socket: PathBuf, body: Incoming, connection: JoinHandle<()>) -> Self {
        Self { socket, body, connection }
    }

    /// What has come since; `None` at the end.
    pub async fn chunk(&mut self) -> Answer<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            let broken = |source| ClientError::Connection { path: self.socket.clone(), source };
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(chunks: Chunks) -> Self {
        Self { chunks, buffer: Vec::new(), kind: PhantomData }
    }

    /// The object of the next line; `None` at the end.
    pub async fn next(&mut self) -> Answer<Option<T>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return read(&line).map(Some);
            }
            let Some(data) = self.chunks.chunk().await? else { return Ok(None) };
            self.buffer.extend_from_slice(&data);
        }
    }
}
