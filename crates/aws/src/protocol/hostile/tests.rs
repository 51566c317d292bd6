use super::*;
use crate::Random;

const ALL: [Protocol; 4] = [Protocol::Query, Protocol::Ec2, Protocol::RestXml, Protocol::Json10];

/// What readers look for, put where it does not belong.
const TOKENS: &[&[u8]] = &[
    b"&",
    b"=",
    b".",
    b".1",
    b".member.",
    b".entry.",
    b"4294967296",
    b"-1",
    b"%",
    b"%00",
    b"%ff",
    b"<",
    b">",
    b"</",
    b"/>",
    b"<!DOCTYPE a>",
    b"<![CDATA[",
    b"&lt;",
    b"&#0;",
    b"&#x110000;",
    b"<?xml?>",
    b" xmlns='u'",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b":",
    b",",
    b"null",
    b"true",
    b"1e999",
    b"NaN",
    b"-0",
    b"9999-12-31T23:59:60Z",
    b"\0",
    b"\n",
    b"\n\n",
    b"\xff",
    b"\xef\xbb\xbf",
    b"Do",
    b"?now",
    b"//",
    b"..",
];

/// Deterministic, a few seconds; `HANEUL_SOAK=1` runs a hundred times as many.
#[test]
fn no_mutation_of_a_request_panics_or_costs_more_than_its_text() {
    let rounds = if std::env::var_os("HANEUL_SOAK").is_some() { 100_000 } else { 1_000 };
    for protocol in ALL {
        let model = everything::model(protocol);
        let seeds: Vec<Vec<u8>> = (0..16).map(|seed| seed_of(model, seed)).collect();
        let random = Random::seeded(2026);
        let (mut read, mut refused) = (0, 0);
        for round in 0..rounds {
            let mut data = seeds[round % seeds.len()].clone();
            for _ in 0..=random.next_u64() % 4 {
                mutate(&mut data, &seeds, &random);
            }
            match read_with(model, &data) {
                Some(Ok(_)) => read += 1,
                Some(Err(_)) => refused += 1,
                None => {}
            }
        }
        // Otherwise the mutations would be too harsh, or too mild, to show anything.
        assert!(read > rounds / 20 && refused > rounds / 20, "{protocol:?}: {read} {refused}");
    }
}

fn mutate(data: &mut Vec<u8>, seeds: &[Vec<u8>], random: &Random) {
    let below = |n: usize| {
        let n = u64::try_from(n.max(1)).expect("small");
        usize::try_from(random.next_u64() % n).expect("small")
    };
    let at = below(data.len());
    let to = (at + below(40)).min(data.len());
    match below(6) {
        0 if at < data.len() => data[at] ^= 1 << below(8),
        1 => drop(data.drain(at..to)),
        2 => drop(data.splice(at..at, TOKENS[below(TOKENS.len())].iter().copied())),
        3 => {
            let copy = data[at..to].to_vec();
            drop(data.splice(at..at, copy));
        }
        4 => {
            let other = &seeds[below(seeds.len())];
            let from = below(other.len());
            let until = (from + below(60)).min(other.len());
            drop(data.splice(at..to, other[from..until].iter().copied()));
        }
        _ => data.truncate(at),
    }
}

/// The most that the largest body may hold, in the form that is worst for each reader.
#[test]
fn bombs_are_refused_by_name() {
    let check = |protocol: Protocol, head: &str, body: String, expected: &str| {
        let data = format!("POST {head}\n\n{body}");
        let read = read_with(everything::model(protocol), data.as_bytes());
        let error = read.expect("a request").map(|_| ()).expect_err(expected);
        let said = error.to_string();
        assert!(said.contains(expected), "{protocol:?}: {said:.200}");
    };
    let action = "Action=Do&Version=2026-11-22&";
    let form = |rest: &str| format!("{action}{rest}");
    check(Protocol::Ec2, "/", form("Flat.4000000000=x"), "MalformedInput: Key '4000000000'");
    check(Protocol::Query, "/", form("Flat.99999999999999999999=x"), "MalformedInput: Key '9999");
    check(Protocol::Query, "/", form("Flat.01=x"), "MalformedInput: Key '01'");
    let deep = "A.".repeat(100_000);
    check(Protocol::Query, "/", form(&format!("{deep}=x")), "more than 64 deep");
    let wide: String = (0..30_000).map(|i| format!("Flat.{i}=x&")).collect();
    check(Protocol::Query, "/", form(&wide), "more than 20000 parameters");
    check(Protocol::Query, "/", "x".repeat(9 << 20), "RequestEntityTooLarge");

    let json = "/\nx-amz-target:Every.Thing.Do";
    check(Protocol::Json10, json, "[".repeat(1 << 20), "SerializationException");
    check(Protocol::Json10, json, "{\"x\":".repeat(1 << 18), "SerializationException");
    let many = format!("{{\"List\":[{}\"\"]}}", "\"\",".repeat(200_000));
    check(Protocol::Json10, json, many, "more than 100000 values");

    let xml = "/do/a/b?now";
    let nested = format!("<Payload>{}", "<Again>".repeat(1 << 17));
    check(Protocol::RestXml, xml, nested, "64 elements deep");
    let many = format!("<Payload>{}</Payload>", "<Flat/>".repeat(150_000));
    check(Protocol::RestXml, xml, many, "more than 100000 elements");
    let attributes: String = (0..150_000).map(|i| format!(" a{i}=''")).collect();
    check(Protocol::RestXml, xml, format!("<Payload{attributes}/>"), "more than 100000 elements");
    let laughs = "<!DOCTYPE a [<!ENTITY b 'lol'>]><Payload><Text>&b;</Text></Payload>";
    check(Protocol::RestXml, xml, laughs.into(), "document types");
}
