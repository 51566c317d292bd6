//! Storage classes: their names are kept, ONEZONE_IA lies in one zone, and the archives' objects
//! are read only after a restore.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html>

use aws::{Error, Timestamp};
use objects::{BlobKey, BlobWriter, Layout, WriteError};

use crate::S3;
use crate::row::{Content, Piece, Restore};

pub(crate) const STANDARD: &str = "STANDARD";
pub(crate) const ONEZONE_IA: &str = "ONEZONE_IA";
pub(crate) const GLACIER: &str = "GLACIER";
pub(crate) const DEEP_ARCHIVE: &str = "DEEP_ARCHIVE";

/// AWS has more names, for buckets of other kinds.
const CLASSES: [&str; 8] = [
    STANDARD,
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    ONEZONE_IA,
    "INTELLIGENT_TIERING",
    GLACIER,
    "GLACIER_IR",
    DEEP_ARCHIVE,
];

const ZONES: u64 = 3;

/// The class that a request names, or the default.
///
/// # Errors
/// `InvalidStorageClass`.
pub(crate) fn read(class: Option<&str>) -> Result<String, Error> {
    let class = class.unwrap_or(STANDARD);
    if CLASSES.contains(&class) {
        return Ok(class.to_owned());
    }
    let message = "The storage class you specified is not valid";
    Err(Error::client(400, "InvalidStorageClass", message)
        .with_detail("StorageClassRequested", class))
}

/// What `x-amz-storage-class` says in answers: nothing for STANDARD.
pub(crate) fn shown(class: &str) -> Option<String> {
    (class != STANDARD).then(|| class.to_owned())
}

pub(crate) fn is_archive(class: &str) -> bool {
    [GLACIER, DEEP_ARCHIVE].contains(&class)
}

/// Whether the bytes of an archived object, or of any other, can be read now.
pub(crate) fn is_readable(content: &Content, now: Timestamp) -> bool {
    let restored = |restore: &Restore| restore.ready <= now && now < restore.expires;
    !is_archive(&content.class) || content.restore.as_ref().is_some_and(restored)
}

/// # Errors
/// `InvalidObjectState` for an archived object that is not restored.
pub(crate) fn check_readable(content: &Content, now: Timestamp) -> Result<(), Error> {
    if is_readable(content, now) {
        return Ok(());
    }
    Err(invalid_state("The operation is not valid for the object's storage class", content))
}

pub(crate) fn invalid_state(message: &str, content: &Content) -> Error {
    Error::client(403, "InvalidObjectState", message).with_detail("StorageClass", &content.class)
}

/// `x-amz-restore`: how the restore of an archived object stands. Nothing once the copy is gone.
pub(crate) fn restore_header(content: &Content, now: Timestamp) -> Option<String> {
    let restore = content.restore.as_ref().filter(|_| is_archive(&content.class))?;
    if now < restore.ready {
        return Some("ongoing-request=\"true\"".into());
    }
    let expires = restore.expires.to_http_date();
    (now < restore.expires).then(|| format!("ongoing-request=\"false\", expiry-date=\"{expires}\""))
}

/// The zone of a piece of an object of ONEZONE_IA.
pub(crate) fn one_zone(piece: &Piece) -> Layout {
    Layout::OneZone(usize::try_from(piece.blob % ZONES).expect("one of three"))
}

impl S3 {
    /// Begins a blob for an object of this class.
    ///
    /// # Errors
    /// When too few zones have room; for ONEZONE_IA, when none has.
    pub(crate) async fn begin_blob(
        &self,
        class: &str,
        bytes: u64,
        key: BlobKey,
    ) -> Result<BlobWriter, WriteError> {
        if class != ONEZONE_IA {
            return self.engine().write(bytes, Layout::Zones, Some(key)).await;
        }
        let first = self.inner.random.next_u64() % ZONES;
        let mut last = None;
        for zone in (first..ZONES).chain(0..first) {
            let zone = Layout::OneZone(usize::try_from(zone).expect("one of three"));
            match self.engine().write(bytes, zone, Some(key.clone())).await {
                Ok(writer) => return Ok(writer),
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("there are zones"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_classes_of_general_buckets_are_taken() {
        assert_eq!(read(None).expect("the default"), STANDARD);
        for class in CLASSES {
            assert_eq!(read(Some(class)).expect("a class"), class);
        }
        for class in ["EXPRESS_ONEZONE", "OUTPOSTS", "standard", ""] {
            assert_eq!(read(Some(class)).expect_err("no class").code, "InvalidStorageClass");
        }
        assert_eq!((shown(STANDARD), shown(GLACIER)), (None, Some(GLACIER.into())));
    }
}
