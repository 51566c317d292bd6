//! One page of a list: `Marker`, `MaxItems`, `IsTruncated`.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>

use std::sync::Arc;

use aws::page::{List, PageTokens};
use aws::{AccountId, Call};
use state::{Record, Scope, Stored};

use crate::Iam;
use crate::error::{Error, Result};
use crate::region_secret::{Purpose, region_secret};

/// What a list operation was asked for.
pub struct Ask {
    /// The key after which the page begins.
    after: Option<String>,
    items_max: usize,
    markers: Markers,
}

/// Markers of one list: sealed, so that none works for another operation or account.
struct Markers {
    tokens: Arc<PageTokens>,
    account: AccountId,
    operation: &'static str,
}

impl Markers {
    fn list(&self) -> List<'_> {
        List { account: &self.account, operation: self.operation }
    }
}

/// `marker` is `None` on the last page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub marker: Option<String>,
}

/// AWS's when `MaxItems` is not given.
const ITEMS_DEFAULT: usize = 100;
/// How many records are read from the store at once.
const READ_AT_ONCE: usize = 1000;

impl Ask {
    /// The asked page of a list that is at hand as a whole, sorted by key.
    pub fn cut<T>(&self, sorted: impl IntoIterator<Item = (String, T)>) -> Page<T> {
        let after = |key: &str| self.after.as_deref().is_none_or(|after| key > after);
        let mut rest = sorted.into_iter().filter(|(key, _)| after(key));
        let page: Vec<_> = rest.by_ref().take(self.items_max).collect();
        let marker = match (page.last(), rest.next()) {
            (Some((last, _)), Some(_)) => Some(self.markers.tokens.seal(self.markers.list(), last)),
            _ => None,
        };
        Page { items: page.into_iter().map(|(_, item)| item).collect(), marker }
    }
}

impl<T> Page<T> {
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), marker: self.marker }
    }

    pub fn is_truncated(&self) -> bool {
        self.marker.is_some()
    }
}

impl Iam {
    /// Reads `Marker` and `MaxItems` of a list operation, which is named with its service.
    ///
    /// # Errors
    /// `ValidationError` for a marker that this list did not give out.
    pub(crate) async fn ask(
        &self,
        call: &Call,
        operation: &'static str,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Ask> {
        let account = call.account()?.clone();
        let markers = Markers { tokens: self.page_tokens().await?, account, operation };
        let open = |marker| markers.tokens.open(markers.list(), marker);
        let invalid = |_| Error::ValidationError("Invalid Marker.".into());
        let after = marker.map(open).transpose().map_err(invalid)?;
        let items_max = max_items.and_then(|max| usize::try_from(max).ok());
        Ok(Ask { after, items_max: items_max.unwrap_or(ITEMS_DEFAULT), markers })
    }

    async fn page_tokens(&self) -> Result<Arc<PageTokens>> {
        let tokens = self.page_tokens.get_or_try_init(async || {
            let secret = region_secret(&self.records, &self.random, Purpose::PageTokens).await?;
            Ok::<_, Error>(Arc::new(PageTokens::new(&secret)))
        });
        Ok(tokens.await?.clone())
    }

    /// The asked page of an account's records that `keep` picks, in the order of their keys.
    pub(crate) async fn page<R: Record>(
        &self,
        scope: &Scope,
        ask: &Ask,
        keep: impl Fn(&R) -> bool,
    ) -> Result<Page<Stored<R>>> {
        // One more than asked tells whether there is a next page.
        let wanted = ask.items_max + 1;
        let found = self.scan(scope, ask.after.clone(), wanted, keep).await?;
        Ok(ask.cut(found.into_iter().map(|stored| (stored.key.id.clone(), stored))))
    }

    /// Every record of an account that `keep` picks. An account has a few thousand at most
    /// ([`crate::quota`]), so no index is kept for questions such as "who is in this group".
    pub(crate) async fn all<R: Record>(
        &self,
        scope: &Scope,
        keep: impl Fn(&R) -> bool,
    ) -> Result<Vec<Stored<R>>> {
        self.scan(scope, None, usize::MAX, keep).await
    }

    async fn scan<R: Record>(
        &self,
        scope: &Scope,
        mut after: Option<String>,
        wanted: usize,
        keep: impl Fn(&R) -> bool,
    ) -> Result<Vec<Stored<R>>> {
        let mut found: Vec<Stored<R>> = Vec::new();
        loop {
            let page = self.records.list(scope, "", after.as_deref(), READ_AT_ONCE).await?;
            after = page.items.last().map(|last| last.key.id.clone());
            found.extend(page.items.into_iter().filter(|stored| keep(&stored.record)));
            if found.len() >= wanted || !page.more {
                found.truncate(wanted);
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(marker: Option<&str>, items_max: i32) -> Ask {
        let tokens = Arc::new(PageTokens::new(b"secret"));
        let account = "123456789012".parse().expect("valid");
        let markers = Markers { tokens, account, operation: "iam:ListThings" };
        let after = marker.map(|marker| markers.tokens.open(markers.list(), marker));
        let items_max = usize::try_from(items_max).expect("positive");
        Ask { after: after.transpose().expect("own marker"), items_max, markers }
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let check = |count: usize, items_max: i32| {
            let all: Vec<(String, usize)> = (0..count).map(|i| (format!("{i:03}"), i)).collect();
            let mut seen = Vec::new();
            let mut marker = None;
            loop {
                let ask = ask(marker.as_deref(), items_max);
                let page = ask.cut(all.clone());
                assert!(page.items.len() <= usize::try_from(items_max).expect("positive"));
                assert_eq!(page.is_truncated(), page.marker.is_some());
                seen.extend(page.items);
                marker = page.marker;
                if marker.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (0..count).collect::<Vec<_>>(), "{count} by {items_max}");
        };
        for count in [0, 1, 2, 3, 10] {
            for items_max in [1, 2, 3, 100] {
                check(count, items_max);
            }
        }
    }
}
