//! Documents that requests bring with them, parsed: policies of resources and of sessions.
//!
//! They are known by their whole text, so nothing kept here can be out of date: a changed
//! policy is another text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use policy::{Document, Kind};

use super::stored_document;
use crate::error::Result;

/// Letters of text whose documents are kept, at most twice this much: some hundred of the
/// longest bucket policies, and thousands of usual ones. A parsed document takes several times
/// the room of its text.
const KEPT_BYTES: usize = 2 << 20;

#[derive(Debug, Default)]
pub(super) struct Documents {
    kept: Mutex<Kept>,
}

/// What was asked for since the last turn, and before it. When `recent` is full it becomes
/// `older`, and what nobody asked for in a whole turn is forgotten.
#[derive(Debug, Default)]
struct Kept {
    recent: ByText,
    older: ByText,
    recent_bytes: usize,
}

/// By kind first: each kind reads a text in its own way.
type ByText = HashMap<Kind, HashMap<Arc<str>, Arc<Document>>>;

impl Documents {
    /// # Errors
    /// `Internal`: what a request brings was checked before it was stored.
    pub(super) fn read(&self, text: &str, kind: Kind) -> Result<Arc<Document>> {
        if let Some(known) = self.lock().find(text, kind) {
            return Ok(known);
        }
        let document = Arc::new(stored_document(text, kind)?);
        self.lock().keep(text.into(), kind, document.clone());
        Ok(document)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("nothing under this lock panics")
    }
}

impl Kept {
    fn find(&mut self, text: &str, kind: Kind) -> Option<Arc<Document>> {
        if let Some(known) = self.recent.get(&kind).and_then(|texts| texts.get(text)) {
            return Some(known.clone());
        }
        let (text, known) = self.older.get_mut(&kind)?.remove_entry(text)?;
        self.keep(text, kind, known.clone());
        Some(known)
    }

    fn keep(&mut self, text: Arc<str>, kind: Kind, document: Arc<Document>) {
        if self.recent_bytes + text.len() > KEPT_BYTES {
            self.older = std::mem::take(&mut self.recent);
            self.recent_bytes = 0;
        }
        let len = text.len();
        // Two requests can have read the same text at once.
        if self.recent.entry(kind).or_default().insert(text, document).is_none() {
            self.recent_bytes += len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: usize, len: usize) -> String {
        let head = format!(
            r#"{{"Id":"{id}","Statement":{{"Effect":"Allow","Principal":"*","Action":"sts:*""#
        );
        format!(r#"{head}{},"Resource":"*"}}}}"#, " ".repeat(len))
    }

    #[test]
    fn a_text_is_read_once() {
        let documents = Documents::default();
        let read = |id| documents.read(&text(id, 0), Kind::Resource).expect("a policy");
        let first = read(1);
        assert!(Arc::ptr_eq(&first, &read(1)));
        assert!(!Arc::ptr_eq(&first, &read(2)));
    }

    #[test]
    fn kinds_read_a_text_each_in_its_way() {
        let documents = Documents::default();
        assert!(documents.read(&text(1, 0), Kind::Resource).is_ok());
        assert!(documents.read(&text(1, 0), Kind::Trust).is_err());
        assert!(documents.read(&text(1, 0), Kind::Session).is_err());
    }

    #[test]
    fn what_is_in_use_stays_and_the_rest_is_bounded() {
        let documents = Documents::default();
        let read = |id| documents.read(&text(id, 100_000), Kind::Resource).expect("a policy");
        let used = read(0);
        for id in 1..100 {
            read(id);
            assert!(Arc::ptr_eq(&used, &read(0)), "{id}");
        }
        let kept = documents.lock();
        let texts = [&kept.recent, &kept.older].into_iter().flat_map(HashMap::values).flatten();
        assert!(texts.map(|(text, _)| text.len()).sum::<usize>() <= 2 * KEPT_BYTES);
    }
}
