//! A web server of a few lines, for examples.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sched::{CloneFlags, setns};

/// Nobody keeps the server waiting for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves at a port in a namespace for as long as this program runs.
pub(crate) fn start(namespace: &str, port: u16) -> Result<()> {
    let file = File::open(Path::new("/run/netns").join(namespace))
        .with_context(|| format!("cannot open the namespace {namespace}"))?;
    // A thread is in a namespace of its own, and so are its sockets, wherever they are used.
    let listener = thread::spawn(move || -> Result<TcpListener> {
        setns(file, CloneFlags::CLONE_NEWNET)?;
        Ok(TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))?)
    });
    let listener = match listener.join() {
        Ok(listener) => listener.with_context(|| format!("cannot listen at port {port} of {namespace}"))?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who does not wait for the answer does not get it.
            answer(stream, port).unwrap_or_default();
        }
    });
    Ok(())
}

fn answer(mut stream: TcpStream, port: u16) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = [0; 1024];
    // Whatever is asked, there is one answer.
    let _octets = stream.read(&mut request)?;
    let body = format!("hello from port {port}\n");
    write!(stream, "HTTP/1.0 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
