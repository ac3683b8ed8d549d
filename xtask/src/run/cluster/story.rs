//! What happens to a cluster, an act after the other, with measured times.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::super::signals::Signals;
use super::super::topology::{Place, Topology};
use super::super::vm::Vm;
use super::clock::Clock;
use super::lab::Lab;
use super::ping::{Outcome, Ping};
use crate::progress::headline;

/// The addresses of p1.
const P1: &str = "10.0.10.11";
const P1_V6: &str = "fd00:10::11";
/// So many replies show that a way is open.
const ENOUGH: usize = 100;

/// Where the story takes place.
pub(super) struct Story<'a> {
    /// The VMs and their copies, by port and host.
    vms: BTreeMap<(&'static str, &'static str), Vm>,
    pub(super) lab: Lab,
    topology: &'a Topology,
    clock: Clock,
}

impl<'a> Story<'a> {
    /// The story of an example, whose cluster is started.
    pub(super) fn begin(name: &str, topology: &'a Topology, signals: &mut Signals) -> Result<Self> {
        let (mut clock, start) = (Clock::default(), Instant::now());
        let lab = Lab::start(name, signals)?;
        clock.since(
            "three members of etcd, two managers and three hosts are up",
            start,
            "after they were started",
        );
        Ok(Self { vms: BTreeMap::new(), lab, topology, clock })
    }

    /// Plays all acts, and shows what was measured.
    pub(super) fn play(&mut self, signals: &mut Signals) -> Result<()> {
        self.plug_in(signals)?;
        self.lose_host(signals)?;
        self.lose_manager()?;
        self.lose_etcd()?;
        self.return_host(signals)?;
        self.move_port(signals)?;
        headline("Measured");
        print!("{}", self.clock.table());
        Ok(())
    }

    fn plug_in(&mut self, signals: &mut Signals) -> Result<()> {
        headline("VMs are started");
        self.lab.show(&format!("apply --wait -f {}", self.topology.objects.display()))?;
        for (port, host) in [("p1", "h1"), ("p2", "h2"), ("p3", "h3")] {
            self.vms.insert((port, host), Vm::at(self.place(port)?, host)?);
        }
        let start = Instant::now();
        self.vms.values().try_for_each(Vm::plug)?;
        let switched = self.ping(("p2", "h2"), P1)?;
        let first = reply(&switched, start, signals)?;
        self.clock.took("first ping from p2 to p1", first - start, "after the VMs were plugged in");
        self.lab.show("host list")?;
        self.lab.show("port list")?;
        let start = Instant::now();
        let routed = self.ping(("p3", "h3"), P1_V6)?;
        let first = reply(&routed, start, signals)?;
        self.clock.took(
            "first ping from p3 to p1, by the router and IPv6",
            first - start,
            "after it was sent",
        );
        Ok(())
    }

    fn lose_host(&mut self, signals: &mut Signals) -> Result<()> {
        headline("h1 dies");
        let ping = self.ping(("p2", "h2"), P1)?;
        reply(&ping, Instant::now(), signals)?;
        let start = Instant::now();
        self.lab.host(1)?.die()?;
        self.vm(("p1", "h1"))?.halt()?;
        self.lab.host_becomes("h1", "dead", signals)?;
        self.clock.since("h1 is dead", start, "after it was cut off");
        self.lab.show("host list")?;
        self.lab.show("port list")?;
        println!("The VM of p1 is started again at h3.");
        let vm = Vm::at(self.place("p1")?, "h3")?;
        let start = Instant::now();
        vm.plug()?;
        let first = reply(&ping, start, signals)?;
        self.clock.took("first reply of p1 at h3", first - start, "after its device appeared there");
        self.vms.insert(("p1", "h3"), vm);
        self.lab.show("port list")
    }

    fn lose_manager(&mut self) -> Result<()> {
        headline("One of two managers is killed");
        let start = Instant::now();
        self.lab.kill_manager(1)?;
        self.lab.show("port add p4 --network blue")?;
        self.clock.since("a write is done by m2", start, "after m1 was killed");
        Ok(())
    }

    fn lose_etcd(&mut self) -> Result<()> {
        headline("One of three members of etcd is killed, the one that leads");
        let start = Instant::now();
        let member = self.lab.kill_leader()?;
        self.lab.show("port remove p4")?;
        self.clock.since("a write is done", start, &format!("after {member}, which led etcd, was killed"));
        let start = Instant::now();
        self.lab.show("policy set vms --log --wait")?;
        self.clock.since(
            "a change of the firewall is in force at h2 and h3",
            start,
            "after it was asked for",
        );
        Ok(())
    }

    fn return_host(&mut self, signals: &mut Signals) -> Result<()> {
        headline("h1 returns, with a device p1");
        let ping = self.ping(("p2", "h2"), P1)?;
        reply(&ping, Instant::now(), signals)?;
        let start = Instant::now();
        self.lab.host(1)?.come_back()?;
        self.lab.host_becomes("h1", "alive", signals)?;
        self.clock.since("h1 is alive", start, "after it was connected and its agent started");
        self.count(&ping, "while h1 came back", signals)?;
        self.lab.show("host list")?;
        self.lab.show("port list")?;
        ensure!(self.lab.port("p1")?.iter().any(|word| word == "h3"), "p1 is not at h3 any more");
        Ok(())
    }

    fn move_port(&mut self, signals: &mut Signals) -> Result<()> {
        headline("The VM of p1 is moved back to h1, as planned");
        let ping = self.ping(("p2", "h2"), P1)?;
        reply(&ping, Instant::now(), signals)?;
        self.vms.remove(&("p1", "h1"));
        self.lab.show("port move p1 --to h1")?;
        let place = self.place("p1")?;
        let copy = Vm::silent(place, "h1")?;
        let start = Instant::now();
        copy.plug()?;
        self.port_becomes("ready", signals)?;
        self.clock.since("h1 is ready for p1", start, "after the device of its copy appeared there");
        self.lab.show("port list")?;
        println!("The VM goes on at h1.");
        copy.wake(place)?;
        self.port_becomes("bound", signals)?;
        self.count(&ping, "while it moved to h1", signals)?;
        self.vms.remove(&("p1", "h3"));
        self.vms.insert(("p1", "h1"), copy);
        self.lab.show("port list")
    }

    fn port_becomes(&self, state: &str, signals: &mut Signals) -> Result<()> {
        signals.until(&format!("p1 becomes {state}"), || {
            Ok(self.lab.port("p1")?.iter().any(|word| word == state).then_some(()))
        })
    }

    /// Says what has become of pings of p1, when it answers again.
    fn count(&mut self, ping: &Ping, when: &str, signals: &mut Signals) -> Result<()> {
        let until = ping.count() + ENOUGH;
        signals.until("pings are answered", || Ok((ping.count() >= until).then_some(())))?;
        let Outcome { sent, lost } = ping.outcome();
        self.clock.tell("pings of p1, 5 ms apart, that were lost", &format!("{lost} of {sent}"), when);
        Ok(())
    }

    fn place(&self, port: &str) -> Result<&'a Place> {
        let mut places = self.topology.places.iter();
        places.find(|place| place.port == port).with_context(|| format!("the topology has no {port}"))
    }

    fn ping(&self, from: (&'static str, &'static str), to: &str) -> Result<Ping> {
        Ping::start(self.vm(from)?.namespace(), to)
    }

    fn vm(&self, (port, host): (&'static str, &'static str)) -> Result<&Vm> {
        self.vms.get(&(port, host)).with_context(|| format!("there is no VM of {port} at {host}"))
    }
}

/// When the first reply came after a moment.
fn reply(ping: &Ping, moment: Instant, signals: &mut Signals) -> Result<Instant> {
    signals.until("a ping is answered", || Ok(ping.first_after(moment)))
}
