//! A UDP source and a sink of 64 datagrams a system call, so that the switch between them is what
//! limits the rate.

use std::{
    io::{IoSlice, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg, setsockopt, sockopt},
};
use serde_json::json;

/// Datagrams a system call.
const BATCH: usize = 64;
/// Bytes that the sink's socket holds, so that it loses nothing while its process is woken.
const BUFFER: usize = 16 << 20;
/// Seconds to wait for the first datagram.
const PATIENCE: u32 = 10;
/// What arrives before the count begins.
const WARM_UP: Duration = Duration::from_millis(200);

/// Where to send, and for how long.
#[derive(clap::Args)]
pub(crate) struct SendOptions {
    /// Address and port of the sink
    to: SocketAddr,
    /// Seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Bytes of payload in each datagram
    #[arg(long, default_value_t = 64)]
    size: usize,
}

/// Where to listen, and for how long.
#[derive(clap::Args)]
pub(crate) struct ReceiveOptions {
    /// Address and port to listen at
    at: SocketAddr,
    /// Seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

/// Sends until the time is over.
pub(crate) fn send(options: &SendOptions) -> anyhow::Result<()> {
    let socket = UdpSocket::bind(if options.to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.connect(options.to)?;
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    let payload = vec![0; options.size];
    let slices = [[IoSlice::new(&payload)]; BATCH];
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut sent: u64 = 0;
    while Instant::now() < end {
        match sendmmsg(socket.as_raw_fd(), &mut headers, slices.iter(), [None; BATCH], [], MsgFlags::empty())
        {
            Ok(accepted) => sent += accepted.count() as u64,
            // The sink is not there yet, or the device's queue is full.
            Err(Errno::ECONNREFUSED | Errno::ENOBUFS | Errno::EINTR) => {}
            Err(error) => return Err(error).context("sending"),
        }
    }
    println!("{}", json!({ "sent": sent, "seconds": options.seconds }));
    Ok(())
}

/// Counts from shortly after the first datagram until the time is over.
pub(crate) fn receive(options: &ReceiveOptions) -> anyhow::Result<()> {
    let socket = UdpSocket::bind(options.at).with_context(|| format!("listening at {}", options.at))?;
    setsockopt(&socket, sockopt::RcvBufForce, &BUFFER)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut sink = Sink::new(&socket);
    println!("listening");
    sink.wait()?;
    sink.take_for(WARM_UP)?;
    let start = Instant::now();
    let received = sink.take_for(Duration::from_secs_f64(options.seconds))?;
    println!("{}", json!({ "received": received, "seconds": start.elapsed().as_secs_f64() }));
    Ok(())
}

struct Sink<'a> {
    socket: &'a UdpSocket,
    headers: MultiHeaders<SockaddrStorage>,
    room: Vec<[u8; 2048]>,
}

impl<'a> Sink<'a> {
    fn new(socket: &'a UdpSocket) -> Self {
        Self { socket, headers: MultiHeaders::preallocate(BATCH, None), room: vec![[0; 2048]; BATCH] }
    }

    /// Waits for the first datagram.
    fn wait(&mut self) -> anyhow::Result<()> {
        for _ in 0..PATIENCE {
            if self.take()? > 0 {
                return Ok(());
            }
        }
        bail!("no datagram came within {PATIENCE} s")
    }

    /// Number of datagrams that came at once; 0 after a second without any.
    fn take(&mut self) -> anyhow::Result<u64> {
        let mut slices: Vec<_> = self.room.iter_mut().map(|room| [IoSliceMut::new(room)]).collect();
        let flags = MsgFlags::MSG_WAITFORONE;
        match recvmmsg(self.socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), flags, None) {
            Ok(messages) => Ok(messages.count() as u64),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(error) => Err(error).context("receiving"),
        }
    }

    fn take_for(&mut self, time: Duration) -> anyhow::Result<u64> {
        let end = Instant::now() + time;
        let mut count = 0;
        while Instant::now() < end {
            count += self.take()?;
        }
        Ok(count)
    }
}
