use super::*;
use crate::store::{
    KEY_BYTES_MAX, KEYS_PER_LEASE_MAX, KEYS_PER_TXN_MAX, LEASE_TTL_MAX, TXN_BYTES_MAX,
    VALUE_BYTES_MAX,
};

pub(super) async fn limits_hold_at_their_edges(engine: Box<dyn Engine>, _: &dyn Factory) {
    let store = engine.store();
    let check = async |conditions: Vec<Condition>, mutations: Vec<Mutation>, fits: bool| {
        let before = revision(&*store).await;
        let outcome = store.txn(conditions, mutations).await;
        let after = revision(&*store).await;
        match fits {
            true => assert!(matches!(outcome, Ok(Some(at)) if at == after && after > before)),
            false => {
                assert!(matches!(outcome, Err(Error::TooLarge(_))), "{outcome:?}");
                assert_eq!(before, after, "nothing happened");
            }
        }
    };
    let text = |len| "v".repeat(len);
    check(vec![], vec![put(&text(KEY_BYTES_MAX), "")], true).await;
    check(vec![], vec![put(&text(KEY_BYTES_MAX + 1), "")], false).await;
    check(vec![absent(&text(KEY_BYTES_MAX + 1))], vec![put("a", "")], false).await;
    check(vec![], vec![put("a", &text(VALUE_BYTES_MAX))], true).await;
    check(vec![], vec![put("a", &text(VALUE_BYTES_MAX + 1))], false).await;

    let puts = |count| (0..count).map(|n| put(&format!("n/{n:02}"), "")).collect::<Vec<_>>();
    let absents = |count| (0..count).map(|n| absent(&format!("m/{n:02}"))).collect::<Vec<_>>();
    check(vec![], puts(KEYS_PER_TXN_MAX), true).await;
    check(vec![], puts(KEYS_PER_TXN_MAX + 1), false).await;
    check(absents(KEYS_PER_TXN_MAX / 2), puts(KEYS_PER_TXN_MAX / 2), true).await;
    check(absents(KEYS_PER_TXN_MAX / 2), puts(KEYS_PER_TXN_MAX / 2 + 1), false).await;

    // Seven full values and one that fills the rest to the byte.
    let filled = |over: usize| {
        let mut mutations: Vec<_> =
            (0..7).map(|n| put(&format!("b/{n}"), &text(VALUE_BYTES_MAX))).collect();
        let rest = TXN_BYTES_MAX - 7 * (VALUE_BYTES_MAX + 3) - 3;
        mutations.push(put("b/7", &text(rest + over)));
        mutations
    };
    check(vec![], filled(0), true).await;
    check(vec![], filled(1), false).await;
    let twice = store.txn(vec![], vec![put("a", "1"), delete("a")]).await;
    assert!(matches!(twice, Err(Error::WrittenTwice(_))), "{twice:?}");

    store.lease_grant(LEASE_TTL_MAX).await.expect("the longest");
    let longer = store.lease_grant(LEASE_TTL_MAX + Duration::from_millis(1)).await;
    assert!(matches!(longer, Err(Error::TooLarge(_))), "{longer:?}");
    let lease = store.lease_grant(LEASE_TTL_MAX).await.expect("answers");
    let leased =
        |n| Mutation::Put { key: key(&format!("l/{n}")), value: key(""), lease: Some(lease) };
    for chunk in (0..KEYS_PER_LEASE_MAX).collect::<Vec<_>>().chunks(KEYS_PER_TXN_MAX) {
        check(vec![], chunk.iter().map(|n| leased(*n)).collect(), true).await;
    }
    check(vec![], vec![leased(KEYS_PER_LEASE_MAX)], false).await;
    let before = revision(&*store).await;
    store.lease_revoke(lease).await.expect("answers");
    let left = store.range(b"l/", b"l0", 1).await.expect("answers");
    assert_eq!((left.items.len(), left.revision.0), (0, before.0 + 1), "all in one revision");
}
