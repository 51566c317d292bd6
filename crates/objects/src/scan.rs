//! Rows of several layers in order: of one key, the topmost layer's row counts.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::ops::Bound;

use crate::{ReadError, Row, Scan};

/// The rows of one layer from some key on, in order. A row that is `None` hides those of the
/// layers below.
pub(crate) trait Cursor {
    fn peek(&self) -> Option<(&[u8], Option<&Row>)>;
    fn advance(&mut self) -> Result<(), ReadError>;
    /// Goes on to the first key at or after `to`, which is not before the present one.
    fn seek(&mut self, to: &[u8]) -> Result<(), ReadError>;
}

/// What a change reads: layers of which the first is the topmost.
pub(crate) trait Layers {
    fn get(&self, key: &[u8]) -> Result<Option<Row>, ReadError>;
    fn cursors(&self, from: &[u8], end: &[u8]) -> Result<Vec<Box<dyn Cursor + '_>>, ReadError>;
}

/// Shows `visit` what the layers together hold.
pub(crate) fn scan(
    mut layers: Vec<Box<dyn Cursor + '_>>,
    visit: &mut dyn FnMut(&[u8], &Row) -> Scan,
) -> Result<(), ReadError> {
    loop {
        let mut least: Option<(usize, &[u8])> = None;
        for (at, layer) in layers.iter().enumerate() {
            if let Some((key, _)) = layer.peek()
                && least.is_none_or(|(_, least)| key < least)
            {
                least = Some((at, key));
            }
        }
        let Some((top, _)) = least else { return Ok(()) };
        let (key, row) = layers[top].peek().expect("it was just looked at");
        let wish = row.map_or(Scan::On, |row| visit(key, row));
        let key = key.to_vec();
        match wish {
            Scan::End => return Ok(()),
            Scan::SeekTo(to) if to > key => {
                let before = |layer: &&mut Box<dyn Cursor + '_>| {
                    layer.peek().is_some_and(|(key, _)| key < to.as_slice())
                };
                layers.iter_mut().filter(before).try_for_each(|layer| layer.seek(&to))?;
            }
            Scan::On | Scan::SeekTo(_) => {
                for layer in &mut layers[top..] {
                    if layer.peek().is_some_and(|(at, _)| at == key) {
                        layer.advance()?;
                    }
                }
            }
        }
    }
}

/// A layer that is an ordered map.
pub(crate) struct MapCursor<'a, V> {
    map: &'a BTreeMap<Vec<u8>, V>,
    row: fn(&V) -> Option<&Row>,
    range: btree_map::Range<'a, Vec<u8>, V>,
    present: Option<(&'a Vec<u8>, &'a V)>,
    end: Vec<u8>,
}

impl<'a, V> MapCursor<'a, V> {
    pub(crate) fn new(
        map: &'a BTreeMap<Vec<u8>, V>,
        row: fn(&V) -> Option<&Row>,
        from: &[u8],
        end: &[u8],
    ) -> Self {
        let mut range = between(map, from, end);
        let present = range.next();
        Self { map, row, range, present, end: end.to_vec() }
    }
}

fn between<'a, V>(
    map: &'a BTreeMap<Vec<u8>, V>,
    from: &[u8],
    end: &[u8],
) -> btree_map::Range<'a, Vec<u8>, V> {
    // A range that ends before it begins would panic.
    let end = end.max(from);
    map.range::<[u8], _>((Bound::Included(from), Bound::Excluded(end)))
}

impl<V> Cursor for MapCursor<'_, V> {
    fn peek(&self) -> Option<(&[u8], Option<&Row>)> {
        self.present.map(|(key, value)| (key.as_slice(), (self.row)(value)))
    }

    fn advance(&mut self) -> Result<(), ReadError> {
        self.present = self.range.next();
        Ok(())
    }

    fn seek(&mut self, to: &[u8]) -> Result<(), ReadError> {
        self.range = between(self.map, to, &self.end);
        self.advance()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    type Map = BTreeMap<Vec<u8>, Option<Row>>;

    /// Few keys, so that layers meet.
    fn key() -> impl Strategy<Value = Vec<u8>> {
        vec(b'a'..b'd', 0..4)
    }

    fn layer() -> impl Strategy<Value = Map> {
        let row = proptest::option::of(0..9_u64);
        let row =
            row.prop_map(|stamp| stamp.map(|stamp| Row { value: b"v".as_slice().into(), stamp }));
        proptest::collection::btree_map(key(), row, 0..12)
    }

    /// What a scan over one map, made of all layers, would see.
    fn model(layers: &[Map], from: &[u8], end: &[u8], wishes: &[Scan]) -> Vec<(Vec<u8>, Row)> {
        let mut whole = Map::new();
        for layer in layers.iter().rev() {
            whole.extend(layer.clone());
        }
        let (mut seen, mut at) = (Vec::new(), from.to_vec());
        for (key, row) in whole {
            let Some(row) = row else { continue };
            if key < at || key.as_slice() < from || key.as_slice() >= end {
                continue;
            }
            seen.push((key, row));
            match wishes.get(seen.len() - 1) {
                Some(Scan::SeekTo(to)) => at.clone_from(to),
                Some(Scan::End) => break,
                Some(Scan::On) | None => {}
            }
        }
        seen
    }

    proptest! {
        #[test]
        fn layers_read_as_one(
            layers in vec(layer(), 0..5),
            (from, end) in (key(), key()),
            wishes in vec(
                prop_oneof![
                    4 => Just(Scan::On),
                    3 => key().prop_map(Scan::SeekTo),
                    1 => Just(Scan::End),
                ],
                0..12,
            ),
        ) {
            let cursor = |map| -> Box<dyn Cursor> {
                Box::new(MapCursor::new(map, Option::as_ref, &from, &end))
            };
            let mut seen = Vec::new();
            let visit = &mut |key: &[u8], row: &Row| {
                seen.push((key.to_vec(), row.clone()));
                wishes.get(seen.len() - 1).cloned().unwrap_or(Scan::On)
            };
            scan(layers.iter().map(cursor).collect(), visit).expect("maps can be read");
            prop_assert_eq!(seen, model(&layers, &from, &end, &wishes));
        }
    }
}
