//! TCP (RFC 9293): what a flow's state follows.

use super::{part, set};

/// Octets up to the flags.
pub const LEN: usize = 14;

/// Offset of the checksum.
pub const CHECKSUM: u32 = 16;

/// No more data from the sender.
pub const FIN: u8 = 1 << 0;
/// Opens a connection.
pub const SYN: u8 = 1 << 1;
/// Ends a connection at once.
pub const RST: u8 = 1 << 2;
/// The acknowledgement number means something.
pub const ACK: u8 = 1 << 4;

/// Octets of the header without options, the least that there are.
pub const LEAST: u64 = 20;

/// A view of the header up to the flags.
#[derive(Clone, Copy, Debug)]
pub struct Tcp<'a>(pub &'a [u8; LEN]);

impl Tcp<'_> {
    /// Octets of the header with its options.
    #[inline(always)]
    pub fn header_len(self) -> u32 {
        u32::from(self.0[12] >> 4) * 4
    }

    /// Number of the first octet.
    #[inline(always)]
    pub fn sequence(self) -> u32 {
        u32::from_be_bytes(part::<4, 4, LEN>(self.0))
    }

    /// Number of the octet that the sender expects next.
    #[inline(always)]
    pub fn acknowledgement(self) -> u32 {
        u32::from_be_bytes(part::<8, 4, LEN>(self.0))
    }

    /// The flags.
    #[inline(always)]
    pub fn flags(self) -> u8 {
        self.0[13]
    }
}

/// A header without options, data and checksum, as words.
#[derive(Clone, Copy, Debug)]
pub struct Bare(pub [u64; 2]);

impl Bare {
    /// That of the packet which resets the connection that a packet with these ports (as they stand in
    /// memory) is of (RFC 9293, 3.10.7.1). `octets` is the length of its data, SYN and FIN among them.
    #[inline(always)]
    pub fn reset(header: Tcp<'_>, ports: u32, octets: u32) -> Self {
        let acknowledged = header.flags() & ACK != 0;
        let (sequence, acknowledgement, flags) = if acknowledged {
            (header.acknowledgement(), 0, RST)
        } else {
            (0, header.sequence().wrapping_add(octets), RST | ACK)
        };
        let first = u64::from(ports.rotate_left(16)) | u64::from(sequence.to_be()) << 32;
        let about = u32::from_ne_bytes([(LEAST as u8 / 4) << 4, flags, 0, 0]);
        Self([first, u64::from(acknowledgement.to_be()) | u64::from(about) << 32])
    }

    /// Writes it, with a checksum.
    #[inline(always)]
    pub fn write(self, header: &mut [u8; LEAST as usize], checksum: [u8; 2]) {
        let [first, second] = self.0;
        set::<0, 8, { LEAST as usize }>(header, first.to_ne_bytes());
        set::<8, 8, { LEAST as usize }>(header, second.to_ne_bytes());
        set::<16, 4, { LEAST as usize }>(header, [checksum[0], checksum[1], 0, 0]);
    }
}
