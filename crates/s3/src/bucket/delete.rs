//! DeleteBucket.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html>

use aws::{Call, Error};
use objects::{BlobId, Change, Rows, Scan};

use crate::S3;
use crate::error::EngineFailure;
use crate::model::DeleteBucketRequest;
use crate::row::{
    Codec, Part, bucket_key, objects_of, owner_key, parts_of, removed_buckets, removed_key,
    removed_row, uploads_under,
};

/// Rows that one change removes. Uploads can have millions of parts, and every other change waits
/// for the one that is decided.
const STEP_ROWS_MAX: usize = 1_000;

/// Removes an empty bucket, and with it the uploads underway, as AWS does. Those are removed in
/// steps; a row remembers the bucket until the last of them, so that whoever comes next goes on
/// where a caller went away.
pub async fn delete(s3: &S3, _call: &Call, input: DeleteBucketRequest) -> Result<(), Error> {
    let removed = s3.engine().commit(|change| {
        let bucket = s3.bucket(change, &input.bucket)?;
        bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
        if !first_rows(change, objects_of(bucket.id, ""), 1)?.is_empty() {
            return Err(bucket_not_empty(&input.bucket));
        }
        change.remove(bucket_key(&bucket.name));
        change.remove(owner_key(bucket.account.as_str(), &bucket.name));
        if remove_uploads(change, bucket.id)? == Left::Some {
            change.set(removed_key(bucket.id), Vec::new());
        }
        Ok(())
    });
    removed.await.map_err(EngineFailure::refusal)??;
    remove_leftovers(s3).await
}

/// Ends the removal of every bucket that was removed but left something.
///
/// # Errors
/// When the engine fails; what was removed until then stays removed.
pub(crate) async fn remove_leftovers(s3: &S3) -> Result<(), Error> {
    while let Some((row, _)) = first_rows(s3.engine(), removed_buckets(), 1)?.pop() {
        let step = s3.engine().commit(|change| {
            let done = match removed_row(&row) {
                Some(bucket) => remove_uploads(change, bucket)? == Left::Nothing,
                None => true,
            };
            if done {
                change.remove(row);
            }
            Ok::<_, Error>(())
        });
        step.await.map_err(EngineFailure::refusal)??;
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Left {
    Nothing,
    Some,
}

/// One step: removes uploads of a bucket with their parts and the parts' blobs.
fn remove_uploads(change: &mut Change<'_>, bucket: u64) -> Result<Left, Error> {
    let mut room = STEP_ROWS_MAX;
    for (upload, _) in first_rows(change, uploads_under(bucket, ""), STEP_ROWS_MAX)? {
        let stamp = upload.last_chunk().copied().map(u64::from_be_bytes);
        let stamp = stamp.ok_or_else(|| Error::internal("an upload's row without its stamp"))?;
        let parts = first_rows(change, parts_of(stamp), room)?;
        room -= parts.len();
        for (row, value) in parts {
            let blob = Part::decode(&value)?.blob;
            blob.into_iter().for_each(|blob| change.drop_blob(BlobId(blob)));
            change.remove(row);
        }
        if room == 0 {
            return Ok(Left::Some);
        }
        room -= 1;
        change.remove(upload);
    }
    let left = first_rows(change, uploads_under(bucket, ""), 1)?;
    Ok(if left.is_empty() { Left::Nothing } else { Left::Some })
}

/// The first `max` rows of a range, with their keys.
fn first_rows(
    rows: &dyn Rows,
    (from, end): (Vec<u8>, Vec<u8>),
    max: usize,
) -> Result<Vec<(Vec<u8>, bytes::Bytes)>, Error> {
    let mut found = Vec::new();
    if max > 0 {
        let mut visit = |key: &[u8], row: &objects::Row| {
            found.push((key.to_vec(), row.value.clone()));
            if found.len() < max { Scan::On } else { Scan::End }
        };
        rows.scan(&from, &end, &mut visit).map_err(EngineFailure::refusal)?;
    }
    Ok(found)
}

fn bucket_not_empty(name: &str) -> Error {
    Error::client(409, "BucketNotEmpty", "The bucket you tried to delete is not empty")
        .with_detail("BucketName", name)
}

#[cfg(test)]
mod tests;
