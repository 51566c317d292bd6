//! A bucket's default encryption. Everything is encrypted with AES-256 under keys of the region
//! (SSE-S3), whether this is set or not.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html>

use aws::{Call, Error};

use crate::S3;
use crate::error::{invalid_argument, malformed_xml};
use crate::model::{
    BlockedEncryptionTypes, DeleteBucketEncryptionRequest, GetBucketEncryptionOutput,
    GetBucketEncryptionRequest, PutBucketEncryptionRequest, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use crate::row::Encryption;

pub async fn delete(
    s3: &S3,
    _call: &Call,
    input: DeleteBucketEncryptionRequest,
) -> Result<(), Error> {
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.encryption = Encryption::default();
        Ok(())
    })
    .await
}

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketEncryptionRequest,
) -> Result<GetBucketEncryptionOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let Encryption { bucket_key, blocked } = &bucket.encryption;
    let algorithm =
        ServerSideEncryptionByDefault { sse_algorithm: "AES256".into(), kms_master_key_id: None };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(algorithm),
        bucket_key_enabled: Some(*bucket_key),
        blocked_encryption_types: (!blocked.is_empty())
            .then(|| BlockedEncryptionTypes { encryption_type: Some(blocked.clone()) }),
    };
    let shown = ServerSideEncryptionConfiguration { rules: vec![rule] };
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(shown) })
}

pub async fn put(s3: &S3, _call: &Call, input: PutBucketEncryptionRequest) -> Result<(), Error> {
    let rules = &input.server_side_encryption_configuration.rules;
    let [rule] = rules.as_slice() else { return Err(malformed_xml()) };
    let encryption = parse(rule)?;
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.encryption = encryption;
        Ok(())
    })
    .await
}

fn parse(rule: &ServerSideEncryptionRule) -> Result<Encryption, Error> {
    let default = rule.apply_server_side_encryption_by_default.as_ref();
    let blocked = rule.blocked_encryption_types.as_ref();
    let blocked = blocked.map(|types| types.encryption_type.clone().unwrap_or_default());
    if default.is_none() && blocked.is_none() {
        return Err(malformed_xml());
    }
    if let Some(default) = default {
        check_algorithm(default)?;
    }
    let blocked = blocked.unwrap_or_default();
    if blocked.iter().any(|kind| !["NONE", "SSE-C"].contains(&kind.as_str())) {
        return Err(malformed_xml());
    }
    Ok(Encryption { bucket_key: rule.bucket_key_enabled.unwrap_or_default(), blocked })
}

fn check_algorithm(default: &ServerSideEncryptionByDefault) -> Result<(), Error> {
    match default.sse_algorithm.as_str() {
        "AES256" => match &default.kms_master_key_id {
            None => Ok(()),
            Some(key) => {
                let why = "a KMSMasterKeyID is not applicable if the default sse algorithm is not \
                           aws:kms or aws:kms:dsse";
                Err(invalid_argument(why, "KMSMasterKeyID", key))
            }
        },
        "aws:kms" | "aws:kms:dsse" | "aws:fsx" => {
            let what = format!("SSEAlgorithm {}", default.sse_algorithm);
            Err(Error::parameter_not_served("PutBucketEncryption", &what))
        }
        _ => Err(malformed_xml()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, code};

    fn rule(algorithm: &str) -> ServerSideEncryptionRule {
        let default = ServerSideEncryptionByDefault {
            sse_algorithm: algorithm.into(),
            kms_master_key_id: None,
        };
        ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(default),
            bucket_key_enabled: Some(false),
            blocked_encryption_types: None,
        }
    }

    fn blocking(kind: &str) -> ServerSideEncryptionRule {
        let types = BlockedEncryptionTypes { encryption_type: Some(vec![kind.into()]) };
        ServerSideEncryptionRule { blocked_encryption_types: Some(types), ..rule("AES256") }
    }

    #[tokio::test]
    async fn rules() {
        let world = World::new();
        world.bucket("mine").await;
        let call = world.owner();
        let get = async || {
            let input = GetBucketEncryptionRequest { bucket: "mine".into(), ..Default::default() };
            let answer = super::get(&world.s3, &call, input).await.expect("always there");
            answer.server_side_encryption_configuration.unwrap_or_default().rules
        };
        let put = async |rules: Vec<ServerSideEncryptionRule>| {
            let input = PutBucketEncryptionRequest {
                bucket: "mine".into(),
                server_side_encryption_configuration: ServerSideEncryptionConfiguration { rules },
                ..Default::default()
            };
            code(super::put(&world.s3, &call, input).await)
        };
        assert_eq!(get().await, [rule("AES256")]);
        for (rules, expected) in [
            (vec![], "MalformedXML"),
            (vec![rule("AES256"), rule("AES256")], "MalformedXML"),
            (vec![rule("AES128")], "MalformedXML"),
            (vec![ServerSideEncryptionRule::default()], "MalformedXML"),
            (vec![blocking("SSE-X")], "MalformedXML"),
            (vec![rule("aws:kms")], "UnsupportedOperation"),
        ] {
            assert_eq!(put(rules).await, expected);
        }
        let with_key = ServerSideEncryptionByDefault {
            sse_algorithm: "AES256".into(),
            kms_master_key_id: Some("alias/mine".into()),
        };
        let with_key = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(with_key),
            ..rule("AES256")
        };
        assert_eq!(put(vec![with_key]).await, "InvalidArgument");
        let shown =
            ServerSideEncryptionRule { bucket_key_enabled: Some(true), ..blocking("SSE-C") };
        assert_eq!(put(vec![shown.clone()]).await, "OK");
        assert_eq!(get().await, [shown]);
        let delete = DeleteBucketEncryptionRequest { bucket: "mine".into(), ..Default::default() };
        super::delete(&world.s3, &call, delete).await.expect("deleted");
        assert_eq!(get().await, [rule("AES256")]);
    }
}
