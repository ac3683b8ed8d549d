//! What a stage can do with a frame, whoever holds it: an skb, an XDP buffer, a test's vector.

use core::ops::ControlFlow;

use switch_common::verdict::{DropReason, Packed};

use crate::{
    frame::Audience,
    pipeline::{self, Way},
    stage::{
        deliver, filter, flood,
        guard::{self, Subject},
        record, respond, route, tunnel,
    },
    step::Step,
    tables::Tables,
    tunnel::Tunnel,
};

/// A VLAN tag; `tpid` 0 stands for none.
///
/// A plain pair instead of an `Option`: LLVM merges the undefined payload of a `None` into later
/// arithmetic, and the verifier then sees a register that was never written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// Tag protocol identifier, in host order.
    pub tpid: u16,
    /// Tag control information, in host order.
    pub tci: u16,
}

impl Tag {
    /// No tag.
    pub const NONE: Self = Self { tpid: 0, tci: 0 };

    /// True if there is a tag.
    #[inline(always)]
    pub const fn is_some(self) -> bool {
        self.tpid != 0
    }
}

/// The kernel could not edit the frame: no memory, or no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditFailed;

/// A frame at a hook.
pub trait Packet {
    /// Interface index of the device it came in at.
    fn ifindex(&self) -> u32;

    /// Octets from the Ethernet header on, without a tag that is held beside the frame.
    fn octets(&self) -> u32;

    /// `N` octets of the frame from `offset` on, or `None` where the frame, or the part of it that
    /// can be read directly, ends before.
    fn at<const N: usize>(&self, offset: usize) -> Option<&[u8; N]>;

    /// The same, to be overwritten.
    fn at_mut<const N: usize>(&mut self, offset: usize) -> Option<&mut [u8; N]>;

    /// Copies up to `N` * 8 octets from `offset` on into words, as they stand in memory; what the
    /// frame does not have stays as it was. Returns how many octets were copied.
    fn copy_out<const N: usize>(&self, offset: usize, to: &mut [u64; N]) -> u32;

    /// Overwrites the first `octets` from `offset` on with what stands in words, at most all of them.
    ///
    /// # Errors
    /// When the frame does not have them.
    fn copy_in<const N: usize>(
        &mut self,
        offset: usize,
        octets: u32,
        from: &[u64; N],
    ) -> Result<(), EditFailed>;

    /// Cuts the frame to this many octets, or adds zeros until it has them. A frame that was to be
    /// several packets is one afterwards.
    ///
    /// # Errors
    /// When the kernel has no memory, or has to keep more of the frame: a checksum that it has yet
    /// to compute stays within it.
    fn resize(&mut self, octets: u32) -> Result<(), EditFailed>;

    /// Makes room for this many octets, of any content, behind the Ethernet header. What was there
    /// moves back, and a checksum that the kernel has yet to compute moves with it.
    ///
    /// # Errors
    /// When the kernel has no memory for it.
    fn insert(&mut self, octets: u32) -> Result<(), EditFailed>;

    /// Octets of the payload of TCP or UDP in each packet that this frame will be on the wire; 0 for
    /// a frame that is one packet.
    fn segment(&self) -> u32;

    /// Tells the hook that octets behind the Ethernet header were changed whose sum is not
    /// compensated within it: by `difference`, in one's complement as they stand in memory.
    ///
    /// A device may have summed up the whole packet on arrival; the sum is kept true so.
    fn resum(&mut self, difference: u32);

    /// Makes the first `octets` of the frame readable by [`at`](Self::at), as far as it has them.
    fn pull(&mut self, octets: u32);

    /// The outermost tag, if it is held beside the frame; [`Tag::NONE`] otherwise.
    fn tag_beside(&self) -> Tag;

    /// Puts a tag outside all others.
    ///
    /// # Errors
    /// When the kernel has no memory or no room for it.
    fn push(&mut self, tag: Tag) -> Result<(), EditFailed>;

    /// Removes the outermost tag.
    ///
    /// # Errors
    /// When the kernel has no memory for it.
    fn pop(&mut self) -> Result<(), EditFailed>;

    /// True if every packet that this frame will be on the wire fits `mtu`, the limit of device
    /// `ifindex`; `payload` is the frame's length behind its Ethernet header and outer tag.
    fn fits(&self, ifindex: u32, mtu: u32, payload: u32) -> bool;

    /// True if the frame came out of a tunnel, at this device.
    fn is_at(&self, device: u64) -> bool;

    /// Says by which tunnel the frame came, if it is one of this family of addresses.
    ///
    /// # Errors
    /// When there is none.
    fn tunnel(&self, family: u64, tunnel: &mut Tunnel) -> Result<(), EditFailed>;

    /// Lets the frame go into a tunnel at the device that it leaves by.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn set_tunnel(&mut self, family: u64, tunnel: &Tunnel) -> Result<(), EditFailed>;

    /// Lets the frame have come in at this port, for all who ask later.
    fn come_by(&mut self, ifindex: u32);

    /// Sends a copy out of device `ifindex`, or to the host of that number; false if none could be made.
    fn copy_to(&mut self, ifindex: u32) -> bool;

    /// Takes the frame out of its tunnel ([`tunnel::leave`]).
    #[inline(always)]
    fn leave<T: Tables>(&mut self, tables: &T) -> Packed
    where
        Self: Sized,
    {
        tunnel::leave(self, tables)
    }

    /// Sends the frame on if it belongs to a known flow ([`pipeline::known`]).
    #[inline(always)]
    fn known<T: Tables>(&mut self, tables: &T) -> Packed
    where
        Self: Sized,
    {
        pipeline::known(self, tables)
    }

    /// Notes what the sender of a bridged frame is to be told, which is too large for its tunnel ([`tunnel::too_big`]).
    #[inline(always)]
    fn too_big<T: Tables>(&mut self, tables: &T) -> Step
    where
        Self: Sized,
    {
        tunnel::too_big(self, tables)
    }

    /// Runs the part of the guard that looks behind the Ethernet header ([`guard::inspect`]).
    ///
    /// A hook may do that out of line: the verifier then looks at it once, and neither once for each
    /// of the many ways that lead to it nor once more for each of those that lead out of it.
    ///
    /// # Errors
    /// As the stage.
    #[inline(always)]
    fn inspect<T: Tables>(&mut self, tables: &T, subject: &Subject) -> Result<(), DropReason>
    where
        Self: Sized,
    {
        guard::inspect(self, tables, subject)
    }

    /// Runs the stages of the pipeline ([`pipeline::walk`]). A hook may do that, and all that follows
    /// here, out of line too: the parts are called one after the other, and each has the stack for itself.
    #[inline(always)]
    fn walk<T: Tables>(&mut self, tables: &T, way: Way) -> Step
    where
        Self: Sized,
    {
        pipeline::walk(self, tables, way)
    }

    /// Sends copies to all members of the place in the scratch memory ([`flood::copies`]); false if
    /// there are none.
    #[inline(always)]
    fn flood<T: Tables>(&mut self, tables: &T, sender: u32) -> bool
    where
        Self: Sized,
    {
        flood::copies(self, tables, sender)
    }

    /// Judges the frame by its route ([`route::judge`]).
    #[inline(always)]
    fn judge<T: Tables>(&mut self, tables: &T) -> Step
    where
        Self: Sized,
    {
        route::judge(self, tables)
    }

    /// Corrects the door at which answers to a routed packet are awaited ([`record::back`]).
    #[inline(always)]
    fn back<T: Tables>(&mut self, tables: &T)
    where
        Self: Sized,
    {
        record::back(self, tables);
    }

    /// Finds out whose connection a packet is of that is to be flooded ([`record::seek`]).
    #[inline(always)]
    fn seek<T: Tables>(&mut self, tables: &T)
    where
        Self: Sized,
    {
        record::seek(self, tables);
    }

    /// Does what a packet to the router itself asks for ([`route::serve`]).
    #[inline(always)]
    fn serve<T: Tables>(&mut self, tables: &T) -> Step
    where
        Self: Sized,
    {
        route::serve(self, tables)
    }

    /// Brings a frame of which it is decided where it goes into its final form ([`deliver::frame`]).
    #[inline(always)]
    fn deliver<T: Tables>(&mut self, tables: &T) -> Step
    where
        Self: Sized,
    {
        deliver::frame(self, tables)
    }

    /// Notes the flow of a frame that was delivered ([`record::note`]).
    #[inline(always)]
    fn note<T: Tables>(&mut self, tables: &T) -> bool
    where
        Self: Sized,
    {
        record::note(tables)
    }

    /// Answers the frame if it asks for an address that the switch knows ([`respond::frame`]).
    #[inline(always)]
    fn respond<T: Tables>(&mut self, tables: &T) -> Step
    where
        Self: Sized,
    {
        respond::frame(self, tables)
    }

    /// Describes a bridged frame ([`filter::track`]).
    #[inline(always)]
    fn track<T: Tables>(&mut self, tables: &T) -> Step
    where
        Self: Sized,
    {
        filter::track(self, tables)
    }

    /// Finds out what policies are to be asked about a packet ([`filter::prepare`]).
    #[inline(always)]
    fn prepare<T: Tables>(&mut self, tables: &T) -> Step
    where
        Self: Sized,
    {
        filter::prepare(self, tables)
    }

    /// Asks the policies of a packet's ports ([`filter::packet`]).
    #[inline(always)]
    fn filter<T: Tables>(tables: &T) -> Step
    where
        Self: Sized,
    {
        filter::packet::<Self, T>(tables)
    }

    /// Drops a packet that a policy refuses ([`filter::refused`]).
    #[inline(always)]
    fn refused<T: Tables>(tables: &T, what: u32, reason: DropReason) -> Step
    where
        Self: Sized,
    {
        filter::refused(tables, what, reason)
    }

    /// Asks the policies of the port at a device ([`filter::admit`]).
    #[inline(always)]
    fn admit<T: Tables>(tables: &T, ifindex: u32, way: u32) -> u64
    where
        Self: Sized,
    {
        filter::admit::<Self, T>(tables, ifindex, way)
    }

    /// Asks one policy ([`filter::search`]).
    #[inline(always)]
    fn search<T: Tables>(tables: &T, policy: u32, way: u32) -> u64
    where
        Self: Sized,
    {
        filter::search::<Self, T>(tables, policy, way)
    }

    /// Sends copies to those ports with a firewall that may get them ([`flood::screened`]); true if the connection
    /// is to be remembered.
    #[inline(always)]
    fn screened<T: Tables>(&mut self, tables: &T, sender: u32) -> bool
    where
        Self: Sized,
    {
        flood::screened(self, tables, sender)
    }

    /// Remembers the connection of a flooded packet ([`record::remember`]).
    #[inline(always)]
    fn remember<T: Tables>(&mut self, tables: &T)
    where
        Self: Sized,
    {
        record::remember(tables);
    }

    /// Sends a copy to a port with a firewall ([`flood::copy`]).
    #[inline(always)]
    fn copy<T: Tables>(&mut self, tables: &T, ifindex: u32)
    where
        Self: Sized,
    {
        flood::copy(self, tables, ifindex);
    }

    /// Makes the frame the reset of its connection ([`filter::reset`]).
    ///
    /// # Errors
    /// When the kernel cannot edit the frame.
    #[inline(always)]
    fn reset<T: Tables>(&mut self, tables: &T) -> Result<(), EditFailed>
    where
        Self: Sized,
    {
        filter::reset(self, tables)
    }

    /// Sends a routed packet to all of the network in the scratch memory ([`route::everywhere`]).
    #[inline(always)]
    fn everywhere<T: Tables>(&mut self, tables: &T) -> Packed
    where
        Self: Sized,
    {
        route::everywhere(self, tables)
    }

    /// Makes the frame an error about itself ([`route::error`]).
    ///
    /// # Errors
    /// When the kernel cannot edit the frame.
    #[inline(always)]
    fn complain<T: Tables>(&mut self, tables: &T) -> Result<(), EditFailed>
    where
        Self: Sized,
    {
        route::error(self, tables)
    }

    /// Writes a request for a station into the frame ([`route::request`]); false if it has no room for it.
    #[inline(always)]
    fn request<T: Tables>(&mut self, tables: &T, audience: Audience) -> bool
    where
        Self: Sized,
    {
        route::request(self, tables, audience)
    }

    /// Makes the frame a request for a station ([`route::ask`]).
    #[inline(always)]
    fn ask<T: Tables>(&mut self, tables: &T)
    where
        Self: Sized,
    {
        route::ask(self, tables);
    }

    /// The same number, of which the verifier is to know nothing any more.
    ///
    /// A walk along headers that goes on from an opaque offset looks the same after every header, so
    /// the verifier judges it once instead of once for each way to get there.
    #[inline(always)]
    fn opaque(&self, number: usize) -> usize {
        number
    }

    /// Runs `body` with 0, 1, ... up to `count` - 1, until it breaks.
    ///
    /// Of the packet, because the kernel has its own way of looping: the verifier looks at the body
    /// once instead of once a turn.
    fn repeat<B: Repeated>(count: u32, body: &mut B);
}

/// The body of a loop with all that it can see.
pub trait Repeated {
    /// One turn.
    fn turn(&mut self, index: u32) -> ControlFlow<()>;
}
