//! The README's chapter about many hosts, typed as it is.

use dvs_tests::netns::{Host, Namespace, Process, Stack, Vm, finish};
use dvs_tests::readme::{Shell, Step, chapter};
use tempfile::TempDir;

const CHAPTER: &str = "Many hosts";
const MTU: u32 = 1500;

/// A network between hosts.
fn bridge(label: &str) -> Namespace {
    let namespace = Namespace::new(label);
    namespace.sysctl("ipv6/conf/default/disable_ipv6", "1");
    namespace.ip("link add br0 type bridge\nlink set br0 up");
    namespace
}

/// A host between the networks, whose agent the README starts.
fn host(number: usize, management: &Namespace, underlay: &Namespace) -> Host {
    let host = Host::without_agent();
    for (network, device, subnet) in [(management, "eth0", "10.99.0.1"), (underlay, "eth1", "192.0.2.")] {
        let name = host.namespace.name();
        network.ip(&format!(
            "link add h{number} type veth peer name {device} netns {name}\nlink set h{number} master br0 up"
        ));
        host.namespace.ip(&format!("link set {device} up\naddr add {subnet}{number}/24 dev {device}"));
    }
    host
}

/// A VM that is started on a host, with the address that the README gives its port.
fn start(host: &Host, port: &str, address: &str) -> Vm {
    let vm = Vm::new(&host.namespace, port, MTU, Stack::Bare);
    vm.namespace.ip(&format!("addr add {address}/24 dev eth0"));
    vm
}

/// What happens in the chapter, step by step.
struct Reader<'a> {
    shell: Shell<'a>,
    hosts: &'a [Host],
    vms: Vec<Vm>,
    agents: Vec<Process>,
    manager: Option<Process>,
    /// How often the ports were listed.
    lists: usize,
}

impl Reader<'_> {
    #[track_caller]
    fn play(&mut self, step: &Step) {
        let words: Vec<_> = step.command.split(' ').take(3).collect();
        match words.as_slice() {
            ["dvs", "manager", ..] => self.manager = Some(self.shell.start(step, "")),
            ["dvs", "run", ..] => {
                self.agents =
                    (1..).zip(self.hosts).map(|(number, host)| self.agent(step, number, host)).collect();
            }
            ["dvs", "cert", "issue"] if step.command.contains(" h1 ") => {
                for name in ["h1", "h2", "h3"] {
                    self.shell.play(&step.of("h1", name));
                }
            }
            ["dvs", "port", "list"] => {
                self.lists += 1;
                self.happens();
                self.shell.look(step);
            }
            ["dvs", "host", "list"] => {
                self.lose_first();
                self.shell.look(step);
            }
            ["ip", "netns", "exec"] => self.shell.look(step),
            _ => drop(self.shell.play(step)),
        }
    }

    fn agent(&self, step: &Step, number: usize, host: &Host) -> Process {
        let more = format!(
            "--netns {} --state-dir {} --socket {}",
            host.namespace.name(),
            host.state().display(),
            host.socket().display()
        );
        self.shell.start(&step.of("h1", &format!("h{number}")), &more)
    }

    /// What the text says before ports are listed.
    fn happens(&mut self) {
        let started: &[(&str, usize, &str)] = match self.lists {
            1 => &[("p1", 1, "10.0.10.11"), ("p2", 2, "10.0.10.12")],
            3 => &[("p1", 3, "10.0.10.11")],
            6 => &[("p4", 2, "10.0.30.4"), ("p5", 3, "10.0.30.5")],
            4 => return self.vms.push(Vm::new(&self.hosts[2].namespace, "p2", MTU, Stack::Silent)),
            5 => return self.wake("10.0.10.12", "10.0.10.11"),
            _ => &[],
        };
        for (port, number, address) in started {
            let vm = start(&self.hosts[number - 1], port, address);
            self.shell.call(&format!("dvs-{port}"), &vm.namespace);
            self.vms.push(vm);
        }
    }

    /// The newest VM, which was silent, asks for another one.
    fn wake(&self, own: &str, other: &str) {
        let vm = self.vms.last().unwrap();
        vm.namespace.ip(&format!("addr add {own}/24 dev eth0"));
        finish(vm.namespace.command("ping").args(["-c", "1", "-W", "1", other]));
    }

    /// h1 dies.
    fn lose_first(&mut self) {
        drop(self.agents.remove(0));
        self.hosts[0].namespace.ip("link set eth0 down\nlink set eth1 down");
    }
}

#[test]
fn the_readme_is_right() {
    let [management, underlay] = ["management", "underlay"].map(bridge);
    management.ip("addr add 10.99.0.1/24 dev br0");
    let hosts: Vec<_> = (1..=3).map(|number| host(number, &management, &underlay)).collect();
    let directory = TempDir::new().unwrap();
    let shell = Shell::new(directory.path()).inside(&management);
    let mut reader =
        Reader { shell, hosts: &hosts, vms: Vec::new(), agents: Vec::new(), manager: None, lists: 0 };
    for step in chapter(CHAPTER) {
        reader.play(&step);
    }
    assert_eq!(reader.lists, 6, "something happens before each list");
}
