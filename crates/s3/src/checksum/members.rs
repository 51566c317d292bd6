//! The members for checksums that many shapes of the model have, one for each algorithm.

use aws::Error;

use super::{Algorithm, Claim};
use crate::model;
use crate::row::Checksum;

/// What a request says of its bytes' checksum.
pub(crate) struct Claimed<'a> {
    pub(super) served: [(Algorithm, Option<&'a str>); 5],
    /// Headers of algorithms that AWS has and haneul does not.
    pub(super) not_served: Vec<&'static str>,
}

impl Claimed<'_> {
    /// The one checksum that is given, where no body is to come.
    ///
    /// # Errors
    /// `InvalidRequest` for what is no checksum and for several, and what is not served by name.
    pub(crate) fn only(self) -> Result<Option<(Algorithm, String)>, Error> {
        Ok(Claim::read(self, None, None, &[])?.given())
    }
}

/// An input with `x-amz-checksum-*` headers.
pub(crate) trait ClaimedBy {
    fn claimed(&self) -> Claimed<'_>;
}

/// An output, or a part of one, that shows a checksum.
pub(crate) trait Shows {
    /// Where the algorithm's value belongs.
    fn value(&mut self, algorithm: Algorithm) -> &mut Option<String>;

    /// Where the kind belongs, in shapes that have it.
    fn kind(&mut self) -> Option<&mut Option<String>>;

    fn show(&mut self, checksum: &Checksum) {
        if let Some(algorithm) = Algorithm::parse(&checksum.algorithm) {
            *self.value(algorithm) = Some(checksum.value.clone());
        }
        if let Some(kind) = self.kind() {
            *kind = Some(checksum.kind.name().into());
        }
    }
}

// Macros, because the shapes have nothing in common but the names of their fields.
macro_rules! claimed_by {
    ($($shape:ident)*) => {
        $(impl ClaimedBy for model::$shape {
            fn claimed(&self) -> Claimed<'_> {
                let others = [
                    ("x-amz-checksum-sha512", &self.checksum_sha512),
                    ("x-amz-checksum-md5", &self.checksum_md5),
                    ("x-amz-checksum-xxhash64", &self.checksum_xxhash64),
                    ("x-amz-checksum-xxhash3", &self.checksum_xxhash3),
                    ("x-amz-checksum-xxhash128", &self.checksum_xxhash128),
                ];
                let given = others.into_iter().filter(|(_, value)| value.is_some());
                Claimed {
                    served: [
                        (Algorithm::Crc32, self.checksum_crc32.as_deref()),
                        (Algorithm::Crc32c, self.checksum_crc32_c.as_deref()),
                        (Algorithm::Crc64Nvme, self.checksum_crc64_nvme.as_deref()),
                        (Algorithm::Sha1, self.checksum_sha1.as_deref()),
                        (Algorithm::Sha256, self.checksum_sha256.as_deref()),
                    ],
                    not_served: given.map(|(name, _)| name).collect(),
                }
            }
        })*
    };
}

macro_rules! shows {
    ($($shape:ident { $($kind:ident)? })*) => {
        $(impl Shows for model::$shape {
            fn value(&mut self, algorithm: Algorithm) -> &mut Option<String> {
                match algorithm {
                    Algorithm::Crc32 => &mut self.checksum_crc32,
                    Algorithm::Crc32c => &mut self.checksum_crc32_c,
                    Algorithm::Crc64Nvme => &mut self.checksum_crc64_nvme,
                    Algorithm::Sha1 => &mut self.checksum_sha1,
                    Algorithm::Sha256 => &mut self.checksum_sha256,
                }
            }

            fn kind(&mut self) -> Option<&mut Option<String>> {
                shows!(@ self $($kind)?)
            }
        })*
    };
    (@ $self:ident) => { None };
    (@ $self:ident $kind:ident) => { Some(&mut $self.$kind) };
}

claimed_by! { PutObjectRequest UploadPartRequest CompleteMultipartUploadRequest CompletedPart }

shows! {
    PutObjectOutput { checksum_type }
    GetObjectOutput { checksum_type }
    HeadObjectOutput { checksum_type }
    CopyObjectResult { checksum_type }
    Checksum { checksum_type }
    CompleteMultipartUploadOutput { checksum_type }
    ObjectPart {}
    UploadPartOutput {}
    CopyPartResult {}
    Part {}
}
