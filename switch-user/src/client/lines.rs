//! Answers that come line by line.

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

/// An answer of one JSON object a line, which may have no end.
#[derive(Debug)]
pub struct Lines<T> {
    socket: PathBuf,
    body: Incoming,
    /// What has come of the next lines.
    buffer: Vec<u8>,
    connection: JoinHandle<()>,
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

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(socket: PathBuf, body: Incoming, connection: JoinHandle<()>) -> Self {
        Self { socket, body, buffer: Vec::new(), connection, kind: PhantomData }
    }

    /// The object of the next line; `None` at the end.
    pub async fn next(&mut self) -> Answer<Option<T>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return read(&line).map(Some);
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame =
                frame.map_err(|source| ClientError::Connection { path: self.socket.clone(), source })?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }
}

impl<T> Drop for Lines<T> {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
