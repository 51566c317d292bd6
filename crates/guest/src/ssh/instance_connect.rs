//! Keys that somebody pushed for a minute, instead of writing them into a file.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-connect-methods.html>

use crate::boot::metadata::Metadata;

const NAME_BYTES_MAX: usize = 32;

/// Lines of keys; none when nobody pushed any, or the metadata service is not there.
pub(super) fn keys(user: &str) -> String {
    // The name becomes a part of a path.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if user.is_empty() || user.len() > NAME_BYTES_MAX || !user.bytes().all(plain) {
        return String::new();
    }
    let path = format!("managed-ssh-keys/active-keys/{user}/");
    let asked = Metadata::open().and_then(|metadata| metadata.get(&path));
    asked.ok().flatten().unwrap_or_default()
}
