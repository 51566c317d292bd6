//! An XML document as a tree of bounded size.
//!
//! Document types are refused, and with them every entity but the five that XML itself has: no
//! expansion, nothing external.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::protocol::limits::{DEPTH_MAX, VALUES_MAX};

#[derive(Debug, Default, PartialEq)]
pub(in crate::protocol) struct Element {
    /// Without a namespace prefix.
    pub(in crate::protocol) name: String,
    /// By their names with prefixes (`xsi:type`); namespace declarations are left out.
    pub(in crate::protocol) attributes: Vec<(String, String)>,
    pub(in crate::protocol) children: Vec<Element>,
    /// All character data directly inside, joined.
    pub(in crate::protocol) text: String,
}

/// Why a text is no document that we read; for the log and the messages of services that
/// explain.
#[derive(Debug, thiserror::Error)]
pub(in crate::protocol) enum Malformed {
    #[error("the document is not well-formed: {0}")]
    Xml(String),
    #[error("document types are not allowed")]
    DocumentType,
    #[error("the entity {0} is not allowed")]
    Entity(String),
    #[error("more than {DEPTH_MAX} elements deep")]
    Depth,
    #[error("more than {VALUES_MAX} elements and attributes")]
    Count,
}

/// The root element of a document.
pub(in crate::protocol) fn parse(body: &[u8]) -> Result<Element, Malformed> {
    let text = std::str::from_utf8(body).map_err(|error| Malformed::Xml(error.to_string()))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0;
    loop {
        match reader.read_event().map_err(|error| Malformed::Xml(error.to_string()))? {
            Event::Start(tag) => {
                check(open.len(), root.is_some())?;
                open.push(element(&tag, &mut count)?);
            }
            Event::Empty(tag) => {
                check(open.len(), root.is_some())?;
                close(element(&tag, &mut count)?, &mut open, &mut root);
            }
            Event::End(_) => {
                let done = open.pop().ok_or_else(|| Malformed::Xml("an end too many".into()))?;
                close(done, &mut open, &mut root);
            }
            Event::Text(text) => append(&mut open, &text.xml10_content())?,
            Event::CData(text) => append(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let letter = reference
                    .resolve_char_ref()
                    .map_err(|error| Malformed::Xml(error.to_string()))?;
                let name = reference.into_inner();
                match (letter, resolve_xml_entity(&name)) {
                    (Some(letter), _) => append(&mut open, letter.encode_utf8(&mut [0; 4]))?,
                    (None, Some(text)) => append(&mut open, text)?,
                    (None, None) => return Err(Malformed::Entity(name.into_owned())),
                }
            }
            Event::DocType(_) => return Err(Malformed::DocumentType),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        _ => Err(Malformed::Xml("the document ends early".into())),
    }
}

fn check(depth: usize, after_root: bool) -> Result<(), Malformed> {
    if after_root {
        Err(Malformed::Xml("a second root element".into()))
    } else if depth >= DEPTH_MAX {
        Err(Malformed::Depth)
    } else {
        Ok(())
    }
}

/// Elements and attributes count alike.
fn count_one(count: &mut usize) -> Result<(), Malformed> {
    *count += 1;
    if *count > VALUES_MAX { Err(Malformed::Count) } else { Ok(()) }
}

fn element(tag: &BytesStart<'_>, count: &mut usize) -> Result<Element, Malformed> {
    count_one(count)?;
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| Malformed::Xml(error.to_string()))?;
        let name: &str = attribute.key.as_ref();
        if name == "xmlns" || name.starts_with("xmlns:") {
            continue;
        }
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .map_err(|error| Malformed::Xml(error.to_string()))?;
        count_one(count)?;
        attributes.push((name.to_owned(), value.into_owned()));
    }
    let name: &str = tag.local_name().into_inner();
    Ok(Element { name: name.to_owned(), attributes, ..Element::default() })
}

fn close(done: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None => *root = Some(done),
    }
}

/// Text outside the root may only be white space.
fn append(open: &mut [Element], text: &str) -> Result<(), Malformed> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(Malformed::Xml("text outside the root element".into())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree() {
        let root = parse(
            b"<?xml version='1.0'?><!-- c --><a:A xmlns:a='urn:a' xsi:type='T &amp; U'>x &lt;<B/><![CDATA[<raw>]]>&#xD558;</a:A>\n",
        )
        .expect("well-formed");
        assert_eq!(root.name, "A");
        assert_eq!(root.attributes, [("xsi:type".to_owned(), "T & U".to_owned())]);
        assert_eq!(root.text, "x <<raw>하");
        assert_eq!(root.children.len(), 1);
    }

    #[test]
    fn what_could_cost_or_reach_out_is_refused() {
        let check = |body: &str, expected: &str| {
            let error = parse(body.as_bytes()).map(|root| root.name).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}: {body:.40}");
        };
        check("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document types");
        check("<a>&b;</a>", "the entity b");
        check("<a x='&b;'/>", "not well-formed");
        check("<a>", "not well-formed");
        check("<a></b>", "not well-formed");
        check("<a/><b/>", "second root");
        check("<a/>x", "outside the root");
        check("", "ends early");
        check("<a x='1' x='2'/>", "not well-formed");
        check(&"<a>".repeat(65), "64 elements deep");
        check(&format!("<a>{}</a>", "<b/>".repeat(VALUES_MAX)), "more than 100000 elements");
        assert!(parse(b"<a>\xff</a>").is_err());
    }
}
