//! Names and labels.

use super::Check;
use crate::model::{ObjectId, Reason};

const LONGEST_NAME: usize = 63;
const LONGEST_DEVICE: usize = 15;

impl Check<'_> {
    /// Notes a name that is none.
    pub(super) fn name(&mut self, id: &ObjectId) {
        self.word(id, &id.name);
    }

    /// Notes a name within another object that is none.
    pub(super) fn word(&mut self, id: &ObjectId, name: &str) {
        self.word_in(id, "name", name);
    }

    /// Notes a name in this field that is none.
    pub(super) fn word_in(&mut self, id: &ObjectId, field: &str, name: &str) {
        let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
        if !starts_well || !is_word(name, b"._-") {
            self.refuse(id.clone(), field, name, Reason::BadName);
        }
    }

    /// Notes a name that no device can have.
    pub(super) fn device(&mut self, id: &ObjectId, field: &str, device: &str) {
        let length = (1..=LONGEST_DEVICE).contains(&device.len());
        let special = [".", ".."].contains(&device);
        let characters =
            !device.contains(|c: char| ['/', ':'].contains(&c) || c.is_whitespace() || c.is_control());
        if !length || special || !characters {
            self.refuse(id.clone(), field, device, Reason::BadDevice);
        }
    }

    /// Notes labels that a selector such as `tier=web,zone=a` could not name.
    pub(super) fn labels<'l>(
        &mut self,
        id: &ObjectId,
        labels: impl IntoIterator<Item = (&'l String, &'l String)>,
    ) {
        for (key, value) in labels.into_iter().filter(|(key, value)| !is_label(key, value)) {
            self.refuse(id.clone(), &format!("label.{key}"), value.as_str(), Reason::BadLabel);
        }
    }
}

/// True for key and value of a label.
pub(super) fn is_label(key: &str, value: &str) -> bool {
    is_word(key, b"._/-") && (value.is_empty() || is_word(value, b"._/-"))
}

fn is_word(text: &str, marks: &[u8]) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(legal)
}
