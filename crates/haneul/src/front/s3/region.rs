//! Requests that reach a region which the bucket is not in.
//!
//! One process is every region, so nothing has to be forwarded; what AWS refuses is refused all
//! the same, so that a program that works here works there. Clients correct themselves by the
//! region that the refusal names.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingRouting.html>

use aws::{Error, Region};
use s3::address::Address;

use super::Known;

/// The region that a request is for: the host's, else the signature's, else the bucket's.
///
/// # Errors
/// `AuthorizationHeaderMalformed` for a signature of another region, `PermanentRedirect` (301)
/// for a host of another.
pub fn of_request(
    address: &Address,
    signed: Option<&Region>,
    known: &Known,
    domain: &str,
) -> Result<Option<Region>, Error> {
    if let (Some(host), Some(signed)) = (&address.region, signed)
        && host != signed
    {
        return Err(signed_for_another(signed, host));
    }
    let asked = address.region.as_ref().or(signed);
    let (Some(asked), Some(home)) = (asked, &known.home) else {
        return Ok(asked.or(known.home.as_ref()).cloned());
    };
    if asked == home || anywhere(known.operation) {
        return Ok(Some(asked.clone()));
    }
    if address.region.is_some() || known.operation == "HeadBucket" {
        return Err(elsewhere(known.bucket.as_deref().unwrap_or_default(), home, domain));
    }
    Err(signed_for_another(asked, home))
}

/// What AWS answers in any region: a bucket that is made, and where one is.
fn anywhere(operation: &str) -> bool {
    matches!(operation, "CreateBucket" | "GetBucketLocation" | "ListBuckets")
}

fn signed_for_another(signed: &Region, expected: &Region) -> Error {
    Error::client(
        400,
        "AuthorizationHeaderMalformed",
        format!(
            "The authorization header is malformed; the region '{signed}' is wrong; expecting '{expected}'"
        ),
    )
    .with_detail("Region", expected.as_str())
    .with_header("x-amz-bucket-region", expected.as_str())
}

fn elsewhere(bucket: &str, home: &Region, domain: &str) -> Error {
    let error = Error::client(
        400,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. \
         Please send all future requests to this endpoint.",
    );
    Error { status: 301, ..error }
        .with_detail("Endpoint", format!("{bucket}.s3.{home}.{domain}"))
        .with_detail("Bucket", bucket)
        .with_header("x-amz-bucket-region", home.as_str())
}

#[cfg(test)]
mod tests {
    use s3::address::Kind;

    use super::*;

    fn region(name: &str) -> Option<Region> {
        (!name.is_empty()).then(|| name.parse().expect("a region"))
    }

    #[test]
    fn a_request_is_refused_where_its_bucket_is_not() {
        let check = |operation, (host, signed, home), expected: Result<&str, (u16, &str)>| {
            let address = Address { kind: Kind::Api, bucket: None, region: region(host) };
            let known = Known { operation, bucket: Some("b".into()), home: region(home) };
            let got = of_request(&address, region(signed).as_ref(), &known, "localhost");
            match (got, expected) {
                (Ok(got), Ok(expected)) => assert_eq!(got, region(expected)),
                (Err(error), Err((status, home))) => {
                    assert_eq!(error.status, status);
                    assert_eq!(error.headers, [("x-amz-bucket-region", home.to_owned())]);
                }
                (got, expected) => panic!("{got:?} {expected:?}"),
            }
        };
        let (here, there) = ("us-east-1", "eu-west-1");
        check("GetObject", ("", here, here), Ok(here));
        check("GetObject", (here, here, here), Ok(here));
        check("GetObject", ("", "", there), Ok(there));
        check("GetObject", ("", "", ""), Ok(""));
        check("GetObject", ("", here, ""), Ok(here));
        check("GetObject", ("", here, there), Err((400, there)));
        check("GetObject", (here, there, there), Err((400, here)));
        check("GetObject", (here, here, there), Err((301, there)));
        check("GetObject", (here, "", there), Err((301, there)));
        check("HeadBucket", ("", here, there), Err((301, there)));
        check("GetBucketLocation", ("", here, there), Ok(here));
        check("CreateBucket", ("", here, there), Ok(here));
    }
}
