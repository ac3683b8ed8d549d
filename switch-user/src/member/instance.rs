//! The number of this installation, which tells two hosts of one name apart.

use std::{fs, io, path::Path};

/// The file in the state directory.
const NAME: &str = "instance";
/// Where the kernel makes random numbers of this form.
const RANDOM: &str = "/proc/sys/kernel/random/uuid";

/// The number, which is made the first time that it is wanted.
pub(super) fn instance(state: &Path) -> io::Result<String> {
    let path = state.join(NAME);
    if let Ok(known) = fs::read_to_string(&path)
        && !known.trim().is_empty()
    {
        return Ok(known.trim().to_owned());
    }
    let made = fs::read_to_string(RANDOM)?;
    let aside = path.with_added_extension("new");
    fs::write(&aside, &made)?;
    fs::rename(&aside, &path)?;
    Ok(made.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_keeps_its_number() {
        let [one, two] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let first = instance(one.path()).unwrap();
        assert_eq!(first.len(), 36, "{first}");
        assert_eq!(instance(one.path()).unwrap(), first);
        assert_ne!(instance(two.path()).unwrap(), first);
    }
}
