//! Judging a bucket's policy, in S3's sentences.

use aws::Error;
use policy::attachment::{Misfit, Target, check};
use policy::{Document, Kind, Malformed};

use super::actions::{OF_BUCKET, OF_OBJECT};

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>
const BYTES_MAX: usize = 20 * 1024;

/// # Errors
/// `MalformedPolicy`, and `PolicyTooLarge`.
pub(super) fn document(text: &str, bucket: &str) -> Result<Document, Error> {
    if text.len() > BYTES_MAX {
        let why = format!(
            "Normalized policy document exceeds the maximum allowed size of {BYTES_MAX} bytes."
        );
        return Err(Error::client(400, "PolicyTooLarge", why));
    }
    if !text.starts_with('{') {
        return Err(malformed("Policies must be valid JSON and the first byte must be '{'"));
    }
    let document = Document::parse(text, Kind::Resource).map_err(|why| sentence(&why))?;
    let bucket = format!("arn:aws:s3:::{bucket}");
    let objects = format!("{bucket}/*");
    let targets =
        [Target { arn: &bucket, actions: OF_BUCKET }, Target { arn: &objects, actions: OF_OBJECT }];
    check(&document, &targets).map_err(|misfit| {
        malformed(match misfit {
            Misfit::Action(_) => "Policy has invalid action",
            Misfit::Resource(_) => "Policy has invalid resource",
            Misfit::ActionWithoutResource(_) => {
                "Action does not apply to any resource(s) in statement"
            }
        })
    })?;
    Ok(document)
}

/// S3 has words of its own for what IAM's validator finds.
fn sentence(why: &Malformed) -> Error {
    match why {
        Malformed::InvalidJson | Malformed::LeadingSpace | Malformed::Syntax => {
            malformed("Policies must be valid JSON and the first byte must be '{'")
        }
        Malformed::InvalidPrincipal { .. } => malformed("Invalid principal in policy"),
        Malformed::NoActions => malformed("Missing required field Action"),
        Malformed::NoResources => malformed("Missing required field Resource"),
        Malformed::OldVersion => malformed("The policy must contain a valid version string"),
        Malformed::ActionWithoutVendor
        | Malformed::ActionWithColons
        | Malformed::InvalidVendor(_) => malformed("Policy has invalid action"),
        Malformed::ResourceNotArn(_)
        | Malformed::InvalidPartition { .. }
        | Malformed::InvalidResourceVendor
        | Malformed::IamResourceWithRegion(_)
        | Malformed::S3ResourceWithRegion(_)
        | Malformed::InvalidIamPath => malformed("Policy has invalid resource"),
        other => malformed(&other.to_string()),
    }
}

fn malformed(message: &str) -> Error {
    Error::client(400, "MalformedPolicy", message)
}
