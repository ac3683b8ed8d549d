//! The first thing that somebody does: a web server that is reached at one port only.

use std::fs;

use dvs_tests::netns::{Lab, Process, finish, run, until};
use serde_json::Value;

use super::{hits, hits_grow, ips, lab};

/// What the server serves.
const PAGE: &str = "hello from behind the firewall";

/// A real web server at a port.
fn serve(lab: &Lab, port: u16) -> Process {
    let root = lab.host.state().join("www");
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("index.html"), PAGE).unwrap();
    let mut command = lab.vm("p2").namespace.command("busybox");
    let mut server =
        Process::start(command.args(["httpd", "-f", "-p", &format!("[::]:{port}"), "-h"]).arg(root));
    until("the web server listens", || {
        assert!(server.is_running(), "{}", server.errors());
        let table = fs::read_to_string(format!("/proc/{}/net/tcp6", server.id())).ok()?;
        table.contains(&format!(":{port:04X} 00000000")).then_some(())
    });
    server
}

/// What the agent answers on its socket, asked as anybody would.
fn get(lab: &Lab, path: &str) -> Value {
    let mut command = std::process::Command::new("curl");
    command.args(["-s", "--fail", "--unix-socket"]).arg(lab.host.socket());
    let answer = run(command.arg(format!("http://dvs{path}")));
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn a_web_server_is_reached_at_one_port() {
    let lab = lab("");
    let servers = [443, 80].map(|port| serve(&lab, port));
    for line in [
        "rule add web https --priority 100 --direction in --action allow --proto tcp --port 443 --log",
        "policy set web --log --wait",
    ] {
        run(&mut lab.host.cli(line));
    }
    for client in ["p3", "p4", "u9"] {
        for ip in ips(&lab, "p2") {
            let fetch = |port: u16| {
                let host = if ip.is_ipv4() { ip.to_string() } else { format!("[{ip}]") };
                let mut command = lab.vm(client).namespace.command("curl");
                let url = format!("http://{host}:{port}/");
                finish(command.args(["-s", "-g", "--noproxy", "*", "--connect-timeout", "0.4", &url]))
            };
            let before = [Some("https"), None].map(|rule| hits(&lab, rule, "p2"));
            let fetched = fetch(443);
            assert_eq!(
                (fetched.code, fetched.output.as_str()),
                (Some(0), PAGE),
                "{client} {ip}: {fetched:?}"
            );
            let refused = fetch(80);
            // Nobody has answered in time.
            assert_eq!((refused.code, refused.output.as_str()), (Some(28), ""), "{client} {ip}: {refused:?}");
            hits_grow(&lab, Some("https"), "p2", before[0]);
            hits_grow(&lab, None, "p2", before[1]);
            is_logged(&lab, &ips(&lab, client)[usize::from(ip.is_ipv6())].to_string(), &ip.to_string());
        }
    }
    drop(servers);
    let rows = get(&lab, "/v1/rule-hits?policy=web&port=p2");
    let row = rows.as_array().unwrap().iter().find(|row| row["rule"] == "https").unwrap();
    assert!(row["packets"].as_u64() >= Some(6) && row["bytes"].as_u64() > Some(1000), "{rows}");
}

/// The refused connection is in the log with all that is known of it, and the allowed one is too.
#[track_caller]
fn is_logged(lab: &Lab, from: &str, to: &str) {
    let events = until(&format!("a refusal from {from} to {to} is in the log"), || {
        let events: Vec<Value> =
            serde_json::from_str(&run(&mut lab.host.cli("log -o json --port p2"))).unwrap();
        let events: Vec<Value> = events
            .into_iter()
            .filter(|event| event["source"] == from && event["destination"] == to)
            .collect();
        events.iter().any(|event| event["destinationPort"] == 80).then_some(events)
    });
    let of = |port: u16| events.iter().filter(move |event| event["destinationPort"] == port);
    for event in of(80) {
        let said = ["port", "network", "direction", "policy", "rule", "action", "protocol"]
            .map(|field| event[field].as_str().unwrap_or_default());
        // The network is that of the frame, before it is routed.
        let network = if from.contains("20") { "green" } else { "blue" };
        assert_eq!(said, ["p2", network, "in", "web", "default", "drop", "tcp"], "{event}");
        assert!(event["sourcePort"].as_u64() > Some(1024) && event["staged"] == false, "{event}");
    }
    let mut allowed = of(443).peekable();
    assert!(allowed.peek().is_some(), "no allowed connection among {events:?}");
    assert!(allowed.all(|event| event["rule"] == "https" && event["action"] == "allow"), "{events:?}");
}

/// What has passed is told to the last packet, however short the pause since.
#[test]
fn hits_are_told_to_the_last_packet() {
    let lab = lab(super::WEB);
    for ip in ips(&lab, "p2") {
        let rule = Some(if ip.is_ipv4() { "ping" } else { "ping6" });
        let before = hits(&lab, rule, "p2");
        let mut ping = lab.vm("p3").namespace.command("ping");
        run(ping.args(["-q", "-c", "20", "-i", "0.01", &ip.to_string()]));
        assert_eq!(hits(&lab, rule, "p2") - before, 40, "requests and replies of {ip}");
    }
}
