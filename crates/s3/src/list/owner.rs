//! Owners as lists show them.

use aws::AccountId;

use crate::model::Owner;

/// By canonical user id alone: S3 shows no display names any more.
pub(crate) fn owner(account: &AccountId) -> Owner {
    Owner { id: Some(account.canonical_user_id()), display_name: None }
}
