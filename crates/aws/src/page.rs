//! Page tokens: what a list operation gives out as `Marker` or `NextToken` and takes back.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::AccountId;

/// Seals and opens page tokens with a secret of the region. A token says where the next page
/// begins; it is good only for the operation and account it was given for, and an altered one
/// is refused, so that nobody can make lists begin at keys of their own choosing.
pub struct PageTokens(hmac::Key);

/// What a token is bound to.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    pub account: &'a AccountId,
    /// With its service: `iam:ListUsers`. What else the list depends on (a path prefix) may be
    /// added where changing it between pages would make nonsense.
    pub operation: &'a str,
}

/// Not a token of this list. Services have codes of their own for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a page token of this list")]
pub struct InvalidToken;

/// A hundred and twenty-eight bits are out of reach for guessing, and keep tokens short.
const TAG_BYTES: usize = 16;
/// AWS's services cap their tokens too, most of them at 1024 or 2048 letters.
const TOKEN_BYTES_MAX: usize = 4096;

impl PageTokens {
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The token of the page that begins after this key.
    pub fn seal(&self, list: List<'_>, after: &str) -> String {
        let mut token = self.tag(list, after).as_ref()[..TAG_BYTES].to_vec();
        token.extend_from_slice(after.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// The key after which the page begins.
    ///
    /// # Errors
    /// When [`Self::seal`] did not make this token for this list.
    pub fn open(&self, list: List<'_>, token: &str) -> Result<String, InvalidToken> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(InvalidToken);
        }
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| InvalidToken)?;
        let (tag, after) = token.split_at_checked(TAG_BYTES).ok_or(InvalidToken)?;
        let after = std::str::from_utf8(after).map_err(|_| InvalidToken)?;
        let expected = self.tag(list, after);
        constant_time::verify_slices_are_equal(tag, &expected.as_ref()[..TAG_BYTES])
            .map_err(|_| InvalidToken)?;
        Ok(after.to_owned())
    }

    fn tag(&self, list: List<'_>, after: &str) -> hmac::Tag {
        // An account has a fixed length and an operation no NUL, so no two lists run together.
        let text = format!("{}{}\0{after}", list.account, list.operation);
        hmac::sign(&self.0, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_whole_and_for_its_own_list() {
        let tokens = PageTokens::new(b"secret of the region");
        let account = |text: &str| text.parse::<AccountId>().expect("valid");
        let (mine, yours) = (account("111111111111"), account("222222222222"));
        let users = List { account: &mine, operation: "iam:ListUsers" };
        let token = tokens.seal(users, "user/하늘");
        let check =
            |tokens: &PageTokens, list, token: &str, expected: Result<&str, InvalidToken>| {
                assert_eq!(tokens.open(list, token), expected.map(str::to_owned), "{token}");
            };
        check(&tokens, users, &token, Ok("user/하늘"));
        check(&tokens, List { operation: "iam:ListRoles", ..users }, &token, Err(InvalidToken));
        check(&tokens, List { account: &yours, ..users }, &token, Err(InvalidToken));
        check(&PageTokens::new(b"another"), users, &token, Err(InvalidToken));
        for (i, letter) in token.char_indices() {
            let other = if letter == 'A' { "B" } else { "A" };
            let mut altered = token.clone();
            altered.replace_range(i..=i, other);
            check(&tokens, users, &altered, Err(InvalidToken));
        }
        for text in ["", "AA", "no token!", &"A".repeat(TOKEN_BYTES_MAX + 1)] {
            check(&tokens, users, text, Err(InvalidToken));
        }
    }
}
