//! What a request may cost before it is refused. AWS's own limits are lower for most
//! operations; these bound the memory of whatever anyone sends.

use crate::Error;

/// A body that is held in memory; streams have limits of their own.
pub const BODY_BYTES_MAX: usize = 8 << 20;
/// Parameters of a form or a URL.
pub const PARAMETERS_MAX: usize = 20_000;
/// Members and items of an XML or JSON document. CompleteMultipartUpload may name ten thousand
/// parts of several members each.
pub const VALUES_MAX: usize = 100_000;
/// Lists in maps in structures, in any document.
pub const DEPTH_MAX: usize = 64;
/// The number in `Filter.N.Value`. Items are kept by number, so a large one costs nothing.
pub const LIST_INDEX_MAX: u64 = 1_000_000;

/// What AWS's front answers; the codes of services differ.
pub(crate) fn body_too_large() -> Error {
    Error::client(
        413,
        "RequestEntityTooLarge",
        format!("Your request was too large: more than {BODY_BYTES_MAX} bytes."),
    )
}
