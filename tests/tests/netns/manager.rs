//! A manager as a process of its own, and those who ask it.

use std::{fs, process::Command};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use dvs_tests::netns::{Finished, Process, dvs, finish, run, until};

/// A manager and its authority in a directory.
struct Manager {
    directory: TempDir,
    process: Process,
    url: String,
}

impl Manager {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        for line in [
            "init",
            "issue m1 --role manager --address 127.0.0.1",
            "issue alice --role admin",
            "issue h1 --role host",
        ] {
            run(Command::new(dvs()).arg("cert").args(line.split(' ')).arg("--dir").arg(directory.path()));
        }
        let (process, url) = launch(&directory, "127.0.0.1:0");
        Self { directory, process, url }
    }

    /// Starts it again where it was.
    fn restart(&mut self) {
        self.process.kill();
        let address = self.url.strip_prefix("https://").unwrap();
        (self.process, self.url) = launch(&self.directory, address);
    }

    /// A command of somebody, by the environment alone.
    fn cli(&self, who: &str, line: &str) -> Command {
        let mut command = Command::new(dvs());
        command
            .args(line.split(' '))
            .env("DVS_SERVER", format!("127.0.0.1:1,{}", self.url))
            .env_remove("DVS_SOCKET");
        for (variable, file) in
            [("CA", "ca.pem".into()), ("CERT", format!("{who}.pem")), ("KEY", format!("{who}.key"))]
        {
            command.env(format!("DVS_TLS_{variable}"), self.directory.path().join(file));
        }
        command
    }
}

fn launch(directory: &TempDir, address: &str) -> (Process, String) {
    let file = |name: &str| directory.path().join(name);
    let mut command = Command::new(dvs());
    command.args(["manager", "--listen", address, "--state-dir"]).arg(file("state"));
    command.arg("--tls-ca").arg(file("ca.pem")).arg("--tls-cert").arg(file("m1.pem"));
    command.arg("--tls-key").arg(file("m1.key")).env("NO_COLOR", "1");
    let mut process = Process::start(&mut command);
    let url = until("the manager is ready", || {
        assert!(process.is_running(), "the manager has ended: {}", process.errors());
        Some(process.output().strip_prefix("dvs manager is ready: ")?.trim().to_owned())
    });
    (process, url)
}

#[test]
fn a_manager_that_is_killed_keeps_what_it_answered() {
    let mut manager = Manager::start();
    assert_eq!(run(&mut manager.cli("alice", "network add blue --vlan 10")), "Network blue created\n");
    manager.restart();
    assert!(run(&mut manager.cli("alice", "network list")).contains("blue  10"));
    manager.process.signal(Signal::SIGTERM);
    until("the manager has ended", || (!manager.process.is_running()).then_some(()));
    assert!(manager.process.errors().contains("stopped"), "{}", manager.process.errors());
}

#[test]
fn the_environment_says_who_asks_whom() {
    let manager = Manager::start();
    let ask = |line: &str| {
        let mut command = Command::new(dvs());
        command.args(line.split(' ')).env("DVS_SERVER", &manager.url).env_remove("DVS_SOCKET");
        command.env("XDG_CONFIG_HOME", manager.directory.path());
        command
    };
    let said = finish(&mut ask("network list"));
    assert!(
        said.code == Some(1) && said.errors.contains("put ca.pem, client.pem and client.key into"),
        "{said:?}"
    );
    let own = manager.directory.path().join("dvs");
    fs::create_dir(&own).unwrap();
    for (from, to) in [("ca.pem", "ca.pem"), ("alice.pem", "client.pem"), ("alice.key", "client.key")] {
        fs::copy(manager.directory.path().join(from), own.join(to)).unwrap();
    }
    assert_eq!(run(&mut ask("network list -o json")), "[]\n");
    let said = finish(ask("network list").env("DVS_SOCKET", "/nowhere/s"));
    assert!(
        said.code == Some(2) && said.errors.contains("DVS_SERVER a manager: set one of them"),
        "{said:?}"
    );
    let said = finish(&mut ask("network list --socket /nowhere/s"));
    assert!(
        said.code == Some(1) && said.errors.contains("no agent at /nowhere/s"),
        "what is typed counts: {said:?}"
    );
}

#[test]
fn who_is_refused_is_told_and_logged() {
    let manager = Manager::start();
    let Finished { code, errors, .. } = finish(&mut manager.cli("h1", "network add blue --vlan 10"));
    let reason = "h1 (role host) may only use /v1/cluster/hosts/ITS-OWN-NAME/ and read /openapi.json, and not POST /v1/networks";
    assert!(
        code == Some(1) && errors.starts_with(&format!("error: {reason}; use a certificate")),
        "{errors}"
    );
    let said = finish(&mut manager.cli("m1", "network list"));
    assert!(said.errors.contains("m1.pem, which is not for clients"), "{said:?}");
    for reason in [reason, "its certificate is for another purpose"] {
        let is_it = |line: &str| line.contains("WARN refused 127.0.0.1:") && line.ends_with(reason);
        // Who is refused knows it before the manager has written it down.
        until("the log tells it", || manager.process.errors().lines().any(is_it).then_some(()));
    }
}

#[test]
fn a_second_manager_of_the_directory_is_refused() {
    let manager = Manager::start();
    let mut second = Command::new(dvs());
    second
        .args(["manager", "--listen", "127.0.0.1:0", "--state-dir"])
        .arg(manager.directory.path().join("state"));
    let said = finish(&mut second);
    assert!(said.code == Some(1) && said.errors.contains("choose another --state-dir"), "{said:?}");
}
