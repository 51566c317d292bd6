//! A bucket's CORS configuration, and what it says of a request.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>

mod evaluate;

pub use evaluate::{CorsHeaders, Resource};

use aws::{Call, Error};

use crate::S3;
use crate::error::{invalid_request, malformed_xml};
use crate::model::{
    CORSRule, DeleteBucketCorsRequest, GetBucketCorsOutput, GetBucketCorsRequest,
    PutBucketCorsRequest,
};
use crate::row::CorsRule;

const RULES_MAX: usize = 100;
const ID_LETTERS_MAX: usize = 255;
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

pub async fn delete(s3: &S3, _call: &Call, input: DeleteBucketCorsRequest) -> Result<(), Error> {
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.cors.clear();
        Ok(())
    })
    .await
}

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketCorsRequest,
) -> Result<GetBucketCorsOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    if bucket.cors.is_empty() {
        let why = "The CORS configuration does not exist";
        return Err(Error::client(404, "NoSuchCORSConfiguration", why)
            .with_detail("BucketName", &input.bucket));
    }
    Ok(GetBucketCorsOutput { cors_rules: Some(bucket.cors.iter().map(shown).collect()) })
}

pub async fn put(s3: &S3, _call: &Call, input: PutBucketCorsRequest) -> Result<(), Error> {
    let rules = parse(input.cors_configuration.cors_rules)?;
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.cors = rules;
        Ok(())
    })
    .await
}

fn shown(rule: &CorsRule) -> CORSRule {
    let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    CORSRule {
        id: rule.id.clone(),
        allowed_headers: list(&rule.headers),
        allowed_methods: rule.methods.clone(),
        allowed_origins: rule.origins.clone(),
        expose_headers: list(&rule.expose),
        max_age_seconds: rule.max_age_secs,
    }
}

fn parse(rules: Vec<CORSRule>) -> Result<Vec<CorsRule>, Error> {
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(malformed_xml());
    }
    rules.into_iter().map(parse_rule).collect()
}

fn parse_rule(rule: CORSRule) -> Result<CorsRule, Error> {
    if rule.allowed_methods.is_empty() || rule.allowed_origins.is_empty() {
        return Err(malformed_xml());
    }
    if rule.id.as_ref().is_some_and(|id| id.chars().count() > ID_LETTERS_MAX) {
        return Err(malformed_xml());
    }
    if let Some(method) = rule.allowed_methods.iter().find(|m| !METHODS.contains(&m.as_str())) {
        return Err(invalid_request(format!(
            "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
        )));
    }
    let headers = rule.allowed_headers.unwrap_or_default();
    let expose = rule.expose_headers.unwrap_or_default();
    one_wildcard("AllowedOrigin", &rule.allowed_origins)?;
    one_wildcard("AllowedHeader", &headers)?;
    if let Some(header) = expose.iter().find(|header| header.contains('*')) {
        return Err(invalid_request(format!(
            "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
        )));
    }
    Ok(CorsRule {
        id: rule.id,
        origins: rule.allowed_origins,
        methods: rule.allowed_methods,
        headers,
        expose,
        max_age_secs: rule.max_age_seconds,
    })
}

fn one_wildcard(element: &str, texts: &[String]) -> Result<(), Error> {
    match texts.iter().find(|text| text.matches('*').count() > 1) {
        Some(text) => Err(invalid_request(format!(
            "{element} \"{text}\" can not have more than one wildcard."
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
