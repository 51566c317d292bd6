//! Buckets as websites: what a browser is answered.
//!
//! ```text
//! redirect all ─▶ routing rules by key ─▶ object (or a folder's index) ─▶ its own redirect
//!                                            │ refused
//!                     folder ─▶ routing rules by error ─▶ error document ─▶ S3's own page
//! ```
//!
//! Visitors are anonymous: pages are read through the same operation, and allowed by the same
//! policies, as anyone's GetObject.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html>

mod page;
mod redirect;

use aws::protocol::Head;
use aws::{Body, Call, Decision, Error, Protocol, sigv4};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};

use crate::bucket::cors::Resource;
use crate::model::{GetObjectOutput, GetObjectRequest, Input, MODEL};
use crate::row::{Pages, Website};
use crate::{S3, authorization, bucket, error, object};
use redirect::Target;

pub use page::error_page;

/// A request to a website's host.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// Anonymous.
    pub call: &'a Call,
    pub bucket: &'a str,
    pub parts: &'a Parts,
}

/// Headers of a visit that an object's answer depends on.
const CONDITIONAL: [header::HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

impl S3 {
    /// Answers a visitor.
    ///
    /// # Errors
    /// To be shown as an [`error_page`]: what no error document can stand for, and failures.
    pub async fn visit(&self, visit: Visit<'_>) -> Result<Response<Body>, Error> {
        if visit.parts.method == Method::OPTIONS {
            return self.visit_preflight(visit);
        }
        if ![Method::GET, Method::HEAD].contains(&visit.parts.method) {
            return Err(not_allowed(&visit.parts.method));
        }
        let bucket = self.bucket(self.engine(), visit.bucket)?;
        let pages = match &bucket.website {
            None => return Err(bucket::website::none(visit.bucket)),
            Some(Website::RedirectAll { host, protocol }) => {
                let target =
                    Target { host: Some(host), protocol: protocol.as_deref(), ..visit.target() };
                let path = visit.parts.uri.path();
                return Ok(target.redirect(StatusCode::MOVED_PERMANENTLY, path));
            }
            Some(Website::Pages(pages)) => pages,
        };
        let key = visit.key()?;
        if let Some(rule) = pages.rules.iter().find(|rule| rule.applies(&key, None)) {
            return Ok(visit.target().by_rule(rule, &key));
        }
        let asked = if key.is_empty() || key.ends_with('/') {
            format!("{key}{}", pages.index)
        } else {
            key.clone()
        };
        let refused = match self.page(visit, &asked).await {
            Ok(output) => return visit.answer(output),
            Err(error) if error.status >= 500 || error.status == 304 => return Err(error),
            Err(error) => error,
        };
        // Also where the visitor may not know that there is no such key.
        let missing = matches!(refused.status, 403 | 404);
        if missing && asked == key && self.is_folder(visit, &key, pages).await? {
            let path = format!("{}/", visit.parts.uri.path());
            return Ok(visit.target().here(StatusCode::FOUND, &path));
        }
        let rule = pages.rules.iter().find(|rule| rule.applies(&key, Some(refused.status)));
        if let Some(rule) = rule {
            return Ok(visit.target().by_rule(rule, &key));
        }
        match &pages.error {
            Some(document) => self.error_document(visit, document, refused).await,
            None => Err(refused),
        }
    }

    fn visit_preflight(&self, visit: Visit<'_>) -> Result<Response<Body>, Error> {
        let headers = &visit.parts.headers;
        let allowed = self.preflight(Some(visit.bucket), Resource::Object, headers)?;
        let mut response = Response::new(Body::default());
        for (name, value) in allowed {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }

    /// Reads an object as the visitor may.
    async fn page(&self, visit: Visit<'_>, key: &str) -> Result<GetObjectOutput, Error> {
        let input = visit.input(key)?;
        let asked = Input::GetObject(input.clone());
        self.authorize_visit(visit.call, &asked).await?;
        object::get::get(self, visit.call, input).await
    }

    async fn authorize_visit(&self, call: &Call, input: &Input) -> Result<(), Error> {
        for check in authorization::checks(self, call, input).await? {
            if let Decision::Denied { .. } = self.inner.authorizer.authorize(call, &check).await? {
                return Err(error::access_denied());
            }
        }
        Ok(())
    }

    async fn is_folder(&self, visit: Visit<'_>, key: &str, pages: &Pages) -> Result<bool, Error> {
        let index = format!("{key}/{}", pages.index);
        match self.page(visit, &index).await {
            Ok(_) => Ok(true),
            Err(error) if error.status >= 500 => Err(error),
            // A condition that fails says that it is there.
            Err(error) => Ok(matches!(error.status, 304 | 412 | 416)),
        }
    }

    /// The website's own page for an error, with the error's status.
    async fn error_document(
        &self,
        visit: Visit<'_>,
        document: &str,
        refused: Error,
    ) -> Result<Response<Body>, Error> {
        let mut parts = visit.parts.clone();
        CONDITIONAL.iter().for_each(|name| {
            parts.headers.remove(name);
        });
        let visit = Visit { parts: &parts, ..visit };
        match self.page(visit, document).await {
            Ok(output) => {
                let mut response = visit.answer(output)?;
                *response.status_mut() =
                    StatusCode::from_u16(refused.status).unwrap_or(StatusCode::NOT_FOUND);
                page::name_error(response.headers_mut(), &refused);
                Ok(response)
            }
            Err(nested) if nested.status >= 500 => Err(nested),
            Err(nested) => Err(Error { source: Some(Box::new(nested)), ..refused }),
        }
    }
}

impl<'a> Visit<'a> {
    /// The key that the path names.
    fn key(&self) -> Result<String, Error> {
        let path = self.parts.uri.path().strip_prefix('/').unwrap_or_default();
        let key = sigv4::decode(path.as_bytes()).map(std::borrow::Cow::into_owned);
        key.and_then(|key| String::from_utf8(key).ok()).ok_or_else(|| {
            Error::client(400, "InvalidURI", "Couldn't parse the specified URI.")
                .with_detail("URI", self.parts.uri.path())
        })
    }

    /// GetObject of a key, with the visit's conditions and range.
    fn input(&self, key: &str) -> Result<GetObjectRequest, Error> {
        let path = format!("/{}/{}", self.bucket, redirect::encoded(key));
        let mut request = Request::get(path);
        for name in CONDITIONAL {
            for value in self.parts.headers.get_all(&name) {
                request = request.header(&name, value);
            }
        }
        let (parts, ()) = request.body(()).map_err(Error::internal)?.into_parts();
        let head = Head::find(&MODEL, &parts)?;
        let input = head.with_body(Body::default())?.input()?;
        match input.take::<Input>()? {
            Input::GetObject(input) => Ok(input),
            _ => Err(Error::internal("a page's address is another operation's")),
        }
    }

    fn target(&self) -> Target<'a> {
        Target {
            host: None,
            protocol: None,
            own_host: self.call.host.as_deref().unwrap_or(self.bucket),
            own_protocol: if self.call.secure_transport { "https" } else { "http" },
            query: self.parts.uri.query(),
        }
    }

    fn answer(&self, output: GetObjectOutput) -> Result<Response<Body>, Error> {
        if let Some(location) = &output.website_redirect_location {
            return Ok(self.target().to_location(location));
        }
        let operation = MODEL
            .operation("GetObject")
            .ok_or_else(|| Error::internal("the model has no GetObject"))?;
        let output = aws::service::answer(Ok(output))?;
        let id = &self.call.request_id;
        let mut response = Protocol::RestXml.answer(&MODEL, operation, output, id);
        if response.headers().contains_key(header::CONTENT_RANGE) {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        if self.parts.method == Method::HEAD {
            *response.body_mut() = Body::default();
        }
        Ok(response)
    }
}

fn not_allowed(method: &Method) -> Error {
    let why = "The specified method is not allowed against this resource.";
    Error::client(405, "MethodNotAllowed", why)
        .with_detail("Method", method.as_str())
        .with_detail("ResourceType", "OBJECT")
        .with_header("allow", "HEAD, GET")
}
