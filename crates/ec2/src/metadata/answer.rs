//! One request to the metadata service.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html>

use std::time::Duration;

use aws::Timestamp;
use aws::page::PageTokens;

use super::tree::{Found, find};
use super::{Facts, token};

#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub method: &'a str,
    /// With the version: `/latest/meta-data/`.
    pub path: &'a str,
    /// `X-aws-ec2-metadata-token`
    pub token: Option<&'a str>,
    /// `X-aws-ec2-metadata-token-ttl-seconds`
    pub ttl_seconds: Option<&'a str>,
    /// Whether a proxy sent it on: `X-Forwarded-For`.
    pub is_forwarded: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Body {
        bytes: Vec<u8>,
        /// Of a token that was given out.
        ttl_seconds: Option<u64>,
    },
    /// The role's credentials are wanted.
    Credentials,
    Refused(u16),
}

const TTL_SECONDS_MAX: u64 = 21_600;
const TOKEN_PATH: &str = "api/token";

impl Question<'_> {
    /// Pure: all it knows is in its arguments.
    pub(crate) fn answer(&self, facts: &Facts, tokens: &PageTokens, now: Timestamp) -> Answer {
        if !facts.options.is_enabled {
            return Answer::Refused(403);
        }
        let Some(path) = below_version(self.path) else { return self.versions() };
        match self.method {
            "PUT" if path.trim_end_matches('/') == TOKEN_PATH => {
                self.give_token(facts, tokens, now)
            }
            "PUT" => Answer::Refused(405),
            "GET" | "HEAD" => self.read(path, facts, tokens, now),
            _ => Answer::Refused(405),
        }
    }

    fn give_token(&self, facts: &Facts, tokens: &PageTokens, now: Timestamp) -> Answer {
        if self.is_forwarded {
            return Answer::Refused(403);
        }
        let asked = self.ttl_seconds.and_then(|text| text.parse::<u64>().ok());
        let Some(ttl) = asked.filter(|ttl| (1..=TTL_SECONDS_MAX).contains(ttl)) else {
            return Answer::Refused(400);
        };
        let ends = now + Duration::from_secs(ttl);
        let token = token::make(tokens, &facts.account, &facts.instance_id, ends);
        Answer::Body { bytes: token.into_bytes(), ttl_seconds: Some(ttl) }
    }

    fn read(&self, path: &str, facts: &Facts, tokens: &PageTokens, now: Timestamp) -> Answer {
        let good =
            |token: &str| token::is_good(tokens, &facts.account, &facts.instance_id, now, token);
        match self.token {
            Some(token) if !good(token) => return Answer::Refused(401),
            None if facts.options.needs_token => return Answer::Refused(401),
            _ => {}
        }
        match find(facts, path) {
            Found::Text(text) => Answer::Body { bytes: text.into_bytes(), ttl_seconds: None },
            Found::Bytes(bytes) => Answer::Body { bytes, ttl_seconds: None },
            Found::Credentials => Answer::Credentials,
            Found::Missing => Answer::Refused(404),
        }
    }

    fn versions(&self) -> Answer {
        match self.path {
            "/" | "" => Answer::Body { bytes: b"2021-03-23\nlatest".to_vec(), ttl_seconds: None },
            _ => Answer::Refused(404),
        }
    }
}

/// The rest behind `/latest/` or a version's date.
fn below_version(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let (version, rest) = path.split_once('/').unwrap_or((path, ""));
    let is_date = version.len() == 10
        && version.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    (version == "latest" || is_date).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::super::tests::facts;
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_344_053);

    fn ask(question: Question<'_>, facts: &Facts, now: Timestamp) -> Answer {
        question.answer(facts, &PageTokens::new(b"secret"), now)
    }

    fn get(path: &str) -> Question<'_> {
        Question { method: "GET", path, token: None, ttl_seconds: None, is_forwarded: false }
    }

    fn token(facts: &Facts) -> String {
        let put = Question { method: "PUT", ttl_seconds: Some("60"), ..get("/latest/api/token") };
        let Answer::Body { bytes, ttl_seconds: Some(60) } = ask(put, facts, NOW) else {
            panic!("a token");
        };
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn tokens_are_needed_bound_and_end() {
        let facts = facts();
        let token = token(&facts);
        let with = |token| Question { token: Some(token), ..get("/latest/meta-data/instance-id") };
        let body = Answer::Body { bytes: b"i-1".to_vec(), ttl_seconds: None };
        assert_eq!(ask(with(&token), &facts, NOW), body);
        assert_eq!(ask(get("/latest/meta-data/instance-id"), &facts, NOW), Answer::Refused(401));
        assert_eq!(ask(with("AAAA"), &facts, NOW), Answer::Refused(401));
        let later = NOW + Duration::from_secs(60);
        assert_eq!(ask(with(&token), &facts, later), Answer::Refused(401));
        let mut other = facts.clone();
        other.instance_id = "i-2".into();
        assert_eq!(ask(with(&token), &other, NOW), Answer::Refused(401));
        let mut first = facts.clone();
        first.options.needs_token = false;
        assert_eq!(ask(get("/2021-03-23/meta-data/instance-id"), &first, NOW), body);
        assert_eq!(ask(with("AAAA"), &first, NOW), Answer::Refused(401), "a bad one all the same");
    }

    #[test]
    fn bad_questions_are_refused() {
        let check = |question: Question<'_>, status: u16| {
            assert_eq!(ask(question, &facts(), NOW), Answer::Refused(status), "{question:?}");
        };
        let put = Question { method: "PUT", ttl_seconds: Some("60"), ..get("/latest/api/token") };
        check(Question { ttl_seconds: None, ..put }, 400);
        check(Question { ttl_seconds: Some("0"), ..put }, 400);
        check(Question { ttl_seconds: Some("21601"), ..put }, 400);
        check(Question { is_forwarded: true, ..put }, 403);
        check(Question { path: "/latest/meta-data/", ..put }, 405);
        check(Question { method: "POST", ..put }, 405);
        let token = token(&facts());
        check(Question { token: Some(&token), ..get("/latest/meta-data/nothing") }, 404);
        check(get("/lates/meta-data"), 404);
        let mut off = facts();
        off.options.is_enabled = false;
        assert_eq!(ask(put, &off, NOW), Answer::Refused(403));
    }
}
