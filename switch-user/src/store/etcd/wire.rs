//! Messages of etcd's API (version 3), as far as they are used, with the field numbers of etcd's `rpc.proto` and
//! `kv.proto`. Fields that are not named here are passed over when a message is read.

use prost::{Message, Oneof};

/// What every answer begins with.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Header {
    /// Revision of the whole of etcd at which the request was answered.
    #[prost(int64, tag = "3")]
    pub(super) revision: i64,
}

/// A key, its value, and when it was written.
#[derive(Clone, PartialEq, Message)]
pub(super) struct KeyValue {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub(super) mod_revision: i64,
    #[prost(bytes = "vec", tag = "5")]
    pub(super) value: Vec<u8>,
    /// The lease with which the key goes; 0 for none.
    #[prost(int64, tag = "6")]
    pub(super) lease: i64,
}

/// Asks for the keys from `key` on and before `until`; for one key if there is no end.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Range {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) until: Vec<u8>,
    /// At most so many keys; 0 for all.
    #[prost(int64, tag = "3")]
    pub(super) limit: i64,
    /// As of this revision; 0 for the newest.
    #[prost(int64, tag = "4")]
    pub(super) revision: i64,
    /// See [`DESCENDING`].
    #[prost(int32, tag = "5")]
    pub(super) sort_order: i32,
}

/// Order of keys in an answer: the last one first.
pub(super) const DESCENDING: i32 = 2;

#[derive(Clone, PartialEq, Message)]
pub(super) struct RangeAnswer {
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub(super) kvs: Vec<KeyValue>,
    /// The range has more keys than the limit let through.
    #[prost(bool, tag = "3")]
    pub(super) more: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Put {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub(super) lease: i64,
}

/// The answer to writes, whose content does not matter.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Done {}

/// Removes the keys that [`Range`] would list.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Delete {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) until: Vec<u8>,
}

/// A condition of a transaction.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Compare {
    /// How it compares; 0 for equal.
    #[prost(int32, tag = "1")]
    pub(super) result: i32,
    /// What of the key it compares: the number that [`Target`] has less 4.
    #[prost(int32, tag = "2")]
    pub(super) target: i32,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) key: Vec<u8>,
    #[prost(oneof = "Target", tags = "4, 6, 7")]
    pub(super) with: Option<Target>,
}

/// What a key is compared with.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Target {
    /// How often it was written since it was created; 0 if it does not exist.
    #[prost(int64, tag = "4")]
    Version(i64),
    /// When it was written last.
    #[prost(int64, tag = "6")]
    ModRevision(i64),
    /// Its value.
    #[prost(bytes, tag = "7")]
    Value(Vec<u8>),
}

impl Compare {
    /// The key must be equal to the target.
    pub(super) fn equal(key: impl Into<Vec<u8>>, with: Target) -> Self {
        let target = match &with {
            Target::Version(_) => 0,
            Target::ModRevision(_) => 2,
            Target::Value(_) => 3,
        };
        Self { result: 0, target, key: key.into(), with: Some(with) }
    }
}

/// A step of a transaction.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Step {
    #[prost(oneof = "Request", tags = "1, 2, 3")]
    pub(super) request: Option<Request>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Request {
    #[prost(message, tag = "1")]
    Range(Range),
    #[prost(message, tag = "2")]
    Put(Put),
    #[prost(message, tag = "3")]
    Delete(Delete),
}

impl From<Request> for Step {
    fn from(request: Request) -> Self {
        Self { request: Some(request) }
    }
}

/// Steps to take together if all conditions hold, and others if not.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Transaction {
    #[prost(message, repeated, tag = "1")]
    pub(super) compare: Vec<Compare>,
    #[prost(message, repeated, tag = "2")]
    pub(super) success: Vec<Step>,
    #[prost(message, repeated, tag = "3")]
    pub(super) failure: Vec<Step>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TransactionAnswer {
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<Header>,
    /// The conditions held.
    #[prost(bool, tag = "2")]
    pub(super) succeeded: bool,
    #[prost(message, repeated, tag = "3")]
    pub(super) answers: Vec<StepAnswer>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StepAnswer {
    /// The answer, if the step was a [`Range`].
    #[prost(message, optional, tag = "1")]
    pub(super) range: Option<RangeAnswer>,
}

/// What is sent on the stream of a watch.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Watch {
    #[prost(oneof = "WatchRequest", tags = "1, 3")]
    pub(super) request: Option<WatchRequest>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum WatchRequest {
    /// Begins a watch.
    #[prost(message, tag = "1")]
    Create(WatchCreate),
    /// Asks for an answer, as a sign of life.
    #[prost(message, tag = "3")]
    Progress(Done),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct WatchCreate {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) until: Vec<u8>,
    /// The first revision of interest.
    #[prost(int64, tag = "3")]
    pub(super) start_revision: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct WatchAnswer {
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<Header>,
    /// The watch is over.
    #[prost(bool, tag = "4")]
    pub(super) canceled: bool,
    /// The oldest revision that can be watched, if the wanted one is older.
    #[prost(int64, tag = "5")]
    pub(super) compact_revision: i64,
    #[prost(string, tag = "6")]
    pub(super) cancel_reason: String,
    #[prost(message, repeated, tag = "11")]
    pub(super) events: Vec<Event>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// 0 for a key that was put, 1 for one that was removed.
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) kv: Option<KeyValue>,
}

/// Asks for a lease of so many seconds.
#[derive(Clone, PartialEq, Message)]
pub(super) struct LeaseGrant {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LeaseGrantAnswer {
    #[prost(int64, tag = "2")]
    pub(super) id: i64,
}

/// Names a lease.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Lease {
    #[prost(int64, tag = "1")]
    pub(super) id: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LeaseAnswer {
    #[prost(int64, tag = "2")]
    pub(super) id: i64,
    /// Seconds that are left; 0 if there is no such lease.
    #[prost(int64, tag = "3")]
    pub(super) seconds: i64,
}
