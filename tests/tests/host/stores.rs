//! The stores of one host do what every store must.

use dvs_tests::conformance;
use switch_user::store::{MemoryLeases, RedbStore};

#[test]
fn a_store_in_memory() {
    conformance::store(&RedbStore::in_memory().unwrap(), 1000);
}

#[test]
fn a_store_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    conformance::store(&RedbStore::open(&directory.path().join("store.redb")).unwrap(), 1000);
}

#[test]
fn leases_in_memory() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    conformance::leases(&runtime, &*MemoryLeases::start());
}
