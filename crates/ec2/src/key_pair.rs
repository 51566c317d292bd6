//! Key pairs: the public half is kept, the private one is told once.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-key-pairs.html>

mod der;
mod material;
mod public;

use aws::{Call, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::tag::{self, Tags};
use crate::{Ec2, id, model, name, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    pub id: String,
    pub name: String,
    pub key_type: KeyType,
    pub fingerprint: String,
    /// As a line of `authorized_keys`, with the pair's name as its comment.
    pub public_key: String,
    pub created: Timestamp,
}

impl Record for KeyPair {
    const KIND: &'static str = "ec2.key-pair";
    const FORMAT: u32 = 1;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyType {
    Rsa,
    Ed25519,
}

impl KeyType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

const NAME_LETTERS_MAX: usize = 255;

impl Ec2 {
    /// # Errors
    /// `InvalidKeyPair.NotFound`.
    pub(crate) async fn key_pair_named(
        &self,
        scope: &Scope,
        name: &str,
    ) -> Result<Stored<KeyPair>> {
        let missing = || {
            let message = format!("The key pair '{name}' does not exist");
            Error::coded(id::KEY_PAIR.not_found, message)
        };
        let named = self.named(scope, id::KEY_PAIR, name).await?.ok_or_else(missing)?;
        self.records().get(scope, &named.record.id).await?.ok_or_else(missing)
    }

    async fn keep_key_pair(
        &self,
        call: &Call,
        pair: &KeyPair,
        tags: &std::collections::BTreeMap<String, String>,
    ) -> Result<()> {
        let scope = scope(call)?;
        self.retry(async || {
            if self.named(&scope, id::KEY_PAIR, &pair.name).await?.is_some() {
                return Err(Error::coded("InvalidKeyPair.Duplicate", "The keypair already exists"));
            }
            let mut txn = self.records().transaction();
            name::take(&mut txn, &scope, id::KEY_PAIR, &pair.name, &pair.id);
            txn.create(&scope, &pair.id, pair);
            tag::create(&mut txn, &scope, &pair.id, tags);
            txn.commit().await?;
            Ok(())
        })
        .await
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateKeyPairRequest,
) -> Result<model::KeyPair> {
    check_name(&input.key_name)?;
    let key_type = match input.key_type.as_deref().unwrap_or("rsa") {
        "rsa" => KeyType::Rsa,
        "ed25519" => KeyType::Ed25519,
        other => return Err(invalid("keyType", other)),
    };
    match input.key_format.as_deref().unwrap_or("pem") {
        "pem" => {}
        "ppk" => {
            let (operation, parameter) = ("CreateKeyPair", "KeyFormat=ppk");
            return Err(Error::ParameterNotServed { operation, parameter });
        }
        other => return Err(invalid("keyFormat", other)),
    }
    let tags = tag::specified(input.tag_specifications, id::KEY_PAIR)?;
    let made = material::make(key_type, &ec2.inner.random).await?;
    let pair = KeyPair {
        id: id::KEY_PAIR.new_id(&ec2.inner.random),
        public_key: made.public.line(&input.key_name),
        name: input.key_name,
        key_type,
        fingerprint: made.fingerprint,
        created: call.at,
    };
    ec2.keep_key_pair(call, &pair, &tags).await?;
    Ok(model::KeyPair {
        key_pair_id: Some(pair.id),
        key_name: Some(pair.name),
        key_fingerprint: Some(pair.fingerprint),
        key_material: Some(made.private_pem),
        tags: Tags { tags }.shapes(),
    })
}

pub async fn import(
    ec2: &Ec2,
    call: &Call,
    input: model::ImportKeyPairRequest,
) -> Result<model::ImportKeyPairResult> {
    check_name(&input.key_name)?;
    let tags = tag::specified(input.tag_specifications, id::KEY_PAIR)?;
    let public = public::PublicKey::read(&input.public_key_material)?;
    let pair = KeyPair {
        id: id::KEY_PAIR.new_id(&ec2.inner.random),
        public_key: public.line(&input.key_name),
        name: input.key_name,
        key_type: public.key_type(),
        fingerprint: public.fingerprint(),
        created: call.at,
    };
    ec2.keep_key_pair(call, &pair, &tags).await?;
    Ok(model::ImportKeyPairResult {
        key_pair_id: Some(pair.id),
        key_name: Some(pair.name),
        key_fingerprint: Some(pair.fingerprint),
        tags: Tags { tags }.shapes(),
    })
}

/// A name that nobody has is deleted in AWS, too.
pub async fn delete(
    ec2: &Ec2,
    call: &Call,
    input: model::DeleteKeyPairRequest,
) -> Result<model::DeleteKeyPairResult> {
    let scope = scope(call)?;
    let deleted = |id| model::DeleteKeyPairResult { r#return: Some(true), key_pair_id: id };
    ec2.retry(async || {
        let id = match (&input.key_pair_id, &input.key_name) {
            (Some(id), _) => id.clone(),
            (None, Some(name)) => match ec2.named(&scope, id::KEY_PAIR, name).await? {
                Some(named) => named.record.id,
                None => return Ok(deleted(None)),
            },
            (None, None) => return Err(Error::MissingParameter("KeyName")),
        };
        id::KEY_PAIR.check(&id)?;
        let Some(pair) = ec2.records().get::<KeyPair>(&scope, &id).await? else {
            return Ok(deleted(None));
        };
        let mut txn = ec2.records().transaction();
        if let Some(named) = ec2.named(&scope, id::KEY_PAIR, &pair.record.name).await? {
            txn.delete(&named);
        }
        txn.delete(&pair);
        ec2.drop_tags(&mut txn, &scope, &id).await?;
        txn.commit().await?;
        Ok(deleted(Some(id)))
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeKeyPairsRequest,
) -> Result<model::DescribeKeyPairsResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let mut ids = input.key_pair_ids.unwrap_or_default();
    for name in input.key_names.into_iter().flatten() {
        ids.push(ec2.key_pair_named(&scope, &name).await?.record.id);
    }
    let mut tags = ec2.tags_of(&scope, id::KEY_PAIR).await?;
    let mut found = Vec::new();
    for stored in ec2.named_or_all::<KeyPair>(&scope, id::KEY_PAIR, Some(ids)).await? {
        let pair = stored.record;
        let tags = tags.remove(&pair.id).unwrap_or_default();
        let values = |name: &str| match name {
            "key-pair-id" => Some(vec![pair.id.clone()]),
            "key-name" => Some(vec![pair.name.clone()]),
            "fingerprint" => Some(vec![pair.fingerprint.clone()]),
            _ => None,
        };
        if filters.pass(&tags, values)? {
            found.push(pair.shape(&tags, input.include_public_key.unwrap_or_default()));
        }
    }
    found.sort_by(|one, two| one.key_name.cmp(&two.key_name));
    Ok(model::DescribeKeyPairsResult { key_pairs: Some(found) })
}

impl KeyPair {
    fn shape(self, tags: &Tags, with_public_key: bool) -> model::KeyPairInfo {
        model::KeyPairInfo {
            key_pair_id: Some(self.id),
            key_name: Some(self.name),
            key_type: Some(self.key_type.as_str().into()),
            key_fingerprint: Some(self.fingerprint),
            create_time: Some(self.created),
            public_key: with_public_key.then_some(self.public_key),
            tags: tags.shapes(),
        }
    }
}

fn check_name(name: &str) -> Result<()> {
    let letters = name.chars().count();
    if letters == 0 || letters > NAME_LETTERS_MAX || !name.is_ascii() || name.trim() != name {
        return Err(invalid("keyName", name));
    }
    Ok(())
}

fn invalid(parameter: &str, value: &str) -> Error {
    let message = format!("Value ({value}) for parameter {parameter} is invalid.");
    Error::InvalidParameterValue(message)
}

#[cfg(test)]
mod tests;
