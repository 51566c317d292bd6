//! Every kind of record of this crate, for [`state::open()`].

use state::Kind;

use crate::access_key::AccessKey;
use crate::account_alias::AccountAlias;
use crate::accounts::Account;
use crate::group::Group;
use crate::id::UniqueId;
use crate::instance_profile::InstanceProfile;
use crate::managed_policy::{AwsPolicyUses, ManagedPolicy};
use crate::password_policy::PasswordPolicy;
use crate::policy_version::PolicyVersion;
use crate::region_secret::RegionSecret;
use crate::role::Role;
use crate::service_linked_role::DeletionTask;
use crate::usage::Usage;
use crate::user::User;

/// A kind that is missing here would be neither migrated nor refused when it is too new.
pub fn kinds() -> Vec<Kind> {
    vec![
        Kind::of::<Account>(),
        Kind::of::<AccountAlias>(),
        Kind::of::<PasswordPolicy>(),
        Kind::of::<Usage>(),
        Kind::of::<User>(),
        Kind::of::<AccessKey>(),
        Kind::of::<Group>(),
        Kind::of::<Role>(),
        Kind::of::<DeletionTask>(),
        Kind::of::<InstanceProfile>(),
        Kind::of::<ManagedPolicy>(),
        Kind::of::<PolicyVersion>(),
        Kind::of::<AwsPolicyUses>(),
        Kind::of::<UniqueId>(),
        Kind::of::<RegionSecret>(),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn records_in(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).expect("sources").map(|entry| entry.expect("read"));
        entries
            .map(|entry| match entry.path() {
                path if path.is_dir() => records_in(&path),
                path => {
                    let source = std::fs::read_to_string(path).expect("text");
                    source.lines().filter(|line| line.starts_with("impl Record for ")).count()
                }
            })
            .sum()
    }

    #[test]
    fn every_record_of_the_crate_is_listed() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert_eq!(kinds().len(), records_in(&sources));
    }
}
