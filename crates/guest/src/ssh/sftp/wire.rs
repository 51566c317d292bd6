//! Numbers and strings of bytes, as SSH writes them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Failure, reply};

pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Failure::BadMessage)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Failure> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, Failure> {
        let bytes = self.take(4)?.try_into().map_err(|_| Failure::BadMessage)?;
        Ok(u32::from_be_bytes(bytes))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Failure> {
        let bytes = self.take(8)?.try_into().map_err(|_| Failure::BadMessage)?;
        Ok(u64::from_be_bytes(bytes))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Failure> {
        let len = self.u32()?;
        self.take(usize::try_from(len).map_err(|_| Failure::BadMessage)?)
    }

    /// A path from where the process is, the user's home.
    pub(super) fn path(&mut self) -> Result<&'a Path, Failure> {
        let bytes = self.bytes()?;
        let bytes = if bytes.is_empty() { b"." } else { bytes };
        Ok(Path::new(OsStr::from_bytes(bytes)))
    }
}

/// An answer as far as it is written.
#[derive(Default)]
pub(super) struct Answer(Vec<u8>);

impl Answer {
    pub(super) fn new(kind: u8, id: u32) -> Self {
        // The length comes last.
        let mut answer = Self(vec![0; 4]);
        answer.0.push(kind);
        answer.u32(id);
        answer
    }

    pub(super) fn status(id: u32, code: u32, sentence: &str) -> Self {
        Self::new(reply::STATUS, id).u32(code).bytes(sentence.as_bytes()).bytes(b"").take()
    }

    pub(super) fn u32(&mut self, number: u32) -> &mut Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(super) fn u64(&mut self, number: u64) -> &mut Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let len = u32::try_from(bytes.len()).expect("answers are smaller than packets");
        self.u32(len);
        self.0.extend(bytes);
        self
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let len = u32::try_from(self.0.len() - 4).expect("answers are smaller than packets");
        self.0[..4].copy_from_slice(&len.to_be_bytes());
        self.0
    }
}
