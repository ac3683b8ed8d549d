//! Leases in etcd.

use std::time::{Duration, Instant};

use dvs_tests::{
    conformance::{self, entry},
    etcd::Cluster,
    netns::until,
};
use switch_user::store::{EtcdLeases, Leases};

use super::Managers;

const TIME: Duration = Duration::from_secs(5);

impl Managers {
    fn leases(&self, cluster: &Cluster) -> EtcdLeases {
        self.runtime.block_on(EtcdLeases::open(&cluster.options(), "/dvs/hosts")).unwrap()
    }
}

fn is_alive(leases: &EtcdLeases, name: &str) -> bool {
    leases.watch().borrow().contains_key(name)
}

#[test]
fn they_do_what_all_leases_must() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    conformance::leases(&managers.leases(&cluster));
}

#[test]
fn any_manager_renews_them() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let [first, second] = [managers.leases(&cluster), managers.leases(&cluster)];
    first.keep("h1", &entry("a", 1), TIME).unwrap();
    until("h1 is known", || is_alive(&second, "h1").then_some(()));
    // Alternately, and one that has heard of nothing yet.
    let begin = Instant::now();
    while begin.elapsed() < 2 * TIME {
        second.keep("h1", &entry("a", 1), TIME).unwrap();
        managers.leases(&cluster).keep("h1", &entry("a", 1), TIME).unwrap();
        assert!(is_alive(&first, "h1") && is_alive(&second, "h1"));
        std::thread::sleep(TIME / 10);
    }
    let error = managers.leases(&cluster).keep("h1", &entry("b", 1), TIME).unwrap_err().to_string();
    assert_eq!(error, "h1 is alive at another installation (a); stop it, or give this one another --host");
    drop(second);
    until("h1 is gone", || (!is_alive(&first, "h1")).then_some(()));
}

#[test]
fn they_outlive_their_leader_and_no_host_dies_of_it() {
    let (mut cluster, managers) = (Cluster::start(3), Managers::new());
    let leases = managers.leases(&cluster);
    let mut told = leases.watch();
    leases.keep("h1", &entry("a", 1), TIME).unwrap();
    leases.keep("h2", &entry("a", 1), TIME).unwrap();
    cluster.kill(cluster.leader());
    let begin = Instant::now();
    while begin.elapsed() < 2 * TIME {
        leases.keep("h1", &entry("a", 1), TIME).unwrap();
        assert!(told.borrow_and_update().contains_key("h1"));
        std::thread::sleep(TIME / 10);
    }
    until("h2 is gone", || (!is_alive(&leases, "h2")).then_some(()));
    assert!(is_alive(&leases, "h1"));
}

#[test]
fn all_that_report_at_once_are_there_but_who_has_anothers_name() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let [leases, other] = [managers.leases(&cluster), managers.leases(&cluster)];
    leases.keep("h0", &entry("b", 0), TIME).unwrap();
    for round in 1..4 {
        std::thread::scope(|scope| {
            for number in 0..200 {
                let (leases, entry) = (&leases, entry("a", round));
                scope.spawn(move || {
                    let kept = leases.keep(&format!("h{number}"), &entry, TIME);
                    assert_eq!(kept.is_err(), number == 0, "{kept:?}");
                });
            }
        });
        for manager in [&leases, &other] {
            until("everybody is known with the newest words", || {
                let entries = manager.watch().borrow().clone();
                let newest = entries.values().filter(|known| ***known == entry("a", round));
                (newest.count() == 199 && entries.len() == 200).then_some(())
            });
        }
    }
}
