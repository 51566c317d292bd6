//! Rows as bytes: a format number, a space, JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row of this kind that this program cannot read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("a row of format {0}, newer than this haneul knows")]
    Newer(u32),
    #[error("a row that is damaged")]
    Damaged(#[source] Option<serde_json::Error>),
}

/// How a kind of row is kept.
pub trait Codec: Serialize + DeserializeOwned {
    /// Raised with every change that an older program would misread.
    const FORMAT: u32;

    fn encode(&self) -> Vec<u8> {
        let mut bytes = format!("{} ", Self::FORMAT).into_bytes();
        serde_json::to_writer(&mut bytes, self).expect("rows have string keys only");
        bytes
    }

    /// # Errors
    /// [`Unreadable`] for a newer format and for what is none.
    fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        // Checked once to be text, which spares each string of it the same.
        let row = std::str::from_utf8(bytes).ok().and_then(|text| aws::cut::once(text, b' '));
        let (format, json) = row.ok_or(Unreadable::Damaged(None))?;
        match format.parse() {
            Ok(format) if format > Self::FORMAT => Err(Unreadable::Newer(format)),
            Ok(_) => serde_json::from_str(json).map_err(|e| Unreadable::Damaged(Some(e))),
            Err(_) => Err(Unreadable::Damaged(None)),
        }
    }
}

impl From<Unreadable> for aws::Error {
    fn from(unreadable: Unreadable) -> Self {
        Self::internal(unreadable)
    }
}
