//! A real client gets its address through a guarded port.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use dvs_tests::netns::{Lab, Process, Vm, until};

const GUARDED: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1]}
- {kind: Port, name: p2, network: blue}
";

/// What the client does with its lease.
const SCRIPT: &str = "#!/bin/sh
if [ \"$1\" = bound ]; then ip address add \"$ip/24\" dev \"$interface\"; fi
";

/// Starts a server that leases one address.
fn serve(vm: &Vm, address: &str, dir: &Path) -> Process {
    let (leases, pid, file) = (dir.join("leases"), dir.join("pid"), dir.join("config"));
    fs::write(&leases, "").unwrap();
    let config = format!(
        "interface eth0\nstart {address}\nend {address}\nmax_leases 1\nlease_file {}\npidfile {}\n",
        leases.display(),
        pid.display()
    );
    fs::write(&file, config).unwrap();
    let mut command = vm.namespace.command("busybox");
    let mut server = Process::start(command.args(["udhcpd", "-f", "-a", "100"]).arg(&file));
    until("the server is up", || {
        assert!(server.is_running(), "{}", server.errors());
        server.errors().contains("started").then_some(())
    });
    server
}

/// Asks for a lease and configures it; the client's last words if there is none.
fn ask(vm: &Vm, dir: &Path) -> Result<(), String> {
    let script = dir.join("script");
    fs::write(&script, SCRIPT).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = vm.namespace.command("busybox");
    command.args(["udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "5", "-T", "1", "-s"]).arg(&script);
    let client = dvs_tests::netns::finish(&mut command);
    if client.code == Some(0) { Ok(()) } else { Err(client.errors) }
}

#[test]
fn a_client_gets_its_lease_through_a_guarded_port() {
    let lab = Lab::new(GUARDED);
    let dir = tempfile::tempdir().unwrap();
    lab.vm("p1").namespace.ip("address flush dev eth0");
    let _server = serve(lab.vm("p2"), "10.0.0.1", dir.path());
    ask(lab.vm("p1"), dir.path()).unwrap();
    let there = dvs_tests::netns::Ping::run(&lab.vm("p1").namespace, lab.vm("p2").ips()[0]);
    assert!(there.is_lossless(), "{there:?}");
    assert_eq!(lab.host.drops("p1", "spoofed-ip") + lab.host.drops("p1", "spoofed-arp"), 0);
}

#[test]
fn a_guarded_port_is_no_server() {
    let lab = Lab::new(GUARDED);
    let dir = tempfile::tempdir().unwrap();
    lab.vm("p1").namespace.ip("address flush dev eth0\naddress add 10.0.0.77/24 dev eth0");
    lab.vm("p2").namespace.ip("address flush dev eth0");
    let _server = serve(lab.vm("p1"), "10.0.0.2", dir.path());
    ask(lab.vm("p2"), dir.path()).unwrap_err();
    assert!(lab.host.drops("p1", "spoofed-ip") > 0, "the server's offers were not refused");
}
