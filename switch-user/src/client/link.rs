//! A connection that requests are sent over, one after the other.

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

use super::transport::{Place, Stream};
use crate::api::{OWN_VERSION, VERSION_HEADER};

/// A connection. It is closed when it is dropped.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) place: Place,
    sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
}

/// Why there is no answer, and the request if it has not been sent.
pub(super) type Unsent = (hyper::Error, Option<Request<Full<Bytes>>>);

impl Link {
    /// Speaks HTTP over a stream.
    pub(super) async fn open(place: Place, stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // How the connection ends is told to who waits for an answer, or reads its body.
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { place, sender, connection })
    }

    /// Whether it takes another request.
    pub(super) async fn is_usable(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request, and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Unsent> {
        let host = HeaderValue::try_from(self.place.authority());
        request.headers_mut().insert(HOST, host.unwrap_or(HeaderValue::from_static("dvs")));
        request.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(OWN_VERSION));
        self.sender.try_send_request(request).await.map_err(|mut error| {
            let request = error.take_message();
            (error.into_error(), request)
        })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
