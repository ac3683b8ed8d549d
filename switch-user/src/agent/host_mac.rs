//! The address of a host's router towards its uplinks.

use switch_common::addr::Mac;

/// The address of the host with this name: locally administered, like the gateway's in its first
/// octets, and always the same, so that a restarted agent does not move the router in the eyes of
/// the switches outside.
pub fn host_mac(host: &str) -> Mac {
    // FNV-1a: needs no secret, only to be the same in every version.
    let hash =
        host.bytes().fold(0x811c_9dc5_u32, |hash, octet| (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193));
    let [a, b, c, _] = hash.to_be_bytes();
    Mac::new([0x02, 0x64, 0x76, 0x80 | a, b, c])
}

#[cfg(test)]
mod tests {
    use switch_common::addr::GATEWAY_MAC;

    use super::*;

    #[test]
    fn hosts_differ_from_each_other_and_from_the_gateway() {
        let (one, two) = (host_mac("host-1"), host_mac("host-2"));
        assert_eq!(one, host_mac("host-1"));
        assert_ne!(one, two);
        assert!(one.is_station() && one != GATEWAY_MAC);
        assert!(one.word().is_router() && two.word().is_router());
    }
}
