//! Rows: what is kept under a key.

use bytes::Bytes;

use crate::ReadError;

pub const KEY_BYTES_MAX: usize = 4096;
pub const VALUE_BYTES_MAX: usize = 2 << 20;

/// A row as it was last set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub value: Bytes,
    /// The [`crate::Change::stamp`] of the commit that set it: equal stamps of one key mean equal
    /// values, so whatever was parsed from a row can be kept under its stamp.
    pub stamp: u64,
}

/// What a visitor of [`Rows::scan`] wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    /// The following key.
    On,
    /// The first key at or after this one, which must lie after the present one.
    SeekTo(Vec<u8>),
    End,
}

/// Reading rows: of the engine, or of a change, which sees what it and those before it have done.
/// Keys are ordered by their bytes.
pub trait Rows {
    /// # Errors
    /// When the index cannot be read.
    fn get(&self, key: &[u8]) -> Result<Option<Row>, ReadError>;

    /// Shows the visitor each row from `from` on and before `end`, in order and of one moment.
    /// The visitor must be quick: commits wait for it.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn scan(
        &self,
        from: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Row) -> Scan,
    ) -> Result<(), ReadError>;
}
