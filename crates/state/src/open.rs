//! Opening a store that an earlier haneul has written: the one place where formats are
//! compared and migrations run.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::key::{Key, Scope};
use crate::record::{self, Record, Unreadable};
use crate::records::{self, Records};
use crate::store::{self, Condition, StateStore};
use crate::transaction::CommitError;

/// A kind of record that this haneul keeps.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    name: &'static str,
    format: u32,
    rewrite: fn(&Key, &[u8]) -> Result<Bytes, Unreadable>,
}

impl Kind {
    pub fn of<R: Record>() -> Self {
        let rewrite = |key: &Key, value: &[u8]| {
            let damaged = |source| Unreadable::Damaged { key: key.clone(), source };
            record::encode(&record::decode::<R>(key, value)?).map_err(damaged)
        };
        Self { name: R::KIND, format: R::FORMAT, rewrite }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the data was written by a newer haneul ({what} has format {format}, this one knows up \
         to {known}); nothing was changed. Start the newer haneul"
    )]
    NewerFormat { what: String, format: u32, known: u32 },
    #[error(
        "the data holds {kind} records, which this haneul does not know: it was written by a \
         newer haneul; nothing was changed. Start the newer one"
    )]
    UnknownKind { kind: String },
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the records could not be brought to this haneul's formats: {0}")]
    Commit(#[from] CommitError),
}

/// The layout of keys and values themselves, under all record formats.
const LAYOUT: u32 = 1;
const ID: &str = "formats";
/// Records rewritten in one transaction: with values of full length it stays in the limits.
const MIGRATED_PER_TXN: usize = 4;
const SCANNED_PER_PAGE: usize = 512;

/// Which formats a store holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Formats {
    layout: u32,
    kinds: BTreeMap<String, Span>,
}

/// Both are there so that a migration that is cut short is seen: `newest` is raised before
/// the first record is rewritten, `oldest` after the last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Span {
    oldest: u32,
    newest: u32,
}

impl Record for Formats {
    const KIND: &'static str = "haneul.store";
    const FORMAT: u32 = 1;
}

/// Compares what the store holds with `kinds`, all that this haneul keeps, and rewrites
/// records of older formats. Call it once, at start, before anything else reads or writes.
///
/// # Errors
/// The data is newer than this haneul (and is left as it was), or is damaged, or the store
/// does not answer.
pub async fn open(store: Arc<dyn StateStore>, kinds: &[Kind]) -> Result<Records, OpenError> {
    let records = Records::new(store);
    let found = match records.get::<Formats>(&Scope::Haneul, ID).await {
        Ok(found) => found.map(|stored| stored.record),
        Err(records::Error::Store(error)) => return Err(error.into()),
        Err(records::Error::Unreadable(error)) => return Err(error.into()),
    };
    let found = found.unwrap_or(Formats { layout: LAYOUT, kinds: BTreeMap::new() });
    refuse_newer(&found, kinds)?;

    let mut formats = found.clone();
    for kind in kinds {
        let fresh = Span { oldest: kind.format, newest: kind.format };
        formats.kinds.entry(kind.name.into()).or_insert(fresh).newest = kind.format;
    }
    if formats != found || found.kinds.is_empty() {
        write(&records, &formats).await?;
    }
    let older = |kind: &&Kind| formats.kinds[kind.name].oldest < kind.format;
    let older: BTreeMap<&str, Kind> =
        kinds.iter().filter(older).map(|kind| (kind.name, *kind)).collect();
    if !older.is_empty() {
        migrate(&records, &older).await?;
        for kind in older.values() {
            formats
                .kinds
                .insert(kind.name.into(), Span { oldest: kind.format, newest: kind.format });
        }
        write(&records, &formats).await?;
    }
    Ok(records)
}

fn refuse_newer(found: &Formats, kinds: &[Kind]) -> Result<(), OpenError> {
    let refuse = |what: &str, format, known| {
        Err(OpenError::NewerFormat { what: what.into(), format, known })
    };
    if found.layout > LAYOUT {
        return refuse("the store", found.layout, LAYOUT);
    }
    for (name, span) in &found.kinds {
        match kinds.iter().find(|kind| kind.name == name) {
            None => return Err(OpenError::UnknownKind { kind: name.clone() }),
            Some(kind) if span.newest > kind.format => {
                return refuse(name, span.newest, kind.format);
            }
            Some(_) => {}
        }
    }
    Ok(())
}

async fn write(records: &Records, formats: &Formats) -> Result<(), CommitError> {
    let mut txn = records.transaction();
    txn.put_unconditionally(&Scope::Haneul, ID, formats);
    txn.commit().await.map(|_| ())
}

async fn migrate(records: &Records, older: &BTreeMap<&str, Kind>) -> Result<(), OpenError> {
    let mut start = Vec::new();
    loop {
        let page = records.store().range(&start, b"", SCANNED_PER_PAGE).await?;
        let mut rewritten = Vec::new();
        for item in &page.items {
            let Some(key) = Key::decode(&item.key) else { continue };
            let Some(kind) = older.get(&*key.kind) else { continue };
            if record::split(&key, &item.value)?.0 < kind.format {
                rewritten.push((item, (kind.rewrite)(&key, &item.value)?));
            }
        }
        for chunk in rewritten.chunks(MIGRATED_PER_TXN) {
            let mut txn = records.transaction();
            for (item, value) in chunk {
                txn.require(Condition::ModifiedAt(item.key.clone(), item.modified));
                txn.put_bytes(item.key.clone(), value.clone());
            }
            txn.commit().await?;
        }
        match page.items.last() {
            Some(last) if page.more => start = [&last.key[..], b"\0"].concat(),
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    /// The same kind of record as three releases know it.
    mod release {
        use super::*;

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) struct One {
            pub(super) size: u32,
        }
        impl Record for One {
            const KIND: &'static str = "test.disk";
            const FORMAT: u32 = 1;
        }

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) struct Two {
            pub(super) size_gib: u32,
        }
        impl Record for Two {
            const KIND: &'static str = "test.disk";
            const FORMAT: u32 = 2;

            fn migrate(_: u32, value: serde_json::Value) -> Result<Self, serde_json::Error> {
                serde_json::from_value(value).map(|One { size }| Self { size_gib: size })
            }
        }

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) struct Other {}
        impl Record for Other {
            const KIND: &'static str = "test.other";
            const FORMAT: u32 = 1;
        }
    }
    use release::{One, Other, Two};

    fn account() -> Scope {
        Scope::Global("111122223333".parse().expect("valid"))
    }

    /// A store as release one leaves it, with `disks` records.
    async fn release_one(disks: u32) -> Arc<dyn StateStore> {
        let store: Arc<dyn StateStore> = Arc::new(Memory::new());
        let records = open(store.clone(), &[Kind::of::<One>()]).await.expect("opens");
        for size in 0..disks {
            let mut txn = records.transaction();
            txn.create(&account(), &format!("disk-{size:04}"), &One { size });
            txn.commit().await.expect("created");
        }
        store
    }

    #[tokio::test]
    async fn older_records_are_rewritten_once() {
        let store = release_one(600).await;
        let kinds = [Kind::of::<Two>(), Kind::of::<Other>()];
        let records = open(store.clone(), &kinds).await.expect("opens");
        let page = records.list::<Two>(&account(), "", None, 1000).await.expect("listed");
        let sizes: Vec<_> = page.items.iter().map(|item| item.record.size_gib).collect();
        assert_eq!(sizes, (0..600).collect::<Vec<_>>());
        for item in store.range(b"1", b"2", 1000).await.expect("listed").items {
            assert!(item.value.starts_with(b"2 "), "{item:?}");
        }
        open(store.clone(), &kinds).await.expect("opens again");
        let again = records.list::<Two>(&account(), "", None, 1000).await.expect("listed");
        assert_eq!(again.revision, page.revision, "nothing is written the second time");
    }

    #[tokio::test]
    async fn a_migration_cut_short_is_finished() {
        let store = release_one(3).await;
        let key = Key::new(&account(), "test.disk", "disk-0001").encode();
        let damage = async |value: &str| {
            let put = store::Mutation::Put {
                key: key.clone(),
                value: value.to_owned().into(),
                lease: None,
            };
            store.txn(vec![], vec![put]).await.expect("written");
        };
        damage("1 {").await;
        let two = [Kind::of::<Two>()];
        let outcome = open(store.clone(), &two).await.err().expect("refused").to_string();
        assert!(outcome.starts_with("the record 111122223333/-/test.disk/disk-0001 cannot be"));
        // Release two has begun to write, so release one must not go on.
        let outcome = open(store.clone(), &[Kind::of::<One>()]).await.err().expect("refused");
        assert!(matches!(outcome, OpenError::NewerFormat { format: 2, known: 1, .. }));
        damage(r#"1 {"size":1}"#).await;
        open(store.clone(), &two).await.expect("opens");
        for item in store.range(b"1", b"2", 10).await.expect("listed").items {
            assert!(item.value.starts_with(b"2 "), "{item:?}");
        }
    }

    #[tokio::test]
    async fn a_newer_store_is_refused_and_left_alone() {
        let check = async |kinds: &[Kind], message: &str| {
            let store = release_one(1).await;
            open(store.clone(), &[Kind::of::<Two>(), Kind::of::<Other>()]).await.expect("opens");
            let before = store.range(b"", b"", 100).await.expect("listed");
            let refused = open(store.clone(), kinds).await.err().expect("refused");
            assert_eq!(refused.to_string(), message);
            assert_eq!(store.range(b"", b"", 100).await.expect("listed"), before);
        };
        check(
            &[Kind::of::<One>(), Kind::of::<Other>()],
            "the data was written by a newer haneul (test.disk has format 2, this one knows up \
             to 1); nothing was changed. Start the newer haneul",
        )
        .await;
        check(
            &[Kind::of::<Two>()],
            "the data holds test.other records, which this haneul does not know: it was written \
             by a newer haneul; nothing was changed. Start the newer one",
        )
        .await;
    }
}
