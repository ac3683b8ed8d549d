//! Where the two stations are: in one subnet, or in one each.

/// Number of the client, the last of its addresses.
const CLIENT: u8 = 11;
/// The same of the server.
const SERVER: u8 = 12;
/// Number of the gateway in each subnet.
const GATEWAY: u8 = 1;

/// What brings a packet from one station to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    /// A switch: both stations are in one subnet.
    Bridged,
    /// A router: each station is in a subnet of its own.
    Routed,
    /// The same with a firewall.
    Filtered,
}

impl Topology {
    /// All of them, in the order of tables.
    pub(crate) const ALL: [Self; 3] = [Self::Bridged, Self::Routed, Self::Filtered];

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Bridged => "Bridged",
            Self::Routed => "Routed",
            Self::Filtered => "Firewall",
        }
    }

    /// The client and the server.
    pub(crate) const fn stations(self) -> [Station; 2] {
        let [one, other] = match self {
            Self::Bridged => [Subnet { v4: "10.99.0", v6: "fd99" }; 2],
            Self::Routed | Self::Filtered => {
                [Subnet { v4: "10.98.1", v6: "fd98:1" }, Subnet { v4: "10.98.2", v6: "fd98:2" }]
            }
        };
        [Station { number: CLIENT, subnet: one }, Station { number: SERVER, subnet: other }]
    }
}

/// Addresses that differ in the last number, in IPv4 and in IPv6.
#[derive(Clone, Copy)]
pub(crate) struct Subnet {
    v4: &'static str,
    v6: &'static str,
}

impl Subnet {
    /// Its prefixes.
    pub(crate) fn prefixes(self) -> [String; 2] {
        with_length(self.addresses(0))
    }

    /// The gateway's addresses.
    pub(crate) fn gateways(self) -> [String; 2] {
        self.addresses(GATEWAY)
    }

    /// The gateway's addresses as `ip address add` takes them.
    pub(crate) fn gateways_with_length(self) -> [String; 2] {
        with_length(self.gateways())
    }

    fn addresses(self, number: u8) -> [String; 2] {
        let last = if number == 0 { String::new() } else { number.to_string() };
        [format!("{}.{number}", self.v4), format!("{}::{last}", self.v6)]
    }
}

fn with_length([v4, v6]: [String; 2]) -> [String; 2] {
    [format!("{v4}/24"), format!("{v6}/64")]
}

/// One end of what is measured. A fixed address makes a static entry possible and every run alike.
#[derive(Clone, Copy)]
pub(crate) struct Station {
    number: u8,
    /// Where it is.
    pub(crate) subnet: Subnet,
}

impl Station {
    /// Its addresses.
    pub(crate) fn addresses(self) -> [String; 2] {
        self.subnet.addresses(self.number)
    }

    /// Its addresses as `ip address add` takes them.
    pub(crate) fn addresses_with_length(self) -> [String; 2] {
        with_length(self.addresses())
    }

    /// Its MAC address.
    pub(crate) fn mac(self) -> String {
        format!("02:00:00:00:00:{:02x}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bridged_stations_share_their_subnet() {
        let [client, server] = Topology::Bridged.stations();
        assert_eq!(client.subnet.prefixes(), server.subnet.prefixes());
        assert_ne!(client.addresses(), server.addresses());
        assert_ne!(client.mac(), server.mac());
    }

    #[test]
    fn routed_stations_have_a_gateway_each() {
        let [client, server] = Topology::Routed.stations();
        assert_eq!(client.subnet.prefixes(), ["10.98.1.0/24", "fd98:1::/64"]);
        assert_eq!(client.subnet.gateways_with_length(), ["10.98.1.1/24", "fd98:1::1/64"]);
        assert_eq!(server.addresses_with_length(), ["10.98.2.12/24", "fd98:2::12/64"]);
        assert_eq!(server.subnet.gateways(), ["10.98.2.1", "fd98:2::1"]);
    }
}
