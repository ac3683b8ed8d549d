//! Compiled rules: which rule decides about a packet is found in as many steps for ten thousand rules
//! as for ten, but for the depth of a search tree.
//!
//! A rule is a box in three dimensions: the peer's address, the service (protocol and destination
//! port), and the source port. Each dimension is cut where any rule begins or ends. All packets between
//! two cuts are one class, and a class knows its rules as bits in the order in which rules are asked.
//! The first bit that all three classes of a packet have is the rule that decides. The bits are in
//! blocks, equal blocks are stored once, and each class has a summary that says which of its blocks
//! have any bit, so that few of them are looked at.
//!
//! All rows have the same size. Rows refer to each other by number, counted from the policy's first row,
//! its [`Header`]: a compiled policy can be put anywhere in the table.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::addr::IpWords;

/// Name of the map: an array of [`Row`]. Row 0 is not used.
pub const NAME: &str = "rules";

/// Rows unless the configuration says otherwise: 16 MiB, room for a policy of 10,000 rules and its successor.
pub const DEFAULT_CAPACITY: u32 = 131_072;

/// Words of a row.
pub const WORDS: usize = 16;
/// Cuts in a row of a tree of numbers.
pub const CUTS: usize = 16;
/// Cuts in a row of a tree of IPv6 addresses.
pub const CUTS6: usize = 6;
/// Rules in a block.
pub const BLOCK: usize = 64 * WORDS;
/// Blocks of a class.
pub const BLOCKS: usize = 30;
/// Most rules of a policy in one direction.
pub const MAX_RULES: usize = BLOCK * BLOCKS;
/// Most staged rules of a policy in one direction: each that a packet meets costs a look.
pub const MAX_STAGED: usize = 32;
/// Most levels of a tree.
pub const MAX_DEPTH: u32 = 8;
/// Records in a row.
pub const RECORDS: usize = WORDS / 2;

/// A row of any kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Row(pub [u64; WORDS]);

/// Where a tree begins: the number of its first row, and above it how many rows there are from there
/// down to a class.
pub type Root = u64;

/// The first row of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// Rows of the policy, this one among them.
    pub rows: u32,
    /// [`STATELESS`] or nothing.
    pub flags: u32,
    /// What becomes of packets that no rule decides about: as [`Record::what`].
    pub default: u64,
    /// Number of the default in the table of hits, towards the VM and from it.
    pub default_ids: [u64; 2],
    /// The rules for packets towards the VM and from it.
    pub sides: [Side; 2],
}

const _: () = assert!(size_of::<Header>() == size_of::<Row>());

/// The rules of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Side {
    /// By the peer's IPv4 address, as a number.
    pub peer4: Root,
    /// By the peer's IPv6 address.
    pub peer6: Root,
    /// By [`service`] or [`ethertype`].
    pub service: Root,
    /// By the source port.
    pub source: Root,
    /// First row of the records.
    pub records: u32,
    /// Rules. Without any there are no trees.
    pub count: u32,
    /// In the side towards the VM a hash of the policy, otherwise 0.
    pub fingerprint: u64,
}

/// In [`Header::flags`]: what is allowed makes no connection, and answers need rules of their own.
pub const STATELESS: u32 = 1 << 0;

/// A level of a tree of numbers: the next row for the last cut that is not above the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Cuts {
    /// Cuts in ascending order. Places that are not needed repeat the last cut.
    pub cuts: [u32; CUTS],
    /// Where each leads.
    pub next: [u32; CUTS],
}

const _: () = assert!(size_of::<Cuts>() == size_of::<Row>());

/// A level of a tree of IPv6 addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Cuts6 {
    /// First halves of the cuts, as numbers, in ascending order of both halves.
    pub high: [u64; CUTS6],
    /// Second halves.
    pub low: [u64; CUTS6],
    /// Where each leads.
    pub next: [u32; CUTS6],
    /// Always 0.
    pub reserved: u64,
}

const _: () = assert!(size_of::<Cuts6>() == size_of::<Row>());

/// A class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Class {
    /// Bit `n` says that block `n` has any bit.
    pub summary: u64,
    /// Rows of the blocks. Of those without any bit it is 0.
    pub blocks: [u32; BLOCKS],
}

const _: () = assert!(size_of::<Class>() == size_of::<Row>());

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Record {
    /// Number of the rule in the table of hits.
    pub id: u64,
    /// [`DROP`], [`ALLOW`] or [`REJECT`], and [`LOG`] and [`STAGED`].
    pub what: u64,
}

/// A row of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Records(pub [Record; RECORDS]);

const _: () = assert!(size_of::<Records>() == size_of::<Row>());

/// The packet ends here.
pub const DROP: u64 = 0;
/// It goes on.
pub const ALLOW: u64 = 1;
/// It ends here, and its sender is told.
pub const REJECT: u64 = 2;
/// The bits of these.
pub const ACTION: u64 = 3;
/// There is to be an event.
pub const LOG: u64 = 1 << 2;
/// The rule is counted and logged, but does not decide.
pub const STAGED: u64 = 1 << 3;
/// Not in records: the rule is of a policy that is [`STATELESS`].
pub const WITHOUT_STATE: u64 = 1 << 4;

/// The service of an IP packet: its protocol, and the destination port (of ICMP, type and code; of
/// protocols without ports, 0).
#[inline(always)]
pub const fn service(protocol: u8, port: u16) -> u32 {
    (protocol as u32) << 16 | port as u32
}

/// The service of a frame that is no IP packet. Its peer is 0.0.0.0.
#[inline(always)]
pub const fn ethertype(ethertype: u16) -> u32 {
    1 << 24 | ethertype as u32
}

/// Both halves of an IPv6 address as numbers.
#[inline(always)]
pub const fn halves(address: IpWords) -> [u64; 2] {
    [u64::from_be(address[0]), u64::from_be(address[1])]
}

/// The root of a tree whose first row is this one, with so many levels.
#[inline(always)]
pub const fn root(row: u32, depth: u32) -> Root {
    row as u64 | (depth as u64) << 32
}
