//! Browser uploads: an HTML form that puts an object.
//!
//! The fields before the file say what is put and who allowed it: a *policy*, signed with the
//! key of whoever made the form, and the conditions that the fields must meet. The file is
//! handed on as it arrives; what follows it is ignored.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html>

mod answer;
mod fields;
mod file;
mod multipart;
mod policy;
mod signature;

pub use answer::Answered;
pub use fields::Fields;
pub use file::FileScanner;
pub use multipart::{Opening, boundary, read_opening};
pub use policy::{PostPolicy, Sizes};
pub use signature::Claimed;
