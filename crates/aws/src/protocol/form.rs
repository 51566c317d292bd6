//! A query protocol's parameters as a tree: `Filter.1.Value.2=x` is a value four deep.

use std::collections::BTreeMap;

use super::limits::{DEPTH_MAX, PARAMETERS_MAX};
use super::scalar::percent_decode;
use crate::Error;

/// One level of parameters: its own value, and what comes after its name and a dot.
#[derive(Debug, Default, PartialEq)]
pub struct Form {
    pub value: Option<String>,
    pub parts: BTreeMap<String, Form>,
}

impl Form {
    /// Reads the URL's query and the body, which together are one set of parameters.
    ///
    /// # Errors
    /// `MalformedQueryString` for what is not form-encoded UTF-8, for a parameter given twice,
    /// and for more or deeper parameters than the limits.
    pub fn parse(query: &str, body: &[u8]) -> Result<Self, Error> {
        let mut root = Self::default();
        let mut count = 0;
        let pairs = query.as_bytes().split(|b| *b == b'&').chain(body.split(|b| *b == b'&'));
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            count += 1;
            if count > PARAMETERS_MAX {
                return Err(malformed(&format!("more than {PARAMETERS_MAX} parameters")));
            }
            let split = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            let name = decode(&pair[..split])?;
            let value = decode(pair.get(split + 1..).unwrap_or_default())?;
            root.insert(&name, value)?;
        }
        Ok(root)
    }

    pub fn get(&self, name: &str) -> Option<&Self> {
        self.parts.get(name)
    }

    /// The value of a parameter at the top.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.value.as_deref()
    }

    fn insert(&mut self, name: &str, value: String) -> Result<(), Error> {
        let mut at = self;
        for (depth, part) in name.split('.').enumerate() {
            if depth >= DEPTH_MAX {
                return Err(malformed(&format!("a parameter more than {DEPTH_MAX} deep")));
            }
            if !at.parts.contains_key(part) {
                at.parts.insert(part.to_owned(), Self::default());
            }
            at = at.parts.get_mut(part).expect("inserted above if it was not there");
        }
        if at.value.replace(value).is_some() {
            return Err(malformed(&format!("the parameter {name} is given more than once")));
        }
        Ok(())
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
        let got = Form::parse(query, body.as_bytes()).map(|form| {
            let mut all = Vec::new();
            flatten(&form, String::new(), &mut all);
            all
        });
        let expected = expected.map(|pairs| {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        });
        assert_eq!(
            got.map_err(|error| {
                assert_eq!((error.status, error.code.as_ref()), (400, "MalformedQueryString"));
                error.message
            }),
            expected.map_err(|what| format!("The query string contains a syntax error: {what}."))
        );
    }

    fn flatten(form: &Form, name: String, all: &mut Vec<(String, String)>) {
        if let Some(value) = &form.value {
            all.push((name.clone(), value.clone()));
        }
        for (part, form) in &form.parts {
            let name = if name.is_empty() { part.clone() } else { format!("{name}.{part}") };
            flatten(form, name, all);
        }
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
    fn what_is_no_form_is_refused() {
        check("", "A=1&A=1", Err("the parameter A is given more than once"));
        check("Action=Do", "Action=Do", Err("the parameter Action is given more than once"));
        check("", "A=%4", Err(NOT_TEXT));
        check("", "A=%zz", Err(NOT_TEXT));
        check("", "A=%ff", Err(NOT_TEXT));
        check("", &format!("{}=x", "A.".repeat(100)), Err("a parameter more than 64 deep"));
        let many: Vec<String> = (0..=PARAMETERS_MAX).map(|i| format!("A.{i}=x")).collect();
        check("", &many.join("&"), Err("more than 20000 parameters"));
    }
}
