//! DeleteObjects.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>

use std::collections::HashMap;

use aws::{Call, Decision, Error};
use objects::Change;

use super::check_key;
use super::delete::{Deleted, Deletion};
use super::lock::Bypass;
use crate::S3;
use crate::authorization::{Question, Subject};
use crate::condition::WriteCondition;
use crate::error::{EngineFailure, malformed_xml, not_implemented};
use crate::model::{
    self, DeleteObjectsOutput, DeleteObjectsRequest, DeletedObject, ObjectIdentifier,
};
use crate::row::Bucket;
use crate::version::Which;

const KEYS_MAX: usize = 1000;
/// A change is held in memory and in one frame of the log, and others wait while it is decided.
const KEYS_A_CHANGE: usize = 100;

pub async fn delete_many(
    s3: &S3,
    call: &Call,
    input: DeleteObjectsRequest,
) -> Result<DeleteObjectsOutput, Error> {
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > KEYS_MAX {
        return Err(malformed_xml());
    }
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let bypass = Bypass::read(input.bypass_governance_retention);
    let quiet = input.delete.quiet == Some(true);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for objects in objects.chunks(KEYS_A_CHANGE) {
        let mut deletions = Vec::with_capacity(objects.len());
        for object in objects {
            let allowed = check_allowed(s3, call, &bucket, object, bypass).await;
            deletions.push(match allowed {
                Ok(()) => prepare(call, &bucket, object, bypass).map_err(Refusal::from),
                Err(error) if error.source.is_some() => return Err(error),
                Err(error) => Err(error.into()),
            });
        }
        for (object, outcome) in objects.iter().zip(decide(s3, &bucket, &deletions).await?) {
            match outcome {
                Ok(done) => deleted.extend((!quiet).then(|| shown(object, done))),
                Err(error) => errors.push(refused(object, error)),
            }
        }
    }
    Ok(DeleteObjectsOutput {
        deleted: (!deleted.is_empty()).then_some(deleted),
        request_charged: None,
        errors: (!errors.is_empty()).then_some(errors),
    })
}

/// What became of one object: a refusal is its own and no other's.
type Outcome<T> = Result<T, Refusal>;

#[derive(Clone)]
struct Refusal {
    code: String,
    message: String,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { code: error.code.into_owned(), message: error.message }
    }
}

/// Asks the policy engine about one object: nobody could before the request was read.
async fn check_allowed(
    s3: &S3,
    call: &Call,
    bucket: &Bucket,
    object: &ObjectIdentifier,
    bypass: Bypass,
) -> Result<(), Error> {
    let (key, version_id) = (object.key.as_str(), object.version_id.as_deref());
    let subject = Subject::Object { bucket: &bucket.name, key, version_id };
    let action = if version_id.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
    let delete = Question::new(action, subject).with("s3:if-match", object.e_tag.as_ref());
    let bypass = (bypass == Bypass::Governance)
        .then(|| Question::new("s3:BypassGovernanceRetention", subject));
    for question in [Some(delete), bypass].into_iter().flatten() {
        if let Decision::Denied { message } = s3.decide(call, question).await? {
            return Err(Error::access_denied(message));
        }
    }
    Ok(())
}

fn prepare<'a>(
    call: &'a Call,
    bucket: &'a Bucket,
    object: &'a ObjectIdentifier,
    bypass: Bypass,
) -> Result<Deletion<'a>, Error> {
    check_key(&object.key)?;
    if object.size.is_some() || object.last_modified_time.is_some() {
        let why = "Size and LastModifiedTime are for directory buckets only";
        return Err(not_implemented("Delete", why));
    }
    Ok(Deletion {
        key: &object.key,
        which: Which::read(object.version_id.as_deref())?,
        condition: WriteCondition::read(object.e_tag.as_deref(), None)?,
        bypass,
        owner: call.identity.account.as_ref().unwrap_or(&bucket.account),
        at: call.at,
    })
}

/// Deletes in one change what may be deleted.
async fn decide(
    s3: &S3,
    bucket: &Bucket,
    deletions: &[Outcome<Deletion<'_>>],
) -> Result<Vec<Outcome<Deleted>>, Error> {
    let decide = |change: &mut Change<'_>| {
        let bucket = s3.same_bucket(change, bucket)?;
        // A change makes one version of a key: twice the same key is once the same marker.
        let mut current: HashMap<&str, Deleted> = HashMap::new();
        let mut outcomes = Vec::with_capacity(deletions.len());
        for deletion in deletions {
            let deletion = match deletion {
                Ok(deletion) => deletion,
                Err(refusal) => {
                    outcomes.push(Err(refusal.clone()));
                    continue;
                }
            };
            if deletion.which == Which::Current
                && let Some(done) = current.get(deletion.key)
            {
                outcomes.push(Ok(done.clone()));
                continue;
            }
            match deletion.decide(s3, change, &bucket) {
                Ok(done) => {
                    if deletion.which == Which::Current {
                        current.insert(deletion.key, done.clone());
                    }
                    outcomes.push(Ok(done));
                }
                // A refusal comes before anything of its object was changed; a failure of ours
                // may not, and takes all back.
                Err(error) if error.source.is_some() => return Err(error),
                Err(error) => outcomes.push(Err(error.into())),
            }
        }
        Ok(outcomes)
    };
    s3.engine().commit(decide).await.map_err(EngineFailure::refusal)?
}

fn shown(object: &ObjectIdentifier, done: Deleted) -> DeletedObject {
    DeletedObject {
        key: Some(object.key.clone()),
        version_id: object.version_id.clone(),
        delete_marker: done.marker.then_some(true),
        delete_marker_version_id: done.version_id.filter(|_| done.marker),
    }
}

fn refused(object: &ObjectIdentifier, refusal: Refusal) -> model::Error {
    model::Error {
        key: Some(object.key.clone()),
        version_id: object.version_id.clone(),
        code: Some(refusal.code),
        message: Some(refusal.message),
    }
}
