//! Disks that are full, and files that are damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dvs_tests::netns::{Cluster, finish, run, until};

use super::hosts::{OBJECTS, pinging, stop, with_vms};

/// A disk of this size at a directory, for as long as it is not dropped.
struct Disk(PathBuf);

impl Disk {
    fn small(at: &Path) -> Self {
        fs::create_dir_all(at).unwrap();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=4M", "dvst"]).arg(at));
        Self(at.to_owned())
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let full = fs::write(self.filler(), vec![0; 4 << 20]).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still uses it goes on with it; a test that fails says why by itself.
        finish(Command::new("umount").args(["--recursive", "--lazy"]).arg(&self.0));
    }
}

#[test]
fn a_manager_whose_disk_is_full_refuses_and_loses_nothing() {
    let mut cluster = Cluster::new(1, OBJECTS);
    cluster.managers.kill(1);
    let kept = cluster.managers.state();
    let before = ["store.redb", "claims.redb"].map(|name| (name, fs::read(kept.join(name)).unwrap()));
    let disk = Disk::small(&kept);
    for (name, content) in before {
        fs::write(kept.join(name), content).unwrap();
    }
    cluster.managers.start(1);
    let add = |cluster: &Cluster, name: &str| {
        finish(&mut cluster.managers.cli(&format!("port add {name} --network blue --wait")))
    };
    let written = ["one", "two", "last"];
    for name in &written[..2] {
        assert_eq!(add(&cluster, name).code, Some(0));
    }
    let has = |cluster: &Cluster, names: &[&str]| {
        let list = run(&mut cluster.managers.cli("port list"));
        assert!(names.iter().all(|name| list.contains(name)), "{list}");
        assert!(!list.contains("refused"), "{list}");
    };
    disk.fill();
    for _ in 0..3 {
        let refused = add(&cluster, "refused");
        for part in
            ["store.redb cannot be written, as its disk is full", "nothing was changed: make room there"]
        {
            assert!(refused.code == Some(1) && refused.errors.contains(part), "{refused:?}");
        }
        has(&cluster, &written[..2]);
    }
    disk.free();
    assert_eq!(add(&cluster, "last").code, Some(0));
    cluster.managers.kill(1);
    cluster.managers.start(1);
    has(&cluster, &written);
}

#[test]
fn a_host_whose_disk_is_full_goes_on_in_memory() {
    let (mut cluster, one, two) = with_vms(Cluster::new(2, OBJECTS));
    let pings = pinging(&two, one.ips()[0]);
    let mut host = cluster.unstarted("h3", 3);
    let disk = Disk::small(host.state());
    host.start_agent();
    cluster.hosts.push(host);
    let third = super::hosts::start(&mut cluster, "p3", 3);
    cluster.port_opens("p3", 3);
    disk.fill();
    run(&mut cluster.managers.cli("port set p3 --ip 10.0.0.3 --ip fd00::3 --wait"));
    let says = |words: &str| {
        until(words, || cluster.hosts[2].log().contains(words).then_some(()));
    };
    says("cannot keep what managers said: No space left on device");
    disk.free();
    says("what managers said is kept on disk again");
    // The next agent has it from there.
    cluster.managers.kill(1);
    cluster.host(3).start_agent();
    assert!(run(&mut cluster.hosts[2].cli("port show p3")).contains("10.0.0.3"));
    super::hosts::reaches(&two, &third);
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
    cluster.hosts.pop();
}

#[test]
fn a_damaged_view_is_set_aside_and_fetched_again() {
    let (mut cluster, one, two) = with_vms(Cluster::new(3, OBJECTS));
    let pings = pinging(&two, one.ips()[0]);
    let view = cluster.host(1).state().join("view.json");
    cluster.host(1).kill_agent();
    let whole = fs::read(&view).unwrap();
    fs::write(&view, &whole[..whole.len() / 2]).unwrap();
    cluster.host(1).start_agent();
    cluster.port_opens("p1", 1);
    let log = cluster.host(1).log();
    assert!(log.contains("makes no sense") && log.contains("managers are asked for it again"), "{log}");
    let aside = cluster.host(1).state().join("view.json.corrupt-1");
    assert_eq!(fs::read(aside).unwrap(), whole[..whole.len() / 2]);
    until("the view is on disk again", || {
        serde_json::from_slice::<serde_json::Value>(&fs::read(&view).ok()?).ok()
    });
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
}
