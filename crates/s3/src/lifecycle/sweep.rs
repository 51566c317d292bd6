//! Does what the rules want, bucket by bucket and key by key.

use std::sync::Arc;
use std::time::Duration;

use aws::{Error, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use objects::{Change, Layout, Row, Rows, Scan};

use super::judge::{Act, Judge};
use crate::S3;
use crate::error::EngineFailure;
use crate::object::class;
use crate::object::lock::{Bypass, check_removal};
use crate::row::{self, Bucket, Codec, Content, Upload, Version};
use crate::upload::abort;
use crate::version::{self, Addition, Found};

/// How often it is looked whether a new day has begun: users turn the clock.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A sweep that fails is tried again after twice as long each time, up to this.
const RETRY_MAX: Duration = Duration::from_secs(300);
/// Versions looked at in one scan, which commits wait for.
const PAGE_VERSIONS: usize = 500;
/// Keys acted on at the same time.
const ACTED_ON_AT_ONCE: usize = 16;

/// Until the next look, after so many sweeps that failed.
fn wait(failures: u32) -> Duration {
    LOOK_EVERY.saturating_mul(2_u32.saturating_pow(failures)).min(RETRY_MAX)
}

/// The versions of a page of keys, and the row that the next page begins with.
struct Page {
    keys: Vec<(String, Vec<Version>)>,
    next: Option<Vec<u8>>,
}

impl S3 {
    /// Applies the rules of all buckets at the start and at each midnight, until it is dropped.
    pub async fn keep_lifecycles(self) {
        let (mut swept, mut failures) = (None, 0);
        loop {
            let today = self.inner.day.number(self.inner.clock.now());
            if swept != Some(today) {
                match self.sweep().await {
                    Ok(()) => (swept, failures) = (Some(today), 0),
                    Err(error) => {
                        failures += 1;
                        let again = wait(failures);
                        tracing::warn!(%error, ?again, "a sweep of lifecycle rules was cut short");
                    }
                }
            }
            tokio::time::sleep(wait(failures)).await;
        }
    }

    /// Applies the rules of all buckets once.
    ///
    /// # Errors
    /// The engine's; what was not reached is left for the next sweep.
    pub async fn sweep(&self) -> Result<(), Error> {
        crate::bucket::delete::remove_leftovers(self).await?;
        for bucket in self.buckets_with_rules()? {
            self.sweep_objects(&bucket).await?;
            self.sweep_uploads(&bucket).await?;
        }
        Ok(())
    }

    fn buckets_with_rules(&self) -> Result<Vec<Arc<Bucket>>, Error> {
        let (from, end) = row::all_buckets();
        let mut found = Vec::new();
        let mut visit = |_: &[u8], row: &Row| {
            found.push(Bucket::decode(&row.value));
            Scan::On
        };
        self.engine().scan(&from, &end, &mut visit).map_err(EngineFailure::refusal)?;
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(found.into_iter().filter(|bucket| bucket.lifecycle.is_some()).map(Arc::new).collect())
    }

    async fn sweep_objects(&self, bucket: &Arc<Bucket>) -> Result<(), Error> {
        let mut from = Some(row::objects_of(bucket.id, "").0);
        while let Some(begin) = from {
            let page = page(self.engine(), bucket.id, &begin)?;
            from = page.next;
            let now = self.inner.clock.now();
            let due = page.keys.into_iter().filter(|(key, versions)| {
                judge(bucket, self, now).is_some_and(|judge| !judge.acts(key, versions).is_empty())
            });
            let acts = stream::iter(due.map(|(key, _)| self.act(bucket, key, now)));
            acts.buffer_unordered(ACTED_ON_AT_ONCE).try_collect::<()>().await?;
        }
        Ok(())
    }

    /// Judges a key as it is now and does what the rules want.
    async fn act(&self, bucket: &Arc<Bucket>, key: String, now: Timestamp) -> Result<(), Error> {
        self.lay_out_leavers(bucket, &key, now).await?;
        let decide = |change: &mut Change<'_>| {
            let mut moved = Vec::new();
            let Ok(bucket) = self.same_bucket(change, bucket) else { return Ok(moved) };
            let Some(judge) = judge(&bucket, self, now) else { return Ok(moved) };
            let found = version::all(change, bucket.id, &key)?;
            let versions: Vec<Version> =
                found.iter().map(|found| Version::clone(&found.version)).collect();
            // The oldest first: the newest noncurrent one may become current on the way.
            for (place, act) in judge.acts(&key, &versions).into_iter().rev() {
                moved.extend(self.perform(change, &bucket, &key, &found[place], act, now)?);
            }
            Ok::<_, Error>(moved)
        };
        let moved = self.engine().commit(decide).await.map_err(EngineFailure::refusal)??;
        for content in moved.iter().filter(|content| content.class == class::ONEZONE_IA) {
            for piece in &content.pieces {
                let laid = self.engine().lay_out(piece.blob(), class::one_zone(piece)).await;
                if let Err(error) = laid {
                    // It lies in more zones than it has to; no promise is broken.
                    tracing::info!(%error, "an object of ONEZONE_IA stays in all zones");
                }
            }
        }
        Ok(())
    }

    /// What is to leave ONEZONE_IA is laid over the zones before its class changes, and what comes
    /// to it is laid into one zone after: never is there less than the class promises.
    async fn lay_out_leavers(
        &self,
        bucket: &Bucket,
        key: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(judge) = judge(bucket, self, now) else { return Ok(()) };
        let found = version::all(self.engine(), bucket.id, key)?;
        let versions: Vec<Version> =
            found.into_iter().map(|found| Arc::unwrap_or_clone(found.version)).collect();
        for (place, act) in judge.acts(key, &versions) {
            let Some(content) = &versions[place].content else { continue };
            if matches!(act, Act::Transition(_)) && content.class == class::ONEZONE_IA {
                for piece in &content.pieces {
                    let laid = self.engine().lay_out(piece.blob(), Layout::Zones).await;
                    laid.map_err(Error::unavailable)?;
                }
            }
        }
        Ok(())
    }

    /// Answers the content of a version that got another class.
    fn perform(
        &self,
        change: &mut Change<'_>,
        bucket: &Bucket,
        key: &str,
        found: &Found,
        act: Act,
        now: Timestamp,
    ) -> Result<Option<Content>, Error> {
        let locked = found
            .version
            .content
            .as_ref()
            .is_some_and(|content| check_removal(content, Bypass::No, now).is_err());
        match act {
            Act::Remove if locked => {}
            Act::Remove => version::remove(change, bucket.id, key, found)?,
            Act::Expire => {
                let owner = bucket.account.clone();
                let marker = Addition { modified: now, owner, content: None };
                version::delete(change, &self.inner.random, bucket, key, marker)?;
            }
            Act::Transition(class) => {
                let mut moved = found.clone();
                if let Some(content) = &mut Arc::make_mut(&mut moved.version).content {
                    content.class = class;
                }
                moved.keep(change);
                return Ok(moved.version.content.clone());
            }
        }
        Ok(None)
    }

    async fn sweep_uploads(&self, bucket: &Arc<Bucket>) -> Result<(), Error> {
        let now = self.inner.clock.now();
        let (from, end) = row::uploads_under(bucket.id, "");
        let mut found = Vec::new();
        let mut visit = |_: &[u8], row: &Row| {
            found.push(Upload::decode(&row.value));
            Scan::On
        };
        self.engine().scan(&from, &end, &mut visit).map_err(EngineFailure::refusal)?;
        for upload in found {
            let upload = upload?;
            let due = judge(bucket, self, now)
                .is_some_and(|judge| judge.aborts(&upload.key, upload.initiated));
            if due {
                let decide = |change: &mut Change<'_>| {
                    let there = change
                        .get(&row::upload_key(bucket.id, &upload.key, upload.stamp))
                        .map_err(EngineFailure::refusal)?;
                    // Completed or aborted meanwhile.
                    there.map_or(Ok(()), |_| abort::remove(change, bucket.id, &upload))
                };
                self.engine().commit(decide).await.map_err(EngineFailure::refusal)??;
            }
        }
        Ok(())
    }
}

fn judge<'a>(bucket: &'a Bucket, s3: &S3, now: Timestamp) -> Option<Judge<'a>> {
    let lifecycle = bucket.lifecycle.as_ref()?;
    Some(Judge { lifecycle, day: s3.inner.day, now })
}

fn page(rows: &dyn Rows, bucket: u64, from: &[u8]) -> Result<Page, Error> {
    let end = row::objects_of(bucket, "").1;
    let mut page = Page { keys: Vec::new(), next: None };
    let mut damaged = None;
    let mut seen = 0;
    let mut visit = |row_key: &[u8], row: &Row| {
        let Some((key, current)) = row::version_row(row_key) else { return Scan::On };
        // A key is never cut in two.
        if current && seen >= PAGE_VERSIONS {
            page.next = Some(row_key.to_vec());
            return Scan::End;
        }
        seen += 1;
        match Version::decode(&row.value) {
            Ok(version) => {
                match page.keys.last_mut() {
                    Some((last, versions)) if *last == key => versions.push(version),
                    _ => page.keys.push((key, vec![version])),
                }
                Scan::On
            }
            Err(error) => {
                damaged = Some(error);
                Scan::End
            }
        }
    };
    rows.scan(from, &end, &mut visit).map_err(EngineFailure::refusal)?;
    damaged.map_or(Ok(page), |error| Err(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_that_fails_is_tried_less_and_less_often() {
        let check = |failures, millis| assert_eq!(wait(failures), Duration::from_millis(millis));
        check(0, 500);
        check(1, 1000);
        check(4, 8000);
        check(10, 300_000);
        check(u32::MAX, 300_000);
    }
}
