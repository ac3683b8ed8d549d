//! What the commands print.

use serde_json::{Value, json};

use super::*;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn changes_are_told() {
    let agent = Agent::new();
    assert_eq!(agent.ok("network add blue --vlan 10"), "Network blue created\n");
    assert_eq!(agent.ok("network set blue --vlan 11 --mtu 9000"), "Network blue updated: mtu, vlan\n");
    assert_eq!(agent.ok("network set blue --vlan 11"), "no change\n");
    assert_eq!(
        agent.ok("network set blue --clear mtu --wait"),
        "Network blue updated: mtu\ngeneration 3 applied\n"
    );
    assert_eq!(agent.ok("network remove blue"), "Network blue removed\n");
    assert_eq!(agent.ok("switch set --ageing 0 --fdb-capacity 4096"), "Switch created\n");
    let set = json(&agent.ok("network add red --vlan 30 -o json"));
    assert_eq!((&set["generation"], &set["changes"][0]["name"]), (&json!(6), &json!("red")));
}

#[test]
fn waiting_tells_the_errors_of_the_host() {
    let agent = Agent::new();
    agent.host.errors.lock().unwrap().push("cannot attach v1: no memory".into());
    let said = agent.say("network add blue --vlan 10 --wait");
    assert_eq!(said.code, "1");
    assert_eq!(said.output, "Network blue created\ngeneration 1 applied\n");
    assert_eq!(said.errors, "error: cannot attach v1: no memory\n");
}

#[test]
fn waiting_ends_when_the_time_is_over() {
    let agent = Agent::new();
    *agent.host.stuck.lock().unwrap() = true;
    let said = agent.say("network add blue --vlan 10 --wait --timeout 0");
    assert_eq!(said.code, "1");
    assert!(said.errors.starts_with("error: the host has applied generation 0, not 1, when"), "{said:?}");
}

#[test]
fn networks_are_listed() {
    let agent = Agent::with_objects();
    let table = "NAME   VLAN  VNI  MTU   ROUTER  SUBNETS  PORTS
blue   10    -    -     -       -        1
green  20    -    1500  -       -        0
";
    assert_eq!(agent.ok("network list"), table);
    let listed = json(&agent.ok("network list -o json"));
    assert_eq!(listed[0], json!({"apiVersion": "dvs/v1", "kind": "Network", "name": "blue", "vlan": 10}));
    assert_eq!(
        agent.ok("network show green -o yaml"),
        "apiVersion: dvs/v1\nkind: Network\nname: green\nvlan: 20\nmtu: 1500\n"
    );
}

#[test]
fn an_empty_list_says_so_on_the_standard_error() {
    let agent = Agent::new();
    let said = agent.say("port list");
    assert_eq!(
        (said.code.as_str(), said.output.as_str(), said.errors.as_str()),
        ("0", "", "there are no ports\n")
    );
    assert_eq!(agent.ok("port list -o json"), "[]\n");
}

#[test]
fn ports_are_listed_with_their_state() {
    let table = "NAME  NETWORK  VLANS              DEVICE  STATE  MAC                IP
p1    blue     10                 v1      up     02:00:00:00:00:01  10.0.10.1
p2    -        10,20 (native 20)  v2      up     -                  -
";
    assert_eq!(Agent::with_objects().ok("port list"), table);
}

#[test]
fn lists_go_on_without_the_state() {
    let agent = Agent::with_objects();
    *agent.host.broken.lock().unwrap() = true;
    let said = agent.say("port list");
    assert_eq!(said.code, "0");
    assert!(said.output.contains("p1    blue     10                 v1      -  "), "{}", said.output);
    assert!(said.errors.starts_with("warning: the state is not known: cannot read table"), "{}", said.errors);
}

#[test]
fn uplinks_are_listed_with_the_mode_of_xdp() {
    let table = "NAME  VLANS  NATIVE  STATE  HOOK  XDP     NOTES\neth1  10,20  -       up     tcx   native\n";
    assert_eq!(Agent::with_objects().ok("uplink list"), table);
}

#[test]
fn a_port_is_shown_with_fields_and_state() {
    let shown = Agent::with_objects().ok("port show p1");
    for line in ["name:        p1", "mac:         02:00:00:00:00:01", "state:       up", "hook:        tcx"] {
        assert!(shown.lines().any(|shown| shown == line), "{line:?} in\n{shown}");
    }
}

#[test]
fn a_port_moves_and_plugs() {
    let agent = Agent::with_objects();
    let show = || json(&agent.ok("port show p2 -o json"));
    agent.ok("port set p2 --network green --label tier=web --label zone=a");
    let moved = show();
    assert_eq!((&moved["network"], moved.get("trunk"), moved.get("native")), (&json!("green"), None, None));
    agent.ok("port set p2 --trunk 30 --native 31 --clear label");
    let moved = show();
    assert_eq!((&moved["trunk"], &moved["native"], moved.get("network")), (&json!("30"), &json!(31), None));
    assert_eq!(moved.get("label"), None);
    assert_eq!(agent.ok("port detach p2"), "Port p2 updated: device\n");
    assert_eq!(show().get("device"), None);
    assert_eq!(agent.ok("port attach p2 --device v9 --allow-missing"), "Port p2 updated: device\n");
    assert_eq!(show()["device"], "v9");
    agent.ok("port add p3 --network blue --qinq=false --admin down --learn-limit 5");
    let added = json(&agent.ok("port show p3 -o json"));
    assert_eq!((&added["admin"], &added["learnLimit"]), (&json!("down"), &json!(5)));
}

#[test]
fn reports_are_tables() {
    let agent = Agent::with_objects();
    let fdb = "NETWORK  VLAN  MAC                PORT  TYPE     AGE
blue     10    02:00:00:00:00:01  p1    static   -
blue     10    02:00:00:00:00:02  p2    learned  5s
green    20    02:00:00:00:00:02  eth1  learned  0s
";
    assert_eq!(agent.ok("fdb list"), fdb);
    assert_eq!(agent.ok("fdb list --port p2 --network blue").lines().count(), 2);
    let stats = agent.ok("stats p1");
    let words: Vec<&str> = stats.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(words[..5], ["p1", "2", "128", "4", "6000"]);
    assert_eq!(words[10..], ["4", "1", "0", "0", "0"]);
    assert_eq!(agent.ok("stats --per-cpu").lines().count(), 5);
    let drops = agent.ok("drops");
    let line =
        "p1    out        spoofed-mac   3        A guarded port sent from a MAC address that is not its own.";
    assert_eq!(drops.lines().nth(1), Some(line));
}

#[test]
fn flows_and_neighbours_are_tables() {
    let agent = Agent::with_objects();
    let flows = "PORT  TO  ROUTER  PROTO   SOURCE            DESTINATION       STATE        AGE  IDLE  PACKETS  BYTES  PATH
p1    p3  r1      tcp     10.0.10.11:40000  10.0.20.11:80     established  90s  1s    12       3456   v1 -> v3
p3    p1  r1      tcp     10.0.20.11:80     10.0.10.11:40000  established  90s  1s    12       3456   v3 -> v1
eth1  p2  -       icmpv6  [fd00:10::7]:7    [fd00:20::7]:7    opening      90s  1s    12       3456   eth1 -> v2
";
    assert_eq!(agent.ok("flow list"), flows);
    assert_eq!(agent.ok("flow list --port p2").lines().count(), 2);
    let neighbours = "NETWORK  IP          MAC                STATE      PORT  HEARD
blue     10.0.10.11  02:00:00:00:00:01  static     p1    -
blue     fd00:10::7  02:00:00:00:00:01  reachable  p1    3s
green    10.0.20.9   -                  dead       -     -
";
    assert_eq!(agent.ok("neigh list"), neighbours);
    assert_eq!(agent.ok("neigh list --network green").lines().count(), 2);
}

#[test]
fn the_bare_noun_of_a_table_lists_it() {
    let agent = Agent::with_objects();
    assert_eq!(agent.ok("fdb"), agent.ok("fdb list"));
    assert_eq!(agent.ok("flow"), agent.ok("flow list"));
    assert_eq!(agent.ok("neigh"), agent.ok("neigh list"));
}

#[test]
fn the_status_says_all_at_a_glance() {
    let agent = Agent::with_objects();
    agent.ok("network set blue --mtu 9000 --wait");
    let status = agent.ok("status");
    for line in [
        "host:        h1",
        "kernel:      6.18.0",
        "memory:      20.0 MiB",
        "generation:  6, applied",
        "ports:       2 (2 up)",
        "uplinks:     1 (1 up)",
        "note: p1: the device's mtu is 1500, that of network blue 9000",
        "alarm: table flows4 is full (4096 of 4096 entries); raise dvs switch set --flow-capacity",
        "foreign: others (id 3) at the xdp hook of eth1; it is left alone",
        "fdb    3        4096      64 KiB",
        "stats  -        4096      64 KiB",
    ] {
        assert!(status.lines().any(|shown| shown == line), "{line:?} in\n{status}");
    }
    let status = json(&agent.ok("status -o json"));
    let alarm = &status["alarms"][0];
    assert_eq!((&alarm["kind"], &alarm["of"]), (&"table-full".into(), &"flows4".into()));
}
