//! Errors as a website shows them, in S3's own HTML.

use aws::{Body, Error, protocol};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};

/// The page for an error that no document of the website stands for.
pub fn error_page(error: &Error, request_id: &str, method: &Method) -> Response<Body> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let bodyless = *method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let html = if bodyless { String::new() } else { html(error, status, request_id) };
    let mut response = Response::new(Body::from(Bytes::from(html)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if status != StatusCode::NOT_MODIFIED {
        name_error(headers, error);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    for (name, value) in &error.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(*name, value);
        }
    }
    response
}

/// The error in headers, for those who see no page.
pub fn name_error(headers: &mut HeaderMap, error: &Error) {
    let mut add = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    };
    add("x-amz-error-code", &error.code);
    add("x-amz-error-message", &error.message);
    for (name, value) in &error.details {
        add(&format!("x-amz-error-detail-{name}"), value);
    }
}

fn html(error: &Error, status: StatusCode, request_id: &str) -> String {
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let host_id = protocol::s3_host_id(request_id);
    let mut items = items(error);
    items.push_str(&item("RequestId", request_id));
    items.push_str(&item("HostId", &host_id));
    let nested = error.source.as_ref().and_then(|source| source.downcast_ref::<Error>());
    let nested = nested.map_or_else(String::new, |nested| {
        let title = "An Error Occurred While Attempting to Retrieve a Custom Error Document";
        format!("<h3>{title}</h3>\n<ul>\n{}</ul>\n", self::items(nested))
    });
    format!(
        "<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n{items}</ul>\n{nested}<hr/>\n</body>\n</html>\n"
    )
}

fn items(error: &Error) -> String {
    let mut items = item("Code", &error.code) + &item("Message", &error.message);
    for (name, value) in &error.details {
        items.push_str(&item(name, value));
    }
    items
}

fn item(name: &str, value: &str) -> String {
    format!("<li>{name}: {}</li>\n", escaped(value))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_error_and_escapes_what_visitors_wrote() {
        let nested = Error::client(403, "AccessDenied", "Access Denied");
        let error = Error::client(404, "NoSuchKey", "The specified key does not exist.")
            .with_detail("Key", "<script>'\"&");
        let error = Error { source: Some(Box::new(nested)), ..error };
        let page = error_page(&error, "ID", &Method::GET);
        assert_eq!(page.status(), 404);
        assert_eq!(page.headers()["x-amz-error-code"], "NoSuchKey");
        assert_eq!(page.headers()["x-amz-error-detail-key"], "<script>'\"&");
        let Body::Bytes(html) = page.body() else { panic!("a stream") };
        let html = std::str::from_utf8(html).expect("text");
        assert!(html.starts_with("<html>\n<head><title>404 Not Found</title></head>\n"), "{html}");
        assert!(html.contains("<li>Key: &lt;script&gt;&#39;&quot;&amp;</li>\n"), "{html}");
        let document = "Custom Error Document</h3>\n<ul>\n<li>Code: AccessDenied</li>\n";
        assert!(html.contains(document), "{html}");
        assert!(error_page(&error, "ID", &Method::HEAD).body().is_empty());
        let unchanged = Error::not_modified().with_header("etag", "\"e\"");
        let unchanged = error_page(&unchanged, "ID", &Method::GET);
        assert!(
            unchanged.body().is_empty() && !unchanged.headers().contains_key("x-amz-error-code")
        );
    }
}
