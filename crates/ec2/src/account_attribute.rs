//! What an account may have in a region.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAccountAttributes.html>

use aws::Call;

use crate::address::ADDRESSES_MAX;
use crate::error::{Error, Result};
use crate::network_interface::GROUPS_MAX;
use crate::{Ec2, model};

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeAccountAttributesRequest,
) -> Result<model::DescribeAccountAttributesResult> {
    let scope = ec2.settled(call).await?;
    let default_vpc = ec2.default_vpc(&scope).await?.map(|vpc| vpc.record.id);
    let addresses = ADDRESSES_MAX.to_string();
    let all = [
        ("default-vpc", default_vpc.unwrap_or_else(|| "none".into())),
        ("max-elastic-ips", addresses.clone()),
        ("max-instances", "20".into()),
        ("supported-platforms", "VPC".into()),
        ("vpc-max-elastic-ips", addresses),
        ("vpc-max-security-groups-per-interface", GROUPS_MAX.to_string()),
    ];
    let named = input.attribute_names.unwrap_or_default();
    if let Some(unknown) = named.iter().find(|name| !all.iter().any(|(known, _)| known == name)) {
        let message = format!("Value ({unknown}) for parameter attributeName is invalid.");
        return Err(Error::InvalidParameterValue(message));
    }
    let asked = |name: &str| named.is_empty() || named.iter().any(|one| one == name);
    let attribute = |(name, value): (&str, String)| model::AccountAttribute {
        attribute_name: Some(name.into()),
        attribute_values: Some(vec![model::AccountAttributeValue { attribute_value: Some(value) }]),
    };
    let attributes = all.into_iter().filter(|(name, _)| asked(name)).map(attribute).collect();
    Ok(model::DescribeAccountAttributesResult { account_attributes: Some(attributes) })
}
