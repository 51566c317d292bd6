//! DeleteObject.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>

use aws::{AccountId, Call, Error, Timestamp};
use objects::Change;

use super::check_key;
use super::lock::{self, Bypass};
use crate::S3;
use crate::condition::WriteCondition;
use crate::error::{EngineFailure, not_implemented};
use crate::model::{DeleteObjectOutput, DeleteObjectRequest};
use crate::row::{Bucket, Versioning};
use crate::version::{self, Addition, Which};

pub async fn delete(
    s3: &S3,
    call: &Call,
    input: DeleteObjectRequest,
) -> Result<DeleteObjectOutput, Error> {
    check_key(&input.key)?;
    let only_directories = [
        ("x-amz-if-match-last-modified-time", input.if_match_last_modified_time.is_some()),
        ("x-amz-if-match-size", input.if_match_size.is_some()),
    ];
    if let Some((header, _)) = only_directories.iter().find(|(_, given)| *given) {
        return Err(not_implemented(header, "It is for directory buckets only"));
    }
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let deletion = Deletion {
        key: &input.key,
        which: Which::read(input.version_id.as_deref())?,
        condition: WriteCondition::read(input.if_match.as_deref(), None)?,
        bypass: Bypass::read(input.bypass_governance_retention),
        owner: call.identity.account.as_ref().unwrap_or(&bucket.account),
        at: call.at,
    };
    let decide = |change: &mut Change<'_>| {
        let bucket = s3.same_bucket(change, &bucket)?;
        deletion.decide(s3, change, &bucket)
    };
    let deleted = s3.engine().commit(decide).await.map_err(EngineFailure::refusal)??;
    Ok(DeleteObjectOutput {
        delete_marker: deleted.marker.then_some(true),
        version_id: deleted.version_id,
        request_charged: None,
    })
}

/// One key, or one version, to be deleted.
pub(crate) struct Deletion<'a> {
    pub(crate) key: &'a str,
    pub(crate) which: Which,
    pub(crate) condition: WriteCondition,
    pub(crate) bypass: Bypass,
    /// Whose a delete marker will be.
    pub(crate) owner: &'a AccountId,
    pub(crate) at: Timestamp,
}

/// What a deletion did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// Whether a delete marker was made, or was what was deleted.
    pub(crate) marker: bool,
    /// The delete marker's id, or that of the version that was asked for.
    pub(crate) version_id: Option<String>,
}

impl Deletion<'_> {
    /// Deletes within a change. What is not there is deleted already.
    ///
    /// # Errors
    /// `AccessDenied` for a version that is locked, `PreconditionFailed`, `NoSuchKey` when a
    /// condition wants something.
    pub(crate) fn decide(
        &self,
        s3: &S3,
        change: &mut Change<'_>,
        bucket: &Bucket,
    ) -> Result<Deleted, Error> {
        let current = version::current(change, bucket.id, self.key)?;
        self.condition.check(self.key, current.as_ref().map(|found| &*found.version))?;
        let Which::Id(id) = &self.which else { return self.decide_current(s3, change, bucket) };
        let found = version::find(change, bucket.id, self.key, &self.which)?;
        let mut marker = false;
        if let Some(found) = found {
            match &found.version.content {
                Some(content) => lock::check_removal(content, self.bypass, self.at)?,
                None => marker = true,
            }
            version::remove(change, bucket.id, self.key, &found)?;
        }
        Ok(Deleted { marker, version_id: Some(id.0.clone()) })
    }

    /// A delete marker hides what is locked and removes nothing, so no lock is asked.
    fn decide_current(
        &self,
        s3: &S3,
        change: &mut Change<'_>,
        bucket: &Bucket,
    ) -> Result<Deleted, Error> {
        debug_assert!(bucket.object_lock.is_none() || bucket.versioning == Versioning::Enabled);
        let addition = Addition { modified: self.at, owner: self.owner.clone(), content: None };
        let marker = version::delete(change, &s3.inner.random, bucket, self.key, addition)?;
        Ok(Deleted { marker: marker.is_some(), version_id: marker.map(|marker| marker.id.0) })
    }
}
