//! The agent is killed over and over while traffic flows, and nobody notices.

use std::thread::sleep;
use std::time::{Duration, Instant};

use dvs_tests::netns::{Iperf, Lab, Ping};

/// How long traffic flows.
const DURATION: Duration = Duration::from_secs(30);
/// The life of an agent.
const LIFE: Duration = Duration::from_millis(200);
/// Every so many agents one may live until it is ready, if its life is too short for that.
const GROWN_UP: u32 = 10;
/// How long the traffic may take to end after its time.
const GRACE: Duration = Duration::from_secs(30);

const PORTS: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1, 'fd00::1']}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p3, network: blue}
- {kind: Port, name: p4, trunk: '10,20'}
- {kind: Uplink, name: u9, vlans: '30'}
";

/// Kills agents one after the other; says how many there were and how many of them got ready.
fn kill_agents(lab: &mut Lab) -> (u32, u32) {
    let end = Instant::now() + DURATION;
    let (mut killed, mut ready) = (0, 0);
    while Instant::now() < end {
        lab.host.launch_agent();
        sleep(LIFE);
        if killed % GROWN_UP == 0 {
            lab.host.await_agent();
        }
        ready += u32::from(lab.host.is_ready());
        lab.host.kill_agent();
        killed += 1;
    }
    (killed, ready)
}

#[test]
fn killed_agents_lose_no_packet() {
    let mut lab = Lab::new(PORTS);
    let [v4, v6] = lab.vm("p2").ips();
    assert!(lab.ping("p1", "p2").is_lossless() && lab.ping("p3", "p2").is_lossless());
    let server = Iperf::serve(&lab.vm("p2").namespace);
    let stream = Iperf::background(&lab.vm("p3").namespace, v6, DURATION);
    let pings = Ping::flood(&lab.vm("p1").namespace, v4, DURATION);

    let (killed, ready) = kill_agents(&mut lab);
    println!("killed {killed} agents, {ready} of them ready");
    assert!(killed >= 30 && ready >= 3, "killed {killed} agents, {ready} of them ready");

    let pings = Ping::read(&pings.succeed(GRACE));
    println!("{pings:?}");
    assert!(pings.sent > 1000 && pings.is_lossless(), "{pings:?}");
    let seconds = Iperf::intervals(&stream.succeed(GRACE));
    assert!(seconds.len() >= 29 && seconds.iter().all(|octets| *octets > 0), "{seconds:?}");
    server.succeed(GRACE);

    lab.host.start_agent();
    let drops = lab.host.ask(lab.host.client.drops(&None)).unwrap();
    assert!(!drops.iter().any(|row| ["p1", "p2", "p3"].contains(&row.port.as_str())), "{drops:?}");
    assert!(lab.ping("p1", "p2").is_lossless());
}
