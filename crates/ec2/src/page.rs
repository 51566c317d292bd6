//! One page of a Describe: `MaxResults`, `NextToken`.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination>

use aws::page::{List, PageTokens};
use aws::random::BASE62;
use aws::{AccountId, Call};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::Ec2;
use crate::error::{Error, Result};

/// What a Describe was asked for.
pub struct Ask<'a> {
    tokens: &'a PageTokens,
    account: AccountId,
    operation: &'static str,
    /// The key after which the page begins.
    after: Option<String>,
    /// `None`: everything at once, as EC2 answers when no size is asked.
    items_max: Option<usize>,
}

/// `next_token` is `None` on the last page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_token: Option<String>,
}

/// How many records are read from the store at once.
const READ_AT_ONCE: usize = 1000;
/// AWS's for most Describe operations.
const RESULTS_MIN: i32 = 5;
const RESULTS_MAX: i32 = 1000;

impl Ask<'_> {
    /// The asked page of a list that is at hand as a whole, sorted by key.
    pub fn cut<T>(&self, sorted: impl IntoIterator<Item = (String, T)>) -> Page<T> {
        let after = |key: &str| self.after.as_deref().is_none_or(|after| key > after);
        let mut rest = sorted.into_iter().filter(|(key, _)| after(key));
        let items_max = self.items_max.unwrap_or(usize::MAX);
        let page: Vec<_> = rest.by_ref().take(items_max).collect();
        let list = List { account: &self.account, operation: self.operation };
        let next_token = match (page.last(), rest.next()) {
            (Some((last, _)), Some(_)) => Some(self.tokens.seal(list, last)),
            _ => None,
        };
        Page { items: page.into_iter().map(|(_, item)| item).collect(), next_token }
    }
}

/// The region's secret for page tokens of EC2, made when it is first needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSecret {
    pub(crate) letters: String,
}

impl Record for PageSecret {
    const KIND: &'static str = "ec2.page-secret";
    const FORMAT: u32 = 1;
}

const SECRET_LETTERS: usize = 43;

impl Ec2 {
    /// Reads `NextToken` and `MaxResults` of an operation.
    ///
    /// # Errors
    /// `InvalidNextToken` for a token that this list did not give out;
    /// `InvalidParameterValue` for a size out of AWS's bounds.
    pub(crate) async fn ask(
        &self,
        call: &Call,
        operation: &'static str,
        token: Option<&str>,
        max_results: Option<i32>,
    ) -> Result<Ask<'_>> {
        let account = call.account()?.clone();
        let items_max = max_results.map(results).transpose()?;
        let tokens = self.page_tokens().await?;
        let open = |token| tokens.open(List { account: &account, operation }, token);
        let invalid = |_| Error::coded("InvalidNextToken", "The provided token is not valid.");
        let after = token.filter(|token| !token.is_empty()).map(open).transpose();
        let after = after.map_err(invalid)?;
        Ok(Ask { tokens, account, operation, after, items_max })
    }

    pub(crate) async fn page_tokens(&self) -> Result<&PageTokens> {
        let make = async || {
            let secret = self.page_secret().await?;
            Ok(PageTokens::new(secret.letters.as_bytes()))
        };
        self.inner.page_tokens.get_or_try_init(make).await
    }

    async fn page_secret(&self) -> Result<PageSecret> {
        self.retry(async || {
            if let Some(stored) = self.records().get(&Scope::Haneul, "").await? {
                return Ok(stored.record);
            }
            let secret = PageSecret { letters: self.inner.random.letters(BASE62, SECRET_LETTERS) };
            let mut txn = self.records().transaction();
            txn.create(&Scope::Haneul, "", &secret);
            txn.commit().await?;
            Ok(secret)
        })
        .await
    }

    /// Every record whose id has this prefix, in the order of their ids.
    pub(crate) async fn all<R: Record>(
        &self,
        scope: &Scope,
        prefix: &str,
    ) -> Result<Vec<Stored<R>>> {
        let mut all: Vec<Stored<R>> = Vec::new();
        loop {
            let after = all.last().map(|last| last.key.id.clone());
            let page = self.records().list(scope, prefix, after.as_deref(), READ_AT_ONCE).await?;
            all.extend(page.items);
            if !page.more {
                return Ok(all);
            }
        }
    }
}

fn results(asked: i32) -> Result<usize> {
    let fits = (RESULTS_MIN..=RESULTS_MAX).contains(&asked);
    let size = usize::try_from(asked).ok().filter(|_| fits);
    size.ok_or_else(|| {
        Error::InvalidParameterValue(format!(
            "Value ( {asked} ) for parameter maxResults is invalid. Expecting a value between {RESULTS_MIN} and {RESULTS_MAX}."
        ))
    })
}
