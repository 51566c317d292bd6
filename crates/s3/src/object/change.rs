//! Changing what a version says of itself: its tags, its locks, its restore.

use std::sync::Arc;

use aws::Error;
use objects::Change;

use super::check_key;
use super::read::readable;
use crate::S3;
use crate::error::EngineFailure;
use crate::row::{Bucket, Content};
use crate::version::{self, Which};

/// A version to be changed.
#[derive(Clone, Copy)]
pub(super) struct Changed<'a> {
    pub(super) bucket: &'a str,
    pub(super) expected_owner: Option<&'a str>,
    pub(super) key: &'a str,
    pub(super) version_id: Option<&'a str>,
    /// The request's method, for the refusal of a delete marker.
    pub(super) method: &'a str,
}

impl Changed<'_> {
    /// Changes the version as it is at that moment. Answers what `change` does, and
    /// `x-amz-version-id`.
    ///
    /// # Errors
    /// Those of [`S3::readable`], and `change`'s own: nothing is changed then.
    pub(super) async fn with<T: Send>(
        self,
        s3: &S3,
        change: impl FnOnce(&Bucket, &mut Content) -> Result<T, Error> + Send,
    ) -> Result<(T, Option<String>), Error> {
        check_key(self.key)?;
        let which = Which::read(self.version_id)?;
        let decide = |rows: &mut Change<'_>| {
            let bucket = s3.bucket(rows, self.bucket)?;
            bucket.expect_owner(self.expected_owner)?;
            let found = version::find(rows, bucket.id, self.key, &which)?;
            let mut found = readable(found, self.key, self.version_id, self.method)?;
            let version = Arc::make_mut(&mut found.version);
            let content = version.content.as_mut().expect("judged readable");
            let answer = change(&bucket, content)?;
            found.keep(rows);
            Ok((answer, super::shown_version_id(&bucket, &found.version)))
        };
        s3.engine().commit(decide).await.map_err(EngineFailure::refusal)?
    }
}
