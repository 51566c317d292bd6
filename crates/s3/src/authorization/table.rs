//! The table: what each operation asks.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>

use aws::{Error, Timestamp};

use super::facts::{self, NewObject};
use super::{Question, Subject};
use crate::acl::Given;
use crate::model::{CopyObjectRequest, CreateBucketRequest, Input};
use crate::object::copy_source::CopySource;

/// Everything an operation asks.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    /// Buckets that the request is about, with who is expected to own them.
    pub(super) owners: Vec<(&'a str, Option<&'a str>)>,
    pub(super) questions: Vec<Question<'a>>,
    /// Whether bytes are to be kept under a key that the customer sends.
    pub(super) with_customer_key: bool,
}

/// What a copy copies; `None` for the other operations.
///
/// # Errors
/// `InvalidArgument` for a header that names nothing.
pub(super) fn copy_source(input: &Input) -> Result<Option<CopySource>, Error> {
    match input {
        Input::CopyObject(input) => CopySource::parse(&input.copy_source).map(Some),
        Input::UploadPartCopy(input) => CopySource::parse(&input.copy_source).map(Some),
        _ => Ok(None),
    }
}

/// # Errors
/// For headers that are no tags.
#[expect(clippy::too_many_lines, reason = "one row an operation")]
pub(super) fn asked<'a>(
    input: &'a Input,
    source: Option<&'a CopySource>,
    at: Timestamp,
) -> Result<Asked<'a>, Error> {
    use Input as I;
    Ok(match input {
        I::AbortMultipartUpload(i) => {
            object("s3:AbortMultipartUpload", &i.bucket, &i.key, &i.expected_bucket_owner)
        }
        I::CompleteMultipartUpload(i) => {
            let mut asked = object("s3:PutObject", &i.bucket, &i.key, &i.expected_bucket_owner);
            asked.add_facts(|question| {
                question
                    .with("s3:if-match", i.if_match.as_ref())
                    .with("s3:if-none-match", i.if_none_match.as_ref())
            });
            asked
        }
        I::CopyObject(i) => copy(i, source, at)?,
        I::CreateBucket(i) => create_bucket(i),
        I::CreateMultipartUpload(i) => {
            let new = NewObject::from(i);
            Asked {
                owners: vec![(&i.bucket, i.expected_bucket_owner.as_deref())],
                questions: new.questions(&i.bucket, &i.key, at)?,
                with_customer_key: new.customer_algorithm.is_some(),
            }
        }
        I::DeleteBucket(i) => bucket("s3:DeleteBucket", &i.bucket, &i.expected_bucket_owner),
        I::DeleteBucketCors(i) => bucket("s3:PutBucketCORS", &i.bucket, &i.expected_bucket_owner),
        I::DeleteBucketEncryption(i) => {
            bucket("s3:PutEncryptionConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::DeleteBucketLifecycle(i) => {
            bucket("s3:PutLifecycleConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::DeleteBucketOwnershipControls(i) => {
            bucket("s3:PutBucketOwnershipControls", &i.bucket, &i.expected_bucket_owner)
        }
        I::DeleteBucketPolicy(i) => {
            bucket("s3:DeleteBucketPolicy", &i.bucket, &i.expected_bucket_owner)
        }
        I::DeleteBucketReplication(i) => {
            bucket("s3:PutReplicationConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::DeleteBucketTagging(i) => {
            bucket("s3:PutBucketTagging", &i.bucket, &i.expected_bucket_owner)
        }
        I::DeleteBucketWebsite(i) => {
            bucket("s3:DeleteBucketWebsite", &i.bucket, &i.expected_bucket_owner)
        }
        I::DeleteObject(i) => {
            let action = DELETE.of(&i.version_id);
            let mut asked =
                version(action, &i.bucket, &i.key, &i.version_id, &i.expected_bucket_owner);
            if i.bypass_governance_retention == Some(true) {
                asked.also("s3:BypassGovernanceRetention");
            }
            asked
        }
        I::DeleteObjectTagging(i) => version(
            either("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging").of(&i.version_id),
            &i.bucket,
            &i.key,
            &i.version_id,
            &i.expected_bucket_owner,
        ),
        // The operation asks about each key, and refuses each for itself.
        I::DeleteObjects(i) => Asked {
            owners: vec![(&i.bucket, i.expected_bucket_owner.as_deref())],
            ..Asked::default()
        },
        I::DeletePublicAccessBlock(i) => {
            bucket("s3:PutBucketPublicAccessBlock", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketAccelerateConfiguration(i) => {
            bucket("s3:GetAccelerateConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketAcl(i) => bucket("s3:GetBucketAcl", &i.bucket, &i.expected_bucket_owner),
        I::GetBucketCors(i) => bucket("s3:GetBucketCORS", &i.bucket, &i.expected_bucket_owner),
        I::GetBucketEncryption(i) => {
            bucket("s3:GetEncryptionConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketLifecycleConfiguration(i) => {
            bucket("s3:GetLifecycleConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketLocation(i) => {
            bucket("s3:GetBucketLocation", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketLogging(i) => {
            bucket("s3:GetBucketLogging", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketNotificationConfiguration(i) => {
            bucket("s3:GetBucketNotification", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketOwnershipControls(i) => {
            bucket("s3:GetBucketOwnershipControls", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketPolicy(i) => bucket("s3:GetBucketPolicy", &i.bucket, &i.expected_bucket_owner),
        I::GetBucketPolicyStatus(i) => {
            bucket("s3:GetBucketPolicyStatus", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketReplication(i) => {
            bucket("s3:GetReplicationConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketRequestPayment(i) => {
            bucket("s3:GetBucketRequestPayment", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketTagging(i) => {
            bucket("s3:GetBucketTagging", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketVersioning(i) => {
            bucket("s3:GetBucketVersioning", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetBucketWebsite(i) => {
            bucket("s3:GetBucketWebsite", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetObject(i) => version(
            GET.of(&i.version_id),
            &i.bucket,
            &i.key,
            &i.version_id,
            &i.expected_bucket_owner,
        ),
        I::GetObjectAcl(i) => version(
            either("s3:GetObjectAcl", "s3:GetObjectVersionAcl").of(&i.version_id),
            &i.bucket,
            &i.key,
            &i.version_id,
            &i.expected_bucket_owner,
        ),
        I::GetObjectAttributes(i) => {
            let action = GET.of(&i.version_id);
            let mut asked =
                version(action, &i.bucket, &i.key, &i.version_id, &i.expected_bucket_owner);
            let more = either("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes");
            asked.also(more.of(&i.version_id));
            asked
        }
        I::GetObjectLegalHold(i) => version(
            "s3:GetObjectLegalHold",
            &i.bucket,
            &i.key,
            &i.version_id,
            &i.expected_bucket_owner,
        ),
        I::GetObjectLockConfiguration(i) => {
            bucket("s3:GetBucketObjectLockConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::GetObjectRetention(i) => version(
            "s3:GetObjectRetention",
            &i.bucket,
            &i.key,
            &i.version_id,
            &i.expected_bucket_owner,
        ),
        I::GetObjectTagging(i) => version(
            GET_TAGS.of(&i.version_id),
            &i.bucket,
            &i.key,
            &i.version_id,
            &i.expected_bucket_owner,
        ),
        I::GetPublicAccessBlock(i) => {
            bucket("s3:GetBucketPublicAccessBlock", &i.bucket, &i.expected_bucket_owner)
        }
        I::HeadBucket(i) => bucket("s3:ListBucket", &i.bucket, &i.expected_bucket_owner),
        I::HeadObject(i) => version(
            GET.of(&i.version_id),
            &i.bucket,
            &i.key,
            &i.version_id,
            &i.expected_bucket_owner,
        ),
        I::ListBuckets(_) => {
            let question = Question::new("s3:ListAllMyBuckets", Subject::Account);
            Asked { questions: vec![question], ..Asked::default() }
        }
        I::ListMultipartUploads(i) => {
            let action = "s3:ListBucketMultipartUploads";
            let mut asked = bucket(action, &i.bucket, &i.expected_bucket_owner);
            asked.add_list_facts(&i.prefix, &i.delimiter, None);
            asked
        }
        I::ListObjectVersions(i) => {
            let mut asked = bucket("s3:ListBucketVersions", &i.bucket, &i.expected_bucket_owner);
            asked.add_list_facts(&i.prefix, &i.delimiter, i.max_keys);
            asked
        }
        I::ListObjects(i) => {
            let mut asked = bucket("s3:ListBucket", &i.bucket, &i.expected_bucket_owner);
            asked.add_list_facts(&i.prefix, &i.delimiter, i.max_keys);
            asked
        }
        I::ListObjectsV2(i) => {
            let mut asked = bucket("s3:ListBucket", &i.bucket, &i.expected_bucket_owner);
            asked.add_list_facts(&i.prefix, &i.delimiter, i.max_keys);
            asked
        }
        I::ListParts(i) => {
            object("s3:ListMultipartUploadParts", &i.bucket, &i.key, &i.expected_bucket_owner)
        }
        I::PutBucketAccelerateConfiguration(i) => {
            bucket("s3:PutAccelerateConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::PutBucketAcl(i) => {
            let mut asked = bucket("s3:PutBucketAcl", &i.bucket, &i.expected_bucket_owner);
            let acl = facts::of_bucket_acl(i);
            asked.add_facts(|question| facts::with_acl(question, &acl));
            asked
        }
        I::PutBucketCors(i) => bucket("s3:PutBucketCORS", &i.bucket, &i.expected_bucket_owner),
        I::PutBucketEncryption(i) => {
            bucket("s3:PutEncryptionConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::PutBucketLifecycleConfiguration(i) => {
            bucket("s3:PutLifecycleConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::PutBucketLogging(i) => {
            bucket("s3:PutBucketLogging", &i.bucket, &i.expected_bucket_owner)
        }
        I::PutBucketNotificationConfiguration(i) => {
            bucket("s3:PutBucketNotification", &i.bucket, &i.expected_bucket_owner)
        }
        I::PutBucketOwnershipControls(i) => {
            let action = "s3:PutBucketOwnershipControls";
            let mut asked = bucket(action, &i.bucket, &i.expected_bucket_owner);
            let rule = i.ownership_controls.rules.first().map(|rule| &rule.object_ownership);
            asked.add_facts(|question| question.with("s3:x-amz-object-ownership", rule));
            asked
        }
        I::PutBucketPolicy(i) => bucket("s3:PutBucketPolicy", &i.bucket, &i.expected_bucket_owner),
        I::PutBucketRequestPayment(i) => {
            bucket("s3:PutBucketRequestPayment", &i.bucket, &i.expected_bucket_owner)
        }
        I::PutBucketTagging(i) => {
            let mut asked = bucket("s3:PutBucketTagging", &i.bucket, &i.expected_bucket_owner);
            asked.add_facts(|question| facts::with_bucket_tags(question, &i.tagging.tag_set));
            asked
        }
        I::PutBucketVersioning(i) => {
            bucket("s3:PutBucketVersioning", &i.bucket, &i.expected_bucket_owner)
        }
        I::PutBucketWebsite(i) => {
            bucket("s3:PutBucketWebsite", &i.bucket, &i.expected_bucket_owner)
        }
        I::PutObject(i) => {
            let new = NewObject::from(i);
            Asked {
                owners: vec![(&i.bucket, i.expected_bucket_owner.as_deref())],
                questions: new.questions(&i.bucket, &i.key, at)?,
                with_customer_key: new.customer_algorithm.is_some(),
            }
        }
        I::PutObjectAcl(i) => {
            let action = either("s3:PutObjectAcl", "s3:PutObjectVersionAcl").of(&i.version_id);
            let mut asked =
                version(action, &i.bucket, &i.key, &i.version_id, &i.expected_bucket_owner);
            let acl = facts::of_object_acl(i);
            asked.add_facts(|question| facts::with_acl(question, &acl));
            asked
        }
        I::PutObjectLegalHold(i) => {
            let action = "s3:PutObjectLegalHold";
            let mut asked =
                version(action, &i.bucket, &i.key, &i.version_id, &i.expected_bucket_owner);
            let status = i.legal_hold.as_ref().and_then(|hold| hold.status.as_ref());
            asked.add_facts(|question| question.with("s3:object-lock-legal-hold", status));
            asked
        }
        I::PutObjectLockConfiguration(i) => {
            bucket("s3:PutBucketObjectLockConfiguration", &i.bucket, &i.expected_bucket_owner)
        }
        I::PutObjectRetention(i) => {
            let action = "s3:PutObjectRetention";
            let mut asked =
                version(action, &i.bucket, &i.key, &i.version_id, &i.expected_bucket_owner);
            let mode = i.retention.as_ref().and_then(|retention| retention.mode.as_deref());
            let until = i.retention.as_ref().and_then(|retention| retention.retain_until_date);
            asked.add_facts(|question| facts::with_retention(question, mode, until, at));
            if i.bypass_governance_retention == Some(true) {
                asked.also("s3:BypassGovernanceRetention");
            }
            asked
        }
        I::PutObjectTagging(i) => {
            let action =
                either("s3:PutObjectTagging", "s3:PutObjectVersionTagging").of(&i.version_id);
            let mut asked =
                version(action, &i.bucket, &i.key, &i.version_id, &i.expected_bucket_owner);
            let tags = i.tagging.tag_set.iter();
            let tags: Vec<_> = tags.map(|tag| (tag.key.clone(), tag.value.clone())).collect();
            asked.add_facts(|question| facts::with_tags(question, &tags));
            asked
        }
        I::PutPublicAccessBlock(i) => {
            bucket("s3:PutBucketPublicAccessBlock", &i.bucket, &i.expected_bucket_owner)
        }
        I::RestoreObject(i) => {
            version("s3:RestoreObject", &i.bucket, &i.key, &i.version_id, &i.expected_bucket_owner)
        }
        I::UploadPart(i) => Asked {
            with_customer_key: i.sse_customer_algorithm.is_some(),
            ..object("s3:PutObject", &i.bucket, &i.key, &i.expected_bucket_owner)
        },
        I::UploadPartCopy(i) => {
            let mut asked = object("s3:PutObject", &i.bucket, &i.key, &i.expected_bucket_owner);
            asked.with_customer_key = i.sse_customer_algorithm.is_some();
            asked.add_source(source, &i.expected_source_bucket_owner);
            asked
        }
    })
}

/// An action on a key, and the one on a version that the request names.
#[derive(Clone, Copy)]
struct Either(&'static str, &'static str);

const GET: Either = either("s3:GetObject", "s3:GetObjectVersion");
const GET_TAGS: Either = either("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
const DELETE: Either = either("s3:DeleteObject", "s3:DeleteObjectVersion");

const fn either(of_key: &'static str, of_version: &'static str) -> Either {
    Either(of_key, of_version)
}

impl Either {
    fn of(self, version_id: &Option<String>) -> &'static str {
        if version_id.is_some() { self.1 } else { self.0 }
    }
}

fn bucket<'a>(
    action: &'static str,
    name: &'a str,
    expected_owner: &'a Option<String>,
) -> Asked<'a> {
    Asked {
        owners: vec![(name, expected_owner.as_deref())],
        questions: vec![Question::new(action, Subject::Bucket(name))],
        with_customer_key: false,
    }
}

fn object<'a>(
    action: &'static str,
    bucket: &'a str,
    key: &'a str,
    expected_owner: &'a Option<String>,
) -> Asked<'a> {
    version(action, bucket, key, &None, expected_owner)
}

fn version<'a>(
    action: &'static str,
    bucket: &'a str,
    key: &'a str,
    version_id: &'a Option<String>,
    expected_owner: &'a Option<String>,
) -> Asked<'a> {
    let subject = Subject::Object { bucket, key, version_id: version_id.as_deref() };
    Asked {
        owners: vec![(bucket, expected_owner.as_deref())],
        questions: vec![Question::new(action, subject)],
        with_customer_key: false,
    }
}

/// A new bucket: that it may be made, and what its headers ask for besides.
fn create_bucket(input: &CreateBucketRequest) -> Asked<'_> {
    let given = input.create_bucket_configuration.as_ref();
    let tags = given.and_then(|given| given.tags.as_deref()).unwrap_or_default();
    let acl = Given {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    };
    let mut actions = vec!["s3:CreateBucket"];
    if acl.is_any() {
        actions.push("s3:PutBucketAcl");
    }
    if input.object_ownership.is_some() {
        actions.push("s3:PutBucketOwnershipControls");
    }
    if input.object_lock_enabled_for_bucket == Some(true) {
        actions.extend(["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"]);
    }
    if !tags.is_empty() {
        actions.push("s3:TagResource");
    }
    let question = |action| {
        let question = Question::new(action, Subject::NewBucket(&input.bucket));
        let constraint = given.and_then(|given| given.location_constraint.as_ref());
        let question = facts::with_acl(question, &acl)
            .with("s3:LocationConstraint", constraint)
            .with("s3:x-amz-object-ownership", input.object_ownership.as_ref());
        facts::with_bucket_tags(question, tags)
    };
    Asked { questions: actions.into_iter().map(question).collect(), ..Asked::default() }
}

/// What is copied must be readable, and what it is copied to must be as for PutObject. Tags that go
/// with it are read there and put here.
fn copy<'a>(
    input: &'a CopyObjectRequest,
    source: Option<&'a CopySource>,
    at: Timestamp,
) -> Result<Asked<'a>, Error> {
    let new = NewObject::from(input);
    let mut asked = Asked {
        owners: vec![(&input.bucket, input.expected_bucket_owner.as_deref())],
        questions: new.questions(&input.bucket, &input.key, at)?,
        with_customer_key: new.customer_algorithm.is_some(),
    };
    let directive = input.metadata_directive.as_ref();
    let from = source.map(|source| format!("{}/{}", source.bucket, source.key));
    asked.add_facts(|question| {
        question
            .with("s3:x-amz-copy-source", from.as_ref())
            .with("s3:x-amz-metadata-directive", directive)
    });
    asked.add_source(source, &input.expected_source_bucket_owner);
    if let Some(source) = source
        && input.tagging_directive.as_deref() != Some("REPLACE")
    {
        let tags = Subject::CopiedTags {
            bucket: &source.bucket,
            key: &source.key,
            version_id: source.version_id.as_deref(),
            to_bucket: &input.bucket,
            to_key: &input.key,
        };
        asked.questions.push(Question::new(GET_TAGS.of(&source.version_id), tags));
    }
    Ok(asked)
}

impl<'a> Asked<'a> {
    /// Asks for another action on what the first question is about.
    fn also(&mut self, action: &'static str) {
        if let Some(first) = self.questions.first() {
            self.questions.push(Question::new(action, first.subject));
        }
    }

    fn add_facts(&mut self, add: impl Fn(Question<'a>) -> Question<'a>) {
        let questions = std::mem::take(&mut self.questions);
        self.questions = questions.into_iter().map(add).collect();
    }

    fn add_list_facts(
        &mut self,
        prefix: &Option<String>,
        delimiter: &Option<String>,
        max_keys: Option<i32>,
    ) {
        self.add_facts(|question| {
            question
                .with("s3:prefix", prefix.as_ref())
                .with("s3:delimiter", delimiter.as_ref())
                .with("s3:max-keys", max_keys)
        });
    }

    fn add_source(&mut self, source: Option<&'a CopySource>, expected_owner: &'a Option<String>) {
        let Some(source) = source else { return };
        self.owners.push((&source.bucket, expected_owner.as_deref()));
        let version_id = source.version_id.as_deref();
        let subject = Subject::Object { bucket: &source.bucket, key: &source.key, version_id };
        self.questions.push(Question::new(GET.of(&source.version_id), subject));
    }
}
