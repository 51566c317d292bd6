//! How an instance reaches its metadata.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use aws::Call;
use serde::{Deserialize, Serialize};

use super::Instance;
use crate::error::{Error, Result, not_served};
use crate::launch::AskedMetadata;
use crate::{Ec2, model, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataOptions {
    /// Only requests with a token of IMDSv2 are answered.
    pub tokens_required: bool,
    pub hop_limit: u8,
    pub enabled: bool,
    pub tags: bool,
}

const HOPS: std::ops::RangeInclusive<i32> = 1..=64;

impl MetadataOptions {
    /// Of a new instance.
    ///
    /// # Errors
    /// `InvalidParameterValue` for words and numbers that AWS does not have.
    pub fn new(asked: &AskedMetadata, image_demands_tokens: bool) -> Result<Self> {
        let hop_limit = if image_demands_tokens { 2 } else { 1 };
        let tokens_required = image_demands_tokens;
        Self { tokens_required, hop_limit, enabled: true, tags: false }.changed(asked)
    }

    fn changed(mut self, asked: &AskedMetadata) -> Result<Self> {
        let word = |given: &Option<String>, no: &str, yes: &str, name: &str| match given.as_deref()
        {
            None => Ok(None),
            Some(given) if given == no => Ok(Some(false)),
            Some(given) if given == yes => Ok(Some(true)),
            Some(other) => Err(Error::invalid_value(format!(
                "Value ({other}) for parameter {name} is invalid."
            ))),
        };
        let (off, on) = ("disabled", "enabled");
        if let Some(value) = word(&asked.tokens, "optional", "required", "httpTokens")? {
            self.tokens_required = value;
        }
        if let Some(value) = word(&asked.endpoint, off, on, "httpEndpoint")? {
            self.enabled = value;
        }
        if let Some(value) = word(&asked.tags, off, on, "instanceMetadataTags")? {
            self.tags = value;
        }
        if let Some(limit) = asked.hop_limit {
            let fits = u8::try_from(limit).ok().filter(|_| HOPS.contains(&limit));
            self.hop_limit = fits.ok_or_else(|| {
                Error::invalid_value(format!(
                    "Value ({limit}) for parameter httpPutResponseHopLimit is invalid. Expecting a value between 1 and 64."
                ))
            })?;
        }
        Ok(self)
    }

    pub fn shape(&self) -> model::InstanceMetadataOptionsResponse {
        let word = |value: bool, no: &str, yes: &str| Some(if value { yes } else { no }.to_owned());
        model::InstanceMetadataOptionsResponse {
            state: Some("applied".into()),
            http_tokens: word(self.tokens_required, "optional", "required"),
            http_put_response_hop_limit: Some(self.hop_limit.into()),
            http_endpoint: word(self.enabled, "disabled", "enabled"),
            http_protocol_ipv6: Some("disabled".into()),
            instance_metadata_tags: word(self.tags, "disabled", "enabled"),
        }
    }
}

pub async fn modify(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifyInstanceMetadataOptionsRequest,
) -> Result<model::ModifyInstanceMetadataOptionsResult> {
    let ipv6 = input.http_protocol_ipv6.as_deref() == Some("enabled");
    not_served("ModifyInstanceMetadataOptions", &[("HttpProtocolIpv6", ipv6)])?;
    let asked = AskedMetadata {
        tokens: input.http_tokens,
        hop_limit: input.http_put_response_hop_limit,
        endpoint: input.http_endpoint,
        tags: input.instance_metadata_tags,
    };
    let scope = scope(call)?;
    ec2.retry(async || {
        let stored = ec2.instance(&scope, &input.instance_id).await?;
        if stored.record.phase.is_over() {
            let state = stored.record.phase.name();
            let message = format!("The instance '{}' is {state}.", input.instance_id);
            return Err(Error::IncorrectInstanceState(message));
        }
        let metadata = stored.record.metadata.clone().changed(&asked)?;
        let shape = metadata.shape();
        let mut txn = ec2.records().transaction();
        txn.update(&stored, &Instance { metadata, ..stored.record.clone() });
        txn.commit().await?;
        Ok(model::ModifyInstanceMetadataOptionsResult {
            instance_id: Some(input.instance_id.clone()),
            instance_metadata_options: Some(shape),
        })
    })
    .await
}
