//! Answers that come line by line.

use std::marker::PhantomData;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::{Answer, ClientError, link::Link, read};

/// An answer of one JSON object a line, which may have no end.
#[derive(Debug)]
pub struct Lines<T> {
    link: Link,
    body: Incoming,
    /// What has come of the next lines.
    buffer: Vec<u8>,
    kind: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(link: Link, body: Incoming) -> Self {
        Self { link, body, buffer: Vec::new(), kind: PhantomData }
    }

    /// The object of the next line; `None` at the end.
    pub async fn next(&mut self) -> Answer<Option<T>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return read(&line).map(Some);
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let place = || self.link.place.clone();
            let frame = frame.map_err(|error| ClientError::Connection { place: place(), error })?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }
}
