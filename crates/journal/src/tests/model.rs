//! What a journal must hold, kept beside it in a test: the payloads that were acknowledged, and
//! those that may be there.

use bytes::Bytes;

use crate::Sequence;
use crate::sim::draw;

/// A payload is made from its number alone, so that nothing invented can pass for one.
pub(super) fn payload(number: u64) -> Bytes {
    let mut seed = number;
    let len = match draw(&mut seed) % 20 {
        0 => draw(&mut seed) % 20_000,
        1..5 => draw(&mut seed) % 3_000,
        _ => draw(&mut seed) % 200,
    };
    let mut bytes = number.to_le_bytes().to_vec();
    let len = usize::try_from(len).unwrap();
    bytes.extend_from_slice(&vec![number.to_le_bytes()[0] | 1; len]);
    Bytes::from(bytes)
}

fn number_of(bytes: &[u8]) -> Result<u64, String> {
    let head = bytes.get(..8).ok_or("a payload nobody submitted")?;
    let number = u64::from_le_bytes(head.try_into().unwrap());
    if payload(number) == bytes { Ok(number) } else { Err("a payload nobody submitted".into()) }
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) acknowledged: Vec<(Sequence, u64)>,
    /// Submitted together, outcome unknown.
    unknown: Vec<u64>,
    next: u64,
}

impl Model {
    pub(super) fn submit(&mut self, count: u64) -> Vec<u64> {
        let numbers = (self.next..self.next + count).collect();
        self.next += count;
        numbers
    }

    pub(super) fn acknowledge(&mut self, first: Sequence, numbers: &[u64]) {
        let sequences = (first.0..).map(Sequence);
        self.acknowledged.extend(sequences.zip(numbers.iter().copied()));
    }

    pub(super) fn doubt(&mut self, numbers: Vec<u64>) {
        self.unknown = numbers;
    }

    /// The view of everything up to `upto`, as a snapshot keeps it.
    pub(super) fn view(&self, upto: Sequence) -> Vec<u8> {
        let covered = self.acknowledged.iter().take_while(|(sequence, _)| *sequence <= upto);
        let words = covered.flat_map(|(sequence, number)| [sequence.0, *number]);
        words.flat_map(u64::to_le_bytes).collect()
    }

    pub(super) fn read(
        view: Option<Vec<u8>>,
        frames: Vec<(Sequence, Bytes)>,
    ) -> Result<Vec<(Sequence, u64)>, String> {
        let words: Vec<u64> = view
            .unwrap_or_default()
            .chunks(8)
            .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
            .collect();
        let mut all: Vec<_> = words.chunks(2).map(|pair| (Sequence(pair[0]), pair[1])).collect();
        for (sequence, bytes) in frames {
            all.push((sequence, number_of(&bytes)?));
        }
        Ok(all)
    }

    /// Everything acknowledged is there, in order, once; after it at most the unknown ones, from
    /// the first on.
    pub(super) fn check(
        &self,
        view: Option<Vec<u8>>,
        frames: Vec<(Sequence, Bytes)>,
    ) -> Result<Vec<(Sequence, u64)>, String> {
        let found = Model::read(view, frames)?;
        let certain = self.acknowledged.len();
        if found.len() < certain || found[..certain] != self.acknowledged {
            let same = found.iter().zip(&self.acknowledged).take_while(|(a, b)| a == b).count();
            return Err(format!(
                "{certain} acknowledged, {} found, the first {same} alike",
                found.len()
            ));
        }
        let more: Vec<u64> = found[certain..].iter().map(|(_, number)| *number).collect();
        if !self.unknown.starts_with(&more) {
            return Err(format!("{more:?} invented; only {:?} may be there", self.unknown));
        }
        if !found.is_sorted_by(|a, b| a.0 < b.0) {
            return Err("sequences do not rise".into());
        }
        Ok(found)
    }

    /// After an opening, what was found is what there is.
    pub(super) fn opened(&mut self, found: Vec<(Sequence, u64)>) {
        self.acknowledged = found;
        self.unknown.clear();
    }
}
