//! What most Describe operations do alike: ids, filters and pages over the records of a kind.

use aws::Call;
use state::Record;

use crate::error::Result;
use crate::filter::Filters;
use crate::id::Kind;
use crate::page::Page;
use crate::tag::Tags;
use crate::{Ec2, model, scope};

/// What a Describe operation was asked for.
pub struct Listing {
    pub operation: &'static str,
    pub kind: Kind,
    pub ids: Option<Vec<String>>,
    pub filters: Option<Vec<model::Filter>>,
    pub next_token: Option<String>,
    pub max_results: Option<i32>,
}

impl Ec2 {
    /// The asked page of a kind's records, each in its shape. `values` gives what a record has
    /// under a filter's name.
    pub(crate) async fn list<R: Record, T>(
        &self,
        call: &Call,
        listing: Listing,
        values: impl Fn(&R, &str) -> Option<Vec<String>>,
        shape: impl Fn(&R, &Tags) -> T,
    ) -> Result<Page<T>> {
        let scope = scope(call)?;
        let filters = Filters::read(listing.filters)?;
        let (token, max) = (listing.next_token.as_deref(), listing.max_results);
        let ask = self.ask(call, listing.operation, token, max).await?;
        let mut tags = self.tags_of(&scope, listing.kind).await?;
        let mut found = Vec::new();
        for stored in self.named_or_all::<R>(&scope, listing.kind, listing.ids).await? {
            let id = stored.key.id;
            let tags = tags.remove(&id).unwrap_or_default();
            if filters.pass(&tags, |name| values(&stored.record, name))? {
                found.push((id, shape(&stored.record, &tags)));
            }
        }
        Ok(ask.cut(found))
    }
}
