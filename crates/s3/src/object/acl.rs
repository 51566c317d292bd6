//! An object's access control list.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>

use std::sync::Arc;

use aws::{Call, Error};

use super::read::readable;
use crate::S3;
use crate::acl::{self, Given};
use crate::error::EngineFailure;
use crate::list::owner;
use crate::model::{
    GetObjectAclOutput, GetObjectAclRequest, PutObjectAclOutput, PutObjectAclRequest,
};
use crate::row::Acl;
use crate::version::{self, Which};

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetObjectAclRequest,
) -> Result<GetObjectAclOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let version_id = input.version_id.as_deref();
    let which = Which::read(version_id)?;
    let found = version::find(s3.engine(), bucket.id, &input.key, &which)?;
    let version = readable(found, &input.key, version_id, "GET")?.version;
    let private = Acl::default();
    let list = version.content.as_ref().and_then(|content| content.acl.as_ref());
    let (account, list) = if bucket.owns_all() {
        (&bucket.account, &private)
    } else {
        (&version.owner, list.unwrap_or(&private))
    };
    Ok(GetObjectAclOutput {
        owner: Some(owner(account)),
        grants: Some(acl::shown(list, account)),
        request_charged: None,
    })
}

pub async fn put(
    s3: &S3,
    call: &Call,
    input: PutObjectAclRequest,
) -> Result<PutObjectAclOutput, Error> {
    let given = Given {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    };
    let body = input.access_control_policy.as_ref();
    let version_id = input.version_id.as_deref();
    let which = Which::read(version_id)?;
    let changed = s3.engine().commit(|change| {
        let bucket = s3.bucket(change, &input.bucket)?;
        bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
        if bucket.owns_all() {
            return Err(acl::not_supported());
        }
        let found = version::find(change, bucket.id, &input.key, &which)?;
        let mut found = readable(found, &input.key, version_id, "PUT")?;
        let list = match acl::from_one(&given, body)? {
            Some(body) => acl::parse(body, &found.version.owner)?,
            None => given.object_acl(&found.version.owner, &bucket)?.unwrap_or_default(),
        };
        acl::refuse_public(&list, &bucket, call, "s3:PutObjectAcl", Some(&input.key))?;
        if let Some(content) = &mut Arc::make_mut(&mut found.version).content {
            content.acl = list.grants.is_some().then_some(list);
        }
        found.keep(change);
        Ok(())
    });
    changed.await.map_err(EngineFailure::refusal)??;
    Ok(PutObjectAclOutput::default())
}
