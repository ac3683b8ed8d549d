//! The tables of flows, of which each family of addresses has its own.

use switch_common::table::flow::{Flow, Key4, Key6, door_of};

use crate::tables::Tables;

/// A flow that is known, established or half-open.
#[inline(always)]
pub fn known<'t, T: Tables, K: Family>(tables: &'t T, key: &K) -> Option<&'t Flow> {
    match key.established(tables) {
        Some(flow) => Some(flow),
        None => key.opening(tables),
    }
}

/// The flow tables of one family.
pub trait Family: Sized {
    /// The door that the flow's packets come in by.
    fn door(&self) -> u32;
    /// The flow with this key, if it is established.
    fn established<'t, T: Tables>(&self, tables: &'t T) -> Option<&'t Flow>;
    /// The flow with this key, if it is half-open.
    fn opening<'t, T: Tables>(&self, tables: &'t T) -> Option<&'t Flow>;
    /// Writes an established flow; false if there is no room.
    fn keep<T: Tables>(&self, tables: &T, flow: &Flow) -> bool;
    /// Writes a half-open flow; false if there is no room.
    fn open<T: Tables>(&self, tables: &T, flow: &Flow) -> bool;
    /// Removes a half-open flow; false if there was none.
    fn close<T: Tables>(&self, tables: &T) -> bool;
}

macro_rules! family {
    ($key:ty: $flow:ident $opening:ident $keep:ident $open:ident $close:ident) => {
        impl Family for $key {
            #[inline(always)]
            fn door(&self) -> u32 {
                door_of(self.about)
            }
            #[inline(always)]
            fn established<'t, T: Tables>(&self, tables: &'t T) -> Option<&'t Flow> {
                tables.$flow(self)
            }
            #[inline(always)]
            fn opening<'t, T: Tables>(&self, tables: &'t T) -> Option<&'t Flow> {
                tables.$opening(self)
            }
            #[inline(always)]
            fn keep<T: Tables>(&self, tables: &T, flow: &Flow) -> bool {
                tables.$keep(self, flow)
            }
            #[inline(always)]
            fn open<T: Tables>(&self, tables: &T, flow: &Flow) -> bool {
                tables.$open(self, flow)
            }
            #[inline(always)]
            fn close<T: Tables>(&self, tables: &T) -> bool {
                tables.$close(self)
            }
        }
    };
}

family!(Key4: flow4 opening4 keep4 open4 close4);
family!(Key6: flow6 opening6 keep6 open6 close6);
