//! Routing between networks.

mod control;
mod introduction;
mod neighbours;
mod paths;
mod sizes;
mod talk;

use std::{net::IpAddr, time::Duration};

use dvs_tests::netns::{Finished, LIMIT, Lab, Ping, Process, run, within};

/// Two networks behind a router. The VMs at p2 and p3 are in blue, the others in green;
/// the last two may send from any address, as routers do.
const TWO: &str = "
- {kind: Router, name: r}
- {kind: Network, name: blue, vlan: 10, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {kind: Network, name: green, vlan: 20, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {kind: Port, name: p2, network: blue, mac: ['02:00:00:00:00:02'], ip: [10.0.10.2, 'fd00:10::2']}
- {kind: Port, name: p3, network: blue}
- {kind: Port, name: p4, network: green, mac: ['02:00:00:00:00:04'], ip: [10.0.20.4, 'fd00:20::4']}
- {kind: Port, name: p5, network: green}
- {kind: Port, name: p6, network: green, mac: ['02:00:00:00:00:06']}
- {kind: Uplink, name: u9, vlans: '10,20'}
";

const BLUE: u8 = 10;
const GREEN: u8 = 20;

/// Addresses of the router in a subnet.
fn gateways(subnet: u8) -> [IpAddr; 2] {
    ["10.0.SUBNET.1", "fd00:SUBNET::1"]
        .map(|text| text.replace("SUBNET", &subnet.to_string()).parse().unwrap())
}

/// A lab of these objects, whose VMs have joined these subnets.
#[track_caller]
fn lab(objects: &str, members: &[(&str, u8)]) -> Lab {
    let lab = Lab::bare(objects);
    for (vm, subnet) in members {
        lab.vm(vm).join(*subnet);
    }
    lab
}

/// The usual lab.
#[track_caller]
fn two() -> Lab {
    lab(TWO, &[("p2", BLUE), ("p3", BLUE), ("p4", GREEN), ("p5", GREEN), ("p6", GREEN)])
}

/// Pings both addresses of a VM in a subnet.
#[track_caller]
fn ping(lab: &Lab, from: &str, to: &str, subnet: u8) -> Ping {
    lab.vm(to).ips_in(subnet).iter().map(|ip| Ping::run(&lab.vm(from).namespace, *ip)).sum()
}

/// Pings until every request is answered: what is not known yet has to be found out.
#[track_caller]
fn ping_becomes_lossless(lab: &Lab, from: &str, to: IpAddr) {
    let mut last = Ping::default();
    let lossless = within(LIMIT, || {
        last = Ping::run(&lab.vm(from).namespace, to);
        last.is_lossless().then_some(())
    });
    assert!(lossless.is_some(), "{from} does not reach {to}: {last:?}\n{}", lab.host.log());
}

/// One ping with further arguments.
fn ping_with(lab: &Lab, from: &str, arguments: &str, to: IpAddr) -> Finished {
    let mut command = lab.vm(from).namespace.command("ping");
    command.args(["-n", "-c", "1", "-W", "2"]).args(arguments.split_whitespace()).arg(to.to_string());
    Process::start(&mut command).finish(LIMIT)
}

/// A command of the CLI that is waited for.
#[track_caller]
fn dvs(lab: &Lab, line: &str) {
    run(&mut lab.host.cli(&format!("{line} --wait")));
}

/// How long traffic flows during which something happens.
const DURATION: Duration = Duration::from_secs(10);
/// How long it may take to end after its time.
const GRACE: Duration = Duration::from_secs(30);
