//! A connection that fails on command.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use switch_user::store::EtcdOptions;

/// A text: when a request has it, the connection ends as soon as the server has answered. Sent again, it passes.
pub(super) const MARK: &str = "swallow-the-answer-to-this";
/// Within this time the answer has come.
const ANSWERED: Duration = Duration::from_millis(500);

/// Stands between a client and a server.
pub(super) struct Proxy {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cut: AtomicBool,
    /// Requests with the mark.
    marked: AtomicUsize,
    swallowed: AtomicUsize,
    connections: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(super) fn start(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        // It ends with the tests.
        thread::spawn(move || {
            for client in listener.incoming() {
                connect(&client.unwrap(), &server, &of_thread);
            }
        });
        Self { address, shared }
    }

    /// How to reach the server through it.
    pub(super) fn options(&self) -> EtcdOptions {
        EtcdOptions { endpoints: vec![self.address.clone()], ..EtcdOptions::default() }
    }

    /// Ends all connections, and takes none from now on.
    pub(super) fn cut(&self) {
        self.shared.cut.store(true, Ordering::SeqCst);
        for connection in self.shared.connections.lock().unwrap().drain(..) {
            // It may have ended already.
            connection.shutdown(Shutdown::Both).ok();
        }
    }

    /// Takes connections again.
    pub(super) fn heal(&self) {
        self.shared.cut.store(false, Ordering::SeqCst);
    }

    /// How often an answer was swallowed.
    pub(super) fn swallowed(&self) -> usize {
        self.shared.swallowed.load(Ordering::SeqCst)
    }
}

fn connect(client: &TcpStream, server: &str, shared: &Arc<Shared>) {
    if shared.cut.load(Ordering::SeqCst) {
        return;
    }
    let server = TcpStream::connect(server).unwrap();
    let deaf = Arc::new(AtomicBool::new(false));
    for stream in [client, &server] {
        stream.set_nodelay(true).unwrap();
        shared.connections.lock().unwrap().push(stream.try_clone().unwrap());
    }
    let [mut from, mut to] = [client, &server].map(|stream| stream.try_clone().unwrap());
    let (requests, listened) = (Arc::clone(shared), Arc::clone(&deaf));
    thread::spawn(move || {
        copy(&mut from, &mut to, |data| {
            let marked = data.windows(MARK.len()).any(|window| window == MARK.as_bytes());
            // The write is sent again, and then its answer is to come through.
            if marked && requests.marked.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                listened.store(true, Ordering::SeqCst);
            }
            true
        });
    });
    let [mut from, mut to] = [&server, client].map(|stream| stream.try_clone().unwrap());
    let answers = Arc::clone(shared);
    thread::spawn(move || {
        copy(&mut from, &mut to, |_| {
            let swallow = deaf.load(Ordering::SeqCst);
            if swallow {
                answers.swallowed.fetch_add(1, Ordering::SeqCst);
                thread::sleep(ANSWERED);
            }
            !swallow
        });
    });
}

/// Copies until there is an end, or `pass` says that there is one.
fn copy(from: &mut TcpStream, to: &mut TcpStream, mut pass: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !pass(&buffer[..count]) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        // It may have ended already.
        stream.shutdown(Shutdown::Both).ok();
    }
}
