//! Browser uploads: a form that is posted to a bucket becomes a PutObject of whoever signed it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws::body::Chunks;
use aws::protocol::Head;
use aws::sigv4::{self, ServiceKind};
use aws::{Body, Call, Error, Identity, Protocol, Region};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response};
use s3::form::{Answered, Claimed, Fields, FileScanner, PostPolicy, Sizes, boundary, read_opening};
use s3::model::{self, MODEL};

use super::arriving::{Arriving, Lent};
use super::authenticate::Covered;
use super::{Known, Named};
use crate::front::Front;
use crate::front::authenticate::Caller;
use crate::listener::Peer;
use crate::log::RequestLine;

/// Whether a request is a form's: posted to a bucket, about nothing in particular.
pub(super) fn is_form(named: &Named, parts: &Parts) -> bool {
    parts.method == Method::POST
        && named.bucket.is_some()
        && named.resource == s3::bucket::cors::Resource::Bucket
        && parts.uri.query().is_none_or(str::is_empty)
        && !parts.headers.contains_key(header::AUTHORIZATION)
}

impl Front {
    pub(super) async fn post_form(
        &self,
        parts: &Parts,
        peer: Peer,
        incoming: Lent,
        known: &mut Known,
        line: &mut RequestLine,
    ) -> Result<Response<Body>, Error> {
        line.action = "PostObject".into();
        let bucket = known.bucket.clone().unwrap_or_default();
        known.home = self.s3.region_of(&bucket)?;
        let content_type = parts.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = boundary(content_type)?;
        let mut arriving = Arriving::new(incoming, Covered::Unsigned, &parts.headers)?;
        let Some(length) = arriving.len() else {
            let why = "You must provide the Content-Length HTTP header.";
            return Err(Error::client(411, "MissingContentLength", why));
        };
        let mut begun = BytesMut::new();
        let opening = loop {
            if let Some(opening) = read_opening(&boundary, &begun)? {
                break opening;
            }
            match arriving.next().await {
                Some(bytes) => begun.extend_from_slice(&bytes?),
                None => return Err(ended()),
            }
        };
        let first = begun.split_off(opening.bytes).freeze();
        let fields = &opening.fields;
        let key = fields.required("key")?;
        let key = match &opening.filename {
            Some(filename) => key.replace("${filename}", filename),
            None => key.to_owned(),
        };
        let (caller, sizes) = self.signer(fields, &bucket, &key, known).await?;
        line.caller(&caller);
        let call = self.call(caller, parts, peer, &line.request_id);

        let scanner = FileScanner::new(&boundary);
        let rest = length.saturating_sub(opening.bytes as u64);
        let at_most = scanner.bytes_at_most(rest);
        let file = File { arriving, scanner, first, sizes, bytes: 0 };
        let file: Chunks = Box::pin(file);
        let put = put_request(&bucket, &key, fields)?;
        let body = Body::stream_of_at_most(file, at_most);
        let output = self.put_file(&put, &call, body, line).await?;
        let location = location(&call, known, parts, &key);
        let answered =
            Answered { bucket: &bucket, key: &key, location: &location, headers: output.headers() };
        Ok(answered.response(fields))
    }

    async fn put_file(
        &self,
        put: &Parts,
        call: &Call,
        body: Body,
        line: &mut RequestLine,
    ) -> Result<Response<Body>, Error> {
        let head = Head::find(&MODEL, put)?;
        let operation = head.operation;
        let input = head.with_body(body)?.input()?;
        let checks = self.s3_service.checks(call, &input).await?;
        line.decision = "denied";
        self.authorize_s3(call, &checks).await?;
        line.decision = "allowed";
        let output = self.s3_service.serve(call, input).await?;
        Ok(Protocol::RestXml.answer(&MODEL, operation, output, &call.request_id))
    }

    /// Who made the form, and how large its file may be. Nobody, where it is not signed.
    async fn signer(
        &self,
        fields: &Fields,
        bucket: &str,
        key: &str,
        known: &Known,
    ) -> Result<(Caller, Sizes), Error> {
        let default = || known.home.clone().unwrap_or_else(|| self.region.clone());
        let Some(claimed) = Claimed::read(fields)? else {
            let caller = Caller { identity: Identity::anonymous(), region: default() };
            return Ok((caller, Sizes::default()));
        };
        let region = match &claimed {
            Claimed::V4 { scope, .. } => scope.region.clone(),
            Claimed::V2 { .. } => default(),
        };
        check_region(&region, known, fields)?;
        let token = fields.get("x-amz-security-token");
        let key_id = claimed.access_key_id();
        let authenticator = &self.authenticator;
        let credential = authenticator
            .credentials
            .find(key_id, token, authenticator.clock.now())
            .await
            .map_err(|error| sigv4::credential_refusal(error, ServiceKind::S3, key_id, token))?;
        claimed
            .verify(&credential.secret_access_key)
            .map_err(|error| error.to_error(ServiceKind::S3))?;
        let policy = PostPolicy::parse(claimed.policy())?;
        let mut judged = fields.clone();
        judged.set("key", key.to_owned());
        judged.set("bucket", bucket.to_owned());
        policy.check(&judged, fields, authenticator.wall.now())?;
        Ok((Caller { identity: credential.identity, region }, policy.sizes))
    }
}

fn check_region(region: &Region, known: &Known, fields: &Fields) -> Result<(), Error> {
    match &known.home {
        Some(home) if home != region => {
            let why = format!("the region '{region}' is wrong; expecting '{home}'");
            let credential = fields.get("x-amz-credential").unwrap_or_default();
            Err(Error::client(400, "InvalidArgument", why)
                .with_detail("ArgumentName", "X-Amz-Credential")
                .with_detail("ArgumentValue", credential)
                .with_detail("Region", home.as_str()))
        }
        _ => Ok(()),
    }
}

/// The PutObject that the form stands for.
fn put_request(bucket: &str, key: &str, fields: &Fields) -> Result<Parts, Error> {
    let mut request = Request::put(format!("/{bucket}/{}", encoded(key)));
    for (name, value) in fields.headers() {
        let unfit = || {
            Error::client(400, "InvalidArgument", "A field cannot be a header")
                .with_detail("ArgumentName", name.clone())
        };
        let header: HeaderName = name.parse().map_err(|_| unfit())?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unfit())?;
        request = request.header(header, value);
    }
    if let Some(tags) = fields.get("tagging") {
        request = request.header("x-amz-tagging", tagging(bucket, tags)?);
    }
    let (parts, ()) = request
        .body(())
        .map_err(|_| Error::client(400, "InvalidURI", "Couldn't parse the specified URI."))?
        .into_parts();
    Ok(parts)
}

/// A form has its tags as a document, PutObject as a query.
fn tagging(bucket: &str, document: &str) -> Result<String, Error> {
    let request = Request::put(format!("/{bucket}/key?tagging")).body(());
    let (parts, ()) = request.map_err(Error::internal)?.into_parts();
    let body = Bytes::copy_from_slice(document.as_bytes());
    let input = Head::find(&MODEL, &parts)?.with_body(body)?.input()?;
    let model::Input::PutObjectTagging(input) = input.take()? else {
        return Err(Error::internal("tags are another operation's"));
    };
    let pairs = input.tagging.tag_set.iter();
    let pairs = pairs.map(|tag| format!("{}={}", encoded(&tag.key), encoded(&tag.value)));
    Ok(pairs.collect::<Vec<_>>().join("&"))
}

/// Where the object is, by the address that the form was sent to.
fn location(call: &Call, known: &Known, parts: &Parts, key: &str) -> String {
    let scheme = if call.secure_transport { "https" } else { "http" };
    let host = call.host.as_deref().unwrap_or_default();
    let in_path = parts.uri.path().len() > 1;
    let bucket = known.bucket.as_deref().filter(|_| in_path);
    let bucket = bucket.map_or_else(String::new, |bucket| format!("{bucket}/"));
    format!("{scheme}://{host}/{bucket}{}", encoded(key))
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A form's file on its way in, judged by the policy's sizes.
struct File {
    arriving: Arriving,
    scanner: FileScanner,
    /// What came with the fields.
    first: Bytes,
    sizes: Sizes,
    bytes: u64,
}

impl Stream for File {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.scanner.ended() {
                return Poll::Ready(this.sizes.check_min(this.bytes).err().map(Err));
            }
            let next = if this.first.is_empty() {
                match ready!(this.arriving.poll_next_unpin(context)) {
                    Some(Ok(bytes)) => bytes,
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => return Poll::Ready(Some(Err(ended()))),
                }
            } else {
                std::mem::take(&mut this.first)
            };
            let bytes = this.scanner.push(next);
            this.bytes += bytes.len() as u64;
            if let Err(error) = this.sizes.check_max(this.bytes) {
                return Poll::Ready(Some(Err(error)));
            }
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
    }
}

fn ended() -> Error {
    let why = "The body of your POST request is not well-formed multipart/form-data.";
    Error::client(400, "MalformedPOSTRequest", why)
}
