use std::ops::Range;

use objects::{BlobId, Engine, Layout, Scan};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::row::{Headers, Piece, Sealing, objects_of, version_row};

const KEYS: [&str; 3] = ["a", "a\u{0}b", "ab"];

#[derive(Clone, Debug)]
enum Step {
    Put(usize),
    Delete(usize),
    /// The version at this place of the key's list, counted around.
    DeleteVersion(usize, usize),
    Enable,
    Suspend,
}

fn step() -> impl Strategy<Value = Step> {
    let keys: Range<usize> = 0..KEYS.len();
    prop_oneof![
        6 => keys.clone().prop_map(Step::Put),
        3 => keys.clone().prop_map(Step::Delete),
        5 => (keys, 0..8usize).prop_map(|(key, place)| Step::DeleteVersion(key, place)),
        1 => Just(Step::Enable),
        1 => Just(Step::Suspend),
    ]
}

/// A version as it must be: its id, and its blob or none for a marker.
type Expected = (VersionId, Option<BlobId>);

/// What S3 promises of versions, in lists: the newest of each key first.
#[derive(Default)]
struct Model {
    versioning: Versioning,
    keys: [Vec<Expected>; 3],
    gone: Vec<BlobId>,
}

impl Model {
    /// Before a version is added: what has to go.
    fn make_room(&mut self, key: usize) {
        if self.versioning != Versioning::Enabled {
            let null = self.keys[key].iter().position(|(id, _)| id.is_null());
            if let Some(place) = null {
                self.remove(key, place);
            }
        }
    }

    fn remove(&mut self, key: usize, place: usize) {
        let (_, blob) = self.keys[key].remove(place);
        self.gone.extend(blob);
    }
}

struct World {
    engine: Engine,
    random: Random,
    bucket: Bucket,
    parsed: Parsed,
}

impl World {
    fn new() -> Self {
        let bucket =
            r#"1 {"id":7,"name":"b","account":"111122223333","region":"us-east-1","created":0}"#;
        let bucket = Bucket::decode(bucket.as_bytes()).expect("a bucket");
        let (engine, random) = (Engine::memory(), Random::seeded(1));
        Self { engine, random, bucket, parsed: Parsed::default() }
    }

    fn addition(&self, content: Option<Content>) -> Addition {
        let owner = self.bucket.account.clone();
        Addition { modified: Timestamp::from_secs(0), owner, content }
    }

    async fn put(&self, key: &str) -> Version {
        let mut blob = self.engine.write(1, Layout::Zones, None).await.expect("room");
        blob.push(bytes::Bytes::from_static(b"x")).await.expect("room");
        let blob = blob.finish().await.expect("written");
        let addition = self.addition(Some(content(blob.id())));
        let commit = self.engine.commit(|change| {
            change.attach(blob);
            add(change, &self.random, &self.bucket, key, addition)
        });
        commit.await.expect("commits").expect("added")
    }

    async fn delete(&self, key: &str) -> Option<Version> {
        let marker = self.addition(None);
        let decide =
            |change: &mut Change<'_>| delete(change, &self.random, &self.bucket, key, marker);
        self.engine.commit(decide).await.expect("commits").expect("deleted")
    }

    async fn delete_version(&self, key: &str, id: &VersionId) {
        let decide = |change: &mut Change<'_>| {
            let found = find(change, self.bucket.id, key, &Which::Id(id.clone()))?;
            let found = found.expect("the model has it");
            remove(change, self.bucket.id, key, &found)
        };
        self.engine.commit(decide).await.expect("commits").expect("removed");
    }

    /// All versions of all keys, as their rows lie.
    fn kept(&self) -> Vec<(String, bool, Expected)> {
        let (from, end) = objects_of(self.bucket.id, "");
        let mut kept = Vec::new();
        let mut visit = |key: &[u8], row: &objects::Row| {
            let (key, current) = version_row(key).expect("a version's row");
            let version = Version::decode(&row.value).expect("a version");
            let blob = version.content.map(|content| content.pieces[0].blob());
            kept.push((key, current, (version.id, blob)));
            Scan::On
        };
        self.engine.scan(&from, &end, &mut visit).expect("reads");
        kept
    }

    async fn is_there(&self, blob: BlobId) -> bool {
        self.engine.read(blob, None, 0..1).await.is_ok()
    }
}

fn content(blob: BlobId) -> Content {
    Content {
        bytes: 1,
        etag: String::new(),
        class: "STANDARD".into(),
        pieces: vec![Piece { blob: blob.0, bytes: 1, number: 1, salt: 0, checksum: None }],
        multipart: false,
        upload: None,
        checksum: None,
        headers: Headers::default(),
        metadata: Vec::new(),
        website_redirect: None,
        tags: Vec::new(),
        acl: None,
        sealing: Sealing::Region { wrapped: String::new() },
        retention: None,
        legal_hold: None,
        restore: None,
    }
}

async fn run(steps: &[Step]) {
    let (mut world, mut model) = (World::new(), Model::default());
    for step in steps {
        match *step {
            Step::Enable => model.versioning = Versioning::Enabled,
            // Only what was enabled can be suspended in a way that differs.
            Step::Suspend => model.versioning = Versioning::Suspended,
            Step::Put(key) => {
                let version = world.put(KEYS[key]).await;
                model.make_room(key);
                let blob = version.content.map(|content| content.pieces[0].blob());
                model.keys[key].insert(0, (version.id, blob));
            }
            Step::Delete(key) => {
                let marker = world.delete(KEYS[key]).await;
                model.make_room(key);
                if model.versioning == Versioning::Unset {
                    assert_eq!(marker, None);
                } else {
                    model.keys[key].insert(0, (marker.expect("a marker").id, None));
                }
            }
            Step::DeleteVersion(key, place) => {
                let count = model.keys[key].len();
                if count > 0 {
                    let (id, _) = model.keys[key][place % count].clone();
                    world.delete_version(KEYS[key], &id).await;
                    model.remove(key, place % count);
                }
            }
        }
        world.bucket.versioning = model.versioning;
        compare(&world, &model).await;
    }
}

async fn compare(world: &World, model: &Model) {
    let mut expected = Vec::new();
    for (key, versions) in KEYS.iter().zip(&model.keys) {
        for (place, version) in versions.iter().enumerate() {
            expected.push(((*key).to_owned(), place == 0, version.clone()));
        }
    }
    assert_eq!(world.kept(), expected);
    for (key, _, (id, blob)) in &expected {
        let found = find(&world.engine, world.bucket.id, key, &Which::Id(id.clone()));
        let found = found.expect("reads").expect("every version is found by its id");
        assert_eq!(&found.version.id, id);
        // Twice, so that what is kept is asked too: by the next step it must not be stale.
        for _ in 0..2 {
            let which = Which::Id(id.clone());
            let parsed = world.parsed.find(&world.engine, world.bucket.id, key, &which);
            assert_eq!(parsed.expect("reads").as_ref(), Some(&found));
        }
        if let Some(blob) = blob {
            assert!(world.is_there(*blob).await);
        }
    }
    for blob in &model.gone {
        assert!(!world.is_there(*blob).await, "bytes of a version that is gone");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn versions_are_what_the_model_says(steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(run(&steps));
    }
}

#[test]
fn a_version_id_is_null_or_ours() {
    let check = |id: Option<&str>, expected: Result<Which, &str>| {
        let read = Which::read(id).map_err(|error| error.code.into_owned());
        assert_eq!(read, expected.map_err(str::to_owned));
    };
    check(None, Ok(Which::Current));
    check(Some("null"), Ok(Which::Id(VersionId::null())));
    check(Some(""), Err("InvalidArgument"));
    check(Some("notaversion"), Err("InvalidArgument"));
}
