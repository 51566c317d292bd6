//! Names that are unique within an account and region: of key pairs, of launch templates.

use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use crate::Ec2;
use crate::error::Result;
use crate::id::Kind;

/// By `KIND/NAME`: whose the name is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    pub id: String,
}

impl Record for Name {
    const KIND: &'static str = "ec2.name";
    const FORMAT: u32 = 1;
}

impl Ec2 {
    /// Whose this name is among resources of a kind.
    pub(crate) async fn named(
        &self,
        scope: &Scope,
        kind: Kind,
        name: &str,
    ) -> Result<Option<Stored<Name>>> {
        Ok(self.records().get(scope, &key(kind, name)).await?)
    }
}

/// Conflicts when somebody has the name by now.
pub fn take(txn: &mut Transaction, scope: &Scope, kind: Kind, name: &str, id: &str) {
    txn.create(scope, &key(kind, name), &Name { id: id.into() });
}

fn key(kind: Kind, name: &str) -> String {
    format!("{}/{name}", kind.resource_type)
}
