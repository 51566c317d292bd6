//! What a list's grants allow, as a resource policy that stands beside the bucket's.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions>

use serde_json::{Value, json};

use super::{ALL_USERS, AUTHENTICATED_USERS, is_public_grantee};
use crate::row::{Grant, Grantee};

/// Which grants count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    All,
    /// Those to everyone are ignored: `IgnorePublicAcls`.
    NotPublic,
}

/// Grants of a bucket's list; `None` when they give nothing.
pub(crate) fn bucket_grants(bucket: &str, grants: &[Grant], counted: Counted) -> Option<String> {
    let arn = format!("arn:aws:s3:::{bucket}");
    let statements = grants.iter().flat_map(|grant| {
        let (of_bucket, of_objects) = bucket_actions(&grant.permission);
        let objects = format!("{arn}/*");
        [
            statement(grant, counted, of_bucket, &arn),
            statement(grant, counted, of_objects, &objects),
        ]
    });
    document(statements.flatten().collect())
}

/// Grants of an object's list; `None` when they give nothing.
pub(crate) fn object_grants(
    bucket: &str,
    key: &str,
    grants: &[Grant],
    counted: Counted,
) -> Option<String> {
    let arn = format!("arn:aws:s3:::{bucket}/{}", literal(key));
    let statements = grants
        .iter()
        .filter_map(|grant| statement(grant, counted, object_actions(&grant.permission), &arn));
    document(statements.collect())
}

/// Actions on the bucket, and on its objects.
fn bucket_actions(permission: &str) -> (&'static [&'static str], &'static [&'static str]) {
    const READ: [&str; 3] =
        ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];
    // Whoever may write may also replace and delete what others have written. AWS's page has
    // said less since 2021; its service, and the tests that were measured on it, do this.
    const WRITE: [&str; 2] = ["s3:PutObject", "s3:DeleteObject"];
    const ALL: [&str; 5] = [READ[0], READ[1], READ[2], "s3:GetBucketAcl", "s3:PutBucketAcl"];
    match permission {
        "READ" => (&READ, &[]),
        "WRITE" => (&[], &WRITE),
        "READ_ACP" => (&["s3:GetBucketAcl"], &[]),
        "WRITE_ACP" => (&["s3:PutBucketAcl"], &[]),
        "FULL_CONTROL" => (&ALL, &WRITE),
        _ => (&[], &[]),
    }
}

fn object_actions(permission: &str) -> &'static [&'static str] {
    const ALL: [&str; 6] = [
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectAcl",
        "s3:GetObjectVersionAcl",
        "s3:PutObjectAcl",
        "s3:PutObjectVersionAcl",
    ];
    match permission {
        "READ" => &["s3:GetObject", "s3:GetObjectVersion"],
        "READ_ACP" => &["s3:GetObjectAcl", "s3:GetObjectVersionAcl"],
        "WRITE_ACP" => &["s3:PutObjectAcl", "s3:PutObjectVersionAcl"],
        "FULL_CONTROL" => &ALL,
        // Of an object, WRITE says nothing.
        _ => &[],
    }
}

fn statement(grant: &Grant, counted: Counted, actions: &[&str], arn: &str) -> Option<Value> {
    if actions.is_empty() || counted == Counted::NotPublic && is_public_grantee(&grant.grantee) {
        return None;
    }
    let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": arn});
    match &grant.grantee {
        Grantee::CanonicalUser(id) => statement["Principal"] = json!({"CanonicalUser": id}),
        Grantee::Group(uri) if uri == ALL_USERS => statement["Principal"] = json!("*"),
        Grantee::Group(uri) if uri == AUTHENTICATED_USERS => {
            statement["Principal"] = json!("*");
            statement["Condition"] = json!({"StringNotEquals": {"aws:PrincipalType": "Anonymous"}});
        }
        // Log delivery has no principal here.
        Grantee::Group(_) => return None,
    }
    Some(statement)
}

fn document(statements: Vec<Value>) -> Option<String> {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    (!statements.is_empty()).then(|| document.to_string())
}

/// A key in which nothing is a wildcard or the beginning of a variable.
fn literal(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for letter in key.chars() {
        match letter {
            '*' => text.push_str("${*}"),
            '?' => text.push_str("${?}"),
            '$' => text.push_str("${$}"),
            other => text.push(other),
        }
    }
    text
}
