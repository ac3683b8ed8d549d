//! From a file to objects.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::locate::{Position, Step, position, steps};
use crate::model::{Object, Problem, Reason};

/// Most errors of a file for which the place is looked up, as each costs another reading of it.
pub const PLACED: usize = 50;

/// A file of objects: YAML (one list, single objects, or several documents of these) or JSON.
#[derive(Clone, Debug)]
pub struct Source {
    text: String,
    places: BTreeMap<String, Place>,
    /// The objects in the order of the file.
    pub objects: Vec<Object>,
}

/// Which document of the file, and where in it.
#[derive(Clone, Debug)]
struct Place {
    document: usize,
    path: Vec<Step>,
}

/// A problem and where in the file it is.
pub type Placed = (Option<Position>, Problem);

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with its form; whether the objects make sense is another question.
    pub fn read(text: &str) -> Result<Self, Vec<Placed>> {
        let documents = trees(text)?;
        let mut source = Self { text: text.into(), places: BTreeMap::new(), objects: Vec::new() };
        if documents.iter().all(Value::is_null) {
            return Err(vec![(None, Problem::absent("the file", "", Reason::Empty))]);
        }
        let mut problems = Vec::new();
        for (index, (place, tree)) in items(&documents).enumerate() {
            let found = source.take(&format!("object {}", index + 1), &place, tree);
            let looked_up = PLACED.saturating_sub(problems.len());
            problems.extend(found.into_iter().enumerate().map(|(number, problem)| {
                let known = (number < looked_up).then(|| source.position_in(&place, &problem.field));
                (known.flatten(), problem)
            }));
        }
        if problems.is_empty() { Ok(source) } else { Err(problems) }
    }

    /// Where a problem, found by whoever, has its cause.
    pub fn position(&self, object: &str, field: &str) -> Option<Position> {
        let place = self.places.get(object)?;
        self.position_in(place, field)
    }

    fn position_in(&self, place: &Place, field: &str) -> Option<Position> {
        let field = if field.is_empty() { Vec::new() } else { steps(field) };
        let path: Vec<Step> = place.path.iter().cloned().chain(field).collect();
        position(&self.text, place.document, &path)
            .or_else(|| position(&self.text, place.document, &place.path))
    }

    /// Reads an object, and tells what is wrong with it.
    fn take(&mut self, label: &str, place: &Place, tree: &Value) -> Vec<Problem> {
        let object = match super::object(tree, label) {
            Ok(object) => object,
            Err(problems) => return problems,
        };
        let label = object.id().to_string();
        let twice = self.places.insert(label.clone(), place.clone()).is_some();
        self.objects.push(object);
        Vec::from_iter(twice.then(|| Problem::absent(label, "", Reason::ObjectTwice)))
    }
}

/// All documents of the text as trees.
fn trees(text: &str) -> Result<Vec<Value>, Vec<Placed>> {
    let documents = serde_yaml_ng::Deserializer::from_str(text);
    let trees: Result<Vec<Value>, _> = documents.map(tree).collect();
    trees.or_else(|error| {
        // YAML forbids tabs that JSON allows.
        serde_json::from_str(text).map(|tree| vec![tree]).map_err(|_| vec![syntax(&error)])
    })
}

fn tree(document: serde_yaml_ng::Deserializer<'_>) -> Result<Value, serde_yaml_ng::Error> {
    // By way of YAML's own tree, which refuses a key that comes twice.
    let tree = serde_yaml_ng::Value::deserialize(document)?;
    serde_json::to_value(tree).map_err(serde::de::Error::custom)
}

fn syntax(error: &serde_yaml_ng::Error) -> Placed {
    let position = error.location().map(|at| Position { line: at.line(), column: at.column() });
    (position, Problem::absent("the file", "", Reason::Syntax(error.to_string())))
}

/// The objects of all documents: a document is one, a list of them, or the export of the API.
fn items(documents: &[Value]) -> impl Iterator<Item = (Place, &Value)> {
    documents.iter().enumerate().flat_map(|(document, tree)| {
        let (list, prefix) = match (tree, tree.get("objects")) {
            (_, Some(Value::Array(list))) => (list.as_slice(), vec![Step::Key("objects".into())]),
            (Value::Array(list), _) => (list.as_slice(), Vec::new()),
            (Value::Null, _) => (&[][..], Vec::new()),
            _ => return vec![(Place { document, path: Vec::new() }, tree)],
        };
        let place = |index| Place { document, path: [prefix.clone(), vec![Step::Index(index)]].concat() };
        list.iter().enumerate().map(|(index, tree)| (place(index), tree)).collect()
    })
}
