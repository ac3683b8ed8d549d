//! Ends a TCP connection whose packet a policy rejects, in the name of its receiver.

use switch_common::{
    addr::ip_octets,
    wire::{
        eth::{self, Eth},
        ipv4, ipv6, sum,
        tcp::{self, Bare, FIN, SYN, Tcp},
    },
};

use crate::{
    ip::Ip,
    packet::{EditFailed, Packet},
    tables::Tables,
};

/// Makes the packet in the scratch memory the reset of its connection.
///
/// # Errors
/// When the kernel cannot edit the frame, or there is anything between the headers.
#[inline(always)]
pub fn reset<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Result<(), EditFailed> {
    let scratch = tables.scratch().ok_or(EditFailed)?;
    let ip = &scratch.ip;
    let header = if ip.family == 4 { ipv4::LEN } else { ipv6::LEN };
    let upper = eth::LEN + header;
    if ip.upper != upper {
        return Err(EditFailed);
    }
    let frame = Eth(packet.at(0).ok_or(EditFailed)?);
    let (to, from) = (frame.source(), frame.destination());
    let bare = answer(packet, ip, upper)?;
    // A sender may have left the checksum to the device: then it is computed behind us, over the sum of
    // the pseudo-header. The kernel does not cut such a packet off within its checksum.
    let pending = packet.resize(upper as u32 + tcp::CHECKSUM + 1).is_err();
    packet.resize(upper as u32 + tcp::LEAST as u32)?;
    eth::write(
        packet.at_mut(0).ok_or(EditFailed)?,
        to,
        from,
        if ip.family == 4 { eth::IPV4 } else { eth::IPV6 },
    );
    if ip.family == 4 {
        let ([a, b, c, d, ..], [e, f, g, h, ..]) = (ip_octets(ip.destination), ip_octets(ip.source));
        let octets = (ipv4::LEN as u64 + tcp::LEAST) as u16;
        let header = packet.at_mut(eth::LEN).ok_or(EditFailed)?;
        ipv4::write(header, octets, ipv4::TCP, [a, b, c, d], [e, f, g, h]);
    } else {
        let header = packet.at_mut(eth::LEN).ok_or(EditFailed)?;
        ipv6::write(header, tcp::LEAST as u16, ipv4::TCP, 64, ip.destination, ip.source);
    }
    let pseudo = sum::pseudo_header(ip.destination, ip.source, tcp::LEAST as u32, ipv4::TCP);
    let checksum =
        if pending { sum::fold(pseudo).to_ne_bytes() } else { sum::finish(sum::words(pseudo, &bare.0)) };
    if ip.family == 4 {
        bare.write(packet.at_mut(eth::LEN + ipv4::LEN).ok_or(EditFailed)?, checksum);
    } else {
        bare.write(packet.at_mut(eth::LEN + ipv6::LEN).ok_or(EditFailed)?, checksum);
    }
    Ok(())
}

#[inline(always)]
fn answer<P: Packet>(packet: &P, ip: &Ip, upper: usize) -> Result<Bare, EditFailed> {
    let header = Tcp(packet.at(upper).ok_or(EditFailed)?);
    let flags = header.flags();
    let counted = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
    let headers = (upper - eth::LEN) as u32 + header.header_len();
    let data = (ip.length as u32).wrapping_sub(headers).wrapping_add(counted);
    Ok(Bare::reset(header, ip.ports as u32, data))
}
