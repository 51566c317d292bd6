//! CompleteMultipartUpload: the parts become an object, all at once.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>

use aws::{Call, Error};
use objects::{BlobId, Change};

use super::{PART_NUMBER_MAX, lookup};
use crate::S3;
use crate::checksum::{self, Algorithm, ClaimedBy, PartSum, Shows};
use crate::condition::WriteCondition;
use crate::error::{EngineFailure, bad_digest, invalid_request, malformed_xml};
use crate::lifecycle::expiration_of;
use crate::model::{CompleteMultipartUploadOutput, CompleteMultipartUploadRequest, CompletedPart};
use crate::row::{
    self, Bucket, Checksum, ChecksumKind, Content, Part, Piece, Upload, Version, Versioning,
};
use crate::version::{self, Addition};

const PART_BYTES_MIN: u64 = 5 << 20;
const OBJECT_BYTES_MAX: u64 = 5 << 40;

/// A part that was asked for and is there.
struct Chosen<'a> {
    number: u16,
    asked: &'a CompletedPart,
    part: Part,
}

pub async fn complete(
    s3: &S3,
    call: &Call,
    input: CompleteMultipartUploadRequest,
) -> Result<CompleteMultipartUploadOutput, Error> {
    let asked = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref());
    let asked = asked.filter(|parts| !parts.is_empty()).ok_or_else(malformed_xml)?;
    let numbers = numbers(asked)?;
    let condition =
        WriteCondition::read(input.if_match.as_deref(), input.if_none_match.as_deref())?;
    let decide = |change: &mut Change<'_>| {
        let bucket = s3.bucket(change, &input.bucket)?;
        bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
        let upload = match lookup::find(change, bucket.id, &input.key, &input.upload_id) {
            Ok(upload) => upload,
            Err(missing) => return again(change, &bucket, &input).ok_or(missing),
        };
        let current = version::current(change, bucket.id, &input.key)?;
        condition.check(&input.key, current.as_ref().map(|found| &*found.version))?;
        let chosen = choose(change, &upload, &numbers, asked)?;
        let content = content(&upload, &chosen, &input)?;
        let kept: Vec<u64> = content.pieces.iter().map(|piece| piece.blob).collect();
        remove_but(change, bucket.id, &upload, &kept)?;
        let random = &s3.inner.random;
        let owner = upload.owner.clone();
        let addition = Addition { modified: call.at, owner, content: Some(content) };
        let made = version::add(change, random, &bucket, &input.key, addition)?;
        Ok((bucket, made))
    };
    let (bucket, made) = s3.engine().commit(decide).await.map_err(EngineFailure::refusal)??;
    let expiration = expiration_of(&bucket, s3.inner.day, &input.key, &made);
    Ok(CompleteMultipartUploadOutput { expiration, ..answer(call, input, &bucket, made) })
}

/// The version that this upload became, if it is still the current one: a client whose answer
/// was lost asks again.
fn again(
    change: &Change<'_>,
    bucket: &std::sync::Arc<Bucket>,
    input: &CompleteMultipartUploadRequest,
) -> Option<(std::sync::Arc<Bucket>, Version)> {
    let found = version::current(change, bucket.id, &input.key).ok()??;
    let upload = found.version.content.as_ref()?.upload.as_ref()?;
    (upload.0 == input.upload_id)
        .then(|| (bucket.clone(), std::sync::Arc::unwrap_or_clone(found.version)))
}

/// The numbers of the parts asked for, which must rise.
fn numbers(asked: &[CompletedPart]) -> Result<Vec<u16>, Error> {
    let mut numbers: Vec<u16> = Vec::with_capacity(asked.len());
    for part in asked {
        let number = part.part_number.ok_or_else(malformed_xml)?;
        let number = u16::try_from(number).map_err(|_| invalid_part(part))?;
        if numbers.last().is_some_and(|last| *last >= number) {
            return Err(Error::client(
                400,
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            ));
        }
        numbers.push(number);
    }
    Ok(numbers)
}

fn invalid_part(part: &CompletedPart) -> Error {
    Error::client(
        400,
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    )
    .with_detail("PartNumber", part.part_number.unwrap_or_default().to_string())
    .with_detail("ETag", part.e_tag.clone().unwrap_or_default().trim_matches('"'))
}

fn choose<'a>(
    change: &Change<'_>,
    upload: &Upload,
    numbers: &[u16],
    asked: &'a [CompletedPart],
) -> Result<Vec<Chosen<'a>>, Error> {
    let there = lookup::parts(change, upload.stamp, 0, usize::from(PART_NUMBER_MAX))?;
    let mut there = there.into_iter().peekable();
    let mut chosen: Vec<Chosen<'a>> = Vec::with_capacity(asked.len());
    for (number, asked) in numbers.iter().zip(asked) {
        while there.next_if(|(other, _)| other < number).is_some() {}
        let Some((number, part)) = there.next_if(|(other, _)| other == number) else {
            return Err(invalid_part(asked));
        };
        let etag = asked.e_tag.as_deref().map(|etag| etag.trim_matches('"'));
        if etag != Some(part.etag.as_str()) || !sums_agree(upload, asked, &part)? {
            return Err(invalid_part(asked));
        }
        chosen.push(Chosen { number, asked, part });
    }
    let all_but_last = &chosen[..chosen.len() - 1];
    match all_but_last.iter().find(|chosen| chosen.part.bytes < PART_BYTES_MIN) {
        Some(small) => Err(too_small(small)),
        None => Ok(chosen),
    }
}

/// Whether the checksum that a client repeats is the part's own. Composite ones must be repeated.
fn sums_agree(upload: &Upload, asked: &CompletedPart, part: &Part) -> Result<bool, Error> {
    let claimed = asked.claimed().only()?;
    match (claimed, &part.checksum) {
        (Some((algorithm, value)), Some((kept, checksum))) => {
            Ok(algorithm.name() == kept && value == *checksum)
        }
        (Some(_), None) => Ok(false),
        (None, _) if upload.checksum_kind == Some(ChecksumKind::Composite) => {
            let name = upload.checksum_algorithm.as_deref().unwrap_or_default().to_lowercase();
            Err(invalid_request(format!(
                "The upload was created using a {name} checksum. The complete request must include the checksum for each part. It was missing for part {} in the request.",
                asked.part_number.unwrap_or_default()
            )))
        }
        (None, _) => Ok(true),
    }
}

fn too_small(small: &Chosen<'_>) -> Error {
    Error::client(
        400,
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
    )
    .with_detail("ProposedSize", small.part.bytes.to_string())
    .with_detail("MinSizeAllowed", PART_BYTES_MIN.to_string())
    .with_detail("PartNumber", small.number.to_string())
    .with_detail("ETag", small.asked.e_tag.clone().unwrap_or_default().trim_matches('"'))
}

fn content(
    upload: &Upload,
    chosen: &[Chosen<'_>],
    input: &CompleteMultipartUploadRequest,
) -> Result<Content, Error> {
    let bytes: u64 = chosen.iter().map(|chosen| chosen.part.bytes).sum();
    if bytes > OBJECT_BYTES_MAX {
        return Err(Error::client(
            400,
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
        )
        .with_detail("ProposedSize", bytes.to_string())
        .with_detail("MaxSizeAllowed", OBJECT_BYTES_MAX.to_string()));
    }
    if input.mpu_object_size.is_some_and(|said| u64::try_from(said) != Ok(bytes)) {
        return Err(invalid_request(format!(
            "The provided 'x-amz-mp-object-size' header does not match what was computed: {bytes}"
        )));
    }
    let etags: Vec<&str> = chosen.iter().map(|chosen| chosen.part.etag.as_str()).collect();
    let etag = checksum::multipart_etag(&etags)
        .ok_or_else(|| Error::internal("a part's etag that is no MD5"))?;
    let checksum = sum_of(upload, chosen)?;
    check_claim(input, checksum.as_ref())?;
    Ok(Content {
        bytes,
        etag,
        pieces: chosen.iter().filter_map(piece).collect(),
        multipart: true,
        checksum,
        upload: Some(upload.id.clone()),
        ..upload.content.clone()
    })
}

/// `None` for a part without bytes.
fn piece(chosen: &Chosen<'_>) -> Option<Piece> {
    let Part { blob, bytes, salt, checksum, .. } = &chosen.part;
    Some(Piece {
        blob: (*blob)?,
        bytes: *bytes,
        number: chosen.number,
        salt: *salt,
        checksum: checksum.as_ref().map(|(_, value)| value.clone()),
    })
}

/// The object's checksum, made of the parts'. An upload that named none has the default one, if
/// all its parts do.
fn sum_of(upload: &Upload, chosen: &[Chosen<'_>]) -> Result<Option<Checksum>, Error> {
    let named = upload.checksum_algorithm.as_deref().and_then(Algorithm::parse);
    let algorithm = named.unwrap_or(Algorithm::DEFAULT);
    let sums = chosen.iter().map(|chosen| {
        let (name, value) = chosen.part.checksum.as_ref()?;
        (name == algorithm.name()).then_some(PartSum { value, bytes: chosen.part.bytes })
    });
    let sums: Option<Vec<_>> = sums.collect();
    let made = sums.and_then(|sums| match upload.checksum_kind {
        Some(ChecksumKind::Composite) => checksum::composite(algorithm, &sums),
        _ => checksum::full_object(algorithm, &sums),
    });
    if made.is_none() && named.is_some() {
        return Err(Error::internal("parts without the upload's checksum"));
    }
    Ok(made)
}

fn check_claim(
    input: &CompleteMultipartUploadRequest,
    made: Option<&Checksum>,
) -> Result<(), Error> {
    let kind = made.map(|made| made.kind.name());
    if input.checksum_type.is_some() && input.checksum_type.as_deref() != kind {
        return Err(invalid_request(format!(
            "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
            kind.unwrap_or("FULL_OBJECT")
        )));
    }
    let Some((algorithm, value)) = input.claimed().only()? else { return Ok(()) };
    let fits = made.is_some_and(|made| made.algorithm == algorithm.name() && made.value == value);
    if fits {
        return Ok(());
    }
    Err(bad_digest(format!(
        "The {} you specified did not match the calculated checksum.",
        algorithm.name().to_lowercase()
    )))
}

/// Ends the upload: its parts' rows go, and the bytes of those that were not chosen.
fn remove_but(
    change: &mut Change<'_>,
    bucket: u64,
    upload: &Upload,
    kept: &[u64],
) -> Result<(), Error> {
    let kept: std::collections::HashSet<u64> = kept.iter().copied().collect();
    for (number, part) in lookup::parts(change, upload.stamp, 0, usize::from(PART_NUMBER_MAX))? {
        if let Some(blob) = part.blob.filter(|blob| !kept.contains(blob)) {
            change.drop_blob(BlobId(blob));
        }
        change.remove(row::part_key(upload.stamp, number));
    }
    change.remove(row::upload_key(bucket, &upload.key, upload.stamp));
    Ok(())
}

fn answer(
    call: &Call,
    input: CompleteMultipartUploadRequest,
    bucket: &Bucket,
    made: Version,
) -> CompleteMultipartUploadOutput {
    let mut answer = CompleteMultipartUploadOutput {
        location: Some(super::location(call, &input.bucket, &input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        version_id: (bucket.versioning != Versioning::Unset).then_some(made.id.0),
        ..CompleteMultipartUploadOutput::default()
    };
    if let Some(content) = made.content {
        answer.e_tag = Some(format!("\"{}\"", content.etag));
        answer.server_side_encryption = content.sealing.algorithm_shown();
        if let Some(checksum) = &content.checksum {
            answer.show(checksum);
        }
    }
    answer
}
