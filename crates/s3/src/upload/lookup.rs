//! Finding an upload underway by the id that its client was given.

use aws::Error;
use objects::{Rows, Scan};

use crate::error::{EngineFailure, no_such_upload};
use crate::row::{self, Codec, Part, Upload, UploadId};

/// # Errors
/// `NoSuchUpload` when it never was, is complete or aborted, or is of another key.
pub(crate) fn find(
    rows: &dyn Rows,
    bucket: u64,
    key: &str,
    upload_id: &str,
) -> Result<Upload, Error> {
    let missing = || no_such_upload(upload_id);
    let stamp = UploadId(upload_id.to_owned()).stamp().ok_or_else(missing)?;
    let row = rows.get(&row::upload_key(bucket, key, stamp)).map_err(EngineFailure::refusal)?;
    let upload = Upload::decode(&row.ok_or_else(missing)?.value)?;
    if upload.id.0 == upload_id { Ok(upload) } else { Err(missing()) }
}

/// # Errors
/// When the index cannot be read, or the row cannot be understood.
pub(super) fn part(rows: &dyn Rows, upload: u64, number: u16) -> Result<Option<Part>, Error> {
    let row = rows.get(&row::part_key(upload, number)).map_err(EngineFailure::refusal)?;
    Ok(row.map(|row| Part::decode(&row.value)).transpose()?)
}

/// The parts of an upload by their numbers, from `after` on, at most `max`.
///
/// # Errors
/// When the index cannot be read, or a row cannot be understood.
pub(crate) fn parts(
    rows: &dyn Rows,
    upload: u64,
    after: u16,
    max: usize,
) -> Result<Vec<(u16, Part)>, Error> {
    let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
    let (from, end) = (row::part_key(upload, first), row::parts_of(upload).1);
    let mut found = Vec::new();
    let mut damaged = None;
    let mut visit = |key: &[u8], row: &objects::Row| {
        if found.len() == max {
            return Scan::End;
        }
        match (row::part_number(key), Part::decode(&row.value)) {
            (Some(number), Ok(part)) => found.push((number, part)),
            (None, _) => {}
            (_, Err(error)) => {
                damaged = Some(error);
                return Scan::End;
            }
        }
        Scan::On
    };
    rows.scan(&from, &end, &mut visit).map_err(EngineFailure::refusal)?;
    damaged.map_or(Ok(found), |error| Err(error.into()))
}
