//! Managers and hosts of different versions.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use dvs_tests::netns::{Cluster, dvs, finish, run, until};

use super::hosts::{OBJECTS, pinging, stop, with_vms};

/// Versions of managers that answer, how they answer, and what is said of it.
const NEWER: [(&str, &str, &str); 2] = [
    ("v2 (dvs 9.0.0)", "404 Not Found", "it speaks v2 (dvs 9.0.0) and this is "),
    ("v1 (dvs 0.9.0)", "200 OK", "the answer of v1 (dvs 0.9.0) makes no sense to "),
];
const OWN: &str = concat!("v1 (dvs ", env!("CARGO_PKG_VERSION"), ")");
const REMEDY: &str = "run the same version of dvs on both sides, or ask another manager";

/// Answers every request as a manager of this version, with what only that version understands.
fn newer_manager(socket: &Path, version: &str, status: &str) {
    let listener = UnixListener::bind(socket).unwrap();
    let (body, head) = (r#"{"timeoutMs": {}}"#, format!("HTTP/1.1 {status}\r\ndvs-version: {version}"));
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            // Whoever asked may be gone.
            (&stream).write_all(answer.as_bytes()).ok();
        }
    });
}

#[test]
fn a_host_passes_over_managers_of_other_versions_and_goes_on_with_what_it_has() {
    let directory = tempfile::tempdir().unwrap();
    let (mut cluster, one, two) = with_vms(Cluster::new(3, OBJECTS));
    let pings = pinging(&two, one.ips()[0]);
    let mut managers = cluster.managers.urls();
    for (version, status, _) in NEWER {
        let socket = directory.path().join(version);
        newer_manager(&socket, version, status);
        managers = format!("unix:{},{managers}", socket.display());
    }
    // They are the only ones that answer, then there is one that fits.
    cluster.managers.kill(1);
    cluster.host(1).follow(&managers);
    cluster.host(1).start_agent();
    for (version, _, words) in NEWER {
        let said = until("the host tells why it passes over the manager", || {
            let log = cluster.hosts[0].log();
            log.lines().find(|line| line.contains(words)).map(str::to_owned)
        });
        let manager = format!("the manager at unix:{}", directory.path().join(version).display());
        assert!([&manager, OWN, REMEDY].iter().all(|part| said.contains(part)), "{said}");
    }
    cluster.port_opens("p1", 1);
    cluster.managers.start(1);
    until("the host follows the one that fits", || {
        run(&mut cluster.hosts[0].cli("status")).contains("192.168.77.101:7443, connected").then_some(())
    });
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
}

#[test]
fn people_are_told_of_another_version_too() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("newer.sock");
    let (version, status, _) = NEWER[0];
    newer_manager(&socket, version, status);
    let refused = finish(Command::new(dvs()).args(["network", "list", "--socket"]).arg(&socket));
    let said = format!("speaks {version} and this is {OWN}: {REMEDY}");
    assert!(refused.code == Some(1) && refused.errors.contains(&said), "{refused:?}");
}

#[test]
fn a_manager_refuses_another_version_and_changes_nothing() {
    let cluster = Cluster::new(0, OBJECTS);
    let body = r#"{"name": "red", "vlan": 30}"#;
    let ask = |path: &str, version: &str| {
        let mut command = Command::new("curl");
        command.args(["-s", "-i", "--unix-socket"]).arg(cluster.managers.socket(1));
        command.args(["-H", "content-type: application/json", "-H", version, "-d", body]);
        run(command.arg(format!("http://dvs{path}")))
    };
    for (path, version, theirs) in
        [("/v1/networks", "dvs-version: v2 (dvs 9.0.0)", "v2 (dvs 9.0.0)"), ("/v2/networks", "x: y", "v2")]
    {
        let said = ask(path, version);
        let why = format!("the request is in {theirs}, and this is {OWN}");
        for part in ["HTTP/1.1 400", &format!("dvs-version: {OWN}"), &why, REMEDY] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    assert!(!run(&mut cluster.managers.cli("network list")).contains("red"));
    assert!(ask("/v1/networks", &format!("dvs-version: {OWN}")).contains("HTTP/1.1 201"));
}
