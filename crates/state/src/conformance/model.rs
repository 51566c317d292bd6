use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

#[derive(Clone, Debug)]
enum Action {
    Txn { conditions: Vec<(u8, Expect)>, mutations: BTreeMap<u8, Option<u8>> },
    Range { start: u8, end: u8, limit: usize },
    Restart,
    Kill,
}

#[derive(Clone, Copy, Debug)]
enum Expect {
    Absent,
    /// As the model has it: holds unless the key is absent.
    AsIs,
    At(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let expect = prop_oneof![
        2 => Just(Expect::Absent),
        4 => Just(Expect::AsIs),
        1 => (0..20u64).prop_map(Expect::At),
    ];
    let conditions = prop::collection::vec((0..6u8, expect), 0..3);
    let mutations = prop::collection::btree_map(0..6u8, any::<Option<u8>>(), 0..4);
    let action = prop_oneof![
        20 => (conditions, mutations)
            .prop_map(|(conditions, mutations)| Action::Txn { conditions, mutations }),
        4 => (0..7u8, 0..7u8, 0..8usize)
            .prop_map(|(start, end, limit)| Action::Range { start, end, limit }),
        1 => Just(Action::Restart),
        1 => Just(Action::Kill),
    ];
    prop::collection::vec(action, 1..40)
}

/// The store in twenty lines: sorted keys with value and revision.
#[derive(Default)]
struct Model {
    revision: u64,
    keys: BTreeMap<Bytes, (Bytes, u64)>,
    events: Vec<Event>,
}

pub(super) fn compare(factory: &dyn Factory) {
    eprintln!("conformance: model");
    let config =
        Config { cases: factory.model_cases(), failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    TestRunner::new(config)
        .run(&actions(), |actions| {
            runtime.block_on(async {
                run(factory.make().await, &actions).await;
            });
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

async fn run(mut engine: Box<dyn Engine>, actions: &[Action]) {
    let mut model = Model::default();
    let mut store = engine.store();
    let mut watch = store.watch(b"", Revision(0)).await.expect("kept");
    for action in actions {
        match action {
            Action::Txn { conditions, mutations } => {
                let conditions =
                    conditions.iter().map(|(at, expect)| model.condition(*at, *expect));
                let conditions: Vec<_> = conditions.collect();
                let mutations: Vec<_> = mutations
                    .iter()
                    .map(|(at, value)| match value {
                        Some(value) => put(&name(*at), &value.to_string()),
                        None => delete(&name(*at)),
                    })
                    .collect();
                let expected = model.txn(&conditions, &mutations);
                let outcome = store.txn(conditions, mutations).await.expect("answers");
                assert_eq!(outcome, expected);
            }
            Action::Range { start, end, limit } => {
                let (start, end) = (key(&name(*start)), key(&name(*end)));
                let range = store.range(&start, &end, *limit).await.expect("answers");
                model.check_range(&start, &end, *limit, &range);
            }
            Action::Restart | Action::Kill => {
                drop((store, watch));
                let kept = match action {
                    Action::Restart => engine.restart().await,
                    _ => engine.kill().await,
                };
                store = engine.store();
                let from = if kept {
                    model.events.clear();
                    Revision(model.revision)
                } else {
                    Revision(0)
                };
                watch = store.watch(b"", from).await.expect("kept");
            }
        }
    }
    assert_eq!(take(&mut watch, model.events.len()).await, model.events);
    model.check_range(b"", b"z", 100, &store.range(b"", b"z", 100).await.expect("answers"));
}

impl Model {
    fn condition(&self, at: u8, expect: Expect) -> Condition {
        let at = name(at);
        let as_is = self.keys.get(at.as_bytes()).map_or(0, |(_, modified)| *modified);
        match expect {
            Expect::Absent => absent(&at),
            Expect::AsIs => modified_at(&at, Revision(as_is)),
            Expect::At(revision) => modified_at(&at, Revision(revision)),
        }
    }

    fn txn(&mut self, conditions: &[Condition], mutations: &[Mutation]) -> Option<Revision> {
        let holds = |condition: &Condition| match condition {
            Condition::Absent(key) => !self.keys.contains_key(key),
            Condition::ModifiedAt(key, at) => {
                self.keys.get(key).is_some_and(|(_, modified)| *modified == at.0)
            }
        };
        if !conditions.iter().all(holds) {
            return None;
        }
        let next = self.revision + 1;
        for mutation in mutations {
            let (key, value) = match mutation {
                Mutation::Put { key, value, .. } => (key, Some(value)),
                Mutation::Delete { key } if self.keys.contains_key(key) => (key, None),
                Mutation::Delete { .. } => continue,
            };
            match value {
                Some(value) => self.keys.insert(key.clone(), (value.clone(), next)),
                None => self.keys.remove(key),
            };
            let (key, value) = (key.clone(), value.cloned());
            self.events.push(Event { key, value, revision: Revision(next) });
            self.revision = next;
        }
        Some(Revision(self.revision))
    }

    fn check_range(&self, start: &[u8], end: &[u8], limit: usize, range: &crate::store::Range) {
        let inside = |key: &Bytes| start <= &key[..] && &key[..] < end;
        let all: Vec<_> = self.keys.iter().filter(|(key, _)| inside(key)).collect();
        let found =
            range.items.iter().map(|item| (&item.key, (item.value.clone(), item.modified.0)));
        let expected = all.iter().take(limit).map(|(key, entry)| (*key, (*entry).clone()));
        assert!(found.eq(expected), "{range:?}");
        assert_eq!(range.more, all.len() > limit);
        assert_eq!(range.revision.0, self.revision);
    }
}

fn name(at: u8) -> String {
    format!("k{at}")
}
