//! The unix socket that the API is served on.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt, chown},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, connect_info::Connected},
    middleware::{self, Next},
    response::Response,
    serve::IncomingStream,
};
use nix::unistd::{Group, Uid, User};

use super::{Author, serve::gracefully};

/// Members of this group may use the API, if the group exists.
const GROUP: &str = "dvs";

/// A socket that nobody is served on yet. Its file goes with it.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody answers there.
    #[error("another agent listens on {0}; stop it, or choose another --socket")]
    InUse(PathBuf),
    /// A file that is no socket.
    #[error("{0} exists and is no socket; remove it, or choose another --socket")]
    NotASocket(PathBuf),
    /// A system call failed.
    #[error("cannot {action} {path}: {source}; choose another --socket if that cannot be helped")]
    System {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Socket {
    /// Listens on a file for root and the group `dvs`. A file that a dead process left is replaced.
    ///
    /// # Errors
    /// If the file is somebody's, or cannot be made.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        check_free(path)?;
        // Made aside and renamed, so that there is no moment at which it is open to all.
        let aside = path.with_added_extension("new");
        let failed = |action| move |source| SocketError::System { action, path: path.to_owned(), source };
        remove(&aside).map_err(failed("replace"))?;
        let listener = UnixListener::bind(&aside).map_err(failed("listen on"))?;
        let prepared = restrict(&aside).and_then(|()| listener.set_nonblocking(true));
        if let Err(source) = prepared.and_then(|()| fs::rename(&aside, path)) {
            remove(&aside).ok();
            return Err(failed("prepare")(source));
        }
        Ok(Self { listener, path: path.to_owned() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Refuses a path that is in use.
fn check_free(path: &Path) -> Result<(), SocketError> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NotASocket(path.into()));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(SocketError::InUse(path.into())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(source) => Err(SocketError::System { action: "examine", path: path.into(), source }),
    }
}

fn restrict(path: &Path) -> io::Result<()> {
    if let Some(group) = Group::from_name(GROUP)? {
        chown(path, None, Some(group.gid.as_raw()))?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))
}

/// Serves until `shutdown` is ready, then lets requests that are under way finish, within limits.
///
/// # Errors
/// If the runtime cannot take the socket.
pub async fn serve_unix(
    socket: Socket,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = tokio::net::UnixListener::from_std(socket.listener.try_clone()?)?;
    let service = router.layer(middleware::from_fn(sign)).into_make_service_with_connect_info::<Peer>();
    gracefully(shutdown, |stop| axum::serve(listener, service).with_graceful_shutdown(stop).into_future())
        .await
}

/// Who is behind a connection.
#[derive(Clone)]
struct Peer(Author);

impl Connected<IncomingStream<'_, tokio::net::UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, tokio::net::UnixListener>) -> Self {
        let user = stream.io().peer_cred().ok().map(|peer| name(Uid::from_raw(peer.uid())));
        Self(user.map(Author).unwrap_or_default())
    }
}

/// The name of a user, or their number if the system knows no name.
fn name(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

/// Notes who makes a request.
async fn sign(ConnectInfo(Peer(author)): ConnectInfo<Peer>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(author);
    next.run(request).await
}
