//! Sockets in namespaces, for tests that have to know what becomes of each octet.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::namespace::Namespace;
use super::wait::{LIMIT, until};

/// How long a connection that nobody answers is tried.
const PATIENCE: Duration = Duration::from_millis(400);

/// Listens at a port of all addresses. The kernel takes connections, whether somebody accepts them or not.
#[track_caller]
pub fn listen(at: &Namespace, port: u16) -> TcpListener {
    let listener = bound(at, || TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)));
    listener.set_nonblocking(true).unwrap();
    listener
}

/// Binds a socket. A program that another test starts at this moment has all that is open here until it runs,
/// and so may have the port.
#[track_caller]
fn bound<T: Send>(at: &Namespace, bind: impl Fn() -> io::Result<T> + Sync) -> T {
    until("the port is free", || match at.enter(&bind) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => None,
        answer => Some(answer.unwrap()),
    })
}

/// Opens a connection and gives up soon.
pub fn try_connect(from: &Namespace, to: IpAddr, port: u16) -> io::Result<TcpStream> {
    from.enter(|| TcpStream::connect_timeout(&SocketAddr::new(to, port), PATIENCE))
}

/// Takes datagrams at a port of all addresses.
#[track_caller]
pub fn take_datagrams(at: &Namespace, port: u16) -> UdpSocket {
    let socket = bound(at, || UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)));
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

/// A socket for datagrams to an address and from there.
#[track_caller]
pub fn send_datagrams(from: &Namespace, to: IpAddr, port: u16) -> UdpSocket {
    let own: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let open = || {
        let socket = UdpSocket::bind((own, 0))?;
        socket.connect((to, port))?;
        io::Result::Ok(socket)
    };
    let socket = from.enter(open).unwrap_or_else(|error| panic!("no socket for {to}: {error}"));
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

/// Sends a datagram, which has to arrive whole, and answers it with another one, which has to arrive too.
///
/// # Errors
/// What the sockets say.
pub fn ask(client: &UdpSocket, server: &UdpSocket, data: &[u8]) -> io::Result<()> {
    let mut buffer = vec![0; data.len() + 1];
    client.send(data)?;
    let (length, from) = server.recv_from(&mut buffer)?;
    server.send_to(&buffer[..length], from)?;
    let length = client.recv(&mut buffer)?;
    let same = buffer[..length] == *data;
    if same { Ok(()) } else { Err(io::Error::other("another datagram came back")) }
}

/// True if nothing has come that could be read.
#[track_caller]
pub fn is_empty(socket: &UdpSocket) -> bool {
    socket.set_nonblocking(true).unwrap();
    let taken = socket.recv(&mut [0; 16]);
    socket.set_nonblocking(false).unwrap();
    taken.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Both ends of a TCP connection.
#[derive(Debug)]
pub struct Connection {
    client: TcpStream,
    server: TcpStream,
}

impl Connection {
    /// Opens a connection to a listener.
    #[track_caller]
    pub fn open(from: &Namespace, to: IpAddr, listener: &TcpListener) -> Self {
        let port = listener.local_addr().unwrap().port();
        let opened = from.enter(|| TcpStream::connect_timeout(&SocketAddr::new(to, port), LIMIT));
        let client = opened.unwrap_or_else(|error| panic!("no connection to {to} at {port}: {error}"));
        let own = client.local_addr().unwrap().port();
        let server = until("the connection is accepted", || {
            // Others may have come before.
            let (stream, peer) = listener.accept().ok()?;
            (peer.port() == own).then_some(stream)
        });
        for stream in [&client, &server] {
            stream.set_nonblocking(false).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            stream.set_write_timeout(Some(LIMIT)).unwrap();
        }
        Self { client, server }
    }

    /// The port of whoever opened it.
    #[track_caller]
    pub fn client_port(&self) -> u16 {
        self.client.local_addr().unwrap().port()
    }

    /// Says something at both ends; it is on its way when this returns.
    #[track_caller]
    pub fn speak(&self, word: &[u8]) {
        for mut stream in [&self.client, &self.server] {
            stream.write_all(word).unwrap_or_else(|error| panic!("{self:?}: {error}"));
        }
    }

    /// Waits at both ends for what was said.
    #[track_caller]
    pub fn hear(&self, word: &[u8]) {
        for mut stream in [&self.client, &self.server] {
            let mut heard = vec![0; word.len()];
            stream.read_exact(&mut heard).unwrap_or_else(|error| panic!("{self:?}: {error}"));
            assert_eq!(heard, word);
        }
    }

    /// Says something at both ends, which has to be heard.
    #[track_caller]
    pub fn talk(&self) {
        self.speak(b"word");
        self.hear(b"word");
    }

    /// True if there is nothing to be heard at either end, and no end either.
    #[track_caller]
    pub fn is_silent(&self) -> bool {
        [&self.client, &self.server].into_iter().all(|stream| {
            stream.set_nonblocking(true).unwrap();
            let heard = stream.peek(&mut [0]);
            stream.set_nonblocking(false).unwrap();
            heard.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        })
    }

    /// Says something at both ends and waits how they end.
    #[track_caller]
    pub fn ends_after(&self, word: &[u8]) -> [ErrorKind; 2] {
        self.speak(word);
        [&self.client, &self.server].map(|mut stream| {
            let heard = stream.read(&mut [0]);
            heard.expect_err("an end is not told of its end").kind()
        })
    }

    /// Streams so many octets in both directions at once, and sees that they arrive as they were sent.
    #[track_caller]
    pub fn stream(&self, octets: usize) {
        let data: Vec<u8> = (0..octets).map(|index| (index % 251).to_le_bytes()[0]).collect();
        std::thread::scope(|scope| {
            for mut stream in [&self.client, &self.server] {
                let data = &data;
                scope.spawn(move || stream.write_all(data).unwrap());
                scope.spawn(move || {
                    let mut arrived = vec![0; data.len()];
                    stream.read_exact(&mut arrived).unwrap();
                    assert!(arrived == *data, "other octets have arrived");
                });
            }
        });
    }
}
