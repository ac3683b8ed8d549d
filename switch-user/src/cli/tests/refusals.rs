//! Bad input: exit code 1, an error with field, value and remedy, and nothing is changed.

use super::*;

#[track_caller]
fn check(line: &str, error: &str) {
    assert_eq!(Agent::with_objects().refused(line), format!("error: {error}"), "{line}");
}

#[test]
fn vlans_that_do_not_exist() {
    for vlan in ["0", "4095", "-1", "99999999999"] {
        let error = format!(
            "Network red, field vlan, value {vlan}: the number is out of range; give a number from 1 to 4094"
        );
        check(&format!("network add red --vlan {vlan}"), &error);
        check(&format!("network set blue --vlan {vlan}"), &error.replace("red", "blue"));
    }
}

#[test]
fn wrong_types() {
    check(
        "network add red --vlan ten",
        "Network red, field vlan, value \"ten\": this has the wrong type or form; give a number from 1 to 4094",
    );
    check(
        "port add p3 --network blue --mac 02:00",
        "Port p3, field mac[0], value \"02:00\": this is not a MAC address; write six octets such as \
         02:00:00:00:00:01",
    );
    check(
        "port set p1 --ip 10.0.10.1/24",
        "Port p1, field ip[0], value \"10.0.10.1/24\": this is not an IP address; write an address such as \
         10.0.10.1 or fd00::1, without a prefix length",
    );
}

#[test]
fn duplicates() {
    check(
        "port add p3 --network blue --mac 02:00:00:00:00:01",
        "Port p3, field mac, value \"02:00:00:00:00:01\": Port p1 has this address already in VLAN 10; give each \
         station of a network an address of its own, or remove it there",
    );
    check(
        "port add p3 --trunk 1-4094 --ip 10.0.10.1",
        "Port p3, field ip, value \"10.0.10.1\": Port p1 has this address already in VLAN 10; give each \
         station of a network an address of its own, or remove it there",
    );
    check(
        "network add red --vlan 10",
        "Network red, field vlan, value 10: Network blue has this VLAN already; choose another VLAN, or put the \
         ports into that network",
    );
    check(
        "network add blue --vlan 30",
        "there is a Network blue already; change it with PUT or PATCH (dvs ... set), or choose another name",
    );
}

#[test]
fn devices_that_are_not_there() {
    let error = |object: &str, field: &str, device: &str| {
        format!(
            "{object}, field {field}, value \"{device}\": this host has no such device; check the name with \
             `ip link`, or allow it to be missing (--allow-missing)"
        )
    };
    check("port add p3 --network blue --device v9", &error("Port p3", "device", "v9"));
    check("port set p1 --device v9", &error("Port p1", "device", "v9"));
    check("port attach p1 --device v9", &error("Port p1", "device", "v9"));
    check("uplink add eth9 --vlans 30", &error("Uplink eth9", "name", "eth9"));
}

#[test]
fn lists_that_overlap_or_run_backwards() {
    check(
        "port add p3 --trunk 10-20,15",
        "Port p3, field trunk, value \"10-20,15\": 15 repeats VLAN 15; give a list of VLANs from 1 to 4094, such as \
         \"10,20-29\", each VLAN once",
    );
    check(
        "uplink add eth1 --vlans 29-20 --allow-missing",
        "Uplink eth1, field vlans, value \"29-20\": the range 29-20 ends before it starts; give a list of VLANs \
         from 1 to 4094, such as \"10,20-29\", each VLAN once",
    );
}

#[test]
fn ports_that_are_neither_here_nor_there() {
    check(
        "port add p3",
        "Port p3, field network: the port is neither in a network nor a trunk; set network to a network's name, or \
         trunk to a list of VLANs",
    );
    check(
        "port add p3 --network red",
        "Port p3, field network, value \"red\": there is no such network; create it, or name one of: blue, green",
    );
    check(
        "port set p1 --clear mac --network red --trunk 10",
        "Port p1, field trunk, value \"10\": the port is in a network and a trunk as well; set either network or trunk",
    );
}

#[test]
fn objects_that_are_not_there_or_in_use() {
    let missing = "there is no Port p9; see which there are (dvs router|network|host|port|uplink|route|group|policy|rule list)";
    for line in ["port show p9", "port remove p9", "port set p9 --admin up", "port detach p9"] {
        check(line, missing);
    }
    check(
        "network remove blue",
        "Network blue: Port p1 still uses it; remove its ports first, and the routes through it",
    );
    check(
        "stats p9",
        "there is no port or uplink named \"p9\"; see which there are (dvs router|network|host|port|uplink|route|group|policy|rule list)",
    );
    check(
        "fdb list --mac 02",
        "the request has a wrong parameter: Failed to deserialize query string: mac: invalid value: string \"02\", expected a MAC address such as 02:00:00:00:00:01; see /openapi.json for the parameters and their types",
    );
}

#[test]
fn commands_without_sense_are_usage() {
    let agent = Agent::new();
    for line in
        ["", "port", "port add", "port add p1 --vni 5", "network add blue", "apply", "port list --all"]
    {
        let said = agent.say(line);
        assert_eq!((said.code.as_str(), said.output.as_str()), ("2", ""), "{line}");
        assert!(said.errors.contains("Usage: dvs"), "{line}: {}", said.errors);
    }
    assert_eq!(
        agent.refused("network set blue"),
        "error: nothing to set: give at least one field, see --help"
    );
}
