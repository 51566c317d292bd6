//! GetObjectAttributes.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html>

use aws::{Call, Error};

use super::read::Asked;
use crate::S3;
use crate::checksum::{Algorithm, Shows};
use crate::error::{invalid_argument, invalid_request};
use crate::keys::CustomerHeaders;
use crate::model::{
    self, GetObjectAttributesOutput, GetObjectAttributesParts, GetObjectAttributesRequest,
    ObjectPart,
};
use crate::row::Content;

const ATTRIBUTES: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
const PARTS_MAX: usize = 1000;

pub async fn get(
    s3: &S3,
    call: &Call,
    input: GetObjectAttributesRequest,
) -> Result<GetObjectAttributesOutput, Error> {
    let asked = asked(&input.object_attributes)?;
    let page = Page::read(&input)?;
    let customer = CustomerHeaders::from(&input).read(call)?;
    let readable = s3.readable(Asked {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: "GET",
    })?;
    let content = readable.content();
    s3.data_key(&content.sealing, customer.as_ref()).await?;
    let wants = |name: &str| asked.contains(&name);
    Ok(GetObjectAttributesOutput {
        last_modified: Some(readable.version().modified.to_whole_secs()),
        version_id: readable.version_id(),
        e_tag: wants("ETag").then(|| content.etag.clone()),
        checksum: wants("Checksum").then(|| checksum(content)).flatten(),
        object_parts: wants("ObjectParts").then(|| page.parts(content)).flatten(),
        storage_class: wants("StorageClass").then(|| content.class.clone()),
        object_size: wants("ObjectSize").then(|| i64::try_from(content.bytes).ok()).flatten(),
        ..GetObjectAttributesOutput::default()
    })
}

fn asked(names: &[String]) -> Result<Vec<&str>, Error> {
    const HEADER: &str = "x-amz-object-attributes";
    let names: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Err(invalid_request(
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
        ));
    }
    match names.iter().find(|name| !ATTRIBUTES.contains(name)) {
        Some(other) => Err(invalid_argument("Invalid attribute name specified.", HEADER, other)),
        None => Ok(names),
    }
}

/// A composite one without the number of parts, which stands beside it here.
fn checksum(content: &Content) -> Option<model::Checksum> {
    let mut stored = content.checksum.clone()?;
    if let Some((value, _)) = stored.value.split_once('-') {
        stored.value = value.to_owned();
    }
    let mut shown = model::Checksum::default();
    shown.show(&stored);
    Some(shown)
}

/// Which parts are shown.
struct Page {
    after: i32,
    max: usize,
}

impl Page {
    fn read(input: &GetObjectAttributesRequest) -> Result<Self, Error> {
        let number = |given: Option<i32>, header: &str| match given {
            Some(number) if number < 0 => Err(invalid_argument(
                format!("Argument {header} must be an integer between 0 and 2147483647"),
                header,
                &number.to_string(),
            )),
            given => Ok(given),
        };
        let max = number(input.max_parts, "x-amz-max-parts")?;
        let max = max.and_then(|max| usize::try_from(max).ok()).unwrap_or(PARTS_MAX);
        let after = number(input.part_number_marker, "x-amz-part-number-marker")?;
        Ok(Self { after: after.unwrap_or(0), max: max.min(PARTS_MAX) })
    }

    /// `None` for an object that was not made of parts. Parts are listed where they have
    /// checksums of their own; otherwise they are only counted.
    fn parts(&self, content: &Content) -> Option<GetObjectAttributesParts> {
        if !content.multipart {
            return None;
        }
        let count = i32::try_from(content.pieces.len()).ok();
        let algorithm =
            content.checksum.as_ref().and_then(|checksum| Algorithm::parse(&checksum.algorithm));
        let Some(algorithm) =
            algorithm.filter(|_| content.pieces.iter().all(|p| p.checksum.is_some()))
        else {
            return Some(GetObjectAttributesParts {
                total_parts_count: count,
                ..GetObjectAttributesParts::default()
            });
        };
        let mut rest = content.pieces.iter().filter(|piece| i32::from(piece.number) > self.after);
        let parts: Vec<ObjectPart> = rest
            .by_ref()
            .take(self.max)
            .map(|piece| {
                let mut part = ObjectPart {
                    part_number: Some(piece.number.into()),
                    size: i64::try_from(piece.bytes).ok(),
                    ..ObjectPart::default()
                };
                part.value(algorithm).clone_from(&piece.checksum);
                part
            })
            .collect();
        let last = parts.last().and_then(|part| part.part_number);
        Some(GetObjectAttributesParts {
            total_parts_count: count,
            part_number_marker: Some(self.after),
            next_part_number_marker: Some(last.unwrap_or(self.after)),
            max_parts: i32::try_from(self.max).ok(),
            is_truncated: Some(rest.next().is_some()),
            parts: Some(parts),
        })
    }
}
