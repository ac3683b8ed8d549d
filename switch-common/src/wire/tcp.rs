//! TCP (RFC 9293): what a flow's state follows.

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

/// A view of the header up to the flags.
#[derive(Clone, Copy, Debug)]
pub struct Tcp<'a>(pub &'a [u8; LEN]);

impl Tcp<'_> {
    /// Octets of the header with its options.
    #[inline(always)]
    pub fn header_len(self) -> u32 {
        u32::from(self.0[12] >> 4) * 4
    }

    /// The flags.
    #[inline(always)]
    pub fn flags(self) -> u8 {
        self.0[13]
    }
}
