//! UploadPart.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html>

use aws::body::Chunks;
use aws::{Call, Error, Timestamp};
use objects::{BlobId, Change};

use super::{lookup, part_number};
use crate::S3;
use crate::checksum::{Algorithm, Claim, ClaimedBy, Shows};
use crate::error::{EngineFailure, invalid_request};
use crate::keys::{CustomerHeaders, CustomerKey};
use crate::model::{UploadPartOutput, UploadPartRequest};
use crate::object::intake::{Intake, Taken, announced_bytes};
use crate::row::{self, Bucket, Checksum, ChecksumKind, Codec, Part, Upload};

pub async fn put(
    s3: &S3,
    call: &Call,
    mut input: UploadPartRequest,
) -> Result<UploadPartOutput, Error> {
    let number = part_number(input.part_number)?;
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let upload = lookup::find(s3.engine(), bucket.id, &input.key, &input.upload_id)?;
    let body = input.body.take().unwrap_or_default();
    let (bytes, trailers) = (announced_bytes(body.len())?, body.trailers());
    let claim = Claim::read(
        input.claimed(),
        input.content_md5.as_deref(),
        input.checksum_algorithm.as_deref(),
        trailers.names(),
    )?;
    let algorithm = algorithm(&upload, claim.algorithm)?;
    let customer = CustomerHeaders::from(&input).read(call)?;
    let coming = Coming { bucket: &bucket, upload: &upload, number, bytes, algorithm };
    let (taken, salt) = coming.take(s3, customer.as_ref(), body.into_chunks()).await?;
    claim.check(&taken.digested, |name| trailers.get(name))?;
    let part = coming.keep(s3, taken, salt, call.at).await?;
    Ok(answer(&upload, &part, claim.algorithm.is_some()))
}

/// A part that is to come, of an upload underway.
pub(super) struct Coming<'a> {
    pub(super) bucket: &'a Bucket,
    pub(super) upload: &'a Upload,
    pub(super) number: u16,
    pub(super) bytes: u64,
    pub(super) algorithm: Algorithm,
}

impl Coming<'_> {
    /// Takes the bytes in; nobody has them yet. Answers what makes their key as well.
    pub(super) async fn take(
        &self,
        s3: &S3,
        customer: Option<&CustomerKey>,
        body: Chunks,
    ) -> Result<(Taken, u64), Error> {
        let content = &self.upload.content;
        let data_key = s3.data_key(&content.sealing, customer).await?;
        let salt = s3.inner.random.next_u64();
        let intake = Intake {
            may_be_fewer: false,
            bytes: self.bytes,
            class: &content.class,
            key: data_key.blob_key(salt),
            algorithm: self.algorithm,
        };
        Ok((intake.take(s3, body).await?, salt))
    }

    /// Makes them the upload's part, in place of one that has its number.
    pub(super) async fn keep(
        &self,
        s3: &S3,
        taken: Taken,
        salt: u64,
        now: Timestamp,
    ) -> Result<Part, Error> {
        let Taken { blob, digested, .. } = taken;
        let part = Part {
            blob: blob.as_ref().map(|blob| blob.id().0),
            bytes: self.bytes,
            salt,
            etag: s3.etag(&self.upload.content.sealing, &digested),
            modified: now,
            checksum: Some((digested.algorithm.name().to_owned(), digested.value)),
        };
        let decide = |change: &mut Change<'_>| {
            let bucket = s3.same_bucket(change, self.bucket)?;
            lookup::find(change, bucket.id, &self.upload.key, &self.upload.id.0)?;
            if let Some(before) = lookup::part(change, self.upload.stamp, self.number)? {
                before.blob.into_iter().for_each(|blob| change.drop_blob(BlobId(blob)));
            }
            blob.into_iter().for_each(|blob| {
                change.attach(blob);
            });
            change.set(row::part_key(self.upload.stamp, self.number), part.encode());
            Ok::<_, Error>(())
        };
        s3.engine().commit(decide).await.map_err(EngineFailure::refusal)??;
        Ok(part)
    }
}

/// The checksum to compute: the upload's, which a claim must be of. Only where the object's is
/// made of its parts' bytes may a part come without one.
fn algorithm(upload: &Upload, claimed: Option<Algorithm>) -> Result<Algorithm, Error> {
    let Some(wanted) = upload.checksum_algorithm.as_deref().and_then(Algorithm::parse) else {
        // What the object is given when its upload named none.
        return Ok(claimed.unwrap_or(Algorithm::DEFAULT));
    };
    match claimed {
        Some(claimed) if claimed == wanted => Ok(wanted),
        None if upload.checksum_kind == Some(ChecksumKind::FullObject) => Ok(wanted),
        claimed => Err(invalid_request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            wanted.name().to_lowercase(),
            claimed.map_or_else(|| "null".into(), |claimed| claimed.name().to_lowercase())
        ))),
    }
}

fn answer(upload: &Upload, part: &Part, claimed: bool) -> UploadPartOutput {
    let sealing = &upload.content.sealing;
    let mut answer = UploadPartOutput {
        e_tag: Some(format!("\"{}\"", part.etag)),
        server_side_encryption: sealing.algorithm_shown(),
        sse_customer_algorithm: sealing.customer_algorithm_shown(),
        sse_customer_key_md5: sealing.customer_key_md5_shown(),
        ..UploadPartOutput::default()
    };
    if claimed || upload.checksum_algorithm.is_some() {
        part.checksum.iter().for_each(|(algorithm, value)| {
            let (algorithm, value) = (algorithm.clone(), value.clone());
            answer.show(&Checksum { algorithm, value, kind: ChecksumKind::FullObject });
        });
    }
    answer
}
