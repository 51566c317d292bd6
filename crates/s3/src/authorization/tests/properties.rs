//! Whatever is configured, nobody gets in who was given nothing.

use proptest::prelude::*;

use super::*;

/// A bucket's settings, by numbers.
#[derive(Clone, Debug)]
struct Settings {
    ownership: Option<Ownership>,
    blocks: PublicAccessBlock,
    bucket_grant: Option<Grant>,
    object_grant: Option<Grant>,
    object_owner: &'static str,
    statements: Vec<String>,
}

fn settings() -> impl Strategy<Value = Settings> {
    let ownership = prop_oneof![
        Just(None),
        Just(Some(Ownership::BucketOwnerEnforced)),
        Just(Some(Ownership::BucketOwnerPreferred)),
        Just(Some(Ownership::ObjectWriter)),
    ];
    let blocks = prop::array::uniform4(any::<bool>()).prop_map(|[a, i, p, r]| PublicAccessBlock {
        block_public_acls: a,
        ignore_public_acls: i,
        block_public_policy: p,
        restrict_public_buckets: r,
    });
    let permission =
        prop::sample::select(vec!["READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"]);
    let grantee = prop::sample::select(vec!["all", "authenticated", OWNER, OTHER]);
    let grant = (grantee, permission).prop_map(|(grantee, permission)| to(grantee, permission));
    let statement = (
        prop::sample::select(vec!["Allow", "Deny"]),
        prop::sample::select(vec!["*", OWNER, OTHER, "arn:aws:iam::444455556666:user/bob"]),
        prop::sample::select(vec!["s3:*", "s3:GetObject", "s3:Put*", "s3:ListBucket"]),
        prop::sample::select(vec!["bkt", "bkt/*", "bkt/k", "bkt*"]),
    )
        .prop_map(|(effect, principal, action, resource)| {
            statement(effect, principal, action, resource)
        });
    (
        ownership,
        blocks,
        prop::option::of(grant.clone()),
        prop::option::of(grant),
        prop::sample::select(vec![OWNER, OTHER]),
        prop::collection::vec(statement, 0..3),
    )
        .prop_map(
            |(ownership, blocks, bucket_grant, object_grant, object_owner, statements)| Settings {
                ownership,
                blocks,
                bucket_grant,
                object_grant,
                object_owner,
                statements,
            },
        )
}

impl Settings {
    async fn world(&self) -> World {
        let world = World::with_bucket(|bucket| {
            bucket.ownership = self.ownership;
            bucket.public_access_block = Some(self.blocks);
            bucket.acl.grants = self.bucket_grant.clone().map(|grant| vec![grant]);
            if !self.statements.is_empty() {
                bucket.policy = policy(&self.statements.join(","));
            }
        })
        .await;
        let grants = self.object_grant.iter().cloned().collect();
        world
            .object("k", Object { owner: Some(self.object_owner), grants, ..Object::default() })
            .await;
        world
    }

    /// Whether anything in it speaks of everybody.
    fn gives_to_all(&self) -> bool {
        let enforced = self.ownership == Some(Ownership::BucketOwnerEnforced);
        let lists = [&self.bucket_grant, &self.object_grant];
        let by_list = lists.iter().any(|grant| {
            grant.as_ref().is_some_and(|grant| grant.grantee == to("all", "READ").grantee)
        });
        let by_list = by_list && !enforced && !self.blocks.ignore_public_acls;
        let by_policy = self.statements.iter().any(|statement| {
            statement.contains("Allow") && statement.contains(r#""Principal":"*""#)
        });
        by_list || by_policy && !self.blocks.restrict_public_buckets
    }

    /// Whether anything in it speaks of the other account, by name or with everybody.
    fn speaks_of_other(&self) -> bool {
        let named = self.statements.iter().any(|statement| {
            statement.contains("Allow")
                && (statement.contains(OTHER) || statement.contains(r#""Principal":"*""#))
        });
        let enforced = self.ownership == Some(Ownership::BucketOwnerEnforced);
        let own = to(OWNER, "READ").grantee;
        let lists = [&self.bucket_grant, &self.object_grant];
        let listed =
            lists.iter().any(|grant| grant.as_ref().is_some_and(|grant| grant.grantee != own));
        named || !enforced && (listed || self.object_owner == OTHER)
    }
}

const ACTIONS: [(&str, Option<&str>); 9] = [
    ("s3:GetObject", Some("k")),
    ("s3:GetObject", Some("missing")),
    ("s3:GetObjectAcl", Some("k")),
    ("s3:PutObject", Some("k")),
    ("s3:PutObjectAcl", Some("k")),
    ("s3:DeleteObject", Some("k")),
    ("s3:ListBucket", None),
    ("s3:PutBucketAcl", None),
    ("s3:PutBucketPolicy", None),
];

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_anonymous_without_a_grant_to_all(settings in settings()) {
        run(async {
            let world = settings.world().await;
            let (anonymous, other) = (world.anonymous(), world.other());
            for (action, key) in ACTIONS {
                let allowed = world.allows(&anonymous, action, key).await;
                assert!(!allowed || settings.gives_to_all(), "anonymous {action} {settings:?}");
                let allowed = world.allows(&other, action, key).await;
                assert!(!allowed || settings.speaks_of_other(), "other {action} {settings:?}");
            }
        });
    }

    #[test]
    fn blocks_never_give(settings in settings()) {
        run(async {
            let open = settings.world().await;
            let all = Settings { blocks: PublicAccessBlock::ALL, ..settings.clone() };
            let blocked = all.world().await;
            for (action, key) in ACTIONS {
                for call in [open.anonymous(), open.other(), open.owner()] {
                    let before = open.allows(&call, action, key).await;
                    let after = blocked.allows(&call, action, key).await;
                    assert!(before || !after, "{action} {settings:?}");
                }
                assert!(!blocked.allows(&open.anonymous(), action, key).await, "{settings:?}");
            }
        });
    }

    #[test]
    fn the_owner_can_always_mend_the_policy(settings in settings()) {
        run(async {
            let world = settings.world().await;
            for action in ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"] {
                assert!(world.allows(&world.owner(), action, None).await, "{settings:?}");
            }
        });
    }
}
