//! Lists as answers show them.

use aws::AccountId;

use super::grants;
use crate::model;
use crate::row::{Acl, Grant, Grantee};

pub(crate) fn shown(acl: &Acl, owner: &AccountId) -> Vec<model::Grant> {
    grants(acl, owner).into_iter().map(grant).collect()
}

fn grant(Grant { grantee, permission }: Grant) -> model::Grant {
    let grantee = match grantee {
        Grantee::CanonicalUser(id) => {
            model::Grantee { r#type: "CanonicalUser".into(), id: Some(id), ..Default::default() }
        }
        Grantee::Group(uri) => {
            model::Grantee { r#type: "Group".into(), uri: Some(uri), ..Default::default() }
        }
    };
    model::Grant { grantee: Some(grantee), permission: Some(permission) }
}
