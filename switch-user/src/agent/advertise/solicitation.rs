//! Router solicitations (RFC 4861, 4.1 and 6.1.1).

use switch_common::{
    addr::{IpWords, Mac, ipv6_words, is_unspecified},
    wire::{
        eth::{self, Eth},
        ipv6::{self, Ipv6},
        nd,
    },
};

/// Who asks, and how it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asker {
    /// Address of the station.
    pub mac: Mac,
    /// Where the answer goes: to the station if it has an address, to all nodes otherwise.
    pub address: IpWords,
}

/// Who asks in a frame without tag; `None` if it is no valid solicitation.
///
/// The checksum is not looked at: a virtual device has often not computed it yet.
pub(super) fn asker(frame: &[u8]) -> Option<Asker> {
    let (header, rest) = frame.split_first_chunk::<{ eth::LEN }>()?;
    let (packet, message) = rest.split_first_chunk::<{ ipv6::LEN }>()?;
    let (ethernet, packet) = (Eth(header), Ipv6(packet));
    let (message, _) = message.split_first_chunk::<{ nd::SOLICITATION_LEN }>()?;
    let sound = ethernet.ethertype() == eth::IPV6
        && packet.is_valid()
        && packet.next_header() == ipv6::ICMPV6
        && packet.hop_limit() == nd::HOP_LIMIT
        && message[..2] == [nd::ROUTER_SOLICITATION, 0];
    let mac = ethernet.source().mac();
    let source = ipv6_words(packet.source());
    let address = if is_unspecified(source) { nd::ALL_NODES } else { source };
    (sound && mac.is_station() && (is_unspecified(source) || packet.source()[0] != 0xff))
        .then_some(Asker { mac, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Vec<u8> {
        let mut frame = vec![0x33, 0x33, 0, 0, 0, 2, 2, 0, 0, 0, 0, 9, 0x86, 0xdd];
        frame.extend([0x60, 0, 0, 0, 0, 8, 58, 255]);
        frame.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
        frame.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        frame.extend([133, 0, 0x12, 0x34, 0, 0, 0, 0]);
        frame
    }

    #[test]
    fn a_station_is_answered_at_its_address() {
        let asker = asker(&frame()).unwrap();
        assert_eq!(asker.mac, Mac::new([2, 0, 0, 0, 0, 9]));
        assert_eq!(asker.address, ipv6_words([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]));
    }

    #[test]
    fn a_station_without_an_address_is_answered_by_way_of_all_nodes() {
        let mut frame = frame();
        frame[22..38].fill(0);
        assert_eq!(asker(&frame).unwrap().address, nd::ALL_NODES);
    }

    #[test]
    fn what_the_standard_forbids_is_no_solicitation() {
        assert_eq!(asker(&frame()[..61]), None, "cut off");
        for (at, octet) in [(6, 3), (13, 0), (14, 0x40), (20, 17), (21, 64), (22, 0xff), (54, 134), (55, 1)] {
            let mut frame = frame();
            frame[at] = octet;
            assert_eq!(asker(&frame), None, "octet {at}");
        }
    }
}
