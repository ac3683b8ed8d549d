//! The Internet checksum (RFC 1071), on words as they stand in memory: the sum is the same in either
//! byte order, as long as the result is written back as it is.

use crate::addr::IpWords;

/// A sum of 32-bit words as 16 bits of one's complement.
#[inline(always)]
pub const fn fold(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// Adds 64-bit words to a sum.
#[inline(always)]
pub fn words<const N: usize>(mut sum: u64, words: &[u64; N]) -> u64 {
    for word in words {
        sum += (*word & 0xffff_ffff) + (*word >> 32);
    }
    sum
}

/// What stands before an upper-layer message in its sum (RFC 8200, 8.1).
#[inline(always)]
pub fn pseudo_header(source: IpWords, destination: IpWords, octets: u32, next: u8) -> u64 {
    let sum = words(words(0, &source), &destination);
    sum + u64::from(octets.to_be()) + u64::from(u32::from_be_bytes([0, 0, 0, next]).to_be())
}

/// The octets of the checksum field that make the sum right.
#[inline(always)]
pub const fn finish(sum: u64) -> [u8; 2] {
    (!fold(sum)).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 1071 to the letter: pairs of octets in network order.
    fn naive(octets: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in octets.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    proptest! {
        #[test]
        fn words_give_the_sum_of_pairs(values: [u64; 4]) {
            let octets: Vec<u8> = values.iter().flat_map(|word| word.to_ne_bytes()).collect();
            prop_assert_eq!(u16::from_be_bytes(finish(words(0, &values))), naive(&octets));
        }

        #[test]
        fn the_pseudo_header_is_that_of_the_rfc(source: [u64; 2], destination: [u64; 2], octets: u32, next: u8) {
            let mut whole: Vec<u8> = [source, destination].concat().iter().flat_map(|word| word.to_ne_bytes()).collect();
            whole.extend(octets.to_be_bytes());
            whole.extend([0, 0, 0, next]);
            prop_assert_eq!(u16::from_be_bytes(finish(pseudo_header(source, destination, octets, next))), naive(&whole));
        }
    }
}
