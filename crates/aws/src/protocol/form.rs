//! A query protocol's parameters, by name: `Filter.1.Value.2=x` is a value four deep.
//!
//! They are kept sorted in one list and looked up by prefix. A tree of them would cost a
//! thousand times its text when every name is deep and different.

use super::limits::{DEPTH_MAX, PARAMETERS_MAX};
use super::scalar::percent_decode;
use crate::Error;

/// All parameters of a request, each given once.
#[derive(Debug, Default, PartialEq)]
pub struct Form {
    /// Sorted by name.
    parameters: Vec<(String, String)>,
}

/// What is known of one name: its own value, and what comes after it and a dot.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub value: Option<&'a str>,
    inner: &'a [(String, String)],
    /// How much of the inner names leads here.
    prefix_len: usize,
}

impl Form {
    /// Reads the URL's query and the body, which together are one set of parameters.
    ///
    /// # Errors
    /// `MalformedQueryString` for what is not form-encoded UTF-8, for a parameter given twice,
    /// and for more or deeper parameters than the limits.
    pub fn parse(query: &str, body: &[u8]) -> Result<Self, Error> {
        let mut parameters = Vec::new();
        let pairs = query.as_bytes().split(|b| *b == b'&').chain(body.split(|b| *b == b'&'));
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            if parameters.len() >= PARAMETERS_MAX {
                return Err(malformed(&format!("more than {PARAMETERS_MAX} parameters")));
            }
            let split = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            let name = decode(&pair[..split])?;
            if name.split('.').count() > DEPTH_MAX {
                return Err(malformed(&format!("a parameter more than {DEPTH_MAX} deep")));
            }
            parameters.push((name, decode(pair.get(split + 1..).unwrap_or_default())?));
        }
        parameters.sort();
        if let Some(twice) = parameters.windows(2).find(|two| two[0].0 == two[1].0) {
            let name = &twice[0].0;
            return Err(malformed(&format!("the parameter {name} is given more than once")));
        }
        Ok(Self { parameters })
    }

    pub fn root(&self) -> Part<'_> {
        Part { value: None, inner: &self.parameters, prefix_len: 0 }
    }

    /// The value of a parameter at the top.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.root().text(name)
    }
}

impl<'a> Part<'a> {
    /// `None` when nothing has this name, nor begins with it and a dot.
    pub fn get(self, name: &str) -> Option<Self> {
        let at = self.prefix_len;
        let from = self.inner.partition_point(|(known, _)| &known[at..] < name);
        let own = self.inner.get(from).filter(|(known, _)| &known[at..] == name);
        // Names that go on are not always next: `A-B` is between `A` and `A.B`.
        let dotted = || name.bytes().chain([b'.']);
        let goes_on = |known: &str| known.strip_prefix(name).is_some_and(|on| on.starts_with('.'));
        let from = self.inner.partition_point(|(known, _)| known[at..].bytes().lt(dotted()));
        let within = self.inner[from..].partition_point(|(known, _)| goes_on(&known[at..]));
        let inner = &self.inner[from..from + within];
        (own.is_some() || !inner.is_empty()).then_some(Self {
            value: own.map(|(_, value)| value.as_str()),
            inner,
            prefix_len: at + name.len() + 1,
        })
    }

    pub fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.value
    }

    pub fn has_parts(self) -> bool {
        !self.inner.is_empty()
    }

    /// The names of the next level, sorted as text.
    pub fn names(self) -> impl Iterator<Item = &'a str> {
        let mut last = None;
        self.inner.iter().filter_map(move |(name, _)| {
            let next = name[self.prefix_len..].split('.').next();
            let is_new = last != next;
            last = next;
            next.filter(|_| is_new)
        })
    }
}

/// `+` and `%20` are both a space.
fn decode(text: &[u8]) -> Result<String, Error> {
    let text = std::str::from_utf8(text).map_err(|_| malformed(NOT_TEXT))?;
    percent_decode(text, true).ok_or_else(|| malformed(NOT_TEXT))
}

const NOT_TEXT: &str = "a name or value that is not percent-encoded UTF-8";

fn malformed(what: &str) -> Error {
    Error::client(
        400,
        "MalformedQueryString",
        format!("The query string contains a syntax error: {what}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, body: &str, expected: Result<&[(&str, &str)], &str>) {
        let got = Form::parse(query, body.as_bytes());
        let got = got.map(|form| form.parameters).map_err(|error| {
            assert_eq!((error.status, error.code.as_ref()), (400, "MalformedQueryString"));
            error.message
        });
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let expected = expected.map(|pairs| pairs.iter().map(owned).collect());
        let sentence = |what| format!("The query string contains a syntax error: {what}.");
        assert_eq!(got, expected.map_err(sentence), "{query} {body:.60}");
    }

    #[test]
    fn query_and_body_are_one_form() {
        check(
            "Action=Do",
            "A.1.B=x+y&A.2.B=%ED%95%98%20&Flag&Empty=&&",
            Ok(&[
                ("A.1.B", "x y"),
                ("A.2.B", "하 "),
                ("Action", "Do"),
                ("Empty", ""),
                ("Flag", ""),
            ]),
        );
        check("A=1", "A.1=2", Ok(&[("A", "1"), ("A.1", "2")]));
    }

    #[test]
    fn a_name_is_found_among_its_neighbours() {
        let form = Form::parse("A=own&A-B=x&A.1=one&A.10=ten&A.2.C=deep&AB=y&B.C=z", b"");
        let form = form.expect("well-formed");
        let check = |path: &[&str], value: Option<&str>, names: &[&str]| {
            let part = path.iter().try_fold(form.root(), |part, name| part.get(name));
            let part = part.expect("the path is there");
            assert_eq!(part.value, value, "{path:?}");
            assert_eq!(part.names().collect::<Vec<_>>(), names, "{path:?}");
        };
        check(&[], None, &["A", "A-B", "A", "AB", "B"]);
        check(&["A"], Some("own"), &["1", "10", "2"]);
        check(&["A", "2"], None, &["C"]);
        check(&["A", "2", "C"], Some("deep"), &[]);
        assert!(form.root().get("C").is_none());
        assert!(form.root().get("A").and_then(|a| a.get("")).is_none());
    }

    #[test]
    fn what_is_no_form_is_refused() {
        check("", "A=1&A=1", Err("the parameter A is given more than once"));
        check("Action=Do", "Action=Do", Err("the parameter Action is given more than once"));
        check("", "A=%4", Err(NOT_TEXT));
        check("", "A=%zz", Err(NOT_TEXT));
        check("", "A=%ff", Err(NOT_TEXT));
        check("", &format!("{}=x", "A.".repeat(64)), Err("a parameter more than 64 deep"));
        let many: Vec<String> = (0..=PARAMETERS_MAX).map(|i| format!("A.{i}=x")).collect();
        check("", &many.join("&"), Err("more than 20000 parameters"));
    }
}
