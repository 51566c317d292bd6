use aws::Error;

use super::*;
use crate::model::PutObjectRequest;

fn digested(algorithm: Algorithm, bytes: &[u8]) -> Digested {
    let mut digests = Digests::new(algorithm);
    // In uneven steps, as bodies come.
    bytes.chunks(7).for_each(|step| digests.update(step));
    digests.finish()
}

/// The check values of the algorithms' catalogues, for `123456789`.
#[test]
fn every_algorithm_computes_its_check_value() {
    let check = |algorithm, expected: &str| {
        assert_eq!(digested(algorithm, b"123456789").value, expected, "{algorithm:?}");
    };
    check(Algorithm::Crc32, &STANDARD.encode(0xcbf4_3926_u32.to_be_bytes()));
    check(Algorithm::Crc32c, &STANDARD.encode(0xe306_9283_u32.to_be_bytes()));
    check(Algorithm::Crc64Nvme, &STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes()));
    check(Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE=");
    check(Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
    assert_eq!(digested(Algorithm::Crc32, b"").etag(), "d41d8cd98f00b204e9800998ecf8427e");
}

#[test]
fn parts_make_the_checksum_of_their_whole() {
    let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    for algorithm in Algorithm::ALL {
        let values: Vec<(String, u64)> = [&bytes[..5], &bytes[5..70_001], &[], &bytes[70_001..]]
            .iter()
            .map(|part| (digested(algorithm, part).value, part.len() as u64))
            .collect();
        let parts: Vec<PartSum<'_>> =
            values.iter().map(|(value, bytes)| PartSum { value, bytes: *bytes }).collect();
        let whole = full_object(algorithm, &parts);
        let expected = algorithm.is_crc().then(|| digested(algorithm, &bytes).checksum());
        assert_eq!(whole, expected, "{algorithm:?}");
        let composite = composite(algorithm, &parts).expect("values of the algorithm");
        assert!(composite.value.ends_with("-4") && composite.kind == ChecksumKind::Composite);
    }
    assert_eq!(full_object(Algorithm::Crc32, &[PartSum { value: "AAAA", bytes: 3 }]), None);
}

/// Two parts of AWS's documentation's kind: the MD5 of both MD5s, then `-2`.
#[test]
fn an_etag_of_parts_counts_them() {
    let empty = "d41d8cd98f00b204e9800998ecf8427e";
    assert_eq!(multipart_etag(&[empty]).as_deref(), Some("59adb24ef3cdbe0297f05b395827453f-1"));
    assert_eq!(multipart_etag(&["short"]), None);
}

#[derive(Default)]
struct Said<'a> {
    crc32: Option<&'a str>,
    sha256: Option<&'a str>,
    sha512: Option<&'a str>,
    md5: Option<&'a str>,
    sdk: Option<&'a str>,
    trailer: Option<(&'a str, Option<&'a str>)>,
}

/// What a body `123456789` is answered when this is said of it.
fn judged(said: &Said<'_>) -> Result<Option<Algorithm>, String> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let request = PutObjectRequest {
        checksum_crc32: owned(said.crc32),
        checksum_sha256: owned(said.sha256),
        checksum_sha512: owned(said.sha512),
        ..PutObjectRequest::default()
    };
    let announced: Vec<String> = said.trailer.iter().map(|(name, _)| (*name).to_owned()).collect();
    let code = |error: Error| error.code.into_owned();
    let claim = Claim::read(request.claimed(), said.md5, said.sdk, &announced).map_err(code)?;
    let digested = digested(claim.algorithm.unwrap_or(Algorithm::DEFAULT), b"123456789");
    claim.check(&digested, |_| said.trailer.and_then(|(_, value)| value)).map_err(code)?;
    Ok(claim.algorithm)
}

#[test]
fn a_claim_is_one_checksum_that_holds() {
    const CRC32: &str = "y/Q5Jg==";
    const SHA256: &str = "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";
    const MD5: &str = "JfnnlDI7RTiF9RgfG2JNCw==";
    let check = |said: Said<'_>, expected: Result<Option<Algorithm>, &str>| {
        assert_eq!(judged(&said), expected.map_err(str::to_owned));
    };
    let none = Said::default;
    check(none(), Ok(None));
    check(Said { crc32: Some(CRC32), ..none() }, Ok(Some(Algorithm::Crc32)));
    check(Said { crc32: Some(CRC32), sdk: Some("CRC32"), ..none() }, Ok(Some(Algorithm::Crc32)));
    check(Said { crc32: Some(CRC32), sdk: Some("SHA1"), ..none() }, Err("InvalidRequest"));
    check(Said { sdk: Some("CRC32"), ..none() }, Err("InvalidRequest"));
    check(Said { sdk: Some("ROT13"), ..none() }, Err("InvalidRequest"));
    check(Said { crc32: Some("y/Q5Jw=="), ..none() }, Err("BadDigest"));
    check(Said { crc32: Some(SHA256), ..none() }, Err("InvalidRequest"));
    check(Said { crc32: Some("!"), ..none() }, Err("InvalidRequest"));
    check(Said { crc32: Some(CRC32), sha256: Some(SHA256), ..none() }, Err("InvalidRequest"));
    check(Said { sha512: Some("x"), ..none() }, Err("UnsupportedOperation"));
    check(Said { md5: Some(MD5), ..none() }, Ok(None));
    check(Said { md5: Some("1B2M2Y8AsgTpgAmY7PhCfg=="), ..none() }, Err("BadDigest"));
    check(Said { md5: Some("YQ=="), ..none() }, Err("InvalidDigest"));
    check(Said { md5: Some("not base64"), ..none() }, Err("InvalidDigest"));
    let trailer = |value| Said { trailer: Some(("x-amz-checksum-crc32", value)), ..none() };
    check(trailer(Some(CRC32)), Ok(Some(Algorithm::Crc32)));
    check(trailer(Some("y/Q5Jw==")), Err("BadDigest"));
    check(trailer(Some("y")), Err("InvalidRequest"));
    check(trailer(None), Err("MalformedTrailerError"));
    let other = Said { trailer: Some(("x-amz-checksum-md5", None)), ..none() };
    check(other, Err("UnsupportedOperation"));
}
