//! Answers that come bit by bit.

use std::marker::PhantomData;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use serde::de::DeserializeOwned;

use super::{Answer, ClientError, link::Link, read};

/// An answer as it comes, which may have no end.
#[derive(Debug)]
pub struct Chunks {
    link: Link,
    /// Version of whoever answers.
    version: String,
    body: Incoming,
}

/// An answer of one JSON object a line.
#[derive(Debug)]
pub struct Lines<T> {
    chunks: Chunks,
    /// What has come of the next lines.
    buffer: Vec<u8>,
    kind: PhantomData<fn() -> T>,
}

impl Chunks {
    pub(super) const fn new(link: Link, version: String, body: Incoming) -> Self {
        Self { link, version, body }
    }

    /// What has come since; `None` at the end.
    pub async fn chunk(&mut self) -> Answer<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            let broken = |error| ClientError::Connection { place: self.link.place.clone(), error };
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) const fn new(chunks: Chunks) -> Self {
        Self { chunks, buffer: Vec::new(), kind: PhantomData }
    }

    /// The object of the next line; `None` at the end.
    pub async fn next(&mut self) -> Answer<Option<T>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return read(&line, &self.chunks.version).map(Some);
            }
            let Some(data) = self.chunks.chunk().await? else { return Ok(None) };
            self.buffer.extend_from_slice(&data);
        }
    }
}
