//! What a signed request presents, judged as far as that goes without its key.

use std::time::Duration;

use http::header::{AUTHORIZATION, DATE, HeaderName};

use super::canonical::{Form, PathRule, SignatureIn};
use super::error::{ExpiresFault, Place, ScopeFault, SignatureError};
use super::key::Scope;
use super::payload::PayloadHash;
use super::request::{Mechanism, Request, decoded, mechanism};
use super::{ALGORITHM, EXPIRES_MAX_SECS, SKEW_MAX, TERMINATOR};
use crate::{Region, Timestamp, cut};

/// Made once: to look for a name that is text, that is read first.
static AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
static SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
static CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// A signature with all it claims, well-formed, of this time and for this service. Whether it
/// is right, [`super::verify`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct Presented {
    pub place: Place,
    pub access_key_id: String,
    pub scope: Scope,
    /// In lower case, sorted.
    pub signed_headers: Vec<String>,
    /// As sent; right ones are 64 lower-case hex digits.
    pub signature: String,
    /// The request's own date, in whole seconds.
    pub at: Timestamp,
    /// Of a presigned URL. Only S3 lets it outlive [`SKEW_MAX`].
    pub expires: Option<Duration>,
    pub session_token: Option<String>,
    pub payload: PayloadHash,
}

/// Whom the request was routed to, and when.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<'a> {
    /// The signing name that the scope must carry.
    pub service: &'a str,
    /// The region to point a client to whose scope names none that can be.
    pub region: &'a Region,
    pub now: Timestamp,
}

impl Endpoint<'_> {
    fn is_s3(&self) -> bool {
        is_s3(self.service)
    }
}

/// S3 and what signs as it does.
fn is_s3(service: &str) -> bool {
    matches!(service, "s3" | "s3express" | "s3-object-lambda" | "s3-outposts")
}

impl Presented {
    /// Reads a Signature Version 4 from the header or the query and judges its form, its time,
    /// its scope and what it covers, in the order in which the routed service does.
    ///
    /// # Errors
    /// All of [`SignatureError`] but the mismatches. An unsigned request is
    /// [`SignatureError::Missing`]: for S3, ask [`mechanism`] first and let it be anonymous.
    pub fn parse(request: &Request<'_>, endpoint: &Endpoint<'_>) -> Result<Self, SignatureError> {
        let fields = match mechanism(request)? {
            Some(Mechanism::V4Header) => Fields::of_header(request)?,
            Some(Mechanism::V4Query) => Fields::of_query(request)?,
            Some(Mechanism::V2Query) | None => return Err(SignatureError::Missing),
        };
        if endpoint.is_s3() {
            fields.judge_for_s3(request, endpoint)
        } else {
            fields.judge(request, endpoint)
        }
    }

    pub(super) fn form<'a>(&'a self, payload: &'a str) -> Form<'a> {
        Form {
            path_rule: if is_s3(&self.scope.service) { PathRule::S3 } else { PathRule::Others },
            signature_in: match self.place {
                Place::Header => SignatureIn::Header,
                Place::Query => SignatureIn::Query,
            },
            signed_headers: &self.signed_headers,
            payload,
        }
    }
}

/// The parts of a signature as they came, none of them judged.
struct Fields {
    place: Place,
    algorithm: String,
    credential: Option<String>,
    signed_headers: Option<String>,
    signature: Option<String>,
    date: Option<String>,
    expires: Option<String>,
    session_token: Option<String>,
    /// The whole `Authorization` header; empty for a query.
    authorization: String,
    /// A part of it that has no equal sign.
    stray: bool,
}

impl Fields {
    fn of_header(request: &Request<'_>) -> Result<Self, SignatureError> {
        let authorization = request.header(AUTHORIZATION).unwrap_or_default().trim().to_owned();
        let (algorithm, rest) = cut::once(&authorization, b' ').unwrap_or((&authorization, ""));
        let amz_date = request.headers.contains_key(&AMZ_DATE);
        let date_header = if amz_date { &AMZ_DATE } else { &DATE };
        let mut fields = Self {
            place: Place::Header,
            algorithm: algorithm.to_owned(),
            credential: None,
            signed_headers: None,
            signature: None,
            date: request.header(date_header).map(Into::into),
            expires: None,
            session_token: request.header(&SECURITY_TOKEN).map(Into::into),
            authorization: String::new(),
            stray: false,
        };
        for part in cut::every(rest, b',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = cut::once(part, b'=') else {
                fields.stray = true;
                continue;
            };
            let field = match name {
                "Credential" => &mut fields.credential,
                "SignedHeaders" => &mut fields.signed_headers,
                "Signature" => &mut fields.signature,
                _ => continue,
            };
            if field.replace(value.to_owned()).is_some() {
                return Err(SignatureError::MalformedAuthorization { authorization });
            }
        }
        fields.authorization = authorization;
        Ok(fields)
    }

    fn of_query(request: &Request<'_>) -> Result<Self, SignatureError> {
        let mut algorithm = None;
        let mut fields = Self {
            place: Place::Query,
            algorithm: String::new(),
            credential: None,
            signed_headers: None,
            signature: None,
            date: None,
            expires: None,
            session_token: None,
            authorization: String::new(),
            stray: false,
        };
        for (name, value) in request.parameters() {
            let field = match name {
                "X-Amz-Algorithm" => &mut algorithm,
                "X-Amz-Credential" => &mut fields.credential,
                "X-Amz-SignedHeaders" => &mut fields.signed_headers,
                "X-Amz-Signature" => &mut fields.signature,
                "X-Amz-Date" => &mut fields.date,
                "X-Amz-Expires" => &mut fields.expires,
                "X-Amz-Security-Token" => &mut fields.session_token,
                _ => continue,
            };
            // Of two, which one would be signed?
            if field.replace(decoded(value)?).is_some() {
                return Err(SignatureError::MalformedQuery);
            }
        }
        fields.algorithm = algorithm.unwrap_or_default();
        let in_header = || request.header(&SECURITY_TOKEN).map(ToOwned::to_owned);
        fields.session_token = fields.session_token.or_else(in_header);
        Ok(fields)
    }

    /// As S3 does: the date and the time come before everything else in the header.
    fn judge_for_s3(
        self,
        request: &Request<'_>,
        endpoint: &Endpoint<'_>,
    ) -> Result<Presented, SignatureError> {
        self.check_algorithm()?;
        if self.place == Place::Query {
            self.check_missing(&[
                ("X-Amz-Credential", &self.credential),
                ("X-Amz-Signature", &self.signature),
                ("X-Amz-Date", &self.date),
                ("X-Amz-SignedHeaders", &self.signed_headers),
                ("X-Amz-Expires", &self.expires),
            ])?;
        }
        let at = self.at()?;
        let expires = self.expires()?;
        match expires {
            Some(expires) => check_url_time(at, expires, endpoint.now)?,
            None => check_skew(at, endpoint.now)?,
        }
        self.check_missing(&[
            ("Credential", &self.credential),
            ("SignedHeaders", &self.signed_headers),
            ("Signature", &self.signature),
        ])?;
        let (access_key_id, scope) = self.scope(at, endpoint)?;
        let signed_headers = self.signed_headers();
        let payload = self.s3_payload(request, &signed_headers)?;
        check_signed(request, &signed_headers, &["x-amz-content-sha256", "x-amz-user-agent"])?;
        Ok(self.present(at, expires, access_key_id, scope, signed_headers, payload))
    }

    /// As the other services do. A presigned URL of theirs lives as long as a signed header
    /// does, whatever its `X-Amz-Expires`: STS, whose URLs travel furthest, is known for it.
    fn judge(
        self,
        request: &Request<'_>,
        endpoint: &Endpoint<'_>,
    ) -> Result<Presented, SignatureError> {
        self.check_algorithm()?;
        if self.stray {
            let authorization = self.authorization;
            return Err(SignatureError::MalformedAuthorization { authorization });
        }
        match self.place {
            Place::Header => self.check_missing(&[
                ("Credential", &self.credential),
                ("Signature", &self.signature),
                ("SignedHeaders", &self.signed_headers),
                ("X-Amz-Date", &self.date),
            ])?,
            Place::Query => self.check_missing(&[
                ("X-Amz-Credential", &self.credential),
                ("X-Amz-Signature", &self.signature),
                ("X-Amz-SignedHeaders", &self.signed_headers),
                ("X-Amz-Date", &self.date),
            ])?,
        }
        let signed_headers = self.signed_headers();
        // The token proves itself by fitting its key, so it may be added after signing; the
        // hash header is not used outside S3; the date is in the string to sign.
        let exempt =
            ["x-amz-security-token", "x-amz-content-sha256", "x-amz-date", "x-amz-user-agent"];
        check_signed(request, &signed_headers, &exempt)?;
        let at = self.at()?;
        let expires = self.expires()?;
        check_skew(at, endpoint.now)?;
        let (access_key_id, scope) = self.scope(at, endpoint)?;
        let payload = PayloadHash::OfBody;
        Ok(self.present(at, expires, access_key_id, scope, signed_headers, payload))
    }

    fn present(
        self,
        at: Timestamp,
        expires: Option<Duration>,
        access_key_id: String,
        scope: Scope,
        signed_headers: Vec<String>,
        payload: PayloadHash,
    ) -> Presented {
        Presented {
            place: self.place,
            access_key_id,
            scope,
            signed_headers,
            signature: self.signature.unwrap_or_default(),
            at,
            expires,
            session_token: self.session_token,
            payload,
        }
    }

    fn check_algorithm(&self) -> Result<(), SignatureError> {
        if self.algorithm == ALGORITHM {
            return Ok(());
        }
        Err(SignatureError::UnsupportedAlgorithm {
            place: self.place,
            algorithm: self.algorithm.clone(),
            authorization: self.authorization.clone(),
        })
    }

    /// An empty part is as good as none.
    fn check_missing(
        &self,
        needed: &[(&'static str, &Option<String>)],
    ) -> Result<(), SignatureError> {
        let absent = |part: &Option<String>| part.as_deref().unwrap_or_default().is_empty();
        let parts: Vec<_> =
            needed.iter().filter(|(_, part)| absent(part)).map(|(name, _)| *name).collect();
        if parts.is_empty() {
            return Ok(());
        }
        let authorization = self.authorization.clone();
        Err(SignatureError::MissingParts { place: self.place, parts, authorization })
    }

    /// `X-Amz-Date` in its one form, or, in a header, `Date` in HTTP's.
    fn at(&self) -> Result<Timestamp, SignatureError> {
        let date = self.date.as_deref().unwrap_or_default();
        let http_date = || match self.place {
            Place::Header => Timestamp::parse_http_date(date),
            Place::Query => None,
        };
        Timestamp::parse_basic(date).or_else(http_date).ok_or_else(|| {
            SignatureError::MalformedDate { place: self.place, date: date.to_owned() }
        })
    }

    fn expires(&self) -> Result<Option<Duration>, SignatureError> {
        let Some(text) = &self.expires else { return Ok(None) };
        let fault = |fault| Err(SignatureError::MalformedExpires(fault));
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return fault(ExpiresFault::NotANumber);
        }
        if digits.len() < text.len() {
            return fault(ExpiresFault::Negative);
        }
        match digits.parse() {
            Ok(secs @ 0..=EXPIRES_MAX_SECS) => Ok(Some(Duration::from_secs(secs))),
            _ => fault(ExpiresFault::TooLong),
        }
    }

    fn signed_headers(&self) -> Vec<String> {
        let list = self.signed_headers.as_deref().unwrap_or_default();
        let mut names: Vec<_> = cut::every(list, b';').map(str::to_ascii_lowercase).collect();
        names.sort_unstable();
        names
    }

    /// The access key id and the scope of `KEY/DATE/REGION/SERVICE/aws4_request`.
    fn scope(
        &self,
        at: Timestamp,
        endpoint: &Endpoint<'_>,
    ) -> Result<(String, Scope), SignatureError> {
        let credential = self.credential.as_deref().unwrap_or_default();
        let mut parts = cut::every(credential, b'/');
        let parts: [_; 6] = std::array::from_fn(|_| parts.next());
        let [Some(access_key_id), Some(date), Some(region), Some(service), Some(terminator), None] =
            parts
        else {
            let credential = credential.to_owned();
            return Err(SignatureError::MalformedCredential { place: self.place, credential });
        };
        let scope = region.parse::<Region>().ok().map(|region| Scope::new(at, region, service));
        let mut faults = Vec::new();
        if scope.is_none() {
            let (given, expected) = (region.to_owned(), endpoint.region.to_string());
            faults.push(ScopeFault::Region { given, expected });
        }
        if service != endpoint.service {
            let (given, expected) = (service.to_owned(), endpoint.service.to_owned());
            faults.push(ScopeFault::Service { given, expected });
        }
        if terminator != TERMINATOR {
            faults.push(ScopeFault::Terminator { given: terminator.to_owned() });
        }
        if scope.as_ref().is_none_or(|scope| scope.date != date) {
            faults.extend(date_fault(date, at));
        }
        match scope {
            Some(scope) if faults.is_empty() => Ok((access_key_id.to_owned(), scope)),
            _ => Err(SignatureError::Scope { place: self.place, faults }),
        }
    }

    /// A header says what it covers. A URL covers no body, unless it signed such a header or
    /// carries its value as a parameter, which some SDKs add.
    fn s3_payload(
        &self,
        request: &Request<'_>,
        signed_headers: &[String],
    ) -> Result<PayloadHash, SignatureError> {
        const NAME: &str = "x-amz-content-sha256";
        let header = request.header(&CONTENT_SHA256);
        if self.place == Place::Header {
            return PayloadHash::parse(header.ok_or(SignatureError::MissingContentSha256)?);
        }
        match (header, request.parameter("X-Amz-Content-Sha256")?) {
            (Some(header), _) if signed_headers.iter().any(|name| name == NAME) => {
                PayloadHash::parse(header)
            }
            (_, Some(parameter)) => PayloadHash::parse(&parameter),
            _ => Ok(PayloadHash::Unsigned),
        }
    }
}

fn date_fault(date: &str, at: Timestamp) -> Option<ScopeFault> {
    if date.len() != 8 || !date.bytes().all(|b| b.is_ascii_digit()) {
        return Some(ScopeFault::DateForm { given: date.to_owned() });
    }
    let mut expected = at.to_basic();
    expected.truncate(8);
    (date != expected).then(|| ScopeFault::Date { given: date.to_owned(), expected })
}

fn check_skew(at: Timestamp, now: Timestamp) -> Result<(), SignatureError> {
    if now.since(at) > SKEW_MAX || at.since(now) > SKEW_MAX {
        return Err(SignatureError::Skewed { at, now });
    }
    Ok(())
}

fn check_url_time(at: Timestamp, expires: Duration, now: Timestamp) -> Result<(), SignatureError> {
    if at.since(now) > SKEW_MAX {
        return Err(SignatureError::UrlNotYetValid { at, expires, now });
    }
    if now > at + expires || expires.is_zero() {
        return Err(SignatureError::UrlExpired { at, expires, now });
    }
    Ok(())
}

/// The host and every `x-amz-*` header must be covered, or a signature for one request would
/// be good for another.
fn check_signed(
    request: &Request<'_>,
    signed_headers: &[String],
    exempt: &[&str],
) -> Result<(), SignatureError> {
    let signed = |name: &str| signed_headers.iter().any(|signed| signed == name);
    let mut missing = Vec::new();
    if !signed("host") && !signed(":authority") {
        missing.push("host".to_owned());
    }
    for name in request.headers.keys().map(http::HeaderName::as_str) {
        if name.starts_with("x-amz-") && !exempt.contains(&name) && !signed(name) {
            missing.push(name.to_owned());
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(SignatureError::HeadersNotSigned(missing)) }
}
