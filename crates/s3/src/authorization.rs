//! Who may do what: the questions that each operation asks the policy engine.
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
//!
//! [`table::asked`] is the table: what an operation asks follows from its input alone, and an
//! operation without a row does not compile. What the questions name is looked up here: the
//! bucket, whose policy and access control list stand beside the caller's own policies
//! ([`Access`]), and the object, whose owner, list and tags do.
//!
//! **Bucket and object.** Bucket policies speak for the bucket's account. An object that
//! another account owns (which needs ownership controls that leave it to the writer) is that
//! account's: to read it or its list the bucket's policy can only deny.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html>
//!
//! **What is not there.** Whether a key exists is told to those who may list. Who may not is
//! answered 403 for a missing key, in the words in which a present one is refused.

mod access;
mod asked;
mod facts;
mod object;
mod table;

pub(crate) use access::Access;
pub use asked::{Question, Subject};

use std::sync::Arc;

use aws::{AccountId, Call, Check, Decision, Error, Principal};

use crate::error::access_denied;
use crate::row::{Bucket, Version};
use crate::{S3, model};
use object::{Target, needs_object};

/// What must be allowed before an operation runs. `x-amz-expected-bucket-owner` is judged here
/// too, for every operation that has it.
///
/// # Errors
/// `NoSuchBucket`; `AccessDenied` for another owner than expected; and when a bucket or object
/// that the question is about cannot be read.
pub async fn checks(s3: &S3, call: &Call, input: &model::Input) -> Result<Vec<Check>, Error> {
    let source = table::copy_source(input)?;
    let asked = table::asked(input, source.as_ref(), call.at)?;
    for (bucket, expected) in &asked.owners {
        let bucket = s3.bucket(s3.engine(), bucket)?;
        bucket.expect_owner(*expected)?;
        asked.refuse_blocked(&bucket)?;
    }
    let mut checks = Vec::with_capacity(asked.questions.len());
    for question in asked.questions {
        s3.add_checks(call, question, &mut checks).await?;
    }
    Ok(checks)
}

impl S3 {
    /// Whether the caller may do this to an object, or to a bucket when `key` is `None`: for
    /// what only shows itself while an operation runs. `action` is `s3:Operation`.
    ///
    /// # Errors
    /// `NoSuchBucket`, and when policies cannot be read.
    pub async fn allowed(
        &self,
        call: &Call,
        action: &'static str,
        bucket: &str,
        key: Option<&str>,
    ) -> Result<Decision, Error> {
        let subject = match key {
            Some(key) => Subject::Object { bucket, key, version_id: None },
            None => Subject::Bucket(bucket),
        };
        self.decide(call, Question::new(action, subject)).await
    }

    /// The same for a question with more to it: a version, values of condition keys.
    ///
    /// # Errors
    /// As [`Self::allowed`].
    pub async fn decide(&self, call: &Call, question: Question<'_>) -> Result<Decision, Error> {
        let mut checks = Vec::new();
        self.add_checks(call, question, &mut checks).await?;
        for check in checks {
            let decision = self.inner.authorizer.authorize(call, &check).await?;
            if decision != Decision::Allowed {
                return Ok(decision);
            }
        }
        Ok(Decision::Allowed)
    }

    async fn add_checks(
        &self,
        call: &Call,
        question: Question<'_>,
        checks: &mut Vec<Check>,
    ) -> Result<(), Error> {
        match question.subject {
            Subject::Account => {
                let mut check = Check::new(question.action, ALL_BUCKETS);
                check.context = question.facts;
                facts::add_signature(&mut check, call);
                checks.push(check);
            }
            Subject::NewBucket(name) => {
                let mut check = Check::new(question.action, bucket_arn(name));
                check.context = question.facts;
                facts::add_signature(&mut check, call);
                checks.push(check);
            }
            Subject::Bucket(name) => {
                let (bucket, access) = self.inner.buckets.access(self.engine(), name)?;
                let mut check = Check::new(question.action, bucket_arn(name));
                check.context = question.facts;
                add_facts(&mut check, &bucket, call);
                check.resource_policies = access.of_bucket(&bucket, call);
                check.resource_account = Some(bucket.account.clone());
                checks.push(check);
            }
            Subject::NewAcl { bucket: name, key } => {
                let (bucket, access) = self.inner.buckets.access(self.engine(), name)?;
                let mut check = Check::new(question.action, object_arn(name, key));
                check.context = question.facts;
                add_facts(&mut check, &bucket, call);
                check.resource_policies = access.of_bucket(&bucket, call);
                let writer = call.identity.account.as_ref().unwrap_or(&bucket.account);
                check.resource_account = Some(writer.clone());
                checks.push(check);
            }
            Subject::Object { bucket, key, version_id } => {
                let of = ObjectName { bucket, key, version_id };
                self.add_object_checks(call, question, of, checks).await?;
            }
            Subject::CopiedTags { bucket, key, version_id, to_bucket, to_key } => {
                let from = ObjectName { bucket, key, version_id };
                let to = ObjectName { bucket: to_bucket, key: to_key, version_id: None };
                Box::pin(self.add_tag_checks(call, question.action, from, to, checks)).await?;
            }
        }
        Ok(())
    }

    async fn add_object_checks(
        &self,
        call: &Call,
        question: Question<'_>,
        of: ObjectName<'_>,
        checks: &mut Vec<Check>,
    ) -> Result<(), Error> {
        let (bucket, access) = self.inner.buckets.access(self.engine(), of.bucket)?;
        let found = if needs_object(&question, &bucket, &access, call) {
            object::find(self, &bucket, of.key, of.version_id)?
        } else {
            Target::NotAsked
        };
        let mut check = Check::new(question.action, object_arn(of.bucket, of.key));
        check.context = question.facts;
        add_facts(&mut check, &bucket, call);
        if let Some(version_id) = of.version_id {
            check.context.push(("s3:versionid".into(), vec![version_id.into()]));
        }
        check.resource_account = Some(bucket.account.clone());
        check.resource_policies = access.of_bucket(&bucket, call);
        match found {
            Target::There(version) => {
                facts::add_existing_tags(&mut check, &version);
                apply_object(&mut check, &bucket, &access, of.key, &version);
            }
            Target::Missing => {
                let listing = match of.version_id {
                    Some(_) => "s3:ListBucketVersions",
                    None => "s3:ListBucket",
                };
                let listing = Question::new(listing, Subject::Bucket(of.bucket));
                return self.add_missing(call, check, listing, checks).await;
            }
            Target::NotAsked => {}
        }
        checks.push(check);
        Ok(())
    }

    async fn add_tag_checks(
        &self,
        call: &Call,
        action: &'static str,
        from: ObjectName<'_>,
        to: ObjectName<'_>,
        checks: &mut Vec<Check>,
    ) -> Result<(), Error> {
        let bucket = self.bucket(self.engine(), from.bucket)?;
        let found = object::find(self, &bucket, from.key, from.version_id)?;
        let Target::There(version) = found else { return Ok(()) };
        let Some(content) = version.content.as_ref().filter(|content| !content.tags.is_empty())
        else {
            return Ok(());
        };
        let read = Question::new(action, from.subject());
        let put = Question::new("s3:PutObjectTagging", to.subject()).of_new_object();
        let put = facts::with_tags(put, &content.tags);
        self.add_checks(call, read, checks).await?;
        self.add_checks(call, put, checks).await
    }

    /// Nobody owns what is not there, so that no list can have given it: whoever may list is told,
    /// by the operation. Others must be refused as if it were there.
    async fn add_missing(
        &self,
        call: &Call,
        check: Check,
        listing: Question<'_>,
        checks: &mut Vec<Check>,
    ) -> Result<(), Error> {
        let mut listed = Vec::new();
        Box::pin(self.add_checks(call, listing, &mut listed)).await?;
        let mut may_list = true;
        for check in &listed {
            let decision = self.inner.authorizer.authorize(call, check).await?;
            may_list &= decision == Decision::Allowed;
        }
        if !may_list {
            checks.push(check);
        }
        checks.extend(listed);
        Ok(())
    }
}

/// An object, or a version of it.
#[derive(Clone, Copy)]
struct ObjectName<'a> {
    bucket: &'a str,
    key: &'a str,
    version_id: Option<&'a str>,
}

impl<'a> ObjectName<'a> {
    fn subject(self) -> Subject<'a> {
        let Self { bucket, key, version_id } = self;
        Subject::Object { bucket, key, version_id }
    }
}

/// What the lists of all buckets are asked about; policies name it so or as `*`.
const ALL_BUCKETS: &str = "arn:aws:s3:::*";

fn bucket_arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

fn add_facts(check: &mut Check, bucket: &Bucket, call: &Call) {
    facts::add_signature(check, call);
    check.context.push(("s3:ResourceAccount".into(), vec![bucket.account.to_string()]));
}

/// Puts the object's owner and list in their place, where lists have a say.
fn apply_object(check: &mut Check, bucket: &Bucket, access: &Access, key: &str, version: &Version) {
    if bucket.owns_all() {
        return;
    }
    if version.owner != bucket.account {
        check.resource_account = Some(version.owner.clone());
        check.context.push(("aws:ResourceAccount".into(), vec![bucket.account.to_string()]));
        check.resource_policies = access.denials.iter().cloned().collect();
    }
    let acl = version.content.as_ref().and_then(|content| content.acl.as_ref());
    check.resource_policies.extend(access::of_object(bucket, key, acl).map(Arc::from));
}

/// Whether the caller's policies are those of the bucket's account.
fn is_of(call: &Call, account: &AccountId) -> bool {
    !matches!(call.identity.principal, Principal::Anonymous | Principal::Service(_))
        && call.identity.account.as_ref() == Some(account)
}

impl table::Asked<'_> {
    /// SSE-C on a bucket that blocks it.
    fn refuse_blocked(&self, bucket: &Bucket) -> Result<(), Error> {
        if self.with_customer_key && bucket.blocks_customer_keys() {
            return Err(access_denied());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
