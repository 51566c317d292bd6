//! AbortMultipartUpload: the upload goes, with all that came of it.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>

use aws::{Call, Error};
use objects::{BlobId, Change};

use super::{PART_NUMBER_MAX, lookup};
use crate::S3;
use crate::error::EngineFailure;
use crate::model::{AbortMultipartUploadOutput, AbortMultipartUploadRequest};
use crate::row::{self, Upload};

pub async fn abort(
    s3: &S3,
    _call: &Call,
    input: AbortMultipartUploadRequest,
) -> Result<AbortMultipartUploadOutput, Error> {
    if input.if_match_initiated_time.is_some() {
        return Err(Error::parameter_not_served(
            "AbortMultipartUpload",
            "x-amz-if-match-initiated-time",
        ));
    }
    let decide = |change: &mut Change<'_>| {
        let bucket = s3.bucket(change, &input.bucket)?;
        bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
        let upload = lookup::find(change, bucket.id, &input.key, &input.upload_id)?;
        remove(change, bucket.id, &upload)
    };
    s3.engine().commit(decide).await.map_err(EngineFailure::refusal)??;
    Ok(AbortMultipartUploadOutput::default())
}

/// Removes an upload and its parts with their bytes.
///
/// # Errors
/// When the index cannot be read.
pub(crate) fn remove(change: &mut Change<'_>, bucket: u64, upload: &Upload) -> Result<(), Error> {
    for (number, part) in lookup::parts(change, upload.stamp, 0, usize::from(PART_NUMBER_MAX))? {
        part.blob.into_iter().for_each(|blob| change.drop_blob(BlobId(blob)));
        change.remove(row::part_key(upload.stamp, number));
    }
    change.remove(row::upload_key(bucket, &upload.key, upload.stamp));
    Ok(())
}
