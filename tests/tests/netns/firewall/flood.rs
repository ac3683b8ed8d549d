//! A flood of connections that nobody means.

use std::time::{Duration, Instant};

use dvs_tests::netns::{
    Process, run,
    socket::{Connection, listen},
    until,
};

use switch_user::report::AlarmKind;

use super::{HTTPS, SSH, WEB, dvs, ips, lab};

/// How long the flood lasts.
const FLOOD: Duration = Duration::from_secs(2);

#[test]
fn connections_live_through_a_flood() {
    let lab = lab(WEB);
    // Whoever floods sends from any address.
    dvs(&lab, "port set p3 --clear ip");
    let [v4, v6] = ips(&lab, "p2");
    let server = &lab.vm("p2").namespace;
    let [flooded, other] = [HTTPS, SSH].map(|port| listen(server, port));
    let established = [("p4", v4), ("u9", v4), ("p4", v6)]
        .map(|(from, ip)| Connection::open(&lab.vm(from).namespace, ip, &flooded));
    let mut command = lab.vm("p3").namespace.command("hping3");
    command.args(["-q", "-n", "-S", "--flood", "--rand-source", "-p", "443", &v4.to_string()]);
    let flood = Process::start(&mut command);
    let end = Instant::now() + FLOOD;
    until("the flood has begun", || (lab.host.drops("p3", "connections-full") > 1000).then_some(()));
    let mut rounds = 0_u32;
    while Instant::now() < end || rounds < 10 {
        for connection in &established {
            connection.talk();
        }
        for client in ["p4", "u9"] {
            Connection::open(&lab.vm(client).namespace, v4, &other).talk();
        }
        rounds += 1;
    }
    let alarm = |of: &str| lab.host.status().alarms.into_iter().find(|alarm| alarm.of == of);
    let told = until("there is an alarm", || alarm("p3"));
    assert_eq!(told.kind, AlarmKind::FlowsWithoutEntry);
    assert_eq!(alarm("p4"), None);
    drop(flood);
    let full = lab.host.drops("p3", "connections-full");
    println!("{rounds} rounds, {full} connections too many\n{}", run(&mut lab.host.cli("stats")));
    for connection in &established {
        connection.talk();
    }
    let drops = run(&mut lab.host.cli("drops"));
    assert_eq!(lab.host.drops("p4", "no-connection") + lab.host.drops("u9", "no-connection"), 0, "{drops}");
    assert_eq!(lab.host.drops("p4", "connections-full"), 0, "{drops}");
}
