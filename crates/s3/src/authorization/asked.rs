//! A question to the policy engine before what it names is looked up.

/// One action on one resource.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    pub action: &'static str,
    pub subject: Subject<'a>,
    /// Values of condition keys, from the request.
    pub facts: Vec<(String, Vec<String>)>,
    /// Whether it is about an object that is there, so that its owner, list and tags count. What
    /// is about making or removing objects is the bucket's affair.
    pub(super) of_object: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// All buckets of the caller.
    Account,
    /// A bucket that is to be made.
    NewBucket(&'a str),
    Bucket(&'a str),
    Object {
        bucket: &'a str,
        key: &'a str,
        version_id: Option<&'a str>,
    },
    /// The access control list of an object that is being made: its writer's affair, though the
    /// bucket's policy can deny it.
    NewAcl {
        bucket: &'a str,
        key: &'a str,
    },
    /// The tags that go with a copy, where the object has some: they are read, and put with
    /// the copy.
    CopiedTags {
        bucket: &'a str,
        key: &'a str,
        version_id: Option<&'a str>,
        to_bucket: &'a str,
        to_key: &'a str,
    },
}

/// Actions on objects that the bucket's account alone decides, whoever owns the object.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html>
const OF_BUCKET: [&str; 7] = [
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:BypassGovernanceRetention",
    "s3:RestoreObject",
];

impl<'a> Question<'a> {
    pub fn new(action: &'static str, subject: Subject<'a>) -> Self {
        let of_object = matches!(subject, Subject::Object { .. }) && !OF_BUCKET.contains(&action);
        Self { action, subject, facts: Vec::new(), of_object }
    }

    /// Adds the value of a condition key, where there is one.
    #[must_use]
    pub fn with(mut self, key: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.facts.push((key.into(), vec![value.to_string()]));
        }
        self
    }

    /// Not about an object that is there, though its action often is: the list or tags of one that
    /// is being made.
    #[must_use]
    pub(super) fn of_new_object(mut self) -> Self {
        self.of_object = false;
        self
    }
}
