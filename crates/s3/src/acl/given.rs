//! Lists that headers give: a canned one by its name, or grants one by one.

use aws::{AccountId, Error};

use super::{
    ALL_USERS, AUTHENTICATED_USERS, GRANTS_MAX, LOG_DELIVERY, by_email, canonical_user,
    full_control, group, is_public, not_supported,
};
use crate::error::{access_denied, invalid_argument, invalid_request};
use crate::row::{Acl, Bucket, Grant, Grantee, Ownership};

/// The headers of a request: `x-amz-acl`, `x-amz-grant-full-control` and so on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given<'a> {
    pub(crate) canned: Option<&'a str>,
    pub(crate) full_control: Option<&'a str>,
    pub(crate) read: Option<&'a str>,
    pub(crate) read_acp: Option<&'a str>,
    pub(crate) write: Option<&'a str>,
    pub(crate) write_acp: Option<&'a str>,
}

/// Whose a new object is and what its list says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewObject {
    pub(crate) owner: AccountId,
    /// `None`: its owner's alone.
    pub(crate) acl: Option<Acl>,
}

impl Given<'_> {
    /// Whether any of the headers is there.
    pub(crate) fn is_any(&self) -> bool {
        self.canned.is_some() || self.named().iter().any(|(_, given)| given.is_some())
    }

    /// The list of a bucket; `None` when the request gives none.
    ///
    /// # Errors
    /// `InvalidArgument` and `InvalidRequest` for what is no list.
    pub(crate) fn bucket_acl(&self, owner: &AccountId) -> Result<Option<Acl>, Error> {
        self.acl(owner, |canned| bucket_canned(canned, owner))
    }

    /// The list of an object that is there.
    ///
    /// # Errors
    /// `InvalidArgument` and `InvalidRequest` for what is no list.
    pub(crate) fn object_acl(
        &self,
        owner: &AccountId,
        bucket: &Bucket,
    ) -> Result<Option<Acl>, Error> {
        self.acl(owner, |canned| object_canned(canned, owner, &bucket.account))
    }

    /// What the bucket's ownership controls make of the headers of a request that makes an
    /// object. `writer` is `None` for an anonymous one, whose objects the bucket's owner has.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
    ///
    /// # Errors
    /// `AccessControlListNotSupported` where lists have no say, `AccessDenied` for a public list
    /// where those are blocked, and those of [`Self::object_acl`].
    pub(crate) fn new_object(
        &self,
        bucket: &Bucket,
        writer: Option<&AccountId>,
    ) -> Result<NewObject, Error> {
        let writer = writer.unwrap_or(&bucket.account);
        let acl = self.object_acl(writer, bucket)?;
        let gives_owner_all = acl.as_ref().is_some_and(|acl| {
            acl.grants.as_deref().unwrap_or_default().contains(&full_control(&bucket.account))
        });
        if bucket.owns_all() {
            // What the bucket's own account calls private is the same list, and many programs
            // say so with every object.
            let is_private = |acl: &Acl| *writer == bucket.account && acl.grants.is_none();
            let says_nothing = acl.as_ref().is_none_or(is_private);
            if !says_nothing && !self.is_bucket_owner_full_control(bucket) {
                return Err(not_supported());
            }
            return Ok(NewObject { owner: bucket.account.clone(), acl: None });
        }
        if bucket.blocks().block_public_acls && acl.as_ref().is_some_and(is_public) {
            return Err(access_denied());
        }
        if bucket.ownership == Some(Ownership::BucketOwnerPreferred)
            && gives_owner_all
            && self.is_bucket_owner_full_control(bucket)
        {
            return Ok(NewObject { owner: bucket.account.clone(), acl: None });
        }
        Ok(NewObject { owner: writer.clone(), acl })
    }

    /// The one list that buckets without lists take, canned or as the grant that it is.
    fn is_bucket_owner_full_control(&self, bucket: &Bucket) -> bool {
        if let Some(canned) = self.canned {
            return canned == "bucket-owner-full-control";
        }
        let id = bucket.account.canonical_user_id();
        let others = [self.read, self.read_acp, self.write, self.write_acp];
        let grantees = self.full_control.map(grantees).and_then(Result::ok);
        others.iter().all(Option::is_none)
            && grantees.is_some_and(|list| list == [Grantee::CanonicalUser(id)])
    }

    fn acl(
        &self,
        owner: &AccountId,
        canned: impl FnOnce(&str) -> Result<Option<Vec<Grant>>, Error>,
    ) -> Result<Option<Acl>, Error> {
        let named = self.named();
        if let Some(name) = self.canned {
            if named.iter().any(|(_, given)| given.is_some()) {
                let why = "Specifying both Canned ACLs and Header Grants is not allowed";
                return Err(invalid_request(why));
            }
            return Ok(Some(Acl { grants: canned(name)? }));
        }
        let mut grants = Vec::new();
        for (permission, given) in named {
            for grantee in grantees(given.unwrap_or_default())? {
                grants.push(Grant { grantee, permission: permission.into() });
            }
        }
        if !self.is_any() {
            return Ok(None);
        }
        if grants.len() > GRANTS_MAX {
            return Err(invalid_request("An ACL can have up to 100 grants"));
        }
        let private = grants == [full_control(owner)];
        Ok(Some(Acl { grants: (!private).then_some(grants) }))
    }

    fn named(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("FULL_CONTROL", self.full_control),
            ("READ", self.read),
            ("READ_ACP", self.read_acp),
            ("WRITE", self.write),
            ("WRITE_ACP", self.write_acp),
        ]
    }
}

fn bucket_canned(name: &str, owner: &AccountId) -> Result<Option<Vec<Grant>>, Error> {
    let more: &[(&str, &str)] = match name {
        "private" => return Ok(None),
        "public-read" => &[(ALL_USERS, "READ")],
        "public-read-write" => &[(ALL_USERS, "READ"), (ALL_USERS, "WRITE")],
        "authenticated-read" => &[(AUTHENTICATED_USERS, "READ")],
        "log-delivery-write" => &[(LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")],
        // They are about objects; of a bucket they say nothing.
        "bucket-owner-read" | "bucket-owner-full-control" => return Ok(None),
        other => return Err(unknown_canned(other)),
    };
    Ok(Some(with_groups(owner, more)))
}

fn object_canned(
    name: &str,
    owner: &AccountId,
    bucket_owner: &AccountId,
) -> Result<Option<Vec<Grant>>, Error> {
    let to_bucket_owner = |permission: &str| {
        if owner == bucket_owner {
            return None;
        }
        let id = bucket_owner.canonical_user_id();
        let grantee = Grantee::CanonicalUser(id);
        Some(vec![full_control(owner), Grant { grantee, permission: permission.into() }])
    };
    Ok(match name {
        "private" => None,
        "public-read" => Some(with_groups(owner, &[(ALL_USERS, "READ")])),
        "public-read-write" => {
            Some(with_groups(owner, &[(ALL_USERS, "READ"), (ALL_USERS, "WRITE")]))
        }
        "authenticated-read" => Some(with_groups(owner, &[(AUTHENTICATED_USERS, "READ")])),
        "bucket-owner-read" => to_bucket_owner("READ"),
        "bucket-owner-full-control" => to_bucket_owner("FULL_CONTROL"),
        other => return Err(unknown_canned(other)),
    })
}

/// `aws-exec-read` is among them: it gives to an account of AWS's own that is not here.
fn unknown_canned(name: &str) -> Error {
    invalid_argument("The canned ACL is not one of this resource", "x-amz-acl", name)
}

fn with_groups(owner: &AccountId, more: &[(&str, &str)]) -> Vec<Grant> {
    let group = |(uri, permission): &(&str, &str)| Grant {
        grantee: Grantee::Group((*uri).into()),
        permission: (*permission).into(),
    };
    std::iter::once(full_control(owner)).chain(more.iter().map(group)).collect()
}

/// `id="…", uri="…"`, with or without the quotes.
fn grantees(header: &str) -> Result<Vec<Grantee>, Error> {
    let parts = header.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (kind, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches(['"', '\'']);
            match kind.trim().to_ascii_lowercase().as_str() {
                "id" => canonical_user(value),
                "uri" => group(value),
                "emailaddress" => Err(by_email(value)),
                _ => {
                    let why = "Argument format not recognized";
                    Err(invalid_argument(why, "x-amz-grant", part))
                }
            }
        })
        .collect()
}
