//! What a host knows, on disk: with every manager down the next agent goes on with it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::view::View;
use crate::api::{Binding, ViewEvent};

/// The file in the state directory.
const NAME: &str = "view.json";
/// The form of the file.
const FORMAT: u32 = 1;
/// Where the kernel says which start of it this is.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// What outlives the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// What managers said.
    pub(super) view: View,
    /// Claims of which no manager knows.
    pub(super) own: BTreeMap<String, Binding>,
    /// Epochs of the ports that are open.
    pub(super) held: BTreeMap<String, u64>,
}

/// The same as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    boot: String,
    view: ViewEvent,
    own: BTreeMap<String, Binding>,
    held: BTreeMap<String, u64>,
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Records {
    path: PathBuf,
    boot: String,
}

impl Records {
    /// The file in this state directory.
    pub(super) fn of(state: &Path) -> Self {
        // Without its number each start is taken for another one, which only closes ports until a manager is heard.
        let boot = fs::read_to_string(BOOT).unwrap_or_default().trim().to_owned();
        Self { path: state.join(NAME), boot }
    }

    /// What is in it. A file that makes no sense is set aside, and asked for again at a manager.
    pub(super) fn read(&self) -> io::Result<Option<Record>> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        match self.understand(&text) {
            Ok(record) => Ok(Some(record)),
            Err(why) => {
                let aside = self.set_aside()?;
                tracing::error!(
                    "{} makes no sense ({why}); it is kept as {}, and managers are asked for it again",
                    self.path.display(),
                    aside.display()
                );
                Ok(None)
            }
        }
    }

    fn understand(&self, text: &[u8]) -> Result<Record, String> {
        let written: Written = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if written.format != FORMAT {
            return Err(format!("its format is {}, this version reads {FORMAT}", written.format));
        }
        let mut view = View::default();
        view.take(written.view);
        // The datapath of another start is gone, and so is what was open in it.
        let held = if written.boot == self.boot { written.held } else { BTreeMap::new() };
        Ok(Record { view, own: written.own, held })
    }

    fn set_aside(&self) -> io::Result<PathBuf> {
        let names = (1..).map(|number: u32| self.path.with_added_extension(format!("corrupt-{number}")));
        let mut free = names.filter(|name| !name.exists());
        let aside = free.next().ok_or_else(|| io::Error::other("no name is free"))?;
        fs::rename(&self.path, &aside)?;
        Ok(aside)
    }

    /// Writes it anew: whoever reads it finds the one or the other.
    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        let aside = self.path.with_added_extension("new");
        let written = Written {
            format: FORMAT,
            boot: self.boot.clone(),
            view: record.view.event(),
            own: record.own.clone(),
            held: record.held.clone(),
        };
        let outcome = put(&aside, &written).and_then(|()| fs::rename(&aside, &self.path));
        if outcome.is_err() {
            // It would take the room that is wanted.
            fs::remove_file(&aside).ok();
            return outcome;
        }
        self.path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }
}

fn put(path: &Path, written: &Written) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut file, written)?;
    file.flush()?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::member::view::tests::{binding, view};

    fn record() -> Record {
        let own = [("p3".to_owned(), binding("h1", "v3", 1))].into();
        Record { view: view(), own, held: [("p1".to_owned(), 1)].into() }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let state = tempfile::tempdir().unwrap();
        let records = Records::of(state.path());
        assert_eq!(records.read().unwrap(), None);
        records.write(&record()).unwrap();
        assert_eq!(records.read().unwrap(), Some(record()));
    }

    #[test]
    fn nothing_is_open_after_another_start_of_the_kernel() {
        let state = tempfile::tempdir().unwrap();
        let records = Records::of(state.path());
        Records { boot: "another".into(), ..records.clone() }.write(&record()).unwrap();
        assert_eq!(records.read().unwrap(), Some(Record { held: BTreeMap::new(), ..record() }));
    }

    #[test]
    fn a_corrupt_file_is_set_aside_however_often() {
        let state = tempfile::tempdir().unwrap();
        let records = Records::of(state.path());
        let newer = r#"{"format": 2, "boot": "", "view": {}, "own": {}, "held": {}}"#;
        for (number, text) in [(1, "{"), (2, newer), (3, "")] {
            fs::write(&records.path, text).unwrap();
            assert_eq!(records.read().unwrap(), None);
            let aside = state.path().join(format!("view.json.corrupt-{number}"));
            assert_eq!(fs::read_to_string(aside).unwrap(), text);
        }
        assert!(!records.path.exists());
    }

    #[test]
    fn a_full_disk_leaves_the_former_file() {
        let state = tempfile::tempdir().unwrap();
        let records = Records::of(state.path());
        records.write(&record()).unwrap();
        // A device on which nothing has room.
        symlink("/dev/full", state.path().join("view.json.new")).unwrap();
        let error = records.write(&Record { held: BTreeMap::new(), ..record() }).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(records.read().unwrap(), Some(record()));
        assert!(!state.path().join("view.json.new").exists());
        records.write(&Record { held: BTreeMap::new(), ..record() }).unwrap();
        assert_eq!(records.read().unwrap(), Some(Record { held: BTreeMap::new(), ..record() }));
    }
}
