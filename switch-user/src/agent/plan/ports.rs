//! Ports: their rows, stations and guards.

use switch_common::{
    addr::{Mac, VlanId},
    table::{
        fdb, guard,
        port::{self, Port},
    },
};

use super::{Planner, carry};
use crate::{
    agent::image::Holder,
    model::{Attachment, ValidPort},
    netlink::{Device, Kind},
};

impl Planner<'_> {
    pub(super) fn port(&mut self, name: &str, port: &ValidPort) {
        let holder = Holder::Port(name.to_owned());
        let device = self.seat(&holder, port.device.as_deref(), port.up);
        if let Some(seat) = self.plan.seats.get_mut(&holder) {
            seat.standby = port.standby;
        }
        let Some(device) = device else {
            if port.standby {
                // Its rules are there before its device is.
                self.policies(&holder, port, &mut Port::default());
            }
            return;
        };
        let mut row = self.port_row(&holder, &device, port);
        if !self.policies(&holder, port, &mut row) {
            return;
        }
        for (vlan, untagged) in memberships(&port.attachment) {
            // They are where the port is.
            for mac in port.macs.iter().filter(|_| !port.standby) {
                self.plan.image.stations.insert(fdb::Key::new(vlan.get(), *mac), device.ifindex);
            }
            if port.up {
                self.join(vlan, &row, untagged);
            }
        }
        self.guard(&device, port);
        if port.up {
            self.neighbours(port);
        }
        self.plan.image.ports.insert(device.ifindex, row);
    }

    fn port_row(&self, holder: &Holder, device: &Device, port: &ValidPort) -> Port {
        let mut row = self.row(holder, device, 0, port.learn_limit);
        let mut set = |bit, on| row.flags |= if on { bit } else { 0 };
        set(port::UP, port.up);
        set(port::GUARD_MAC, !port.macs.is_empty());
        set(port::GUARD_IP, !port.ips.is_empty());
        set(port::PEER, device.kind == Kind::Veth && device.peer_elsewhere);
        set(port::XDP_TARGET, device.kind == Kind::Tap);
        match &port.attachment {
            Attachment::Access { vlan, qinq } => {
                set(port::QINQ, *qinq);
                row.pvid = vlan.get();
            }
            Attachment::Trunk { vlans, native } => {
                set(port::TRUNK, true);
                carry(&mut row, vlans, *native);
            }
        }
        row
    }

    fn guard(&mut self, device: &Device, port: &ValidPort) {
        let ifindex = device.ifindex;
        let guard = &mut self.plan.image.guard;
        guard.extend(port.macs.iter().map(|mac| guard::Key::mac(ifindex, mac.word())));
        if port.ips.is_empty() {
            return;
        }
        guard.extend(port.ips.iter().map(|ip| guard::Key::ip(ifindex, *ip)));
        let link_local = |mac: &Mac| guard::Key::ipv6(ifindex, mac.link_local());
        guard.extend(port.macs.iter().map(link_local));
    }
}

/// VLANs of a port, with whether it gets their frames untagged.
fn memberships(attachment: &Attachment) -> Vec<(VlanId, bool)> {
    match attachment {
        Attachment::Access { vlan, .. } => vec![(*vlan, true)],
        Attachment::Trunk { vlans, native } => {
            vlans.iter().map(|vlan| (*vlan, *native == Some(*vlan))).collect()
        }
    }
}
