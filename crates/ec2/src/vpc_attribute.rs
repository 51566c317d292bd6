//! What of a VPC is read and set one by one.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html>

use aws::Call;

use crate::error::{Error, Result};
use crate::{Ec2, model, network, scope};

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeVpcAttributeRequest,
) -> Result<model::DescribeVpcAttributeResult> {
    let vpc = ec2.vpc(&scope(call)?, &input.vpc_id).await?.record;
    let said = |value: bool| Some(model::AttributeBooleanValue { value: Some(value) });
    let mut answer =
        model::DescribeVpcAttributeResult { vpc_id: Some(vpc.id), ..Default::default() };
    match input.attribute.as_str() {
        "enableDnsSupport" => answer.enable_dns_support = said(vpc.enable_dns_support),
        "enableDnsHostnames" => answer.enable_dns_hostnames = said(vpc.enable_dns_hostnames),
        "enableNetworkAddressUsageMetrics" => {
            answer.enable_network_address_usage_metrics =
                said(vpc.enable_network_address_usage_metrics);
        }
        other => {
            let message = format!("Value ({other}) for parameter attribute is invalid.");
            return Err(Error::InvalidParameterValue(message));
        }
    }
    Ok(answer)
}

/// AWS takes one attribute a request.
pub async fn modify(ec2: &Ec2, call: &Call, input: model::ModifyVpcAttributeRequest) -> Result<()> {
    let wanted = |value: Option<model::AttributeBooleanValue>| value.and_then(|value| value.value);
    let support = wanted(input.enable_dns_support);
    let hostnames = wanted(input.enable_dns_hostnames);
    let metrics = wanted(input.enable_network_address_usage_metrics);
    match [support, hostnames, metrics].iter().flatten().count() {
        0 => return Err(Error::MissingParameter("enableDnsSupport")),
        1 => (),
        _ => {
            let message = "Fields for multiple attribute types specified";
            return Err(Error::InvalidParameterCombination(message.into()));
        }
    }
    let scope = scope(call)?;
    ec2.retry(async || {
        let network = ec2.network(&scope, &input.vpc_id).await?;
        let stored = ec2.vpc(&scope, &input.vpc_id).await?;
        let mut vpc = stored.record.clone();
        vpc.enable_dns_support = support.unwrap_or(vpc.enable_dns_support);
        vpc.enable_dns_hostnames = hostnames.unwrap_or(vpc.enable_dns_hostnames);
        vpc.enable_network_address_usage_metrics =
            metrics.unwrap_or(vpc.enable_network_address_usage_metrics);
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.update(&stored, &vpc);
        txn.commit().await?;
        Ok(())
    })
    .await
}
