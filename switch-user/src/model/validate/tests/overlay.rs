//! Overlay networks.

use super::*;

#[test]
fn a_network_has_a_vlan_or_a_vni() {
    check("kind: Network, name: red", &["Network red vlan  neither-vlan-nor-vni"]);
    check("kind: Network, name: red, vlan: 30, vni: 5000", &["Network red vni 5000 vlan-and-vni"]);
    check("kind: Network, name: red, vni: 0", &["Network red vni 0 out-of-range"]);
    check("kind: Network, name: red, vni: 16777216", &["Network red vni 16777216 out-of-range"]);
    check("kind: Network, name: red, vni: 16777215", &[]);
    check("kind: Network, name: red, vni: 10", &[]);
    check(
        "kind: Network, name: red, vni: 5000\nkind: Network, name: white, vni: 5000",
        &["Network white vni 5000 vni-taken"],
    );
}

#[test]
fn the_number_of_an_overlay_network_is_a_vlan_nowhere() {
    let objects = "kind: Network, name: red, vni: 5000
kind: Network, name: white, vni: 6000
kind: Network, name: last, vlan: 4094
kind: Port, name: t, trunk: '4090-4092', native: 4089
kind: Port, name: p, network: white
kind: Uplink, name: eth1, native: 4093
kind: Uplink, name: eth2, vlans: '4088'";
    let valid = validate(&lines(objects)).unwrap();
    let number = |name: &str| (valid.networks[name].vlan.get(), valid.networks[name].vni);
    assert_eq!((number("red"), number("white")), ((4087, Some(5000)), (4086, Some(6000))));
    assert_eq!(
        valid.ports["p"].attachment,
        Attachment::Access { vlan: valid.networks["white"].vlan, qinq: false }
    );
    let of_uplink: Vec<u16> = valid.uplinks["eth1"].vlans.iter().map(|vlan| vlan.get()).collect();
    assert_eq!(of_uplink, [4093, 4094], "an uplink does not carry overlay networks");
}

#[test]
fn a_host_has_an_address_of_its_own_on_the_underlay() {
    check("kind: Host, name: h1, underlay: 192.0.2.1\nkind: Host, name: h2, underlay: 'fd00::2'", &[]);
    for address in ["0.0.0.0", "224.0.0.1", "127.0.0.1", "169.254.0.1", "::1", "ff02::1", "fe80::1"] {
        check(
            &format!("kind: Host, name: h1, underlay: '{address}'"),
            &[format!("Host h1 underlay \"{address}\" no-end").as_str()],
        );
    }
    check(
        "kind: Host, name: h1, underlay: 192.0.2.1\nkind: Host, name: h2, underlay: 192.0.2.1",
        &["Host h2 underlay \"192.0.2.1\" address-taken"],
    );
}

#[test]
fn where_every_vlan_is_on_a_list_no_overlay_network_fits() {
    check(
        "kind: Network, name: red, vni: 5000\nkind: Port, name: t, trunk: '1-4094'",
        &["Network red vni 5000 crowded"],
    );
    check("kind: Network, name: red, vni: 5000\nkind: Port, name: t, trunk: '1-4093'", &[]);
}
