//! What each kind of service says of each fault.

mod s3;

use aws::sigv4::{
    Body, Endpoint, Payload, Presented, Request, ServiceKind, SignatureError, Signer, SigningKey,
    credential_refusal, verify,
};
use aws::{CredentialError, Error};
use http::HeaderValue;
use http::request::Parts;

const NOW: &str = "20261122T104053Z";
const SECRET: &str = "secret";

/// A fault made in a request that was right.
type Edit = fn(&mut Parts);

fn signer<'a>(service: &'a str, region: &'a aws::Region) -> Signer<'a> {
    Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: SECRET,
        session_token: None,
        region,
        service,
    }
}

fn plain() -> Parts {
    let request = http::Request::post("http://127.0.0.1:4566/b/k?a=1");
    request.body(()).expect("a request").into_parts().0
}

fn in_header(service: &str) -> Parts {
    let region = crate::region("eu-west-1");
    let mut parts = plain();
    let signed = signer(service, &region).sign(&mut parts, Payload::Whole(b"body"), crate::at(NOW));
    signed.expect("signed");
    parts
}

fn in_query(service: &str) -> Parts {
    let region = crate::region("eu-west-1");
    let mut parts = plain();
    let expires = std::time::Duration::from_secs(3600);
    signer(service, &region).presign(&mut parts, expires, crate::at(NOW)).expect("signed");
    parts
}

/// The refusal of `parts` by a service that is called `service`, at `now`.
fn refusal(parts: &Parts, service: &str, kind: ServiceKind, now: &str) -> Error {
    let request = Request::from(parts);
    let region = crate::region("eu-west-1");
    let judged = || -> Result<(), SignatureError> {
        let endpoint = Endpoint { service, region: &region, now: crate::at(now) };
        let presented = Presented::parse(&request, &endpoint)?;
        let key = SigningKey::of_scope(SECRET, &presented.scope);
        verify(&presented, &request, &key, Body::Whole(b"body"))
    };
    judged().expect_err("a fault").to_error(kind)
}

fn set(parts: &mut Parts, name: &'static str, value: &str) {
    parts.headers.insert(name, HeaderValue::from_str(value).expect("a header value"));
}

fn replace(parts: &mut Parts, from: &str, to: &str) {
    let old = parts.headers["authorization"].to_str().expect("text").to_owned();
    assert!(old.contains(from), "{old}");
    set(parts, "authorization", &old.replace(from, to));
}

fn replace_query(parts: &mut Parts, from: &str, to: &str) {
    let old = parts.uri.to_string();
    assert!(old.contains(from), "{old}");
    parts.uri = old.replace(from, to).parse().expect("a URI");
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you \
    provided. Check your AWS Secret Access Key and signing method. Consult the service \
    documentation for details.";

#[test]
fn query_services_say_what_is_wrong_with_a_header() {
    let check = |edit: Edit, status: u16, code: &str, message: &str| {
        let mut parts = in_header("sts");
        edit(&mut parts);
        let error = refusal(&parts, "sts", ServiceKind::Query, NOW);
        assert_eq!(
            (error.status, error.code.as_ref(), error.message.as_str()),
            (status, code, message)
        );
        assert_eq!(error.fault, aws::Fault::Sender);
    };
    let missing = "Request is missing Authentication Token";
    check(|p| drop(p.headers.remove("authorization")), 403, "MissingAuthenticationToken", missing);
    check(|p| set(p, "authorization", ""), 403, "MissingAuthenticationToken", missing);
    check(|p| set(p, "authorization", "Bearer x"), 403, "MissingAuthenticationToken", missing);
    check(|p| set(p, "authorization", "AWS a:b"), 403, "MissingAuthenticationToken", missing);
    check(
        |p| replace(p, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
        400,
        "IncompleteSignature",
        "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'.",
    );
    check(
        |p| set(p, "authorization", "AWS4-HMAC-SHA256 a"),
        400,
        "IncompleteSignature",
        "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 \
         and encoded with Base64): 'ixI0MosNiPnb/F1owBUKoJeAUJDUE3yWcROwz97yA/U='.",
    );
    check(
        |p| {
            set(p, "authorization", "AWS4-HMAC-SHA256 a=b");
            p.headers.remove("x-amz-date");
        },
        400,
        "IncompleteSignature",
        "Authorization header requires 'Credential' parameter. Authorization header requires \
         'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. \
         Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
         (Hashed with SHA-256 and encoded with Base64) \
         Authorization=tQMSUCqjFonXdxKG2efiX/o+qpOi15V3d11zOi3G62w=",
    );
    check(
        |p| set(p, "x-amz-date", "03032006"),
        400,
        "IncompleteSignature",
        "Date must be in ISO-8601 'basic format'. Got '03032006'. See \
         http://en.wikipedia.org/wiki/ISO_8601",
    );
    check(
        |p| replace(p, "/aws4_request", ""),
        400,
        "IncompleteSignature",
        "Credential must have exactly 5 slash-delimited elements, e.g. \
         keyid/date/region/service/term, got 'AKIDEXAMPLE/20261122/eu-west-1/sts'",
    );
    let does_not_match = "SignatureDoesNotMatch";
    check(
        |p| replace(p, "20261122/eu-west-1/sts/aws4_request", "20261121/Mars/iam/aws5"),
        403,
        does_not_match,
        "Credential should be scoped to a valid region, not 'Mars'. Credential should be scoped \
         to correct service: 'sts'. Credential should be scoped with a valid terminator: \
         'aws4_request', not 'aws5'. Date in Credential scope does not match YYYYMMDD from \
         ISO-8601 version of date from HTTP.",
    );
    check(
        |p| replace(p, "SignedHeaders=host;", "SignedHeaders="),
        403,
        does_not_match,
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
    check(
        |p| set(p, "x-amz-target", "A.B"),
        403,
        does_not_match,
        "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.",
    );
    check(
        |p| replace_query(p, "?a=1", "?a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256"),
        403,
        does_not_match,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
    check(|p| replace(p, "Signature=", "Signature=0"), 403, does_not_match, MISMATCH);
    check(|p| replace_query(p, "?a=1", "?a=2"), 403, does_not_match, MISMATCH);
    let syntax = "The query string contains a syntax error";
    check(|p| replace_query(p, "?a=1", "?a=%2"), 404, "MalformedQueryString", syntax);
}

#[test]
fn a_request_is_good_for_fifteen_minutes_either_way() {
    let check = |kind, now: &str, status: u16, code: &str, message: &str| {
        let parts = in_header("sts");
        let error = refusal(&parts, "sts", kind, now);
        assert_eq!(
            (error.status, error.code.as_ref(), error.message.as_str()),
            (status, code, message)
        );
    };
    let late = "20261122T105554Z";
    let expired = "Signature expired: 20261122T104053Z is now earlier than 20261122T104054Z \
        (20261122T105554Z - 15 min.)";
    check(ServiceKind::Query, late, 403, "SignatureDoesNotMatch", expired);
    check(ServiceKind::Json, late, 400, "InvalidSignatureException", expired);
    check(ServiceKind::Ec2, late, 400, "RequestExpired", "Request has expired.");
    let early = "Signature not yet current: 20261122T104053Z is still later than \
        20261122T104052Z (20261122T102552Z + 15 min.)";
    check(ServiceKind::Query, "20261122T102552Z", 403, "SignatureDoesNotMatch", early);
    for now in ["20261122T105553Z", "20261122T102553Z"] {
        let parts = in_header("sts");
        let at = crate::at(now);
        crate::accept(&Request::from(&parts), "sts", SECRET, at, Body::Whole(b"body"))
            .expect("within fifteen minutes");
    }
}

#[test]
fn query_services_say_what_is_wrong_with_a_url() {
    let check = |edit: Edit, status: u16, code: &str, message: &str| {
        let mut parts = in_query("sts");
        edit(&mut parts);
        let error = refusal(&parts, "sts", ServiceKind::Query, NOW);
        assert_eq!(
            (error.status, error.code.as_ref(), error.message.as_str()),
            (status, code, message)
        );
    };
    check(
        |p| replace_query(p, "=AWS4-HMAC-SHA256", "=AWS4-ECDSA-P256-SHA256"),
        403,
        "MissingAuthenticationToken",
        "Missing Authentication Token",
    );
    check(
        |p| {
            replace_query(p, "X-Amz-Credential", "X-Amz-C");
            replace_query(p, "X-Amz-Date", "X-Amz-D");
        },
        400,
        "IncompleteSignature",
        "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters \
         must include 'X-Amz-Date'. Re-examine the query-string parameters.",
    );
    check(
        |p| replace_query(p, "X-Amz-Date=", "X-Amz-Date=20261122T104053Z&X-Amz-Date="),
        404,
        "MalformedQueryString",
        "The query string contains a syntax error",
    );
    check(|p| replace_query(p, "?a=1", "?a=2"), 403, "SignatureDoesNotMatch", MISMATCH);
}

#[test]
fn json_and_ec2_have_their_own_codes() {
    let check = |kind, edit: Edit, status: u16, code: &str| {
        let mut parts = in_header("sts");
        edit(&mut parts);
        let error = refusal(&parts, "sts", kind, NOW);
        assert_eq!((error.status, error.code.as_ref()), (status, code));
    };
    let unsigned: Edit = |p| drop(p.headers.remove("authorization"));
    let wrong: Edit = |p| replace(p, "Signature=", "Signature=0");
    let incomplete: Edit = |p| replace(p, "Signature=", "S=");
    check(ServiceKind::Json, unsigned, 400, "MissingAuthenticationTokenException");
    check(ServiceKind::Json, wrong, 400, "InvalidSignatureException");
    check(ServiceKind::Json, incomplete, 400, "IncompleteSignatureException");
    check(ServiceKind::Ec2, unsigned, 403, "MissingAuthenticationToken");
    check(ServiceKind::Ec2, wrong, 401, "AuthFailure");
    check(ServiceKind::Ec2, incomplete, 400, "IncompleteSignature");
}

#[test]
fn an_unproven_caller_is_refused_in_each_services_words() {
    let check = |error: CredentialError, kind, expected: (u16, &str, &str)| {
        let error = credential_refusal(error, kind, "AKIDEXAMPLE", Some("token"));
        assert_eq!((error.status, error.code.as_ref(), error.message.as_str()), expected);
    };
    let invalid = "The security token included in the request is invalid";
    let expired = "The security token included in the request is expired";
    let unvalidated = "AWS was not able to validate the provided access credentials";
    use CredentialError::{Expired, InvalidToken, UnknownKey};
    use ServiceKind::{Ec2, Json, Query, S3};
    check(UnknownKey, Query, (403, "InvalidClientTokenId", &format!("{invalid}.")));
    check(UnknownKey, Json, (400, "UnrecognizedClientException", &format!("{invalid}.")));
    check(UnknownKey, Ec2, (401, "AuthFailure", unvalidated));
    check(
        UnknownKey,
        S3,
        (
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
    );
    check(InvalidToken, Query, (403, "InvalidClientTokenId", invalid));
    check(InvalidToken, Json, (400, "UnrecognizedClientException", invalid));
    check(InvalidToken, Ec2, (401, "AuthFailure", unvalidated));
    check(
        InvalidToken,
        S3,
        (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
    );
    check(Expired, Query, (403, "ExpiredToken", expired));
    check(Expired, Json, (400, "ExpiredTokenException", expired));
    check(Expired, Ec2, (400, "RequestExpired", "Request has expired."));
    check(Expired, S3, (400, "ExpiredToken", "The provided token has expired."));
    let ours = CredentialError::Failed(Error::unavailable("the store is away"));
    let error = credential_refusal(ours, Query, "AKIDEXAMPLE", None);
    assert_eq!(error.status, 503);
}
