//! From the bytes of a question to the bytes of its answer.

use domain::base::iana::{Class, Opcode, Rcode, Rtype};
use domain::base::message_builder::AnswerBuilder;
use domain::base::name::ParsedName;
use domain::base::{Message, MessageBuilder, Name, Question as Asked, Ttl};
use domain::rdata::{A, Ptr};

use std::net::IpAddr;

use crate::{Found, Kind, Names, Question, TTL_SECS};

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Bytes(Vec<u8>),
    /// Another server knows.
    Forward,
    /// No question: answering what is an answer itself could go on for ever.
    Nothing,
}

pub(crate) fn answer(names: &dyn Names, message: &[u8], from: IpAddr) -> Answer {
    let Ok(message) = Message::from_octets(message) else { return Answer::Nothing };
    let header = message.header();
    if header.qr() {
        return Answer::Nothing;
    }
    if header.opcode() != Opcode::QUERY {
        return bytes(refusal(&message, Rcode::NOTIMP));
    }
    let Ok(asked) = message.sole_question() else {
        return bytes(refusal(&message, Rcode::FORMERR));
    };
    if asked.qclass() != Class::IN {
        return bytes(refusal(&message, Rcode::REFUSED));
    }
    let kind = match asked.qtype() {
        Rtype::A => Kind::A,
        Rtype::PTR => Kind::Ptr,
        _ => Kind::Other,
    };
    let name = asked.qname().to_string().trim_end_matches('.').to_ascii_lowercase();
    match names.find(&Question { name, kind, from }) {
        Found::Elsewhere => Answer::Forward,
        found => bytes(reply(&message, &asked, found)),
    }
}

/// The server failed, in the terms of the question.
pub(crate) fn failure(message: &[u8]) -> Option<Vec<u8>> {
    let message = Message::from_octets(message).ok()?;
    refusal(&message, Rcode::SERVFAIL)
}

fn bytes(built: Option<Vec<u8>>) -> Answer {
    built.map_or(Answer::Nothing, Answer::Bytes)
}

/// `None` when the question cannot even be repeated.
fn begin(message: &Message<&[u8]>, code: Rcode) -> Option<AnswerBuilder<Vec<u8>>> {
    let mut answer = MessageBuilder::new_vec().start_answer(message, code).ok()?;
    answer.header_mut().set_ra(true);
    Some(answer)
}

fn refusal(message: &Message<&[u8]>, code: Rcode) -> Option<Vec<u8>> {
    Some(begin(message, code)?.finish())
}

fn reply(
    message: &Message<&[u8]>,
    asked: &Asked<ParsedName<&[u8]>>,
    found: Found,
) -> Option<Vec<u8>> {
    let code = if found == Found::NoName { Rcode::NXDOMAIN } else { Rcode::NOERROR };
    let mut answer = begin(message, code)?;
    let ttl = Ttl::from_secs(TTL_SECS);
    match found {
        Found::Addresses(addresses) => {
            for address in addresses {
                answer.push((asked.qname(), Class::IN, ttl, A::new(address))).ok()?;
            }
        }
        Found::Pointer(name) => {
            let name: Name<Vec<u8>> = name.parse().ok()?;
            answer.push((asked.qname(), Class::IN, ttl, Ptr::new(name))).ok()?;
        }
        Found::NoData | Found::NoName | Found::Elsewhere => {}
    }
    Some(answer.finish())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    struct Ours;

    impl Names for Ours {
        fn find(&self, question: &Question) -> Found {
            match (question.name.as_str(), question.kind) {
                ("web.internal", Kind::A) => Found::Addresses(vec![Ipv4Addr::new(10, 0, 0, 4)]),
                ("4.0.0.10.in-addr.arpa", Kind::Ptr) => Found::Pointer("web.internal".into()),
                ("web.internal", _) => Found::NoData,
                (name, _) if name.ends_with(".internal") => Found::NoName,
                _ => Found::Elsewhere,
            }
        }
    }

    const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));

    fn question(name: &str, kind: Rtype) -> Vec<u8> {
        let mut message = MessageBuilder::new_vec().question();
        message.header_mut().set_id(7);
        message.push((name.parse::<Name<Vec<u8>>>().expect("a name"), kind)).expect("room");
        message.finish()
    }

    #[test]
    fn ours_is_answered_and_the_rest_passed_on() {
        let check = |name: &str, kind: Rtype, expected: Option<(Rcode, u16)>| {
            let found = match answer(&Ours, &question(name, kind), FROM) {
                Answer::Bytes(bytes) => {
                    let message = Message::from_octets(bytes).expect("a message");
                    assert_eq!(message.header().id(), 7);
                    assert!(message.header().qr() && message.header().ra());
                    Some((message.header().rcode(), message.header_counts().ancount()))
                }
                Answer::Forward => None,
                Answer::Nothing => panic!("{name} was not answered"),
            };
            assert_eq!(found, expected, "{name} {kind}");
        };
        check("web.internal", Rtype::A, Some((Rcode::NOERROR, 1)));
        check("WEB.Internal", Rtype::A, Some((Rcode::NOERROR, 1)));
        check("web.internal", Rtype::AAAA, Some((Rcode::NOERROR, 0)));
        check("4.0.0.10.in-addr.arpa", Rtype::PTR, Some((Rcode::NOERROR, 1)));
        check("db.internal", Rtype::A, Some((Rcode::NXDOMAIN, 0)));
        check("example.com", Rtype::A, None);
    }

    #[test]
    fn answers_are_not_answered() {
        let Answer::Bytes(bytes) = answer(&Ours, &question("web.internal", Rtype::A), FROM) else {
            panic!("answered");
        };
        assert_eq!(answer(&Ours, &bytes, FROM), Answer::Nothing);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            answer(&Ours, &bytes, FROM);
            failure(&bytes);
        }
    }
}
