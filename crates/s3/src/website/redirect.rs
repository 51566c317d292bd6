//! Where a website sends its visitors.

use aws::Body;
use http::header::{HeaderValue, LOCATION};
use http::{Response, StatusCode};

use crate::row::{Replace, RoutingRule};

/// What a redirect keeps of the request, unless it says otherwise.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub host: Option<&'a str>,
    pub protocol: Option<&'a str>,
    pub own_host: &'a str,
    pub own_protocol: &'a str,
    /// Still encoded.
    pub query: Option<&'a str>,
}

impl RoutingRule {
    /// `refused` is the status of the answer that the rule would stand for, if the request got
    /// so far. A rule that is about errors holds for no request before, and the other way round.
    pub fn applies(&self, key: &str, refused: Option<u16>) -> bool {
        let of_key = self.key_prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix));
        of_key && self.error_code == refused
    }
}

impl Target<'_> {
    /// To a path of the target host, still encoded.
    pub fn redirect(&self, status: StatusCode, path: &str) -> Response<Body> {
        let protocol = self.protocol.unwrap_or(self.own_protocol);
        let host = self.host.unwrap_or(self.own_host);
        let query = self.query.map_or_else(String::new, |query| format!("?{query}"));
        redirect(status, &format!("{protocol}://{host}{path}{query}"))
    }

    /// To another path of the same host.
    pub fn here(&self, status: StatusCode, path: &str) -> Response<Body> {
        let query = self.query.map_or_else(String::new, |query| format!("?{query}"));
        redirect(status, &format!("{path}{query}"))
    }

    pub fn by_rule(self, rule: &RoutingRule, key: &str) -> Response<Body> {
        let target = Target {
            host: rule.host.as_deref().or(self.host),
            protocol: rule.protocol.as_deref().or(self.protocol),
            ..self
        };
        let path = match &rule.replace {
            None => encoded(key),
            Some(Replace::Key(new)) => as_written(new),
            Some(Replace::Prefix(new)) => {
                let prefix = rule.key_prefix.as_deref().unwrap_or_default();
                let rest = key.strip_prefix(prefix).unwrap_or(key);
                format!("{}{}", as_written(new), encoded(rest))
            }
        };
        let status = rule.redirect_code.and_then(|code| StatusCode::from_u16(code).ok());
        target.redirect(status.unwrap_or(StatusCode::MOVED_PERMANENTLY), &format!("/{path}"))
    }

    /// To what an object's `x-amz-website-redirect-location` says: a path, or an address.
    pub fn to_location(self, location: &str) -> Response<Body> {
        redirect(StatusCode::MOVED_PERMANENTLY, &as_written(location))
    }
}

fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// A key as a path: everything but unreserved letters and slashes is encoded.
pub fn encoded(key: &str) -> String {
    encode(key, |byte| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte))
}

/// What the owner wrote keeps its `#`, `?` and `%`; only what no header holds is encoded.
fn as_written(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_graphic())
}

fn encode(text: &str, keeps: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keeps(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Target<'_> = Target {
        host: None,
        protocol: None,
        own_host: "b.s3-website.localhost:4566",
        own_protocol: "http",
        query: None,
    };

    fn location(response: &Response<Body>) -> (u16, &str) {
        let location = response.headers()[LOCATION].to_str().expect("text");
        (response.status().as_u16(), location)
    }

    #[test]
    fn a_rule_says_what_changes() {
        let check = |rule: RoutingRule, key: &str, expected: (u16, &str)| {
            let response = TARGET.by_rule(&rule, key);
            assert_eq!(location(&response), expected, "{rule:?} {key}");
        };
        let host = RoutingRule { host: Some("h".into()), ..Default::default() };
        check(host.clone(), "a b/é", (301, "http://h/a%20b/%C3%A9"));
        let https = RoutingRule {
            protocol: Some("https".into()),
            redirect_code: Some(307),
            ..Default::default()
        };
        check(https, "", (307, "https://b.s3-website.localhost:4566/"));
        let prefix = RoutingRule {
            key_prefix: Some("docs/".into()),
            replace: Some(Replace::Prefix("documents/".into())),
            ..host.clone()
        };
        check(prefix, "docs/x?y", (301, "http://h/documents/x%3Fy"));
        let hash = RoutingRule { replace: Some(Replace::Prefix("#!/".into())), ..host.clone() };
        check(hash, "deep/link", (301, "http://h/#!/deep/link"));
        let key = RoutingRule { replace: Some(Replace::Key("error.html?a=1".into())), ..host };
        check(key, "deep/link", (301, "http://h/error.html?a=1"));
    }

    #[test]
    fn a_rule_is_about_keys_or_about_errors() {
        let rule = |key_prefix: Option<&str>, error_code| RoutingRule {
            key_prefix: key_prefix.map(str::to_owned),
            error_code,
            ..Default::default()
        };
        assert!(rule(Some("a/"), None).applies("a/b", None));
        assert!(!rule(Some("a/"), None).applies("b", None));
        assert!(!rule(Some("a/"), None).applies("a/b", Some(404)));
        assert!(rule(None, None).applies("", None));
        assert!(rule(Some("a/"), Some(404)).applies("a/b", Some(404)));
        assert!(!rule(Some("a/"), Some(404)).applies("a/b", Some(403)));
        assert!(!rule(Some("a/"), Some(404)).applies("a/b", None));
    }

    #[test]
    fn a_query_goes_along() {
        let target = Target { host: Some("h"), query: Some("a=1"), ..TARGET };
        let moved = StatusCode::MOVED_PERMANENTLY;
        assert_eq!(location(&target.redirect(moved, "/x")), (301, "http://h/x?a=1"));
        assert_eq!(location(&target.here(StatusCode::FOUND, "/x/")), (302, "/x/?a=1"));
        assert_eq!(location(&target.to_location("/y\r\nz")), (301, "/y%0D%0Az"));
    }
}
