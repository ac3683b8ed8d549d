//! The first thing that somebody does: a web server that is reached at one port only.

use std::fs;

use dvs_tests::netns::{Lab, Process, Stack, finish, run, socket::try_connect, until};
use dvs_tests::readme;
use serde_json::Value;

use super::{hits, hits_grow, ips, lab};

/// What the server serves.
const PAGE: &str = "hello from behind the firewall";

/// A real web server at a port of a VM.
fn serve(lab: &Lab, vm: &str, port: u16) -> Process {
    let root = lab.host.state().join("www");
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("index.html"), PAGE).unwrap();
    let mut command = lab.vm(vm).namespace.command("busybox");
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
    let servers = [443, 80].map(|port| serve(&lab, "p2", port));
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

/// What the chapter takes for granted, a command a generation, as its reader has come there.
const BEFORE: [&str; 3] = [
    "network add blue --vlan 10",
    "port add client --network blue --device v1 --mac 02:00:00:00:00:01 --ip 10.0.10.1",
    "port add web --network blue --device v2 --mac 02:00:00:00:00:02 --ip 10.0.10.2 --label role=web",
];

#[test]
fn the_readme_is_right() {
    let mut lab = Lab::empty();
    for vm in ["v1", "v2"] {
        lab.plug(vm, 1500, Stack::Bare);
        lab.vm(vm).namespace.ip(&format!("addr add {}/24 dev eth0", lab.vm(vm).ips_in(10)[0]));
    }
    for line in BEFORE {
        // The agent hears of new devices from the kernel, and refuses what it has not heard of.
        until(line, || (finish(&mut lab.host.cli(line)).code == Some(0)).then_some(()));
    }
    let _servers = [443, 80].map(|port| serve(&lab, "v2", port));
    let client = &lab.vm("v1").namespace;
    let mut shell = readme::Shell::new(lab.host.state()).with("DVS_SOCKET", lab.host.socket());
    shell.call("dvs-client", client);
    let log = Process::start(&mut lab.host.cli("log --follow -o json"));
    for step in readme::chapter("Protect a server") {
        let is_tried = step.command.ends_with("--dry-run");
        let open = is_tried.then(|| try_connect(client, "10.0.10.2".parse().unwrap(), 443).unwrap());
        let said = shell.play(&step);
        let own = open.map(|open| open.local_addr().unwrap().to_string());
        assert!(own.is_none_or(|own| said.contains(&own)), "another connection would be cut:\n{said}");
    }
    // Whoever follows is told on, an object a line.
    finish(&mut shell.command("ip netns exec dvs-client curl --max-time 1 http://10.0.10.2:81"));
    until("the log goes on", || {
        let text = log.output();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let events: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let refused =
            |port| events.iter().any(|event| event["destinationPort"] == port && event["rule"] == "default");
        (refused(80) && refused(81)).then_some(())
    });
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
