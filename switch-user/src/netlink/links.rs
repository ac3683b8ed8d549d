//! All devices of this network namespace, kept current by the kernel's announcements.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream::BoxStream};
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    link::{LinkExtentMask, LinkMessage},
};
use rtnetlink::{Handle, MulticastGroup, new_multicast_connection};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{Device, NetlinkError};

/// Devices by their number.
pub type Devices = BTreeMap<u32, Arc<Device>>;

/// Announcements come in bursts; a burst is one change.
const BURST: Duration = Duration::from_millis(2);
/// Some changes are not announced, such as a veth's peer that moves to another namespace.
const RELOAD: Duration = Duration::from_secs(30);
/// Between attempts to get a new socket after the old one broke.
const RECONNECT: Duration = Duration::from_secs(1);

/// Lists the devices and follows their changes until the receiver is dropped.
///
/// # Errors
/// When the first list cannot be read.
pub async fn watch() -> Result<watch::Receiver<Devices>, NetlinkError> {
    let mut table = Table::default();
    let session = Session::open(&mut table).await?;
    let (sender, receiver) = watch::channel(table.devices.clone());
    tokio::spawn(follow(session, table, sender));
    Ok(receiver)
}

async fn follow(mut session: Session, mut table: Table, sender: watch::Sender<Devices>) {
    while !sender.is_closed() {
        if let Err(error) = session.run(&mut table, &sender).await {
            tracing::warn!("lost the announcements of devices, asking again: {error}");
        }
        while !sender.is_closed() {
            match Session::open(&mut table).await {
                Ok(fresh) => {
                    session = fresh;
                    table.publish(&sender);
                    break;
                }
                Err(error) => tracing::warn!("cannot list devices: {error}"),
            }
            sleep(RECONNECT).await;
        }
    }
}

/// What is known of the devices.
#[derive(Default)]
struct Table {
    devices: Devices,
    incarnations: u64,
}

impl Table {
    fn put(&mut self, mut device: Device) {
        device.incarnation = match self.devices.get(&device.ifindex) {
            Some(known) => known.incarnation,
            None => self.next_incarnation(),
        };
        self.devices.insert(device.ifindex, Arc::new(device));
    }

    fn next_incarnation(&mut self) -> u64 {
        self.incarnations += 1;
        self.incarnations
    }

    /// Takes a complete list. If announcements were lost, any device may have been away meanwhile.
    fn replace(&mut self, devices: Vec<Device>, lost: bool) {
        let mut before = std::mem::take(&mut self.devices);
        if lost {
            before.clear();
        }
        for mut device in devices {
            device.incarnation = match before.get(&device.ifindex) {
                Some(known) => known.incarnation,
                None => self.next_incarnation(),
            };
            self.devices.insert(device.ifindex, Arc::new(device));
        }
    }

    fn publish(&self, sender: &watch::Sender<Devices>) {
        sender.send_if_modified(|current| {
            let changed = *current != self.devices;
            current.clone_from(&self.devices);
            changed
        });
    }
}

type Event = NetlinkMessage<RouteNetlinkMessage>;

/// One socket with its announcements.
struct Session {
    handle: Handle,
    events: BoxStream<'static, Event>,
    /// Ends the socket's task with the session.
    _socket: JoinSet<()>,
}

impl Session {
    async fn open(table: &mut Table) -> Result<Self, NetlinkError> {
        let (socket, handle, events) = new_multicast_connection(&[MulticastGroup::Link])
            .map_err(|source| NetlinkError::Socket { action: "open", source })?;
        let mut tasks = JoinSet::new();
        tasks.spawn(socket);
        let events = events.map(|(event, _)| event).boxed();
        let mut session = Self { handle, events, _socket: tasks };
        table.replace(session.dump().await?, true);
        Ok(session)
    }

    async fn dump(&mut self) -> Result<Vec<Device>, NetlinkError> {
        let wanted = vec![LinkExtentMask::SkipStats];
        let links = self.handle.link().get().set_filter_mask(AddressFamily::Unspec, wanted);
        links
            .execute()
            .map_ok(|message| Device::from_message(&message))
            .try_collect()
            .await
            .map_err(|error| refused("list devices", &error))
    }

    async fn run(&mut self, table: &mut Table, sender: &watch::Sender<Devices>) -> Result<(), NetlinkError> {
        let mut reload = interval(RELOAD);
        reload.set_missed_tick_behavior(MissedTickBehavior::Delay);
        reload.tick().await;
        loop {
            tokio::select! {
                event = self.events.next() => match event {
                    Some(event) => self.take_burst(event, table).await?,
                    None => return Err(NetlinkError::Socket { action: "read", source: closed() }),
                },
                _ = reload.tick() => table.replace(self.dump().await?, false),
                () = sender.closed() => return Ok(()),
            }
            table.publish(sender);
        }
    }

    async fn take_burst(&mut self, first: Event, table: &mut Table) -> Result<(), NetlinkError> {
        sleep(BURST).await;
        let mut next = Some(first);
        let mut lost = false;
        while let Some(event) = next {
            lost |= !take(event, table);
            next = self.events.next().now_or_never().flatten();
        }
        if lost {
            table.replace(self.dump().await?, true);
        }
        Ok(())
    }
}

/// Notes one announcement; false if the kernel says that it had to drop some.
#[expect(clippy::wildcard_enum_match_arm, reason = "the group announces nothing else")]
fn take(event: Event, table: &mut Table) -> bool {
    match event.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(message)) if !is_bridge_view(&message) => {
            table.put(Device::from_message(&message));
        }
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(message)) if !is_bridge_view(&message) => {
            table.devices.remove(&message.header.index);
        }
        NetlinkPayload::Overrun(_) => return false,
        _ => {}
    }
    true
}

/// A Linux bridge announces its ports a second time, in messages of its own family and without most attributes.
fn is_bridge_view(message: &LinkMessage) -> bool {
    message.header.interface_family == AddressFamily::Bridge
}

fn closed() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the socket was closed")
}

fn refused(action: &str, error: &rtnetlink::Error) -> NetlinkError {
    NetlinkError::Refused { action: action.into(), source: std::io::Error::other(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(ifindex: u32, name: &str) -> Device {
        Device { ifindex, name: name.into(), ..Device::default() }
    }

    #[test]
    fn a_device_that_was_away_gets_a_new_incarnation() {
        let mut table = Table::default();
        table.put(device(3, "v1"));
        let first = table.devices[&3].incarnation;
        table.put(device(3, "renamed"));
        assert_eq!(table.devices[&3].incarnation, first);
        table.devices.remove(&3);
        table.put(device(3, "v1"));
        assert_ne!(table.devices[&3].incarnation, first);
    }

    #[test]
    fn lost_announcements_make_every_device_suspect() {
        let mut table = Table::default();
        table.put(device(3, "v1"));
        let first = table.devices[&3].incarnation;
        table.replace(vec![device(3, "v1")], false);
        assert_eq!(table.devices[&3].incarnation, first);
        table.replace(vec![device(3, "v1")], true);
        assert_ne!(table.devices[&3].incarnation, first);
    }
}
