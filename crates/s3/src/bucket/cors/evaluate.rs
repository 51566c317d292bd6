//! What a bucket's rules say of a request: the answer to a preflight, and the headers beside
//! the answer to an actual request, failed ones included.

use aws::Error;
use http::{HeaderMap, Method, header};

use crate::S3;
use crate::row::CorsRule;

/// Headers to add to an answer.
pub type CorsHeaders = Vec<(&'static str, String)>;

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    Bucket,
    Object,
}

impl S3 {
    /// Answers an OPTIONS request, which nobody signs.
    ///
    /// # Errors
    /// `BadRequest` for what is no preflight, `AccessForbidden` for what is not allowed.
    pub fn preflight(
        &self,
        bucket: Option<&str>,
        resource: Resource,
        headers: &HeaderMap,
    ) -> Result<CorsHeaders, Error> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = text(header::ORIGIN) else {
            let why = "Insufficient information. Origin request header needed.";
            return Err(Error::client(400, "BadRequest", why));
        };
        let method = text(header::ACCESS_CONTROL_REQUEST_METHOD);
        let refuse = |why: &str, resource| {
            let method = method.unwrap_or("OPTIONS");
            forbidden(why, method, resource)
        };
        let rules = match bucket.map(|name| self.bucket(self.engine(), name)) {
            Some(Ok(bucket)) => bucket,
            Some(Err(error)) if error.code != "NoSuchBucket" => return Err(error),
            Some(Err(_)) => return Err(refuse("Bucket not found", Resource::Bucket)),
            None => {
                return Err(refuse("CORS is not enabled for this bucket.", Resource::Bucket));
            }
        };
        if rules.cors.is_empty() {
            return Err(refuse("CORS is not enabled for this bucket.", Resource::Bucket));
        }
        let Some(method) = method.filter(|method| super::METHODS.contains(method)) else {
            let given = method.unwrap_or("null");
            let why = format!("Invalid Access-Control-Request-Method: {given}");
            return Err(Error::client(400, "BadRequest", why));
        };
        let wanted = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
        let asked = Asked { origin, method, headers: names(wanted) };
        asked.answer(&rules.cors).ok_or_else(|| {
            let why = "This CORS request is not allowed. This is usually because the evalution of \
                       Origin, request method / Access-Control-Request-Method or \
                       Access-Control-Request-Headers are not whitelisted by the resource's CORS \
                       spec.";
            refuse(why, resource)
        })
    }

    /// What to add to the answer to an actual request, whatever it is.
    pub fn cors_headers(&self, bucket: &str, method: &Method, headers: &HeaderMap) -> CorsHeaders {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = text(header::ORIGIN) else { return Vec::new() };
        let Ok(bucket) = self.bucket(self.engine(), bucket) else { return Vec::new() };
        // S3 goes by what a preflight would have asked, if the request says that too.
        let method = text(header::ACCESS_CONTROL_REQUEST_METHOD).unwrap_or(method.as_str());
        let wanted = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
        let asked = Asked { origin, method, headers: names(wanted) };
        asked.answer(&bucket.cors).unwrap_or_default()
    }
}

struct Asked<'a> {
    origin: &'a str,
    method: &'a str,
    /// In lower case.
    headers: Vec<String>,
}

fn names(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_ascii_lowercase).collect()
}

fn forbidden(why: &str, method: &str, resource: Resource) -> Error {
    let kind = match resource {
        Resource::Bucket => "BUCKET",
        Resource::Object => "OBJECT",
    };
    Error::client(403, "AccessForbidden", format!("CORSResponse: {why}"))
        .with_detail("Method", method)
        .with_detail("ResourceType", kind)
}

impl Asked<'_> {
    /// By the first rule that fits.
    fn answer(&self, rules: &[CorsRule]) -> Option<CorsHeaders> {
        rules.iter().find_map(|rule| {
            let origin = rule.origins.iter().find(|pattern| fits(pattern, self.origin))?;
            self.fits(rule).then(|| self.headers(rule, origin))
        })
    }

    fn fits(&self, rule: &CorsRule) -> bool {
        let allowed = |name: &String| {
            rule.headers.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), name))
        };
        rule.methods.iter().any(|method| method == self.method) && self.headers.iter().all(allowed)
    }

    fn headers(&self, rule: &CorsRule, origin: &str) -> CorsHeaders {
        let anyone = origin == "*";
        let shown = if anyone { "*" } else { self.origin };
        let mut headers = vec![
            ("access-control-allow-origin", shown.to_owned()),
            ("access-control-allow-methods", rule.methods.join(", ")),
        ];
        if !self.headers.is_empty() {
            headers.push(("access-control-allow-headers", self.headers.join(", ")));
        }
        if !rule.expose.is_empty() {
            headers.push(("access-control-expose-headers", rule.expose.join(", ")));
        }
        if let Some(secs) = rule.max_age_secs {
            headers.push(("access-control-max-age", secs.to_string()));
        }
        if !anyone {
            headers.push(("access-control-allow-credentials", "true".into()));
        }
        let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
        headers.push(("vary", vary.into()));
        headers
    }
}

/// A pattern with one `*` at most, which stands for anything or nothing.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => {
            text.len() >= before.len() + after.len()
                && text.starts_with(before)
                && text.ends_with(after)
        }
    }
}
