//! Access control lists: how requests give them, what is refused, and how they are shown.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>

mod given;
mod policy;
mod shown;
mod xml;

pub(crate) use given::Given;
pub(crate) use policy::{Counted, bucket_grants, object_grants};
pub(crate) use shown::shown;
pub(crate) use xml::parse;

use aws::{AccountId, Call, Error};

use crate::error::access_denied;
use crate::model::AccessControlPolicy;
use crate::row::{Acl, Bucket, Grant, Grantee};

pub(crate) const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
pub(crate) const AUTHENTICATED_USERS: &str =
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
pub(crate) const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

const PERMISSIONS: [&str; 5] = ["FULL_CONTROL", "WRITE", "WRITE_ACP", "READ", "READ_ACP"];
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-limits>
const GRANTS_MAX: usize = 100;

/// Whether anybody, with an account of AWS or without one, is given something.
pub(crate) fn is_public(acl: &Acl) -> bool {
    let grants = acl.grants.as_deref().unwrap_or_default();
    grants.iter().any(|grant| is_public_grantee(&grant.grantee))
}

pub(crate) fn is_public_grantee(grantee: &Grantee) -> bool {
    matches!(grantee, Grantee::Group(uri) if uri == ALL_USERS || uri == AUTHENTICATED_USERS)
}

/// Whether anyone but `owner` is given something.
pub(crate) fn gives_to_others(acl: &Acl, owner: &AccountId) -> bool {
    let grants = acl.grants.as_deref().unwrap_or_default();
    let own = Grantee::CanonicalUser(owner.canonical_user_id());
    grants.iter().any(|grant| grant.grantee != own)
}

/// Grants as they stand in a list that is `None` for the owner's alone.
pub(crate) fn grants(acl: &Acl, owner: &AccountId) -> Vec<Grant> {
    acl.grants.clone().unwrap_or_else(|| vec![full_control(owner)])
}

fn full_control(account: &AccountId) -> Grant {
    Grant {
        grantee: Grantee::CanonicalUser(account.canonical_user_id()),
        permission: "FULL_CONTROL".into(),
    }
}

fn canonical_user(id: &str) -> Result<Grantee, Error> {
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Grantee::CanonicalUser(id.to_ascii_lowercase()));
    }
    Err(crate::error::invalid_argument("Invalid id", "CanonicalUser/ID", id))
}

fn group(uri: &str) -> Result<Grantee, Error> {
    if [ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY].contains(&uri) {
        return Ok(Grantee::Group(uri.into()));
    }
    Err(crate::error::invalid_argument("Invalid group uri", "uri", uri))
}

/// Grantees by mail address are no more: S3 has resolved none since October 2025.
fn by_email(address: &str) -> Error {
    let why = "The e-mail address you provided does not match any account on record.";
    Error::client(400, "UnresolvableGrantByEmailAddress", why).with_detail("EmailAddress", address)
}

pub(crate) fn not_supported() -> Error {
    Error::client(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
}

pub(crate) fn not_with_enforced_owner() -> Error {
    Error::client(
        400,
        "InvalidBucketAclWithObjectOwnership",
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    )
}

/// A list comes in headers or in the body, not in both: the body, where that is it.
///
/// # Errors
/// `UnexpectedContent` for both, `MissingSecurityHeader` for neither.
pub(crate) fn from_one<'b>(
    given: &Given<'_>,
    body: Option<&'b AccessControlPolicy>,
) -> Result<Option<&'b AccessControlPolicy>, Error> {
    match (given.is_any(), body) {
        (true, Some(_)) => {
            let why = "This request does not support content";
            Err(Error::client(400, "UnexpectedContent", why))
        }
        (false, None) => {
            let why = "Your request was missing a required header";
            Err(Error::client(400, "MissingSecurityHeader", why)
                .with_detail("MissingHeaderName", "x-amz-acl"))
        }
        (_, body) => Ok(body),
    }
}

/// # Errors
/// `AccessDenied` for a list that gives to everybody where `BlockPublicAcls` is on.
pub(crate) fn refuse_public(
    acl: &Acl,
    bucket: &Bucket,
    call: &Call,
    action: &str,
    key: Option<&str>,
) -> Result<(), Error> {
    if !(bucket.blocks().block_public_acls && is_public(acl)) {
        return Ok(());
    }
    let why = "public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access";
    Err(blocked(bucket, call, action, key, why))
}

/// S3's sentence for what a public access block prevents; other accounts are told no reason.
pub(crate) fn blocked(
    bucket: &Bucket,
    call: &Call,
    action: &str,
    key: Option<&str>,
    why: &str,
) -> Error {
    let own = call.identity.account.as_ref() == Some(&bucket.account);
    let (Some(user), true) = (call.identity.arn(), own) else { return access_denied() };
    let key = key.map(|key| format!("/{key}")).unwrap_or_default();
    Error::access_denied(format!(
        "User: {user} is not authorized to perform: {action} on resource: \
         \"arn:aws:s3:::{}{key}\" because {why}.",
        bucket.name
    ))
}

fn malformed() -> Error {
    Error::client(
        400,
        "MalformedACLError",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

#[cfg(test)]
mod tests;
