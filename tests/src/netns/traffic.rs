//! Traffic as users make it: ping and iperf3.

use std::iter::Sum;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::namespace::Namespace;
use super::process::Process;
use super::wait::{LIMIT, until};

/// Where iperf3 listens, in the hexadecimal of /proc/net/tcp.
const LISTENS: &str = ":1451 ";
const LISTENING: &str = " 0A ";

/// The packet that ping sends unless told otherwise.
const USUAL: u32 = 84;

/// Echo requests and replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ping {
    /// Requests that were sent.
    pub sent: u64,
    /// Replies that came back.
    pub received: u64,
}

impl Ping {
    /// True if there was a reply to every request.
    pub const fn is_lossless(&self) -> bool {
        self.sent > 0 && self.received == self.sent
    }

    /// True if there was no reply at all.
    pub const fn is_lost(&self) -> bool {
        self.sent > 0 && self.received == 0
    }

    /// Pings a few times.
    #[track_caller]
    pub fn run(from: &Namespace, to: IpAddr) -> Self {
        Self::of_packet(USUAL, from, to)
    }

    /// Pings a few times with IP packets of this many octets, which may not be fragmented.
    #[track_caller]
    pub fn of_packet(octets: u32, from: &Namespace, to: IpAddr) -> Self {
        let headers = if to.is_ipv4() { 20 + 8 } else { 40 + 8 };
        let mut command = from.command("ping");
        command.args(["-q", "-n", "-c", "3", "-i", "0.1", "-W", "1", "-M", "do"]);
        command.args(["-s", &(octets - headers).to_string(), &to.to_string()]);
        Self::read(&Process::start(&mut command).finish(LIMIT).output)
    }

    /// Pings as fast as replies come, at least every two milliseconds.
    pub fn flood(from: &Namespace, to: IpAddr, duration: Duration) -> Process {
        let seconds = duration.as_secs().to_string();
        let mut command = from.command("ping");
        Process::start(command.args([
            "-q",
            "-n",
            "-f",
            "-i",
            "0.002",
            "-W",
            "5",
            "-w",
            &seconds,
            &to.to_string(),
        ]))
    }

    /// Reads ping's summary: `15 packets transmitted, 15 received, 0% packet loss, time 28ms`.
    #[track_caller]
    pub fn read(output: &str) -> Self {
        let summary = output.lines().find(|line| line.contains(" packets transmitted"));
        let summary = summary.unwrap_or_else(|| panic!("ping says nothing: {output}"));
        let number = |word: &str| summary.split(", ").find(|part| part.contains(word))?.split(' ').next();
        let [sent, received] = ["transmitted", "received"].map(|word| number(word).unwrap().parse().unwrap());
        Self { sent, received }
    }
}

impl Sum for Ping {
    fn sum<I: Iterator<Item = Self>>(pings: I) -> Self {
        pings.fold(Self::default(), |sum, ping| Self {
            sent: sum.sent + ping.sent,
            received: sum.received + ping.received,
        })
    }
}

/// A stream of iperf3's.
#[derive(Clone, Copy, Debug)]
pub enum Iperf {
    /// As much as goes over TCP, for a second.
    Tcp,
    /// A few megabits of datagrams of this size for a second, all of which must arrive.
    Udp(u32),
}

impl Iperf {
    /// Streams, and returns how many octets arrived.
    #[track_caller]
    pub fn run(self, from: &Namespace, to: &Namespace, ip: IpAddr) -> u64 {
        let server = Self::serve(to);
        let length;
        let arguments: &[&str] = match self {
            Self::Tcp => &[],
            Self::Udp(octets) => {
                length = octets.to_string();
                &["-u", "-b", "5M", "-l", &length]
            }
        };
        let mut client = from.command("iperf3");
        client.args(["-J", "-t", "1", "--connect-timeout", "5000", "-c", &ip.to_string()]).args(arguments);
        let report = report(&Process::start(&mut client).succeed(LIMIT));
        server.finish(LIMIT);
        match self {
            Self::Tcp => octets(&report, "sum_received"),
            Self::Udp(_) => {
                assert_eq!(report["end"]["sum"]["lost_packets"], 0, "{}", report["end"]["sum"]);
                octets(&report, "sum")
            }
        }
    }

    /// Starts a server for one stream and waits until it listens.
    #[track_caller]
    pub fn serve(at: &Namespace) -> Process {
        let mut server = Process::start(at.command("iperf3").args(["-s", "-1"]));
        until("iperf3 listens", || {
            assert!(server.is_running(), "{}{}", server.errors(), server.output());
            let sockets = ["tcp", "tcp6"]
                .map(|table| std::fs::read_to_string(format!("/proc/{}/net/{table}", server.id())));
            let mut lines = sockets.iter().flatten().flat_map(|table| table.lines());
            lines.any(|line| line.contains(LISTENS) && line.contains(LISTENING)).then_some(())
        });
        server
    }

    /// A TCP stream that goes on; its report is read by [`Iperf::intervals`].
    pub fn background(from: &Namespace, ip: IpAddr, duration: Duration) -> Process {
        let seconds = duration.as_secs().to_string();
        let mut client = from.command("iperf3");
        Process::start(client.args(["-J", "-i", "1", "-t", &seconds, "-c", &ip.to_string()]))
    }

    /// Octets that were sent in each second.
    pub fn intervals(output: &str) -> Vec<u64> {
        let report = report(output);
        let intervals = report["intervals"].as_array().unwrap();
        intervals.iter().map(|interval| interval["sum"]["bytes"].as_u64().unwrap()).collect()
    }
}

#[track_caller]
fn report(output: &str) -> Value {
    serde_json::from_str(output).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[track_caller]
fn octets(report: &Value, sum: &str) -> u64 {
    report["end"][sum]["bytes"].as_u64().unwrap_or_else(|| panic!("no octets: {report}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read() {
        let of = |text| Ping::read(text);
        let all = of("\n3 packets transmitted, 3 received, 0% packet loss, time 2ms\n");
        assert!(all.is_lossless() && !all.is_lost());
        let none = of("3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2ms");
        assert!(none.is_lost() && !none.is_lossless());
        let nothing_sent = of("0 packets transmitted, 0 received");
        assert!(!nothing_sent.is_lost() && !nothing_sent.is_lossless());
    }
}
