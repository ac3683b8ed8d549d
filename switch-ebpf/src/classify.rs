//! stub
use crate::packet::Packet;
use crate::tables::Tables;
use switch_common::{
    addr::IpWords,
    table::rules::{self, Header},
};
pub const NONE: u64 = u64::MAX;
pub struct Subject {
    pub family: u64,
    pub peer: IpWords,
    pub service: u64,
    pub source: u64,
}
#[derive(Default)]
pub struct Found {
    pub id: u64,
    pub what: u64,
}
pub trait Seen {
    fn staged(&mut self, id: u64, what: u64);
}
pub fn header<T: Tables>(tables: &T, head: u32) -> Option<&Header> {
    let row = tables.rules(head)?;
    Some(unsafe { &*core::ptr::from_ref(row).cast::<Header>() })
}
#[inline(always)]
pub fn search<P: Packet, T: Tables, S: Seen>(
    tables: &T,
    head: u32,
    side: u32,
    subject: &Subject,
    found: &mut Found,
    seen: &mut S,
) {
    let Some(row) = tables.rules(head + side) else { return };
    found.what = row.0[1] ^ subject.peer[0] ^ subject.service ^ subject.source ^ subject.family;
    if found.what & rules::STAGED != 0 {
        seen.staged(3, found.what);
    }
}
