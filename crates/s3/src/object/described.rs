//! What the headers of PutObject, CopyObject and CreateMultipartUpload say of the object that they
//! make, beside its bytes.

use std::collections::BTreeMap;

use aws::{AccountId, Call, Error};

use super::lock::LockHeaders;
use super::{class, metadata, tags};
use crate::acl::Given;
use crate::error::{invalid_argument, invalid_request};
use crate::model;
use crate::row::{Bucket, Content, Headers, Sealing};

#[derive(Default)]
pub(crate) struct Described {
    pub(crate) headers: Headers,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) storage_class: Option<String>,
    pub(crate) website_redirect: Option<String>,
    pub(crate) tagging: Option<String>,
    pub(crate) encryption: Encryption,
    pub(crate) lock: LockHeaders,
    pub(crate) acl: AclHeaders,
}

/// `x-amz-server-side-encryption` and what belongs to it.
#[derive(Default)]
pub(crate) struct Encryption {
    pub(crate) algorithm: Option<String>,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) kms_context: Option<String>,
    /// Whether the request brings a customer's key.
    pub(crate) by_customer: bool,
}

#[derive(Default)]
pub(crate) struct AclHeaders {
    pub(crate) canned: Option<String>,
    pub(crate) full_control: Option<String>,
    pub(crate) read: Option<String>,
    pub(crate) read_acp: Option<String>,
    pub(crate) write_acp: Option<String>,
}

/// An object to be, but for its bytes.
pub(crate) struct Planned {
    pub(crate) owner: AccountId,
    /// Its bytes, ETag, pieces and checksum are still to come.
    pub(crate) content: Content,
}

impl Described {
    /// Reads it all, as the bucket has it. `sealing` is a new version's.
    ///
    /// # Errors
    /// S3's own for whatever is wrong with a header.
    pub(crate) fn plan(
        self,
        call: &Call,
        bucket: &Bucket,
        sealing: Sealing,
    ) -> Result<Planned, Error> {
        self.encryption.check()?;
        let locked = self.lock.read(bucket, call.at)?;
        let new = self.acl.given().new_object(bucket, call.identity.account.as_ref())?;
        let content = Content {
            bytes: 0,
            etag: String::new(),
            class: class::read(self.storage_class.as_deref())?,
            pieces: Vec::new(),
            multipart: false,
            upload: None,
            checksum: None,
            headers: cleaned(self.headers),
            metadata: metadata::read(self.metadata)?,
            website_redirect: self.website_redirect.map(check_redirect).transpose()?,
            tags: tags::read_header(self.tagging.as_deref())?,
            acl: new.acl,
            sealing,
            retention: locked.retention,
            legal_hold: locked.legal_hold,
            restore: None,
        };
        Ok(Planned { owner: new.owner, content })
    }
}

impl AclHeaders {
    fn given(&self) -> Given<'_> {
        Given {
            canned: self.canned.as_deref(),
            full_control: self.full_control.as_deref(),
            read: self.read.as_deref(),
            read_acp: self.read_acp.as_deref(),
            write: None,
            write_acp: self.write_acp.as_deref(),
        }
    }
}

impl Encryption {
    fn check(&self) -> Result<(), Error> {
        const ALGORITHM: &str = "x-amz-server-side-encryption";
        match self.algorithm.as_deref() {
            Some(given) if self.by_customer => Err(invalid_argument(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
                ALGORITHM,
                given,
            )),
            Some("aws:kms" | "aws:kms:dsse") => Err(Error::parameter_not_served(
                "S3's uploads",
                "x-amz-server-side-encryption: aws:kms",
            )),
            None | Some("AES256") if self.kms_key_id.is_some() || self.kms_context.is_some() => {
                Err(invalid_argument(
                    "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
                    ALGORITHM,
                    self.algorithm.as_deref().unwrap_or("null"),
                ))
            }
            None | Some("AES256") => Ok(()),
            Some(other) => Err(invalid_argument(
                "The encryption method specified is not supported",
                ALGORITHM,
                other,
            )),
        }
    }
}

/// `aws-chunked` tells of the request's body, not of the object.
fn cleaned(mut headers: Headers) -> Headers {
    if let Some(encoding) = &headers.content_encoding {
        let kept: Vec<&str> =
            encoding.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked").collect();
        headers.content_encoding = (!kept.is_empty()).then(|| kept.join(","));
    }
    headers
}

fn check_redirect(to: String) -> Result<String, Error> {
    if ["/", "http://", "https://"].iter().any(|start| to.starts_with(start)) {
        return Ok(to);
    }
    let message =
        "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.";
    Err(Error::client(400, "InvalidRedirectLocation", message))
}

/// # Errors
/// `InvalidRequest` when a version would be locked and nothing says what its bytes are.
pub(crate) fn check_lock_claim(content: &Content, claimed: bool) -> Result<(), Error> {
    if claimed || (content.retention.is_none() && content.legal_hold != Some(true)) {
        return Ok(());
    }
    Err(invalid_request(
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
    ))
}

// A macro, because the three shapes have nothing in common but the names of their fields.
macro_rules! described {
    ($($shape:ident)*) => {
        $(impl From<&mut model::$shape> for Described {
            /// Takes what it reads out of the request.
            fn from(input: &mut model::$shape) -> Self {
                Self {
                    headers: Headers {
                        content_type: input.content_type.take(),
                        cache_control: input.cache_control.take(),
                        content_disposition: input.content_disposition.take(),
                        content_encoding: input.content_encoding.take(),
                        content_language: input.content_language.take(),
                        expires: input.expires.take(),
                    },
                    metadata: input.metadata.take(),
                    storage_class: input.storage_class.take(),
                    website_redirect: input.website_redirect_location.take(),
                    tagging: input.tagging.take(),
                    encryption: Encryption {
                        algorithm: input.server_side_encryption.take(),
                        kms_key_id: input.ssekms_key_id.take(),
                        kms_context: input.ssekms_encryption_context.take(),
                        by_customer: input.sse_customer_algorithm.is_some()
                            || input.sse_customer_key.is_some(),
                    },
                    lock: LockHeaders {
                        mode: input.object_lock_mode.take(),
                        until: input.object_lock_retain_until_date.take(),
                        legal_hold: input.object_lock_legal_hold_status.take(),
                    },
                    acl: AclHeaders {
                        canned: input.acl.take(),
                        full_control: input.grant_full_control.take(),
                        read: input.grant_read.take(),
                        read_acp: input.grant_read_acp.take(),
                        write_acp: input.grant_write_acp.take(),
                    },
                }
            }
        })*
    };
}

described! { PutObjectRequest CopyObjectRequest CreateMultipartUploadRequest }
