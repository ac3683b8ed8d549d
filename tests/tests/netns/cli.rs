//! What a user types, as it is in the manual.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use dvs_tests::netns::{Lab, Ping, Stack, dvs, run};

/// The commands of the first walk, but for the agent, which is running already.
const WALK: &str = "
dvs network add blue --vlan 10 ; dvs network add green --vlan 20
dvs port add p1 --network blue --device v1 --mac 02:00:00:00:00:01 --ip 10.0.10.1
dvs port add p2 --network blue --device v2
dvs port add p3 --network green --device v3 ; dvs port add p4 --trunk 10,20 --device v4 --wait
dvs port list -o json ; dvs fdb list ; dvs stats ; dvs drops ; dvs export > f.yaml ; dvs apply -f f.yaml --dry-run
";

/// A host with the four devices of the walk.
fn four_devices() -> Lab {
    let mut lab = Lab::empty();
    for number in 1..=4 {
        lab.plug(&format!("v{number}"), 1500, Stack::Speaking);
        let address = format!("address add 10.0.10.{number}/24 dev eth0");
        lab.vm(&format!("v{number}")).namespace.ip(&address);
    }
    lab
}

/// Runs lines of a shell in which `dvs` is the one under test, and returns what they print.
fn shell(lab: &Lab, lines: &str) -> String {
    let bin = lab.host.state().join("bin");
    fs::create_dir_all(&bin).unwrap();
    symlink(dvs().canonicalize().unwrap(), bin.join("dvs")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-euc", lines]).current_dir(&bin).env("PATH", path).env("DVS_SOCKET", lab.host.socket());
    run(&mut command)
}

#[test]
fn the_walk_works_as_written() {
    let lab = four_devices();
    let said = shell(&lab, WALK);
    assert!(said.trim_end().ends_with("no change"), "{said}");
    let start = said.find("[\n").or_else(|| said.find('[')).unwrap();
    let mut values = serde_json::Deserializer::from_str(&said[start..]).into_iter::<serde_json::Value>();
    let ports = values.next().unwrap().unwrap();
    let names: Vec<&str> =
        ports.as_array().unwrap().iter().map(|port| port["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["p1", "p2", "p3", "p4"]);

    let from = |vm: &str, to: &str| Ping::run(&lab.vm(vm).namespace, to.parse().unwrap());
    assert!(from("v1", "10.0.10.2").is_lossless());
    assert!(from("v1", "10.0.10.3").is_lost(), "blue reaches green");
    assert!(from("v1", "10.0.0.2").is_lost(), "p1 uses an address that is not its own");
    let drops = run(&mut lab.host.cli("drops p1"));
    assert!(drops.contains("spoofed"), "{drops}");
    let stations = run(&mut lab.host.cli("fdb list --network blue"));
    assert!(stations.contains("02:00:00:00:00:01") && stations.contains("02:00:00:00:00:02"), "{stations}");
}

#[test]
fn what_is_exported_makes_the_same_switch_again() {
    let lab = four_devices();
    shell(&lab, WALK);
    let file = lab.host.state().join("bin/f.yaml");
    for line in ["port remove p1", "port remove p2", "network remove blue --wait"] {
        run(&mut lab.host.cli(line));
    }
    run(lab.host.cli("apply --wait -f").arg(&file));
    assert_eq!(run(&mut lab.host.cli("export")), fs::read_to_string(&file).unwrap());
    assert!(Ping::run(&lab.vm("v2").namespace, "10.0.10.1".parse().unwrap()).is_lossless());
}
