//! Lists that a request's body gives.

use aws::{AccountId, Error};

use super::{GRANTS_MAX, PERMISSIONS, by_email, canonical_user, full_control, group, malformed};
use crate::error::access_denied;
use crate::model::{self, AccessControlPolicy};
use crate::row::{Acl, Grant, Grantee};

/// Reads a list for something that `owner` owns and goes on owning: lists cannot give it away.
///
/// # Errors
/// `MalformedACLError`, `InvalidArgument` for an unknown grantee, `AccessDenied` for another
/// owner.
pub(crate) fn parse(given: &AccessControlPolicy, owner: &AccountId) -> Result<Acl, Error> {
    let named = given.owner.as_ref().and_then(|owner| owner.id.as_deref());
    let named = named.ok_or_else(malformed)?;
    if !named.eq_ignore_ascii_case(&owner.canonical_user_id()) {
        return Err(access_denied());
    }
    let given = given.grants.as_deref().ok_or_else(malformed)?;
    if given.len() > GRANTS_MAX {
        return Err(malformed());
    }
    let grants: Vec<Grant> = given.iter().map(grant).collect::<Result<_, _>>()?;
    let private = grants == [full_control(owner)];
    Ok(Acl { grants: (!private).then_some(grants) })
}

fn grant(given: &model::Grant) -> Result<Grant, Error> {
    let permission = given.permission.as_deref().filter(|name| PERMISSIONS.contains(name));
    let permission = permission.ok_or_else(malformed)?.to_owned();
    let grantee = grantee(given.grantee.as_ref().ok_or_else(malformed)?)?;
    Ok(Grant { grantee, permission })
}

fn grantee(given: &model::Grantee) -> Result<Grantee, Error> {
    match (given.r#type.as_str(), &given.id, &given.uri, &given.email_address) {
        ("CanonicalUser", Some(id), ..) => canonical_user(id),
        ("Group", _, Some(uri), _) => group(uri),
        ("AmazonCustomerByEmail", _, _, Some(address)) => Err(by_email(address)),
        _ => Err(malformed()),
    }
}
