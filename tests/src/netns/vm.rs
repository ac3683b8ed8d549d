//! VMs: namespaces with a device each.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use switch_common::addr::Mac;

use super::namespace::Namespace;
use super::wire::Wire;

/// Whether a VM has a network stack that says something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// It has addresses.
    Speaking,
    /// It has none, so every frame on its device is one of the test's.
    Silent,
    /// It has none yet, but speaks IPv6: the test, or a router, gives it some.
    Bare,
}

/// A namespace whose device `eth0` is plugged into the host.
pub struct Vm {
    number: u8,
    /// The namespace.
    pub namespace: Namespace,
    /// Sends and receives frames as they are.
    pub wire: Wire,
}

impl Vm {
    /// Makes a VM and plugs it into the host as `device`; its addresses follow from the digits in the name.
    pub fn new(host: &Namespace, device: &str, mtu: u32, stack: Stack) -> Self {
        let number = number(device);
        let namespace = Namespace::new(device);
        namespace.sysctl("ipv6/conf/default/disable_ipv6", if stack == Stack::Silent { "1" } else { "0" });
        namespace.sysctl("ipv6/conf/default/accept_dad", "0");
        host.ip(&format!(
            "link add {device} mtu {mtu} type veth peer name eth0 netns {} mtu {mtu} address {}\nlink set {device} up",
            namespace.name(),
            mac(number)
        ));
        namespace.ip("link set eth0 up");
        if stack == Stack::Speaking {
            let lines = addresses(number).map(|(ip, length)| format!("addr add {ip}/{length} dev eth0"));
            namespace.ip(&lines.join("\n"));
        }
        let wire = Wire::open(&namespace, "eth0");
        Self { number, namespace, wire }
    }

    /// Its MAC address.
    pub fn mac(&self) -> Mac {
        mac(self.number)
    }

    /// Makes it a station of a subnet, `10.0.N.0/24` and `fd00:N::/64`, whose router has the first address.
    pub fn join(&self, subnet: u8) {
        let [v4, v6] = self.ips_in(subnet);
        self.namespace.ip(&format!(
            "addr add {v4}/24 dev eth0\naddr add {v6}/64 dev eth0\n\
             route add default via 10.0.{subnet}.1\nroute add ::/0 via fd00:{subnet}::1"
        ));
    }

    /// Its addresses in a subnet that it has joined.
    pub fn ips_in(&self, subnet: u8) -> [IpAddr; 2] {
        let number = self.number;
        let v6 = format!("fd00:{subnet}::{number}").parse().unwrap();
        [Ipv4Addr::new(10, 0, subnet, number).into(), IpAddr::V6(v6)]
    }

    /// Its IPv4 and its IPv6 address.
    pub fn ips(&self) -> [IpAddr; 2] {
        addresses(self.number).map(|(ip, _)| ip)
    }
}

const fn mac(number: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, number])
}

fn addresses(number: u8) -> [(IpAddr, u8); 2] {
    let v6 = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number.into());
    [(Ipv4Addr::new(10, 0, 0, number).into(), 24), (v6.into(), 64)]
}

/// The number at the end of a name.
fn number(device: &str) -> u8 {
    let digits = device.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    digits.parse().unwrap_or_else(|_| panic!("{device} does not end in a number from 0 to 255"))
}
