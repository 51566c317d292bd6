//! Names: AWS's in Rust's manner.

/// `DBInstanceIdentifier` to `db_instance_identifier`, `SSHPublicKeyId` to
/// `ssh_public_key_id`, `VpcIDs` to `vpc_ids`; keywords get `r#`.
pub(crate) fn snake(name: &str) -> String {
    // "IPv4" and "IPv6" are one word, which no rule about capitals says.
    let name = name.replace("IPv", "Ipv");
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            out.push('_');
            continue;
        }
        if letter.is_ascii_uppercase() && i > 0 && starts_word(&letters, i) {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    match out.as_str() {
        // These cannot be raw identifiers.
        "self" | "super" | "crate" => out + "_",
        _ if KEYWORDS.contains(&out.as_str()) => format!("r#{out}"),
        _ if out.starts_with(|first: char| first.is_ascii_digit()) => format!("_{out}"),
        _ => out,
    }
}

/// Whether the capital at `i` begins a word: after a small letter or digit, or as the last of
/// several capitals before a small letter (the `I` of `DBInstance`), unless that small letter
/// only makes a plural (the `s` of `ARNs`).
fn starts_word(letters: &[char], i: usize) -> bool {
    let before = letters[i - 1];
    if before.is_ascii_lowercase() || before.is_ascii_digit() {
        return true;
    }
    let next = letters.get(i + 1).copied().unwrap_or('A');
    let after = letters.get(i + 2).copied().unwrap_or('A');
    let plural = next == 's' && !after.is_ascii_lowercase();
    before.is_ascii_uppercase() && next.is_ascii_lowercase() && !plural
}

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_people_read_them() {
        let check = |name, expected| assert_eq!(snake(name), expected, "{name}");
        check("UserName", "user_name");
        check("DBInstanceIdentifier", "db_instance_identifier");
        check("SSHPublicKeyId", "ssh_public_key_id");
        check("MFADevices", "mfa_devices");
        check("PolicyARNs", "policy_arns");
        check("VpcIDs", "vpc_ids");
        check("IPv6CidrBlock", "ipv6_cidr_block");
        check("Ipv6Addresses", "ipv6_addresses");
        check("S3Bucket", "s3_bucket");
        check("SSEKMSKeyId", "ssekms_key_id");
        check("ETag", "e_tag");
        check("Type", "r#type");
        check("Self", "self_");
        check("x-amz-meta", "x_amz_meta");
        check("userName", "user_name");
        check("2dArray", "_2d_array");
    }
}
