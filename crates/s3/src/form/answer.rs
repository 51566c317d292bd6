//! What the sender of a form is answered.

use aws::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, LOCATION};
use http::{HeaderMap, Response, StatusCode};

use super::Fields;

/// An object that a form has put.
pub struct Answered<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    /// The object's address.
    pub location: &'a str,
    /// The answer of the PutObject that was done.
    pub headers: &'a HeaderMap,
}

impl Answered<'_> {
    /// As the form's fields ask: a redirect, or a status.
    pub fn response(&self, fields: &Fields) -> Response<Body> {
        let mut response = Response::new(Body::default());
        *response.headers_mut() = self.headers.clone();
        if let Some(location) = self.redirect(fields) {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(LOCATION, location);
            return response;
        }
        if let Ok(location) = HeaderValue::from_str(self.location) {
            response.headers_mut().insert(LOCATION, location);
        }
        *response.status_mut() = match fields.get("success_action_status") {
            Some("200") => StatusCode::OK,
            Some("201") => {
                *response.body_mut() = Bytes::from(self.document()).into();
                let xml = HeaderValue::from_static("application/xml");
                response.headers_mut().insert(CONTENT_TYPE, xml);
                StatusCode::CREATED
            }
            _ => StatusCode::NO_CONTENT,
        };
        response
    }

    fn etag(&self) -> &str {
        self.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or_default()
    }

    /// What cannot be an address elsewhere is as if it were not there.
    fn redirect(&self, fields: &Fields) -> Option<HeaderValue> {
        let to = fields.get("success_action_redirect").or_else(|| fields.get("redirect"))?;
        let absolute = ["http://", "https://"].iter().any(|scheme| to.starts_with(scheme));
        if !absolute {
            return None;
        }
        let joint = if to.contains('?') { '&' } else { '?' };
        let [bucket, key, etag] = [self.bucket, self.key, self.etag()].map(form_encoded);
        HeaderValue::from_str(&format!("{to}{joint}bucket={bucket}&key={key}&etag={etag}")).ok()
    }

    fn document(&self) -> String {
        let [location, bucket, key, etag] =
            [self.location, self.bucket, self.key, self.etag()].map(escaped);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{location}</Location><Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>{etag}</ETag></PostResponse>"
        )
    }
}

fn form_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_how_it_is_answered() {
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, HeaderValue::from_static("\"e\""));
        let answered = Answered {
            bucket: "b",
            key: "a/b c&",
            location: "http://b.s3.localhost/a%2Fb%20c%26",
            headers: &headers,
        };
        let check = |name: &str, value: &str, expected: (u16, &str, &str)| {
            let mut fields = Fields::default();
            fields.push(name, value);
            let response = answered.response(&fields);
            let location = response.headers()[LOCATION].to_str().expect("text").to_owned();
            let Body::Bytes(body) = response.body() else { panic!("a stream") };
            let body = std::str::from_utf8(body).expect("text");
            assert_eq!((response.status().as_u16(), location.as_str()), (expected.0, expected.1));
            assert!(body.contains(expected.2), "{body}");
        };
        let own = "http://b.s3.localhost/a%2Fb%20c%26";
        check("x", "", (204, own, ""));
        check("success_action_status", "404", (204, own, ""));
        check("success_action_status", "200", (200, own, ""));
        check(
            "success_action_status",
            "201",
            (201, own, "<Key>a/b c&amp;</Key><ETag>&quot;e&quot;</ETag>"),
        );
        let query = "bucket=b&key=a%2Fb+c%26&etag=%22e%22";
        check("success_action_redirect", "http://x/y", (303, &format!("http://x/y?{query}"), ""));
        check("redirect", "https://x?a=1", (303, &format!("https://x?a=1&{query}"), ""));
        check("success_action_redirect", "/relative", (204, own, ""));
    }
}
