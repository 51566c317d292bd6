//! SSE-C: keys that customers send with each request.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>

use aws::{Call, Error};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{KEY_BYTES, WrappingKey};
use crate::checksum;
use crate::error::{access_denied, invalid_argument, invalid_request};
use crate::model;
use crate::row::Sealing;

/// The three headers, as they came.
#[derive(Clone, Copy, Default)]
pub(crate) struct CustomerHeaders<'a> {
    pub(crate) algorithm: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) key_md5: Option<&'a str>,
}

/// A customer's key. It has no `Debug`: it is a secret.
pub(crate) struct CustomerKey {
    key: [u8; KEY_BYTES],
    /// Base64, as it came.
    pub(crate) md5: String,
}

const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
const KEY: &str = "x-amz-server-side-encryption-customer-key";
const KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-MD5";

// A macro, because the shapes have nothing in common but the names of their fields.
macro_rules! customer_headers {
    ($($shape:ident)*) => {
        $(impl<'a> From<&'a model::$shape> for CustomerHeaders<'a> {
            fn from(input: &'a model::$shape) -> Self {
                Self {
                    algorithm: input.sse_customer_algorithm.as_deref(),
                    key: input.sse_customer_key.as_deref(),
                    key_md5: input.sse_customer_key_md5.as_deref(),
                }
            }
        })*
    };
}

customer_headers! {
    PutObjectRequest GetObjectRequest CopyObjectRequest GetObjectAttributesRequest
    CreateMultipartUploadRequest UploadPartRequest UploadPartCopyRequest
}

impl CustomerHeaders<'_> {
    /// `None` when there is none of them.
    ///
    /// # Errors
    /// `InvalidArgument` when one lacks or is wrong, `InvalidEncryptionAlgorithmError` for
    /// another algorithm, `InvalidRequest` over an open network.
    pub(crate) fn read(self, call: &Call) -> Result<Option<CustomerKey>, Error> {
        if self.algorithm.is_none() && self.key.is_none() && self.key_md5.is_none() {
            return Ok(None);
        }
        check_secure(call)?;
        let Some(algorithm) = self.algorithm else {
            return Err(invalid_argument(
                "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
                ALGORITHM,
                "null",
            ));
        };
        if algorithm != "AES256" {
            return Err(Error::client(
                400,
                "InvalidEncryptionAlgorithmError",
                "The encryption request you specified is not valid. The valid value is AES256.",
            )
            .with_detail("ArgumentName", ALGORITHM)
            .with_detail("ArgumentValue", algorithm));
        }
        let Some(key) = self.key else {
            return Err(invalid_argument(
                "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
                KEY,
                "null",
            ));
        };
        let Some(md5) = self.key_md5 else {
            return Err(invalid_argument(
                "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
                KEY_MD5,
                "null",
            ));
        };
        let key = STANDARD.decode(key).ok().and_then(|key| key.try_into().ok());
        // The key itself is not repeated in the answer: answers are logged.
        let key: [u8; KEY_BYTES] = key.ok_or_else(|| {
            invalid_argument("The secret key was invalid for the specified algorithm.", KEY, "null")
        })?;
        if STANDARD.encode(checksum::md5(&key)) != md5 {
            return Err(invalid_argument(
                "The calculated MD5 hash of the key did not match the hash that was provided.",
                KEY_MD5,
                md5,
            ));
        }
        Ok(Some(CustomerKey { key, md5: md5.to_owned() }))
    }
}

/// AWS wants TLS. What comes from this machine itself has passed no network.
fn check_secure(call: &Call) -> Result<(), Error> {
    let local = call.source_ip.is_none_or(|ip| ip.is_loopback());
    if call.secure_transport || local {
        return Ok(());
    }
    Err(invalid_request(
        "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.",
    ))
}

impl CustomerKey {
    pub(super) fn wrapping(&self) -> WrappingKey {
        WrappingKey::new(&self.key)
    }
}

/// Whether a request brings the key that the version needs, and none where it needs none.
///
/// # Errors
/// `InvalidRequest`, and `AccessDenied` for another key.
pub(super) fn fits(sealing: &Sealing, customer: Option<&CustomerKey>) -> Result<(), Error> {
    match (sealing, customer) {
        (Sealing::Region { .. }, None) => Ok(()),
        (Sealing::Region { .. }, Some(_)) => {
            Err(invalid_request("The encryption parameters are not applicable to this object."))
        }
        (Sealing::Customer { .. }, None) => Err(invalid_request(
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
        )),
        (Sealing::Customer { key_md5, .. }, Some(key)) if *key_md5 == key.md5 => Ok(()),
        (Sealing::Customer { .. }, Some(_)) => Err(access_denied()),
    }
}
