//! A file's bytes: what programs see, and what of them is not synced.

use std::collections::BTreeMap;

use crate::dice::Dice;

const PAGE_BYTES: usize = 4096;

type Page = Box<[u8; PAGE_BYTES]>;

/// Pages that are all zeros are not kept: logs fill their files with zeros first.
#[derive(Default)]
pub struct File {
    pages: BTreeMap<u64, Page>,
    bytes: u64,
    /// What the disk has where it has something else than `pages`.
    unsynced: BTreeMap<u64, Option<Page>>,
    synced_bytes: u64,
}

fn number(at: usize) -> u64 {
    u64::try_from(at).expect("a usize is at most 64 bits")
}

fn place(at: u64) -> usize {
    usize::try_from(at).expect("this runs where a usize has 64 bits")
}

/// The pages that a stretch touches, each with the part of it that is meant.
fn parts(offset: u64, bytes: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
    let page_bytes = number(PAGE_BYTES);
    let end = offset + number(bytes);
    (offset / page_bytes..end.div_ceil(page_bytes)).map(move |page| {
        let begin = page * page_bytes;
        let from = place(offset.max(begin) - begin);
        let to = place(end.min(begin + page_bytes) - begin);
        (page, from..to)
    })
}

impl File {
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn read(&self, offset: u64, bytes: usize) -> Vec<u8> {
        let bytes = bytes.min(place(self.bytes.saturating_sub(offset)));
        let mut read = Vec::with_capacity(bytes);
        for (page, part) in parts(offset, bytes) {
            match self.pages.get(&page) {
                Some(page) => read.extend_from_slice(&page[part]),
                None => read.resize(read.len() + part.len(), 0),
            }
        }
        read
    }

    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut rest = bytes;
        for (page, part) in parts(offset, bytes.len()) {
            let (now, later) = rest.split_at(part.len());
            rest = later;
            self.write_page(page, part, now);
        }
        self.bytes = self.bytes.max(offset + number(bytes.len()));
    }

    fn write_page(&mut self, at: u64, part: std::ops::Range<usize>, bytes: &[u8]) {
        let old = self.pages.get(&at);
        let mut page = old.cloned().unwrap_or_else(|| Box::new([0; PAGE_BYTES]));
        if page[part.clone()] == *bytes {
            return;
        }
        page[part].copy_from_slice(bytes);
        let page = page.iter().any(|byte| *byte != 0).then_some(page);
        let old = old.cloned();
        self.unsynced.entry(at).or_insert(old);
        self.put(at, page);
    }

    fn put(&mut self, at: u64, page: Option<Page>) {
        match page {
            Some(page) => self.pages.insert(at, page),
            None => self.pages.remove(&at),
        };
    }

    pub fn set_bytes(&mut self, bytes: u64) {
        if bytes < self.bytes {
            self.forget_beyond(bytes);
        }
        self.bytes = bytes;
    }

    fn forget_beyond(&mut self, bytes: u64) {
        let kept = place(bytes % number(PAGE_BYTES));
        if kept > 0 {
            self.write_page(bytes / number(PAGE_BYTES), kept..PAGE_BYTES, &[0; PAGE_BYTES][kept..]);
        }
        for (at, page) in self.pages.split_off(&bytes.div_ceil(number(PAGE_BYTES))) {
            self.unsynced.entry(at).or_insert(Some(page));
        }
    }

    pub fn sync(&mut self) {
        self.unsynced.clear();
        self.synced_bytes = self.bytes;
    }

    pub fn is_synced(&self) -> bool {
        self.unsynced.is_empty() && self.bytes == self.synced_bytes
    }

    /// The power goes: each page that was not synced is kept or lost by itself, and the length
    /// if it was not synced. Answers how many pages were lost.
    pub fn cut(&mut self, dice: &mut Dice) -> usize {
        let shrunk_to = (self.bytes < self.synced_bytes).then_some(self.bytes);
        let bytes = if dice.keeps() { self.bytes } else { self.synced_bytes };
        // A file that has its old length has what was in it.
        let whole_from = shrunk_to.map_or(u64::MAX, |to| to / number(PAGE_BYTES));
        let mut lost = 0;
        for (at, page) in std::mem::take(&mut self.unsynced) {
            let restored = shrunk_to.is_some() && at >= whole_from && bytes == self.synced_bytes;
            if restored || !dice.keeps() {
                self.put(at, page);
                lost += 1;
            }
        }
        self.bytes = bytes;
        self.forget_beyond(bytes);
        self.sync();
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn synced(bytes: &[u8]) -> File {
        let mut file = File::default();
        file.write(0, bytes);
        file.sync();
        file
    }

    fn whole(file: &File) -> Vec<u8> {
        file.read(0, 1 << 20)
    }

    #[test]
    fn reads_what_was_written_across_pages() {
        let mut file = File::default();
        file.write(4090, b"twelve bytes");
        assert_eq!(file.bytes(), 4102);
        assert_eq!(file.read(4090, 100), b"twelve bytes");
        assert_eq!(file.read(0, 4090), [0; 4090]);
        assert_eq!(file.read(9000, 10), b"");
    }

    #[test]
    fn a_cut_that_keeps_nothing_leaves_what_was_synced() {
        let mut file = synced(&[1; 10_000]);
        file.write(4000, &[2; 200]);
        file.write(9000, &[3; 9000]);
        assert!(!file.is_synced());
        // The first two pages and the third to the fifth.
        assert_eq!(file.cut(&mut Dice::keeping(0, 0)), 5);
        assert!(file.is_synced());
        assert_eq!(whole(&file), [1; 10_000]);
    }

    #[test]
    fn a_cut_that_keeps_all_loses_nothing() {
        let mut file = synced(&[1; 10_000]);
        file.write(4000, &[2; 20_000]);
        let before = whole(&file);
        assert_eq!(file.cut(&mut Dice::keeping(0, 8)), 0);
        assert_eq!(whole(&file), before);
    }

    #[test]
    fn a_cut_in_between_keeps_whole_pages() {
        let mut kept = [0; 2];
        for seed in 0..50 {
            let mut file = synced(&[1; 8 * PAGE_BYTES]);
            file.write(0, &[2; 8 * PAGE_BYTES]);
            file.cut(&mut Dice::keeping(seed, 4));
            for page in whole(&file).chunks(PAGE_BYTES) {
                assert!(page.iter().all(|byte| *byte == page[0]));
                kept[usize::from(page[0]) - 1] += 1;
            }
        }
        assert!(kept.iter().all(|pages| *pages > 100), "{kept:?}");
    }

    #[test]
    fn what_was_cut_off_comes_back_with_the_length() {
        let mut file = synced(&[1; 10_000]);
        file.set_bytes(5000);
        assert_eq!(whole(&file), [1; 5000]);
        file.cut(&mut Dice::keeping(0, 0));
        assert_eq!(whole(&file), [1; 10_000]);
        file.set_bytes(5000);
        file.cut(&mut Dice::keeping(0, 8));
        file.set_bytes(10_000);
        assert_eq!(file.read(5000, 5000), [0; 5000]);
    }

    #[test]
    fn zeros_are_not_kept() {
        let mut file = synced(&[0; 1 << 20]);
        assert!(file.pages.is_empty());
        file.write(0, &[1]);
        file.write(0, &[0]);
        assert!(file.pages.is_empty());
        assert_eq!(whole(&file), [0; 1 << 20]);
    }
}
