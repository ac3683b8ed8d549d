//! Uplinks: their rows, and XDP in front of them.

use switch_common::table::port;

use super::{Planner, carry};
use crate::{
    agent::image::{Holder, Hook, Link, Setting},
    model::{ValidUplink, XdpChoice},
    netlink::{Device, Kind},
};

/// What XDP needs of a device: frames as they were on the wire.
pub const XDP_SETTINGS: [Setting; 3] = [Setting::NoLro, Setting::InlineVlan, Setting::InlineServiceVlan];

impl Planner<'_> {
    pub(super) fn uplink(&mut self, name: &str, uplink: &ValidUplink) {
        let holder = Holder::Uplink(name.to_owned());
        let Some(device) = self.seat(&holder, Some(name), true) else { return };
        let mut row = self.row(&holder, &device, port::UP | port::UPLINK | port::TRUNK, u32::MAX);
        carry(&mut row, &uplink.vlans, uplink.native);
        if self.xdp(&holder, &device, uplink.xdp) && self.inputs.native.contains(&device.ifindex) {
            row.flags |= port::XDP_TARGET;
        }
        self.plan.image.settings.insert((device.ifindex, Setting::Promisc));
        for vlan in &uplink.vlans {
            self.join(*vlan, &row, uplink.native == Some(*vlan));
        }
        self.plan.image.ports.insert(device.ifindex, row);
    }

    /// Plans XDP at an uplink; true if it is to run in the driver.
    fn xdp(&mut self, holder: &Holder, device: &Device, choice: XdpChoice) -> bool {
        let (hook, note) = self.xdp_hook(device, choice);
        if let (Some(note), Some(seat)) = (note, self.plan.seats.get_mut(holder)) {
            seat.notes.push(note);
        }
        let Some(hook) = hook else { return false };
        self.plan.image.links.insert(Link { ifindex: device.ifindex, hook });
        self.plan.image.settings.extend(XDP_SETTINGS.map(|setting| (device.ifindex, setting)));
        hook == Hook::XdpNative
    }

    fn xdp_hook(&mut self, device: &Device, choice: XdpChoice) -> (Option<Hook>, Option<String>) {
        match choice {
            XdpChoice::Off => (None, None),
            XdpChoice::Generic => (Some(Hook::XdpGeneric), None),
            XdpChoice::Native => (Some(Hook::XdpNative), None),
            // A veth hands the tag of a frame over beside it, where XDP does not see it.
            XdpChoice::Auto if device.kind == Kind::Veth => {
                (None, Some("no native XDP: a veth hides VLAN tags from it".into()))
            }
            XdpChoice::Auto => {
                if let Some(reason) = self.inputs.refused.get(&device.ifindex) {
                    return (None, Some(format!("no native XDP: {reason}")));
                }
                self.plan.xdp_optional.insert(device.ifindex);
                (Some(Hook::XdpNative), None)
            }
        }
    }
}
