//! The socket's file.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::PathBuf,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::oneshot,
};

use super::*;

fn path() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("dvs.sock");
    (directory, path)
}

#[test]
fn only_root_and_the_group_may_connect() {
    let (_directory, path) = path();
    let socket = Socket::bind(&path).unwrap();
    assert_eq!(fs::metadata(socket.path()).unwrap().permissions().mode() & 0o777, 0o660);
}

#[test]
fn a_file_that_a_dead_process_left_is_replaced() {
    let (_directory, path) = path();
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    drop(Socket::bind(&path).unwrap());
    assert!(!path.exists(), "the file goes with the socket");
}

#[test]
fn a_socket_in_use_and_a_file_of_another_kind_are_left_alone() {
    let (_directory, path) = path();
    let first = Socket::bind(&path).unwrap();
    assert!(matches!(Socket::bind(&path).unwrap_err(), SocketError::InUse(_)));
    drop(first);
    fs::write(&path, "a letter").unwrap();
    assert!(matches!(Socket::bind(&path).unwrap_err(), SocketError::NotASocket(_)));
    assert_eq!(fs::read_to_string(&path).unwrap(), "a letter");
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let (_directory, path) = path();
    let error = Socket::bind(&path.join("deep/dvs.sock")).unwrap_err().to_string();
    assert!(error.contains("deep/dvs.sock: No such file or directory"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_server_stops_although_somebody_watches() {
    let (_directory, path) = path();
    let socket = Socket::bind(&path).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { stopped.await.unwrap() };
    let server = tokio::spawn(serve_unix(socket, Api::new().router, shutdown));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(b"GET /v1/watch HTTP/1.1\r\nHost: dvs\r\n\r\n").await.unwrap();
    let mut begin = [0; 15];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), server).await.unwrap().unwrap().unwrap();
    assert!(!path.exists());
}
