//! A bucket's website configuration. What it makes of a request is in [`crate::website`].
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html>

use aws::{Call, Error};

use crate::S3;
use crate::error::{invalid_argument, invalid_request, malformed_xml};
use crate::model::{
    Condition, DeleteBucketWebsiteRequest, ErrorDocument, GetBucketWebsiteOutput,
    GetBucketWebsiteRequest, IndexDocument, PutBucketWebsiteRequest, Redirect,
    RedirectAllRequestsTo, RoutingRule as ShownRule, WebsiteConfiguration,
};
use crate::row::{Pages, Replace, RoutingRule, Website};

const RULES_MAX: usize = 50;

pub async fn delete(s3: &S3, _call: &Call, input: DeleteBucketWebsiteRequest) -> Result<(), Error> {
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.website = None;
        Ok(())
    })
    .await
}

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketWebsiteRequest,
) -> Result<GetBucketWebsiteOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let website = bucket.website.as_ref().ok_or_else(|| none(&input.bucket))?;
    Ok(match website {
        Website::RedirectAll { host, protocol } => GetBucketWebsiteOutput {
            redirect_all_requests_to: Some(RedirectAllRequestsTo {
                host_name: host.clone(),
                protocol: protocol.clone(),
            }),
            ..Default::default()
        },
        Website::Pages(pages) => GetBucketWebsiteOutput {
            index_document: Some(IndexDocument { suffix: pages.index.clone() }),
            error_document: pages.error.clone().map(|key| ErrorDocument { key }),
            routing_rules: (!pages.rules.is_empty())
                .then(|| pages.rules.iter().map(shown).collect()),
            ..Default::default()
        },
    })
}

pub async fn put(s3: &S3, _call: &Call, input: PutBucketWebsiteRequest) -> Result<(), Error> {
    let website = parse(input.website_configuration)?;
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.website = Some(website);
        Ok(())
    })
    .await
}

/// The refusal of whoever asks for a website that is none.
pub(crate) fn none(bucket: &str) -> Error {
    let why = "The specified bucket does not have a website configuration";
    Error::client(404, "NoSuchWebsiteConfiguration", why).with_detail("BucketName", bucket)
}

fn shown(rule: &RoutingRule) -> ShownRule {
    let conditional = rule.key_prefix.is_some() || rule.error_code.is_some();
    let (mut replace_key_with, mut replace_key_prefix_with) = (None, None);
    match &rule.replace {
        Some(Replace::Key(key)) => replace_key_with = Some(key.clone()),
        Some(Replace::Prefix(prefix)) => replace_key_prefix_with = Some(prefix.clone()),
        None => {}
    }
    ShownRule {
        condition: conditional.then(|| Condition {
            http_error_code_returned_equals: rule.error_code.map(|code| code.to_string()),
            key_prefix_equals: rule.key_prefix.clone(),
        }),
        redirect: Redirect {
            host_name: rule.host.clone(),
            http_redirect_code: rule.redirect_code.map(|code| code.to_string()),
            protocol: rule.protocol.clone(),
            replace_key_prefix_with,
            replace_key_with,
        },
    }
}

fn parse(given: WebsiteConfiguration) -> Result<Website, Error> {
    let WebsiteConfiguration {
        error_document,
        index_document,
        redirect_all_requests_to,
        routing_rules,
    } = given;
    if let Some(all) = redirect_all_requests_to {
        if error_document.is_some() || index_document.is_some() || routing_rules.is_some() {
            return Err(malformed_xml());
        }
        let RedirectAllRequestsTo { host_name, protocol } = all;
        check_protocol(protocol.as_deref())?;
        check_host(&host_name)?;
        return Ok(Website::RedirectAll { host: host_name, protocol });
    }
    let Some(IndexDocument { suffix }) = index_document else {
        let why =
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty";
        return Err(invalid_argument(why, "IndexDocument", "null"));
    };
    if suffix.is_empty() || suffix.contains('/') {
        let why = "The IndexDocument Suffix is not well formed";
        return Err(invalid_argument(why, "IndexDocument", &suffix));
    }
    let error = error_document.map(|document| document.key);
    if error.as_deref() == Some("") {
        return Err(malformed_xml());
    }
    Ok(Website::Pages(Pages { index: suffix, error, rules: parse_rules(routing_rules)? }))
}

fn parse_rules(rules: Option<Vec<ShownRule>>) -> Result<Vec<RoutingRule>, Error> {
    let Some(rules) = rules else { return Ok(Vec::new()) };
    if rules.is_empty() {
        return Err(malformed_xml());
    }
    if rules.len() > RULES_MAX {
        return Err(invalid_request(format!(
            "{} routing rules provided, the number of routing rules in a website configuration \
             is limited to {RULES_MAX}.",
            rules.len()
        )));
    }
    rules.into_iter().map(parse_rule).collect()
}

fn parse_rule(rule: ShownRule) -> Result<RoutingRule, Error> {
    let ShownRule { condition, redirect } = rule;
    if condition == Some(Condition::default()) {
        return Err(invalid_request(
            "Condition cannot be empty. To redirect all requests without a condition, the \
             condition element shouldn't be present.",
        ));
    }
    let condition = condition.unwrap_or_default();
    check_protocol(redirect.protocol.as_deref())?;
    if let Some(host) = &redirect.host_name {
        check_host(host)?;
    }
    let replace = match (redirect.replace_key_with, redirect.replace_key_prefix_with) {
        (Some(_), Some(_)) => {
            let why = "You can only define ReplaceKeyPrefix or ReplaceKey but not both.";
            return Err(invalid_request(why));
        }
        (Some(key), None) => Some(Replace::Key(key)),
        (None, Some(prefix)) => Some(Replace::Prefix(prefix)),
        (None, None) => None,
    };
    let error_code = condition.http_error_code_returned_equals.as_deref().map(parse_error_code);
    let redirect_code = redirect.http_redirect_code.as_deref().map(parse_redirect_code);
    Ok(RoutingRule {
        key_prefix: condition.key_prefix_equals,
        error_code: error_code.transpose()?,
        host: redirect.host_name,
        protocol: redirect.protocol,
        redirect_code: redirect_code.transpose()?,
        replace,
    })
}

fn parse_error_code(text: &str) -> Result<u16, Error> {
    let code = text.parse().ok().filter(|code| (400..600).contains(code));
    code.ok_or_else(|| {
        invalid_request(format!(
            "The provided HTTP error code ({text}) is not valid. Valid codes are 4XX or 5XX."
        ))
    })
}

fn parse_redirect_code(text: &str) -> Result<u16, Error> {
    let code = text.parse().ok().filter(|code| (301..400).contains(code));
    code.ok_or_else(|| {
        invalid_request(format!(
            "The provided HTTP redirect code ({text}) is not valid. Valid codes are 3XX except 300."
        ))
    })
}

fn check_protocol(protocol: Option<&str>) -> Result<(), Error> {
    match protocol {
        None | Some("http" | "https") => Ok(()),
        Some(_) => Err(invalid_request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will \
             be selected automatically.",
        )),
    }
}

/// It becomes part of a `Location` header.
fn check_host(host: &str) -> Result<(), Error> {
    if host.is_empty() || host.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(malformed_xml());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
