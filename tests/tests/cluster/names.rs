//! Two hosts of one name.

use dvs_tests::netns::until;
use switch_user::api::HostState;

use super::hosts::{OBJECTS, pinging, stop, with_vms};
use dvs_tests::netns::Cluster;

#[test]
fn a_second_host_of_a_name_waits_until_the_first_is_dead() {
    let (mut cluster, one, two) = with_vms(Cluster::new(3, OBJECTS));
    let pings = pinging(&two, one.ips()[0]);
    let first = cluster.entry("h1").unwrap().report.unwrap().instance;
    let mut second = cluster.unstarted("h1", 9);
    second.launch_agent();
    let said = until("the second one is refused", || {
        second.log().lines().find(|line| line.contains("says that it is h1 as well")).map(str::to_owned)
    });
    let remedy = "stop one of the two, or give it another name (dvs run --host NAME)";
    assert!(said.contains(&first) && said.contains(remedy), "{said}");
    until("the manager tells", || {
        cluster.managers.log(1).contains("two installations have one name").then_some(())
    });
    let entry = cluster.entry("h1").unwrap();
    assert_eq!((entry.state, entry.report.unwrap().instance), (HostState::Alive, first.clone()));
    let ping = stop(pings);
    assert!(ping.is_lossless(), "the first one is unharmed: {ping:?}");
    cluster.host(1).kill_agent();
    second.await_agent();
    let taken = until("the second one takes over", || {
        Some(cluster.entry("h1")?.report?.instance).filter(|instance| *instance != first)
    });
    println!("{first} gave way to {taken}");
    cluster.host_becomes("h1", HostState::Alive);
}
