//! Leases in etcd.

use std::time::{Duration, Instant};

use dvs_tests::{
    conformance::{self, entry},
    etcd::Cluster,
    netns::until,
};
use futures_util::future::join_all;
use switch_user::store::{Entry, EtcdLeases, Leases, StoreError};

use super::Managers;

const TIME: Duration = Duration::from_secs(5);

impl Managers {
    fn leases(&self, cluster: &Cluster) -> EtcdLeases {
        self.runtime.block_on(EtcdLeases::open(&cluster.options(), "/dvs/hosts")).unwrap()
    }

    fn keep(&self, leases: &EtcdLeases, name: &str, entry: &Entry) -> Result<(), StoreError> {
        self.runtime.block_on(leases.keep(name, entry, TIME))
    }
}

fn is_alive(leases: &EtcdLeases, name: &str) -> bool {
    leases.watch().borrow().contains_key(name)
}

#[test]
fn they_do_what_all_leases_must() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    conformance::leases(&managers.runtime, &managers.leases(&cluster));
}

#[test]
fn any_manager_renews_them() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let [first, second] = [managers.leases(&cluster), managers.leases(&cluster)];
    managers.keep(&first, "h1", &entry("a", 1)).unwrap();
    until("h1 is known", || is_alive(&second, "h1").then_some(()));
    // Alternately, and one that has heard of nothing yet.
    let begin = Instant::now();
    while begin.elapsed() < 2 * TIME {
        managers.keep(&second, "h1", &entry("a", 1)).unwrap();
        managers.keep(&managers.leases(&cluster), "h1", &entry("a", 1)).unwrap();
        assert!(is_alive(&first, "h1") && is_alive(&second, "h1"));
        std::thread::sleep(TIME / 10);
    }
    let error = managers.keep(&managers.leases(&cluster), "h1", &entry("b", 1)).unwrap_err().to_string();
    assert_eq!(error, "h1 is alive at another installation (a); stop it, or give this one another --host");
    drop(second);
    until("h1 is gone", || (!is_alive(&first, "h1")).then_some(()));
}

#[test]
fn they_outlive_their_leader_and_no_host_dies_of_it() {
    let (mut cluster, managers) = (Cluster::start(3), Managers::new());
    let leases = managers.leases(&cluster);
    let mut told = leases.watch();
    managers.keep(&leases, "h1", &entry("a", 1)).unwrap();
    managers.keep(&leases, "h2", &entry("a", 1)).unwrap();
    cluster.kill(cluster.leader());
    let begin = Instant::now();
    while begin.elapsed() < 2 * TIME {
        managers.keep(&leases, "h1", &entry("a", 1)).unwrap();
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
    managers.keep(&leases, "h0", &entry("b", 0)).unwrap();
    for round in 1..4 {
        let (newest, names) = (entry("a", round), (0..200).map(|number| format!("h{number}")));
        let names: Vec<String> = names.collect();
        let kept = names.iter().map(|name| leases.keep(name, &newest, TIME));
        let kept = managers.runtime.block_on(join_all(kept));
        let refused = names.iter().zip(&kept).filter(|(_, kept)| kept.is_err()).map(|(name, _)| name);
        assert_eq!(refused.collect::<Vec<_>>(), ["h0"], "{kept:?}");
        for manager in [&leases, &other] {
            until("everybody is known with the newest words", || {
                let entries = manager.watch().borrow().clone();
                let said = entries.values().filter(|known| ***known == newest);
                (said.count() == 199 && entries.len() == 200).then_some(())
            });
        }
    }
}
