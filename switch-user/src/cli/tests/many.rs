//! Commands that ask a manager, and certificates.

use std::path::Path;

use tokio::net::TcpListener;

use super::*;
use crate::{
    manager::{NoHost, serve_tls},
    tls::{Files, Role, ServerTls, tests::Pki},
};

/// A manager, and an administrator's certificate.
struct Manager {
    /// Its files go with it.
    _pki: Pki,
    admin: Files,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    server: Option<thread::JoinHandle<()>>,
}

impl Manager {
    fn new() -> Self {
        let pki = Pki::new();
        let tls = ServerTls::new(pki.issue("m1", Role::Manager)).unwrap();
        let admin = pki.issue("alice", Role::Admin);
        let (stop, stopped) = oneshot::channel::<()>();
        let state = State {
            store: Arc::new(RedbStore::in_memory().unwrap()),
            host: Arc::new(NoHost),
            cluster: None,
            follow: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let serve = serve_tls(listener, tls, router(state), async { drop(stopped.await) });
        let server = thread::spawn(move || runtime.block_on(serve).unwrap());
        Self { _pki: pki, admin, url, stop: Some(stop), server: Some(server) }
    }

    fn say(&self, line: &str, input: &str) -> Said {
        let Files { authorities, certificate, key } = &self.admin;
        let [ca, cert, key] = [authorities, certificate, key].map(|path| path.display());
        say(&format!("--server {} --tls-ca {ca} --tls-cert {cert} --tls-key {key} {line}", self.url), input)
    }

    #[track_caller]
    fn ok(&self, line: &str) -> String {
        let said = self.say(line, "");
        assert_eq!((said.code.as_str(), said.errors.as_str()), ("0", ""), "{line}");
        said.output
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // A server that died has said why.
        self.stop.take().and_then(|stop| stop.send(()).ok());
        self.server.take().and_then(|server| server.join().ok());
    }
}

fn say(line: &str, input: &str) -> Said {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let (input, interactive, colour) = (&mut Cursor::new(input), false, false);
    let mut streams = Streams { input, output: &mut output, errors: &mut errors, interactive, colour };
    let code = execute(["dvs"].into_iter().chain(line.split_whitespace()).map(OsString::from), &mut streams);
    let code = format!("{code:?}").chars().filter(char::is_ascii_digit).collect();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code, output: text(output), errors: text(errors) }
}

#[test]
fn objects_are_a_managers_as_they_are_an_agents() {
    let manager = Manager::new();
    assert_eq!(manager.ok("network add blue --vlan 10"), "Network blue created\n");
    assert_eq!(manager.ok("port add p1 --network blue --device v1"), "Port p1 created\n");
    let table = "NAME  VLAN  VNI  MTU  ROUTER  SUBNETS  PORTS\nblue  10    -    -    -       -        1\n";
    assert_eq!(manager.ok("network list"), table);
    let file = manager.ok("export");
    let said = manager.say("apply -f - --dry-run", &file);
    assert_eq!((said.code.as_str(), said.output.as_str()), ("0", "no change\n"), "{said:?}");
    let said = manager.say("diff -f - --prune", &file.replace("vlan: 10", "vlan: 20"));
    assert_eq!(
        (said.code.as_str(), said.output.as_str()),
        ("1", "~ Network blue\n-   vlan: 10\n+   vlan: 20\n")
    );
    assert_eq!(manager.ok("port remove p1"), "Port p1 removed\n");
}

#[test]
fn what_only_hosts_know_is_asked_there() {
    let manager = Manager::new();
    let remedy =
        "a manager forwards no frames and has no such report; ask at the host itself, without --server";
    let said = manager.say("status", "");
    assert_eq!((said.code.as_str(), said.errors), ("1", format!("error: {remedy}\n")));
    manager.ok("network add blue --vlan 10");
    manager.ok("port add p1 --network blue --device v1");
    let said = manager.say("port list", "");
    assert!(said.output.contains("p1    blue     10     v1      -      -    -"), "{said:?}");
    assert_eq!(said.errors, format!("warning: the state is not known: {remedy}\n"));
}

#[test]
fn an_agent_and_a_manager_are_not_asked_at_once() {
    let said = say("network list --socket s --server m1", "");
    assert_eq!(said.code, "2");
    assert!(
        said.errors.contains("--socket names an agent, --server a manager: give one of them"),
        "{said:?}"
    );
    let said = say("network list --server http://m1", "");
    assert_eq!(said.code, "2");
    assert!(said.errors.contains("write https://HOST:PORT, HOST:PORT or HOST"), "{said:?}");
}

#[test]
fn a_manager_is_told_with_the_obstacle() {
    let manager = Manager::new();
    let said = manager.say("network list --server https://127.0.0.1:1,[::1]:1", "");
    assert_eq!(said.code, "1");
    let lines: Vec<_> = said.errors.lines().collect();
    assert!(lines[0].starts_with("error: manager at https://127.0.0.1:1: Connection refused"), "{said:?}");
    assert!(lines[1].starts_with("error: manager at https://[::1]:1: "), "{said:?}");
    let other = Pki::new();
    let said = manager.say(&format!("network list --tls-ca {}", other.path("ca.pem").display()), "");
    assert!(said.errors.contains("name the file of the manager's authority with --tls-ca"), "{said:?}");
    let said = manager.say("network list --tls-key nowhere.key", "");
    assert!(said.errors.contains("cannot read a key from nowhere.key: No such file"), "{said:?}");
}

#[test]
fn certificates_are_made_and_shown() {
    let directory = TempDir::new().unwrap();
    let (dir, out) = (directory.path().join("pki"), directory.path().join("h1"));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (dir, out) = (path(&dir), path(&out));
    let said = say(&format!("cert issue h1 --role host --dir {dir}"), "");
    assert_eq!(
        said.errors,
        format!(
            "error: there is no authority in {dir}: make one with dvs cert init, or name its directory with --dir\n"
        )
    );
    let said = say(&format!("cert init --dir {dir}"), "");
    assert_eq!(said.output, format!("authority {dir}/ca.pem created, with its key {dir}/ca.key\n"));
    let said = say(&format!("cert issue h1 --role host --dir {dir} --out {out} -o json"), "");
    let files: serde_json::Value = serde_json::from_str(&said.output).unwrap();
    assert_eq!(files["certificate"], format!("{out}/h1.pem"));
    let said = say(&format!("cert issue m1 --role manager --address 192.0.2.1,fd00::1,m1 --dir {dir}"), "");
    assert_eq!(said.output, format!("certificate {dir}/m1.pem created, with its key {dir}/m1.key\n"));
    let said = say(&format!("cert show {dir}/m1.pem"), "");
    assert!(
        said.output.contains("name:       m1\nrole:       manager\naddresses:  192.0.2.1,fd00::1,m1\n"),
        "{said:?}"
    );
    assert!(said.output.ends_with("validity:   valid\n"), "{said:?}");
    let said = say(&format!("cert show {dir}/ca.pem"), "");
    assert!(said.output.contains("role:       authority\naddresses:  -\n"), "{said:?}");
    let said = say(&format!("cert show {dir}/ca.key"), "");
    assert_eq!(said.code, "1");
    assert!(
        said.errors.contains("ca.key: there is no certificate in it; name a file in PEM form"),
        "{said:?}"
    );
}

#[test]
fn a_manager_needs_all_of_its_files() {
    let said = say("manager --listen 127.0.0.1:0 --tls-cert m1.pem", "");
    assert_eq!(said.code, "1");
    assert_eq!(
        said.errors,
        "error: a manager needs all of --tls-ca, --tls-cert and --tls-key, or none of them\n"
    );
    let said = say("manager --listen 0.0.0.0:0", "");
    assert!(said.errors.contains("without certificates only this machine may be served"), "{said:?}");
}
