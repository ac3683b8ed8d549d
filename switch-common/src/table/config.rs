//! Settings of the whole switch: an array of one row.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::overlay;

/// Name of the map.
pub const NAME: &str = "config";

/// The row at index 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Config {
    /// Nanoseconds after its last frame for which a learned entry is believed; `u64::MAX` for ever.
    pub ageing_ns: u64,
    /// Nanoseconds between two ticks of the kernel's clock: the resolution of `CLOCK_MONOTONIC_COARSE`.
    pub tick_ns: u64,
    /// Address of every gateway towards the ports of this host, as the number of a
    /// [`MacWord`](crate::addr::MacWord): the same on all hosts, so that it stays right for a VM that moves.
    pub gateway_mac: u64,
    /// Address of this host's router towards its uplinks, in the same form: no other host has it.
    pub host_mac: u64,
    /// Most half-open flows of one port.
    pub opening_quota: u64,
    /// 1 if any port has a firewall.
    pub firewalls: u64,
    /// Interface index of the device whose frames are in tunnels; 0 for none.
    pub tunnels: u64,
    /// 4 or 6: the family of addresses on the underlay.
    pub underlay: u64,
    /// Address of this host there.
    pub address: overlay::Address,
}

const _: () = assert!(size_of::<Config>() == 80);

impl Config {
    /// Time that the kernel's tick counter has before it starts (`INITIAL_JIFFIES`): so it wraps in
    /// 32 bits five minutes after the start, for those who did not think of it.
    const BEFORE_START_NS: u64 = 300_000_000_000;

    /// Nanoseconds that [`time`](Self::time) may be behind the clock.
    pub const BEHIND_NS: u64 = 5_000_000_000;

    /// The coarse monotonic time in nanoseconds at this value of the kernel's tick counter
    /// (`jiffies_64`), to the tick.
    ///
    /// The datapath reads the counter instead of the clock: one load instead of a call of 14 ns. The
    /// counter starts a moment after the clock, so this is behind it by that moment, always the same:
    /// user space, which reads the clock, allows for [`BEHIND_NS`](Self::BEHIND_NS).
    #[inline(always)]
    pub const fn time(&self, ticks: u64) -> u64 {
        ticks.wrapping_sub(1 << 32).wrapping_mul(self.tick_ns).wrapping_add(Self::BEFORE_START_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_counter_starts_five_minutes_before_its_wrap() {
        for hz in [100, 250, 1000] {
            let config = Config { tick_ns: 1_000_000_000 / hz, ..Config::default() };
            let start = (1 << 32) - 300 * hz;
            assert_eq!(config.time(start), 0);
            assert_eq!(config.time(start + 10 * hz), 10_000_000_000);
        }
    }
}
