//! Objects by name, of which there may be very many: copies share all that is the same in both.

#[cfg(test)]
use std::ops::Index;
use std::{borrow::Borrow, collections::BTreeSet, sync::Arc};

/// Objects that are kept together. More of them make looking for the place of one quicker, and changing one slower.
const CHUNK: usize = 64;

/// Objects in the order of their names.
#[derive(Clone, Debug)]
pub struct Table<T, N = String> {
    /// Each with at least one object and at most [`CHUNK`].
    chunks: Vec<Arc<Chunk<T, N>>>,
    len: usize,
}

type Chunk<T, N> = Vec<(N, T)>;

impl<T, N> Default for Table<T, N> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T, N> Table<T, N> {
    /// How many objects there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True if there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Names and objects.
    pub fn iter(&self) -> impl Iterator<Item = (&N, &T)> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).map(|(name, object)| (name, object))
    }

    /// All names.
    pub fn keys(&self) -> impl Iterator<Item = &N> + Clone {
        self.iter().map(|(name, _)| name)
    }

    /// All objects.
    pub fn values(&self) -> impl Iterator<Item = &T> + Clone {
        self.iter().map(|(_, object)| object)
    }
}

impl<T, N: Ord> Table<T, N> {
    /// The object of this name.
    pub fn get<Q: Ord + ?Sized>(&self, name: &Q) -> Option<&T>
    where
        N: Borrow<Q>,
    {
        let chunk = self.chunks.get(self.chunk(name))?;
        let place = place(chunk, name).ok()?;
        chunk.get(place).map(|(_, object)| object)
    }

    /// True if there is an object of this name.
    pub fn contains_key<Q: Ord + ?Sized>(&self, name: &Q) -> bool
    where
        N: Borrow<Q>,
    {
        self.get(name).is_some()
    }

    /// The names of all objects that may not be the same in another table. It takes as long as the tables differ.
    pub fn apart<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a N> {
        let (mut old, mut new) = (self.chunks.iter().peekable(), other.chunks.iter().peekable());
        let mut apart = BTreeSet::new();
        let mut take = |chunk: Option<&'a Arc<Chunk<T, N>>>| {
            apart.extend(chunk.into_iter().flat_map(|chunk| chunk.iter()).map(|(name, _)| name));
        };
        loop {
            // What both have comes in the same order in both, and is passed by together.
            match (old.peek(), new.peek()) {
                (None, None) => return apart,
                (Some(one), Some(other)) if Arc::ptr_eq(one, other) => {
                    old.next();
                    new.next();
                }
                (Some(one), Some(other)) if last(one) > last(other) => take(new.next()),
                (Some(_), _) => take(old.next()),
                (None, Some(_)) => take(new.next()),
            }
        }
    }

    /// Where the chunk is that has the name if any has.
    fn chunk<Q: Ord + ?Sized>(&self, name: &Q) -> usize
    where
        N: Borrow<Q>,
    {
        self.chunks.partition_point(|chunk| last(chunk).is_some_and(|last| last.borrow() < name))
    }
}

impl<T: Clone, N: Ord + Clone> Table<T, N> {
    /// Puts an object, and returns the one that it replaces.
    pub fn insert(&mut self, name: N, object: T) -> Option<T> {
        // What comes after all others comes to the last of them.
        let number = self.chunk(&name).min(self.chunks.len().saturating_sub(1));
        let Some(shared) = self.chunks.get_mut(number) else {
            self.chunks.push(Arc::new(vec![(name, object)]));
            self.len = 1;
            return None;
        };
        let chunk = Arc::make_mut(shared);
        let place = match place(chunk, &name) {
            Ok(place) => return chunk.get_mut(place).map(|(_, old)| std::mem::replace(old, object)),
            Err(place) => place,
        };
        chunk.insert(place, (name, object));
        if chunk.len() > CHUNK {
            // Names often come in their order: then chunks are to be full.
            let rest = chunk.split_off(if place == CHUNK { CHUNK } else { CHUNK / 2 });
            self.chunks.insert(number + 1, Arc::new(rest));
        }
        self.len += 1;
        None
    }

    /// Removes an object.
    pub fn remove<Q: Ord + ?Sized>(&mut self, name: &Q) -> Option<T>
    where
        N: Borrow<Q>,
    {
        let number = self.chunk(name);
        let shared = self.chunks.get_mut(number)?;
        let place = place(shared, name).ok()?;
        let chunk = Arc::make_mut(shared);
        let (_, object) = chunk.remove(place);
        if chunk.is_empty() {
            self.chunks.remove(number);
        }
        self.len -= 1;
        Some(object)
    }

    /// The object of this name, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, name: &Q) -> Option<&mut T>
    where
        N: Borrow<Q>,
    {
        let number = self.chunk(name);
        let shared = self.chunks.get_mut(number)?;
        let place = place(shared, name).ok()?;
        Arc::make_mut(shared).get_mut(place).map(|(_, object)| object)
    }

    /// All objects, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.chunks.iter_mut().flat_map(|chunk| Arc::make_mut(chunk).iter_mut()).map(|(_, object)| object)
    }
}

fn last<T, N>(chunk: &Chunk<T, N>) -> Option<&N> {
    chunk.last().map(|(name, _)| name)
}

fn place<T, N: Borrow<Q>, Q: Ord + ?Sized>(chunk: &Chunk<T, N>, name: &Q) -> Result<usize, usize> {
    chunk.binary_search_by(|(other, _)| other.borrow().cmp(name))
}

impl<T: PartialEq, N: PartialEq> PartialEq for Table<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<T: Eq, N: Eq> Eq for Table<T, N> {}

impl<T: Clone, N: Ord + Clone> Extend<(N, T)> for Table<T, N> {
    fn extend<I: IntoIterator<Item = (N, T)>>(&mut self, objects: I) {
        for (name, object) in objects {
            self.insert(name, object);
        }
    }
}

impl<T: Clone, N: Ord + Clone> FromIterator<(N, T)> for Table<T, N> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(objects: I) -> Self {
        let mut table = Self::default();
        table.extend(objects);
        table
    }
}

#[cfg(test)]
impl<T> Index<&str> for Table<T> {
    type Output = T;

    fn index(&self, name: &str) -> &T {
        self.get(name).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn a_table_does_what_a_map_does(steps in vec((0u16..300, any::<Option<u8>>()), 0..600), cut in 0usize..600) {
            let (mut table, mut map) = (Table::default(), BTreeMap::new());
            let mut earlier = (table.clone(), map.clone());
            for (number, (name, value)) in steps.into_iter().enumerate() {
                if number == cut {
                    earlier = (table.clone(), map.clone());
                }
                let name = name.to_string();
                if let Some(value) = value {
                    prop_assert_eq!(table.insert(name.clone(), value), map.insert(name.clone(), value));
                } else {
                    prop_assert_eq!(table.remove(&name), map.remove(&name));
                }
                prop_assert_eq!(table.get(&name), map.get(&name));
                prop_assert_eq!(table.len(), map.len());
            }
            prop_assert!(table.iter().eq(map.iter()));
            prop_assert!(earlier.0.iter().eq(earlier.1.iter()), "a copy stays as it was");
            prop_assert_eq!(table == earlier.0, map == earlier.1);
            let apart = table.apart(&earlier.0);
            for name in map.keys().chain(earlier.1.keys()) {
                prop_assert!(map.get(name) == earlier.1.get(name) || apart.contains(name));
            }
        }
    }

    #[test]
    fn copies_share_what_is_the_same() {
        let table: Table<u32> = (0..10_000u32).map(|number| (format!("{number:05}"), number)).collect();
        let mut copy = table.clone();
        assert_eq!(table.apart(&copy).len(), 0);
        copy.insert("00700".into(), 0);
        assert!((1..=CHUNK).contains(&table.apart(&copy).len()));
        *copy.get_mut("00700").unwrap() = 700;
        assert_eq!(copy, table);
    }
}
