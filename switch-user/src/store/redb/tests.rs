use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use proptest::{collection::vec, option, prelude::*};
use redb::{StorageBackend, WriteTransaction, backends::FileBackend};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn file() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    (directory, path)
}

fn key(name: &str) -> Key {
    Key { kind: "Network".into(), name: name.into() }
}

fn batch(name: &str, document: impl Into<Option<Value>>) -> Batch {
    Batch::from([(key(name), document.into())])
}

#[test]
fn a_write_is_there_after_a_restart() {
    let (_directory, path) = file();
    let store = RedbStore::open(&path).unwrap();
    assert_eq!(store.get().unwrap(), Snapshot::default());
    assert_eq!(store.put(0, &batch("blue", json!({"vlan": 10})), "-").unwrap(), 1);
    drop(store);
    let store = RedbStore::open(&path).unwrap();
    let snapshot = store.get().unwrap();
    assert_eq!((snapshot.generation, &snapshot.documents[&key("blue")]), (1, &json!({"vlan": 10})));
    assert_eq!(*store.watch().borrow(), 1);
}

#[test]
fn a_write_on_top_of_an_older_generation_is_refused() {
    let store = RedbStore::in_memory().unwrap();
    store.put(0, &batch("blue", json!(1)), "-").unwrap();
    let watch = store.watch();
    let error = store.put(0, &batch("blue", None), "-").unwrap_err();
    assert!(matches!(error, StoreError::Conflict { expected: 0, actual: 1 }), "{error}");
    assert_eq!(store.get().unwrap().documents[&key("blue")], json!(1));
    assert!(!watch.has_changed().unwrap());
}

#[test]
fn every_write_wakes_the_watchers() {
    let store = RedbStore::in_memory().unwrap();
    let mut watch = store.watch();
    for generation in 0..3 {
        store.put(generation, &batch("blue", json!(generation)), "-").unwrap();
        assert!(watch.has_changed().unwrap());
        assert_eq!(*watch.borrow_and_update(), generation + 1);
    }
}

#[test]
fn a_file_has_one_user() {
    let (_directory, path) = file();
    let _first = RedbStore::open(&path).unwrap();
    let error = RedbStore::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
}

fn rename_vlan(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let mut objects = transaction.open_table(OBJECTS)?;
    objects.insert(("Network", "blue"), br#"{"vlanId":10}"#.as_slice())?;
    Ok(())
}

fn fail(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    rename_vlan(transaction)?;
    Err(redb::Error::Corrupted("on purpose".into()))
}

#[test]
fn an_older_file_is_migrated_once() {
    let (_directory, path) = file();
    RedbStore::open(&path).unwrap().put(0, &batch("blue", json!({"vlan": 10})), "-").unwrap();
    let newer: Vec<Migration> = [MIGRATIONS, &[rename_vlan]].concat();
    let snapshot = RedbStore::open_with(&path, &newer).unwrap().get().unwrap();
    assert_eq!((snapshot.generation, &snapshot.documents[&key("blue")]), (1, &json!({"vlanId": 10})));
    let seen: Vec<Migration> = [MIGRATIONS, &[fail]].concat();
    assert!(RedbStore::open_with(&path, &seen).is_ok(), "a step that was taken must not be taken again");
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let (_directory, path) = file();
    RedbStore::open(&path).unwrap().put(0, &batch("blue", json!({"vlan": 10})), "-").unwrap();
    let failing: Vec<Migration> = [MIGRATIONS, &[fail]].concat();
    assert!(RedbStore::open_with(&path, &failing).is_err());
    let snapshot = RedbStore::open(&path).unwrap().get().unwrap();
    assert_eq!(snapshot.documents[&key("blue")], json!({"vlan": 10}));
}

#[test]
fn a_newer_file_is_refused() {
    let (_directory, path) = file();
    let newer: Vec<Migration> = [MIGRATIONS, &[rename_vlan]].concat();
    drop(RedbStore::open_with(&path, &newer).unwrap());
    let error = RedbStore::open(&path).err().unwrap().to_string();
    assert!(error.contains("has schema 3, this version reads up to 2"), "{error}");
}

#[test]
fn a_damaged_file_is_refused_and_left_alone() {
    let (_directory, path) = file();
    fs::write(&path, "this is no store, but somebody's letter".repeat(1000)).unwrap();
    let before = fs::read(&path).unwrap();
    let error = RedbStore::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_flipped_byte_is_found_or_harmless() {
    let (_directory, path) = file();
    RedbStore::open(&path).unwrap().put(0, &batch("blue", json!({"vlan": 10})), "-").unwrap();
    let good = fs::read(&path).unwrap();
    let expected = RedbStore::open(&path).unwrap().get().unwrap();
    for position in (0..good.len()).step_by(good.len() / 64) {
        let mut bytes = good.clone();
        bytes[position] ^= 0xff;
        fs::write(&path, &bytes).unwrap();
        if let Ok(snapshot) = RedbStore::open(&path).and_then(|store| store.get()) {
            assert_eq!(snapshot, expected, "byte {position}");
        }
    }
}

#[test]
fn a_file_without_a_history_gets_one() {
    let (_directory, path) = file();
    let older = RedbStore::open_with(&path, &MIGRATIONS[..1]).unwrap();
    older
        .attempt("write", |database| {
            let transaction = database.begin_write()?;
            transaction.open_table(OBJECTS)?.insert(("Network", "blue"), b"1".as_slice())?;
            transaction.open_table(META)?.insert(GENERATION, 7)?;
            Ok(transaction.commit()?)
        })
        .unwrap();
    drop(older);
    let store = RedbStore::open(&path).unwrap();
    assert_eq!((store.oldest().unwrap(), store.last(9).unwrap().len()), (7, 0));
    assert_eq!((store.since(7).unwrap(), store.since(6).unwrap()), (Some(Vec::new()), None));
    store.put(7, &batch("blue", json!(2)), "-").unwrap();
    assert_eq!(store.since(7).unwrap().unwrap()[0].rows[&key("blue")].old, Some(json!(1)));
}

#[test]
fn a_copy_has_documents_and_history_of_one_moment() {
    let (directory, path) = file();
    let store = RedbStore::open(&path).unwrap();
    store.put(0, &batch("blue", json!(1)), "anna").unwrap();
    store.put(1, &batch("blue", json!(2)), "ben").unwrap();
    let copy = directory.path().join("copy.redb");
    std::io::copy(&mut store.backup().unwrap(), &mut fs::File::create(&copy).unwrap()).unwrap();
    store.put(2, &batch("blue", json!(3)), "-").unwrap();
    let copy = RedbStore::open(&copy).unwrap();
    assert_eq!(copy.get().unwrap().generation, 2);
    assert_eq!(copy.get().unwrap().documents[&key("blue")], json!(2));
    assert_eq!(copy.last(9).unwrap(), store.last(9).unwrap()[1..]);
    assert_eq!(copy.put(2, &batch("blue", json!(4)), "-").unwrap(), 3);
}

#[test]
fn a_copy_that_has_no_room_is_told() {
    let (directory, path) = file();
    let store = RedbStore::open(&path).unwrap();
    drop(directory);
    let error = store.backup().unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot copy {}: ", path.display())), "{error}");
}

/// A file on a disk that has no room while that is said.
#[derive(Debug)]
struct Small {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl Small {
    fn room(&self) -> io::Result<()> {
        if self.full.load(Ordering::Relaxed) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Small {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.room()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost_when_there_is_room_again() {
    let (directory, path) = file();
    let full = Arc::new(AtomicBool::new(false));
    let (at, flag) = (path.clone(), Arc::clone(&full));
    let open = move || {
        let file = fs::File::options().read(true).write(true).create(true).truncate(false).open(&at);
        let file = FileBackend::new(file.map_err(StorageError::from)?)?;
        builder().create_with_backend(Small { file, full: Arc::clone(&flag) })
    };
    let place = (path.display().to_string(), directory.path().to_owned());
    let store = RedbStore::with(Box::new(open), place, MIGRATIONS).unwrap();
    store.put(0, &batch("blue", json!(1)), "-").unwrap();
    full.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        let error = store.put(1, &batch("blue", json!(2)), "-").unwrap_err();
        assert!(matches!(error, StoreError::NoRoom { .. }), "{error}");
        assert!(error.to_string().contains("cannot be written, as its disk is full"), "{error}");
    }
    full.store(false, Ordering::Relaxed);
    assert_eq!(store.get().unwrap().documents[&key("blue")], json!(1));
    assert_eq!(store.put(1, &batch("blue", json!(2)), "-").unwrap(), 2);
    drop(store);
    assert_eq!(RedbStore::open(&path).unwrap().get().unwrap().documents[&key("blue")], json!(2));
}

proptest! {
    #[test]
    fn the_store_agrees_with_a_map(writes in vec(("[ab]", option::of(0u8..9)), 1..20)) {
        let store = RedbStore::in_memory().unwrap();
        let mut map = std::collections::BTreeMap::new();
        for (generation, (name, value)) in (0u64..).zip(writes) {
            let document = value.map(|value| json!({"value": value}));
            prop_assert_eq!(store.put(generation, &batch(&name, document.clone()), "-").unwrap(), generation + 1);
            match document {
                Some(document) => drop(map.insert(key(&name), document)),
                None => drop(map.remove(&key(&name))),
            }
            prop_assert_eq!(&store.get().unwrap().documents, &map);
        }
    }
}
