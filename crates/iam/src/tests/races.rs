//! Two processes on one store, whose operations meet in every order.

use std::sync::Arc;
use std::time::Duration;

use aws::{BoxFuture, Random};
use state::store::{Condition, Error, KeyValue, Mutation, Range, Watch};
use state::{LeaseId, Memory, Records, Revision, StateStore};

use super::region::{Answer, EC2, READ, Region, text};

const SEEDS: u64 = 60;

/// Lets other tasks go first, as often as the seed says, before each step.
struct Unsteady {
    store: Memory,
    random: Random,
}

impl Unsteady {
    fn records(seed: u64) -> Records {
        Records::new(Arc::new(Self { store: Memory::new(), random: Random::seeded(seed) }))
    }

    async fn wait(&self) {
        for _ in 0..self.random.next_u64() % 4 {
            tokio::task::yield_now().await;
        }
    }
}

impl StateStore for Unsteady {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<KeyValue>, Error>> {
        Box::pin(async move {
            self.wait().await;
            self.store.get(key).await
        })
    }

    fn range<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> BoxFuture<'a, Result<Range, Error>> {
        Box::pin(async move {
            self.wait().await;
            self.store.range(start, end, limit).await
        })
    }

    fn txn(
        &self,
        conditions: Vec<Condition>,
        mutations: Vec<Mutation>,
    ) -> BoxFuture<'_, Result<Option<Revision>, Error>> {
        Box::pin(async move {
            self.wait().await;
            self.store.txn(conditions, mutations).await
        })
    }

    fn watch<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Revision,
    ) -> BoxFuture<'a, Result<Box<dyn Watch>, Error>> {
        self.store.watch(prefix, after)
    }

    fn lease_grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, Error>> {
        self.store.lease_grant(ttl)
    }

    fn lease_keep(&self, lease: LeaseId) -> BoxFuture<'_, Result<bool, Error>> {
        self.store.lease_keep(lease)
    }

    fn lease_revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), Error>> {
        self.store.lease_revoke(lease)
    }
}

/// After `before`, both requests at once, each to its own process; `judge` is told how both
/// went.
async fn race<F: AsyncFn(&Region, Answer, Answer)>(
    before: &[&str],
    one: &str,
    two: &str,
    judge: F,
) {
    for seed in 0..SEEDS {
        let records = Unsteady::records(seed);
        let here = Region::on(records.clone(), 2 * seed).await;
        let there = Region::on(records, 2 * seed + 1).await;
        for request in before {
            here.must(request).await;
        }
        let (first, second) = tokio::join!(here.ask(one), there.ask(two));
        judge(&here, first, second).await;
    }
}

#[tokio::test]
async fn of_two_users_of_one_name_one_is_created() {
    let request = "CreateUser UserName=bob";
    race(&[], request, request, async |region, one, two| {
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let taken = "409 EntityAlreadyExists User with name bob already exists.";
        assert_eq!(one.err().or(two.err()).as_deref(), Some(taken));
        let summary = region.must("GetAccountSummary").await;
        assert!(summary.contains("<key>Users</key><value>1</value>"));
    })
    .await;
}

#[tokio::test]
async fn a_policy_is_attached_or_deleted() {
    let create = format!("CreatePolicy PolicyName=p PolicyDocument={READ}");
    let arn = "PolicyArn=arn:aws:iam::123456789012:policy/p";
    let attach = format!("AttachUserPolicy UserName=bob {arn}");
    let delete = format!("DeletePolicy {arn}");
    race(&["CreateUser UserName=bob", &create], &attach, &delete, async |region, one, two| {
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let attached = region.must("ListAttachedUserPolicies UserName=bob").await;
        assert_eq!(attached.contains("policy/p"), one.is_ok());
        assert_eq!(region.ask(&format!("GetPolicy {arn}")).await.is_ok(), one.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_user_joins_a_group_or_it_is_deleted() {
    let before = ["CreateUser UserName=bob", "CreateGroup GroupName=g"];
    let join = "AddUserToGroup UserName=bob GroupName=g";
    race(&before, join, "DeleteGroup GroupName=g", async |region, one, two| {
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let groups = region.must("ListGroupsForUser UserName=bob").await;
        assert_eq!(groups.contains("group/g"), one.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_user_gets_a_key_or_is_deleted() {
    let before = ["CreateUser UserName=bob"];
    let create = "CreateAccessKey UserName=bob";
    race(&before, create, "DeleteUser UserName=bob", async |region, one, two| {
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        if let Ok(key) = one {
            region.signed(text(&key, "AccessKeyId"), None).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_third_key_is_never_made() {
    let before = ["CreateUser UserName=bob", "CreateAccessKey UserName=bob"];
    let create = "CreateAccessKey UserName=bob";
    race(&before, create, create, async |_, one, two| {
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    })
    .await;
}

#[tokio::test]
async fn a_profile_gets_one_of_two_roles() {
    let roles =
        ["a", "b"].map(|r| format!("CreateRole RoleName={r} AssumeRolePolicyDocument={EC2}"));
    let before = [&*roles[0], &roles[1], "CreateInstanceProfile InstanceProfileName=p"];
    let add = "AddRoleToInstanceProfile InstanceProfileName=p RoleName=";
    race(&before, &format!("{add}a"), &format!("{add}b"), async |region, one, two| {
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let (held, free) = if one.is_ok() { ("a", "b") } else { ("b", "a") };
        region.must(&format!("DeleteRole RoleName={free}")).await;
        assert!(region.ask(&format!("DeleteRole RoleName={held}")).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn many_at_once_all_succeed() {
    let records = Unsteady::records(7);
    let region = Region::on(records, 7).await;
    let requests: Vec<String> = (0..100).map(|i| format!("CreateUser UserName=u{i}")).collect();
    let asked = requests.iter().map(|request| region.ask(request));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(Result::is_ok));
    let summary = region.must("GetAccountSummary").await;
    assert!(summary.contains("<key>Users</key><value>100</value>"));
}
