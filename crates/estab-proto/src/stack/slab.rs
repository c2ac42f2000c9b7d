//! Values with keys that are never used again, as [`slotmap::SlotMap`] has them, but without moving
//! what it holds or keeping as much again in reserve when it grows.

use core::marker::PhantomData;

use slotmap::{Key, KeyData};

use crate::stack::chunks::Chunks;

/// No place.
const NIL: u32 = u32::MAX;

/// Values by key. Places are used again, the last freed first; a key that outlives its value finds
/// nothing, until 2³¹ others had the same place.
pub(crate) struct Slab<K, T> {
    places: Chunks<Place<T>>,
    free: u32,
    len: usize,
    keys: PhantomData<K>,
}

struct Place<T> {
    /// Of the key that is in force here, or comes next: always odd.
    generation: u32,
    content: Content<T>,
}

enum Content<T> {
    Value(T),
    /// The place that was freed before this one.
    Free(u32),
}

impl<T> Place<T> {
    fn value(&self) -> Option<&T> {
        match &self.content {
            Content::Value(value) => Some(value),
            Content::Free(_) => None,
        }
    }
}

impl<K, T> Default for Slab<K, T> {
    fn default() -> Self {
        Self {
            places: Chunks::default(),
            free: NIL,
            len: 0,
            keys: PhantomData,
        }
    }
}

/// The key of a place. slotmap's own begin at 1, and its secondary maps leave 0 out when they go
/// through what they hold.
fn key<K: Key>(index: u32, generation: u32) -> K {
    KeyData::from_ffi(u64::from(generation) << 32 | u64::from(index + 1)).into()
}

/// Index and generation.
#[inline]
fn parts<K: Key>(key: K) -> (usize, u32) {
    let data = key.data().as_ffi();
    ((data as u32).wrapping_sub(1) as usize, (data >> 32) as u32)
}

impl<K: Key, T> Slab<K, T> {
    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Stores a value.
    pub(crate) fn insert(&mut self, value: T) -> K {
        self.len += 1;
        let index = self.free;
        if let Some(place) = self.places.get_mut(index as usize)
            && let Content::Free(before) = place.content
        {
            self.free = before;
            place.content = Content::Value(value);
            return key(index, place.generation);
        }
        let index = self.places.len() as u32;
        self.places.push(Place {
            generation: 1,
            content: Content::Value(value),
        });
        key(index, 1)
    }

    /// Whether there is such a value.
    pub(crate) fn contains_key(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    /// A value.
    #[inline]
    pub(crate) fn get(&self, key: K) -> Option<&T> {
        let (index, generation) = parts(key);
        let place = self.places.get(index)?;
        match &place.content {
            Content::Value(value) if place.generation == generation => Some(value),
            _ => None,
        }
    }

    /// A value, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut T> {
        let (index, generation) = parts(key);
        let place = self.places.get_mut(index)?;
        match &mut place.content {
            Content::Value(value) if place.generation == generation => Some(value),
            _ => None,
        }
    }

    /// Takes a value out.
    pub(crate) fn remove(&mut self, key: K) -> Option<T> {
        let (index, generation) = parts(key);
        let place = self.places.get_mut(index)?;
        if place.generation != generation || place.value().is_none() {
            return None;
        }
        let content = core::mem::replace(&mut place.content, Content::Free(self.free));
        place.generation = generation.wrapping_add(2);
        self.free = index as u32;
        self.len -= 1;
        match content {
            Content::Value(value) => Some(value),
            Content::Free(_) => None,
        }
    }

    /// All values and their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        let places = (0u32..).zip(self.places.iter());
        places.filter_map(|(index, place)| Some((key(index, place.generation), place.value()?)))
    }

    /// All keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = K> {
        self.iter().map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests;
