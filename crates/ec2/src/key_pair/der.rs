//! The little of ASN.1's DER that RSA keys are written in.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
/// `rsaEncryption` with its empty parameters.
const RSA_ENCRYPTION: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Takes the element with this tag off the front: its content.
fn take<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (&found, after) = rest.split_first()?;
    let (&first, after) = after.split_first()?;
    let (length, after) = match first {
        0..=0x7f => (usize::from(first), after),
        0x81..=0x84 => {
            let (digits, after) = after.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), after)
        }
        _ => return None,
    };
    let (content, after) = after.split_at_checked(length)?;
    *rest = after;
    (found == tag).then_some(content)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().position(|&b| b != 0).unwrap_or(length.len() - 1)..];
    let mut bytes = vec![tag];
    match digits {
        [only] if *only < 0x80 => bytes.push(*only),
        _ => {
            bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            bytes.extend_from_slice(digits);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// The PKCS#1 key in a PKCS#8 one.
pub(super) fn pkcs1_of(pkcs8: &[u8]) -> Option<&[u8]> {
    let mut key = take(&mut &*pkcs8, SEQUENCE)?;
    take(&mut key, INTEGER)?;
    take(&mut key, SEQUENCE)?;
    take(&mut key, OCTET_STRING)
}

/// Modulus and public exponent of a PKCS#1 private key, as its integers' bytes: with a
/// leading zero where the first bit is set, which is how SSH writes them, too.
pub(super) fn public_of(pkcs1: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut key = take(&mut &*pkcs1, SEQUENCE)?;
    take(&mut key, INTEGER)?;
    let modulus = take(&mut key, INTEGER)?.to_vec();
    let exponent = take(&mut key, INTEGER)?.to_vec();
    Some((modulus, exponent))
}

/// An RSA public key as a SubjectPublicKeyInfo.
pub(super) fn public_key_info(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [element(INTEGER, modulus), element(INTEGER, exponent)].concat();
    let key = [&[0][..], &element(SEQUENCE, &numbers)].concat();
    element(SEQUENCE, &[RSA_ENCRYPTION, &element(BIT_STRING, &key)].concat())
}
