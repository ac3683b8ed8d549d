//! The frame of all timings: 64 bytes of UDP over IPv4, from the sender to station 0.

use switch_common::addr::Mac;

/// Address of the sender.
pub(crate) const SENDER: Mac = Mac::new([2, 1, 0, 0, 0, 1]);
/// The sender's IPv4 address.
pub(crate) const SENDER_IP: [u8; 4] = [10, 0, 0, 1];

/// Address of a station: `bench_walk_tc` writes the last four octets.
pub(crate) const fn station(number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac::new([2, 0, a, b, c, d])
}

/// The IPv4 address that routed packets go to, if they all go to one.
pub(crate) const RECEIVER_IP: [u8; 4] = [10, 0, 20, 2];
/// The sender's IPv6 address.
pub(crate) const SENDER_IP6: [u8; 16] = [0xfd, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// The IPv6 address that routed packets go to.
pub(crate) const RECEIVER_IP6: [u8; 16] = [0xfd, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// The VLAN of all frames.
pub(crate) const VLAN: u16 = 10;

/// An untagged frame to station 0.
pub(crate) fn known() -> [u8; 64] {
    let mut frame = [0; 64];
    frame[..6].copy_from_slice(&station(0).octets());
    frame[6..12].copy_from_slice(&SENDER.octets());
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    // Version 4, header of 5 words, 50 bytes in all, time to live 64, UDP; the checksum is nobody's concern here.
    frame[14..24].copy_from_slice(&[0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17]);
    frame[26..30].copy_from_slice(&SENDER_IP);
    frame[30..34].copy_from_slice(&[10, 0, 0, 2]);
    // Ports 1234 and 9, 30 bytes, no checksum.
    frame[34..42].copy_from_slice(&[0x04, 0xd2, 0, 9, 0, 30, 0, 0]);
    frame
}

/// A packet to the router, which the benchmark's own programs complete: 64 bytes of UDP over IPv4.
pub(crate) fn routed() -> [u8; 64] {
    let mut frame = known();
    frame[30..34].copy_from_slice(&RECEIVER_IP);
    frame
}

/// The same over IPv6.
pub(crate) fn routed6() -> [u8; 64] {
    let mut frame = known();
    frame[12..14].copy_from_slice(&[0x86, 0xdd]);
    // Version 6, payload of 10 octets, UDP, hop limit 64.
    frame[14..22].copy_from_slice(&[0x60, 0, 0, 0, 0, 10, 17, 64]);
    frame[22..38].copy_from_slice(&SENDER_IP6);
    frame[38..54].copy_from_slice(&RECEIVER_IP6);
    frame[54..64].copy_from_slice(&[0, 0, 0, 0, 0, 10, 0, 0, 0, 0]);
    frame
}

/// A packet to the router that opens a TCP connection, and so is always judged.
pub(crate) fn opening() -> [u8; 64] {
    let mut frame = routed();
    frame[23] = 6;
    // Ports from the program; sequence numbers 0; header of 5 words, SYN.
    frame[34..64].fill(0);
    frame[46..48].copy_from_slice(&[0x50, 2]);
    frame
}

/// The same with a tag, as a wire has it.
pub(crate) fn tagged() -> [u8; 68] {
    let (known, [high, low]) = (known(), VLAN.to_be_bytes());
    let mut frame = [0; 68];
    frame[..12].copy_from_slice(&known[..12]);
    frame[12..16].copy_from_slice(&[0x81, 0x00, high, low]);
    frame[16..].copy_from_slice(&known[12..]);
    frame
}
