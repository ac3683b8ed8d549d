//! Managers and members of etcd that fail while hosts follow them.

use std::time::Instant;

use dvs_tests::etcd;
use dvs_tests::netns::{Cluster, Vm, finish, run, until};

use super::hosts::{OBJECTS, pinging, reaches, start, stop, with_vms};

/// Two managers over three members of etcd, and ports that come into being one after the other.
fn shared() -> Cluster {
    Cluster::over_etcd(3, OBJECTS)
}

/// Writes as people do, until all hosts have it; a VM that is started claims its port; and it is reached.
#[track_caller]
fn all_goes_on(cluster: &mut Cluster, port: &str, from: &Vm) {
    let begin = Instant::now();
    run(&mut cluster.managers.cli(&format!("port set {port} --label at={port} --wait")));
    println!("all hosts have what was written after {:?}", begin.elapsed());
    let vm = start(cluster, port, 3);
    println!("{port} is claimed and open after {:?}", cluster.port_opens(port, 3));
    reaches(from, &vm);
}

#[test]
fn hosts_and_people_go_on_at_the_other_manager() {
    let (mut cluster, one, two) = with_vms(shared());
    let pings = pinging(&two, one.ips()[0]);
    for (number, port) in [(1, "p3"), (2, "p4")] {
        cluster.managers.kill(number);
        all_goes_on(&mut cluster, port, &two);
        cluster.managers.start(number);
    }
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
}

#[test]
fn a_member_of_etcd_may_be_killed_or_hang() {
    type Act = fn(&mut etcd::Cluster, usize);
    let faults: [(&str, Act, Act); 2] = [
        ("p3", etcd::Cluster::kill, etcd::Cluster::restart),
        ("p4", |etcd, member| etcd.pause(member), |etcd, member| etcd.resume(member)),
    ];
    let (mut cluster, one, two) = with_vms(shared());
    let pings = pinging(&two, one.ips()[0]);
    for (port, fail, mend) in faults {
        let etcd = cluster.managers.etcd.as_mut().unwrap();
        let leader = etcd.leader();
        fail(etcd, leader);
        all_goes_on(&mut cluster, port, &two);
        let etcd = cluster.managers.etcd.as_mut().unwrap();
        mend(etcd, leader);
        etcd.ready();
    }
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
}

#[test]
fn etcd_may_be_lost_and_come_back() {
    let (mut cluster, one, two) = with_vms(shared());
    let moving = start(&mut cluster, "p4", 2);
    cluster.port_opens("p4", 2);
    let pings = pinging(&two, one.ips()[0]);
    let etcd = cluster.managers.etcd.as_mut().unwrap();
    (0..3).for_each(|member| etcd.kill(member));
    // One manager is started meanwhile, one had what was written.
    cluster.managers.kill(1);
    cluster.managers.launch(1);
    until("the manager tells that it tries, and when", || {
        let log = cluster.managers.log(1);
        let tried = log.lines().filter(|line| line.contains("cannot be reached: "));
        let pauses: Vec<_> = tried.filter_map(|line| line.split("; tried again in ").nth(1)).collect();
        pauses.starts_with(&["0.1 s", "0.2 s", "0.4 s"]).then_some(())
    });
    assert!(!cluster.managers.is_ready(1));
    let list = run(&mut cluster.managers.cli("port list"));
    assert!(list.contains("p1") && list.contains("p4"), "{list}");
    let refused = finish(&mut cluster.managers.cli("port set p3 --label at=p3"));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for part in ["etcd at http://", "cannot be reached: ", "nothing was changed: try again when"] {
        assert!(refused.errors.contains(part), "{part}: {refused:?}");
    }
    // A host is on its own then, and a VM that is started there gets its port all the same.
    drop(moving);
    let vm = start(&mut cluster, "p4", 3);
    cluster.port_opens("p4", 3);
    reaches(&two, &vm);
    let etcd = cluster.managers.etcd.as_mut().unwrap();
    (0..3).for_each(|member| etcd.restart(member));
    etcd.ready();
    until("the manager serves", || cluster.managers.is_ready(1).then_some(()));
    until("the claim is known", || cluster.binding("p4").filter(|entry| entry.binding.host == "h3"));
    all_goes_on(&mut cluster, "p3", &two);
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
}
