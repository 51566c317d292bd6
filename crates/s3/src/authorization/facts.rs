//! Values of S3's condition keys, from the parts of requests that several operations share.
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys>

use aws::{Call, Carrier, Check, Error, SignatureVersion, Timestamp};

use super::{Question, Subject};
use crate::acl::Given;
use crate::model::{
    CopyObjectRequest, CreateMultipartUploadRequest, PutBucketAclRequest, PutObjectAclRequest,
    PutObjectRequest, Tag,
};
use crate::object::tags;
use crate::row::Version;

/// The headers of PutObject that CopyObject and CreateMultipartUpload have too.
pub(super) struct NewObject<'a> {
    pub(super) acl: Given<'a>,
    pub(super) tagging: Option<&'a str>,
    pub(super) lock_mode: Option<&'a str>,
    pub(super) retain_until: Option<Timestamp>,
    pub(super) legal_hold: Option<&'a str>,
    encryption: Option<&'a str>,
    kms_key: Option<&'a str>,
    pub(super) customer_algorithm: Option<&'a str>,
    class: Option<&'a str>,
    redirect: Option<&'a str>,
    if_match: Option<&'a str>,
    if_none_match: Option<&'a str>,
}

// A macro, because the shapes have nothing in common but the names of their fields.
macro_rules! new_object {
    ($($shape:ident { $($condition:ident)* })*) => {
        $(impl<'a> From<&'a $shape> for NewObject<'a> {
            #[allow(unused_mut, reason = "an upload has no condition before it is completed")]
            fn from(input: &'a $shape) -> Self {
                let mut new = Self {
                    acl: Given {
                        canned: input.acl.as_deref(),
                        full_control: input.grant_full_control.as_deref(),
                        read: input.grant_read.as_deref(),
                        read_acp: input.grant_read_acp.as_deref(),
                        write: None,
                        write_acp: input.grant_write_acp.as_deref(),
                    },
                    tagging: input.tagging.as_deref(),
                    lock_mode: input.object_lock_mode.as_deref(),
                    retain_until: input.object_lock_retain_until_date,
                    legal_hold: input.object_lock_legal_hold_status.as_deref(),
                    encryption: input.server_side_encryption.as_deref(),
                    kms_key: input.ssekms_key_id.as_deref(),
                    customer_algorithm: input.sse_customer_algorithm.as_deref(),
                    class: input.storage_class.as_deref(),
                    redirect: input.website_redirect_location.as_deref(),
                    if_match: None,
                    if_none_match: None,
                };
                $(new.$condition = input.$condition.as_deref();)*
                new
            }
        })*
    };
}

new_object! {
    PutObjectRequest { if_match if_none_match }
    CopyObjectRequest { if_match if_none_match }
    CreateMultipartUploadRequest {}
}

impl NewObject<'_> {
    /// What is asked of whoever makes the object: that it may be put, and what its headers ask
    /// for besides. A list on a new object is the writer's own, so only the writer's policies and
    /// the bucket's denials are asked about it.
    ///
    /// # Errors
    /// `InvalidArgument` and `InvalidTag` for a tagging header that is none.
    pub(super) fn questions<'q>(
        &self,
        bucket: &'q str,
        key: &'q str,
        at: Timestamp,
    ) -> Result<Vec<Question<'q>>, Error> {
        let subject = Subject::Object { bucket, key, version_id: None };
        let question = |action| self.add_to(Question::new(action, subject).of_new_object(), at);
        let mut questions = vec![question("s3:PutObject")?];
        if self.tagging.is_some_and(|tagging| !tagging.is_empty()) {
            questions.push(question("s3:PutObjectTagging")?);
        }
        if self.acl.is_any() {
            let mut of_acl = question("s3:PutObjectAcl")?;
            of_acl.subject = Subject::NewAcl { bucket, key };
            questions.push(of_acl);
        }
        if self.lock_mode.is_some() || self.retain_until.is_some() {
            questions.push(question("s3:PutObjectRetention")?);
        }
        if self.legal_hold.is_some() {
            questions.push(question("s3:PutObjectLegalHold")?);
        }
        Ok(questions)
    }

    fn add_to<'q>(&self, question: Question<'q>, at: Timestamp) -> Result<Question<'q>, Error> {
        let tags = tags::read_header(self.tagging)?;
        let question = with_acl(question, &self.acl)
            .with("s3:x-amz-server-side-encryption", self.encryption)
            .with("s3:x-amz-server-side-encryption-aws-kms-key-id", self.kms_key)
            .with("s3:x-amz-server-side-encryption-customer-algorithm", self.customer_algorithm)
            .with("s3:x-amz-storage-class", self.class)
            .with("s3:x-amz-website-redirect-location", self.redirect)
            .with("s3:if-match", self.if_match)
            .with("s3:if-none-match", self.if_none_match)
            .with("s3:object-lock-legal-hold", self.legal_hold);
        let question = with_retention(question, self.lock_mode, self.retain_until, at);
        Ok(with_tags(question, &tags))
    }
}

const DAY_MS: i64 = 86_400_000;

pub(super) fn with_retention<'q>(
    question: Question<'q>,
    mode: Option<&str>,
    until: Option<Timestamp>,
    at: Timestamp,
) -> Question<'q> {
    // A day that has begun counts: a limit of so many days is not exceeded by milliseconds.
    let left_ms = until.map(|until| until.as_millis() - at.as_millis());
    let days = left_ms.map(|left| left.div_euclid(DAY_MS) + i64::from(left % DAY_MS != 0));
    question
        .with("s3:object-lock-mode", mode)
        .with("s3:object-lock-retain-until-date", until)
        .with("s3:object-lock-remaining-retention-days", days)
}

pub(super) fn with_acl<'q>(question: Question<'q>, acl: &Given<'_>) -> Question<'q> {
    question
        .with("s3:x-amz-acl", acl.canned)
        .with("s3:x-amz-grant-full-control", acl.full_control)
        .with("s3:x-amz-grant-read", acl.read)
        .with("s3:x-amz-grant-read-acp", acl.read_acp)
        .with("s3:x-amz-grant-write", acl.write)
        .with("s3:x-amz-grant-write-acp", acl.write_acp)
}

/// Tags that an object is to have.
pub(super) fn with_tags<'q>(mut question: Question<'q>, tags: &[(String, String)]) -> Question<'q> {
    for (key, value) in tags {
        question.facts.push((format!("s3:RequestObjectTag/{key}"), vec![value.clone()]));
    }
    if !tags.is_empty() {
        let keys = tags.iter().map(|(key, _)| key.clone()).collect();
        question.facts.push(("s3:RequestObjectTagKeys".into(), keys));
    }
    question
}

/// Tags that a bucket is to have.
pub(super) fn with_bucket_tags<'q>(mut question: Question<'q>, tags: &[Tag]) -> Question<'q> {
    for Tag { key, value } in tags {
        question.facts.push((format!("aws:RequestTag/{key}"), vec![value.clone()]));
    }
    if !tags.is_empty() {
        let keys = tags.iter().map(|tag| tag.key.clone()).collect();
        question.facts.push(("aws:TagKeys".into(), keys));
    }
    question
}

pub(super) fn of_bucket_acl(input: &PutBucketAclRequest) -> Given<'_> {
    Given {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    }
}

pub(super) fn of_object_acl(input: &PutObjectAclRequest) -> Given<'_> {
    Given {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    }
}

/// How the request was signed.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html>
pub(super) fn add_signature(check: &mut Check, call: &Call) {
    let Some(signature) = call.signature else { return };
    let kind = match signature.carrier {
        Carrier::Header => "REST-HEADER",
        Carrier::Query => "REST-QUERY-STRING",
        Carrier::Form => "POST",
    };
    let version = match signature.version {
        SignatureVersion::V2 => "AWS",
        SignatureVersion::V4 => "AWS4-HMAC-SHA256",
    };
    check.context.push(("s3:authType".into(), vec![kind.into()]));
    check.context.push(("s3:signatureversion".into(), vec![version.into()]));
    if let Some(age_ms) = signature.age_ms {
        check.context.push(("s3:signatureAge".into(), vec![age_ms.to_string()]));
    }
}

/// Tags that the object has.
pub(super) fn add_existing_tags(check: &mut Check, version: &Version) {
    let tags = version.content.iter().flat_map(|content| &content.tags);
    for (key, value) in tags {
        check.context.push((format!("s3:ExistingObjectTag/{key}"), vec![value.clone()]));
    }
}
