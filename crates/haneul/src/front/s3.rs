//! S3's way of a request, which differs from the others': the host may name a bucket, callers
//! may be anonymous, bodies are handed on while they arrive, and answers have headers of their
//! own.
//!
//! `address → authenticate → operation → region → parse → authorize → serve → print`
//!
//! The signature is judged on the request as it was sent; only then is the path made path-style,
//! for the one parser. What follows the head is not read before the request is authorized,
//! unless the body is a document.

mod arriving;
mod authenticate;
mod form;
mod region;
mod rewrite;
mod website;

use std::panic::AssertUnwindSafe;

use aws::protocol::{self, Head};
use aws::{Call, Check, Error, Principal, Protocol, Region, sigv4};
use futures_util::FutureExt;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use s3::address::{Address, Kind};
use s3::bucket::cors::{CorsHeaders, Resource};
use s3::model::MODEL;
use tokio::time::timeout;

use super::authenticate::Caller;
use super::body::{self, Outgoing};
use super::{Front, authorize, chain, route};
use crate::limits;
use crate::listener::{Entrance, Peer};
use crate::log::RequestLine;
use arriving::{Arriving, Back};

/// What is known of a request by the time it is answered, for the answer's headers.
#[derive(Default)]
struct Known {
    operation: &'static str,
    bucket: Option<String>,
    /// Where the bucket is.
    home: Option<Region>,
}

impl Front {
    /// Whether a request is S3's, by its head alone; `claimed` is [`route::claimed_service`]'s.
    pub(super) fn is_for_s3(&self, parts: &Parts, claimed: Option<&str>) -> bool {
        if let Some(service) = claimed {
            return service == MODEL.signing_name;
        }
        let by_host = || route::host(parts).and_then(|host| Address::of_host(host, &self.domain));
        if route::is_form(&parts.headers) && by_host().is_none() {
            return false;
        }
        let route = route::route(&self.services, &self.domain, parts, None, b"");
        matches!(route, route::Route::Served(service) if service.model().signing_name == MODEL.signing_name)
    }

    pub(super) async fn answer_s3(
        &self,
        mut parts: Parts,
        incoming: Incoming,
        peer: Peer,
    ) -> Response<Outgoing> {
        let request_id = request_id(&self.random.uuid());
        let mut line = RequestLine::new(request_id.clone());
        line.service = MODEL.signing_name.into();
        let host = route::host(&parts);
        let address = host.and_then(|host| Address::of_host(host, &self.domain));
        let address = match peer.entrance {
            Entrance::Api => address.unwrap_or_else(Address::path_style),
            Entrance::FrontDoor => website::of_host(host, address),
        };
        let asked = Named::of(&address, &parts);
        let cors = match &asked.bucket {
            Some(bucket) => self.s3.cors_headers(bucket, &parts.method, &parts.headers),
            None => Vec::new(),
        };
        let mut known = Known { bucket: asked.bucket.clone(), ..Known::default() };
        let resource = parts.uri.path().to_owned();
        let (incoming, back) = Back::lend(incoming);
        let answered = async {
            if address.kind == Kind::Website {
                drop(incoming);
                let visit = self.visit(&parts, peer, &address, &request_id, &mut line);
                return Ok(visit.await);
            }
            if parts.method == Method::OPTIONS {
                drop(incoming);
                return self.preflight(&asked, &parts, &mut line);
            }
            if form::is_form(&asked, &parts) {
                return self.post_form(&parts, peer, incoming, &mut known, &mut line).await;
            }
            self.operate_s3(&mut parts, &address, incoming, peer, &mut known, &mut line).await
        };
        let answered = AssertUnwindSafe(answered).catch_unwind().await.unwrap_or_else(|panic| {
            let what = panic.downcast_ref::<String>().cloned();
            let what = what.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Err(Error::internal(format!("panic: {}", what.unwrap_or_default())))
        });
        let mut response = match answered {
            Ok(response) => response,
            Err(error) => {
                if error.status >= 500 {
                    tracing::error!(request_id, error = %chain(&error), "a request failed");
                }
                let error = with_resource(in_s3_words(error), resource);
                line.error_code.clone_from(&error.code);
                Protocol::RestXml.refuse(&MODEL, &error, &request_id, &parts.method)
            }
        };
        let mut unread = back.returned();
        let continued = unread.is_none() && !never_continued(&parts.headers);
        if let Some(incoming) = &mut unread {
            body::discard(&parts.headers, incoming).await;
        }
        // AWS says `100 Continue` before whatever it answers, and botocore takes an answer
        // without it for the beginning of the next one on the same connection.
        let misread = parts.headers.contains_key(header::EXPECT) && !continued;
        if misread || unread.is_some_and(|incoming| !incoming.is_end_stream()) {
            close(&parts, &mut response);
        }
        known.decorate(&mut response, &request_id);
        put(response.headers_mut(), cors);
        line.status = response.status().as_u16();
        self.counters.count(response.status());
        response.map(Outgoing::from)
    }

    /// A browser's question before a request to another site, which nobody signs.
    fn preflight(
        &self,
        asked: &Named,
        parts: &Parts,
        line: &mut RequestLine,
    ) -> Result<Response<aws::Body>, Error> {
        line.action = "Preflight".into();
        let allowed = self.s3.preflight(asked.bucket.as_deref(), asked.resource, &parts.headers)?;
        let mut response = Response::new(aws::Body::default());
        put(response.headers_mut(), allowed);
        Ok(response)
    }

    async fn operate_s3(
        &self,
        parts: &mut Parts,
        address: &Address,
        incoming: arriving::Lent,
        peer: Peer,
        known: &mut Known,
        line: &mut RequestLine,
    ) -> Result<Response<aws::Body>, Error> {
        let request = sigv4::Request::from(&*parts);
        let proof = self.authenticator.authenticate_s3(&request, address.bucket.as_deref()).await?;
        line.account = proof.identity.account.as_ref().map(ToString::to_string);
        rewrite::to_path_style(parts, address.bucket.as_deref())?;
        if proof.in_query {
            rewrite::headers_from_query(parts)?;
        }
        let body = Arriving::new(incoming, proof.covered, &parts.headers)?;
        rewrite::unwrap_chunked(&mut parts.headers, body.decoded_len());
        let parts = &*parts;
        let head = Head::find(&MODEL, parts).inspect_err(|error| {
            if let Some((_, name)) = error.details.iter().find(|(name, _)| *name == "Operation") {
                self.refused.count(MODEL.signing_name, name);
            }
        })?;
        known.operation = head.operation.name;
        line.action = head.operation.name.into();
        if let Some(bucket) = head.label("Bucket") {
            known.bucket = Some(bucket.to_owned());
            known.home = self.s3.region_of(bucket)?;
        }
        let region = region::of_request(address, proof.region.as_ref(), known, &self.domain)?;
        let region = region.unwrap_or_else(|| self.region.clone());
        let caller = Caller { identity: proof.identity, region };
        line.caller(&caller);
        let call = self.call(caller, parts, peer, &line.request_id);
        let call = Call { signature: proof.signature, ..call };
        if call.identity.principal != Principal::Anonymous {
            (self.note_use)(&call, MODEL.signing_name);
        }
        self.serve_s3(head, &parts.headers, &call, body, line).await
    }

    async fn serve_s3(
        &self,
        head: Head<'_>,
        headers: &HeaderMap,
        call: &Call,
        body: Arriving,
        line: &mut RequestLine,
    ) -> Result<Response<aws::Body>, Error> {
        let operation = head.operation;
        let streams = head.streams();
        let body = if streams {
            body.into_body()
        } else {
            let trailers = body.trailers();
            let document = body.collect().await?;
            s3::checksum::check_document(operation.name, headers, &trailers, &document)?;
            document.into()
        };
        let input = head.with_body(body)?.input()?;
        let checks = self.s3_service.checks(call, &input).await?;
        line.decision = "denied";
        self.authorize_s3(call, &checks).await?;
        line.decision = "allowed";
        let serving = self.s3_service.serve(call, input);
        // An object may take as long as its bytes keep coming.
        let served = if streams {
            serving.await
        } else {
            timeout(limits::S3_OPERATION_MAX, serving)
                .await
                .unwrap_or_else(|_| Err(Error::unavailable("the operation did not end in time")))
        };
        let mut response = Protocol::RestXml.answer(&MODEL, operation, served?, &line.request_id);
        if response.headers().contains_key(header::CONTENT_RANGE) {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        Ok(response)
    }

    async fn authorize_s3(&self, call: &Call, checks: &[Check]) -> Result<(), Error> {
        let authorizer = self.authorizer.as_ref();
        let allowed = authorize::authorize(authorizer, call, checks, Protocol::RestXml).await;
        allowed.map_err(|error| match call.identity.principal {
            Principal::Anonymous if error.code == "AccessDenied" => anonymous_denied(),
            _ => error,
        })
    }
}

fn anonymous_denied() -> Error {
    Error::access_denied("Access Denied")
}

/// What a request names, signed or not.
struct Named {
    bucket: Option<String>,
    resource: Resource,
}

impl Named {
    fn of(address: &Address, parts: &Parts) -> Self {
        let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
        let (bucket, key) = match &address.bucket {
            Some(bucket) => (Some(bucket.clone()), path),
            None => {
                let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
                ((!bucket.is_empty()).then(|| bucket.to_owned()), key)
            }
        };
        let resource = if key.is_empty() { Resource::Bucket } else { Resource::Object };
        Self { bucket, resource }
    }
}

fn put(headers: &mut HeaderMap, more: CorsHeaders) {
    for (name, value) in more {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// Whether the body is empty, so that nothing asks for it to be sent.
fn never_continued(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_LENGTH).is_some_and(|length| length == "0")
}

/// Tells the client that this connection ends here; hyper ends it when it has said so.
fn close(parts: &Parts, response: &mut Response<aws::Body>) {
    if parts.version < Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// S3's own form: sixteen upper-case letters and digits.
fn request_id(uuid: &str) -> String {
    let digits = uuid.chars().filter(char::is_ascii_alphanumeric).take(16);
    digits.map(|c| c.to_ascii_uppercase()).collect()
}

/// What all services share is called otherwise by S3, and its clients know it so.
fn in_s3_words(error: Error) -> Error {
    let (code, message) = match error.code.as_ref() {
        "InternalFailure" => {
            ("InternalError", "We encountered an internal error. Please try again.")
        }
        "ServiceUnavailable" => ("ServiceUnavailable", "Service is unable to handle request."),
        _ => return error,
    };
    Error { code: code.into(), message: message.into(), ..error }
}

/// Errors that name nothing else name the path.
fn with_resource(error: Error, path: String) -> Error {
    if error.details.is_empty() { error.with_detail("Resource", path) } else { error }
}

impl Known {
    fn decorate(&self, response: &mut Response<aws::Body>, request_id: &str) {
        let headers = response.headers_mut();
        let mut add = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        add("x-amz-request-id", request_id);
        add("x-amz-id-2", &protocol::s3_host_id(request_id));
        add("server", "AmazonS3");
        if let Some(home) = &self.home
            && matches!(self.operation, "HeadBucket" | "ListObjects" | "ListObjectsV2")
        {
            add("x-amz-bucket-region", home.as_str());
        }
    }
}
