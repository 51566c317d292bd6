use serde::{Deserialize, Serialize};

use super::*;
use crate::backend::memory::Memory;
use crate::transaction::CommitError;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    logins: u32,
}

impl Record for User {
    const KIND: &'static str = "test.user";
    const FORMAT: u32 = 2;

    fn migrate(format: u32, value: serde_json::Value) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Format1 {
            name: String,
        }
        match format {
            1 => serde_json::from_value(value).map(|Format1 { name }| User { name, logins: 0 }),
            other => Err(serde::de::Error::custom(format!("format {other}"))),
        }
    }
}

fn records() -> Records {
    Records::new(Arc::new(Memory::new()))
}

fn account(id: &str) -> Scope {
    Scope::Global(id.parse().expect("valid"))
}

fn user(name: &str) -> User {
    User { name: name.into(), logins: 0 }
}

async fn create(records: &Records, scope: &Scope, id: &str) -> Result<Revision, CommitError> {
    let mut txn = records.transaction();
    txn.create(scope, id, &user(id));
    txn.commit().await
}

#[tokio::test]
async fn a_record_is_created_changed_and_deleted_once() {
    let (records, scope) = (records(), account("111122223333"));
    create(&records, &scope, "alice").await.expect("created");
    let again = create(&records, &scope, "alice").await;
    assert!(matches!(again, Err(CommitError::Conflict)));

    let first: Stored<User> = records.get(&scope, "alice").await.expect("read").expect("there");
    let mut txn = records.transaction();
    txn.update(&first, &User { logins: 1, ..first.record.clone() });
    let revision = txn.commit().await.expect("updated");
    let second: Stored<User> = records.get(&scope, "alice").await.expect("read").expect("there");
    assert_eq!((second.record.logins, second.revision), (1, revision));

    for old in [true, false] {
        let mut txn = records.transaction();
        txn.delete(if old { &first } else { &second });
        let outcome = txn.commit().await;
        assert_eq!(matches!(outcome, Err(CommitError::Conflict)), old, "{outcome:?}");
    }
    assert_eq!(records.get::<User>(&scope, "alice").await.expect("read"), None);
}

#[tokio::test]
async fn what_is_required_is_checked_and_left_alone() {
    let (records, scope) = (records(), account("111122223333"));
    create(&records, &scope, "alice").await.expect("created");
    let alice = records.get::<User>(&scope, "alice").await.expect("read").expect("there");
    let with_alice = async |id: &str| {
        let mut txn = records.transaction();
        txn.require_unchanged(&alice).require_absent::<User>(&scope, "eve");
        txn.create(&scope, id, &user(id));
        txn.commit().await
    };
    with_alice("bob").await.expect("alice is as she was");
    let mut txn = records.transaction();
    txn.put_unconditionally(&scope, "alice", &user("Alice"));
    txn.commit().await.expect("put");
    assert!(matches!(with_alice("carol").await, Err(CommitError::Conflict)));
    assert_eq!(records.get::<User>(&scope, "carol").await.expect("read"), None);
}

#[tokio::test]
async fn a_list_is_of_one_scope_in_order_and_in_pages() {
    let (records, scope) = (records(), account("111122223333"));
    for id in ["team/b", "team/a", "teams", "team/c", "other"] {
        create(&records, &scope, id).await.expect("created");
    }
    create(&records, &account("444455556666"), "team/x").await.expect("created");
    let check = async |prefix: &str, after: Option<&str>, limit, ids: &[&str], more| {
        let page = records.list::<User>(&scope, prefix, after, limit).await.expect("listed");
        let found: Vec<_> = page.items.iter().map(|item| item.key.id.as_str()).collect();
        assert_eq!((found.as_slice(), page.more), (ids, more), "{prefix} {after:?}");
    };
    check("team/", None, 2, &["team/a", "team/b"], true).await;
    check("team/", Some("team/b"), 2, &["team/c"], false).await;
    check("team/", Some("a"), 9, &["team/a", "team/b", "team/c"], false).await;
    check("team/", Some("z"), 9, &[], false).await;
    check("", Some("team/c"), 9, &["teams"], false).await;
    check("", None, 1, &["other"], true).await;
    check("", None, 0, &[], true).await;
}

#[tokio::test]
async fn older_formats_are_read_and_newer_ones_refused() {
    let (records, scope) = (records(), account("111122223333"));
    let key = key_of::<User>(&scope, "alice");
    let check = async |stored: &str, expected: Result<User, &str>| {
        let mut txn = records.transaction();
        txn.put_bytes(key.encode(), stored.to_owned().into());
        txn.commit().await.expect("written");
        let read = records.get::<User>(&scope, "alice").await;
        match expected {
            Ok(user) => assert_eq!(read.expect("read").expect("there").record, user),
            Err(message) => assert_eq!(read.expect_err("refused").to_string(), message),
        }
    };
    check(r#"2 {"name":"a","logins":3}"#, Ok(User { name: "a".into(), logins: 3 })).await;
    check(r#"1 {"name":"a"}"#, Ok(user("a"))).await;
    check(
        r#"3 {"name":"a"}"#,
        Err("a test.user record has format 3 and this haneul reads up to 2: \
             the data was written by a newer haneul; start that one"),
    )
    .await;
    check(
        r#"{"name":"a"}"#,
        Err("the record 111122223333/-/test.user/alice does not begin with the number of its format"),
    )
    .await;
    check("0 {}", Err("the record 111122223333/-/test.user/alice cannot be read: format 0")).await;
}

#[tokio::test]
async fn a_counter_under_rivals_counts_every_attempt() {
    let (records, scope) = (records(), account("111122223333"));
    create(&records, &scope, "alice").await.expect("created");
    let count = async |records: Records, scope: Scope| {
        records
            .retry(async || -> Result<Revision, aws::Error> {
                let alice = records.get::<User>(&scope, "alice").await?.expect("there");
                tokio::task::yield_now().await;
                let mut txn = records.transaction();
                txn.update(&alice, &User { logins: alice.record.logins + 1, ..user("alice") });
                Ok(txn.commit().await?)
            })
            .await
    };
    let counting = (0..8).map(|_| count(records.clone(), scope.clone()));
    for outcome in futures_util::future::join_all(counting).await {
        outcome.expect("counted");
    }
    let alice = records.get::<User>(&scope, "alice").await.expect("read").expect("there");
    assert_eq!(alice.record.logins, 8);
}

#[tokio::test]
async fn retries_are_bounded() {
    let records = records();
    let tried = std::cell::Cell::new(0);
    let outcome: Result<(), _> = records
        .retry(async || {
            tried.set(tried.get() + 1);
            Err(CommitError::Conflict)
        })
        .await;
    assert!(matches!(outcome, Err(CommitError::Conflict)));
    assert_eq!(tried.get(), RETRIES_MAX);
}
