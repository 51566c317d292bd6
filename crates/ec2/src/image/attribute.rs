//! What an image says and whom it is shared with.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html>

use aws::Call;

use super::{Block, Image};
use crate::error::{Error, Result, not_served};
use crate::share::{self, Change};
use crate::{Ec2, model, scope};

fn invalid(attribute: &str) -> Error {
    Error::invalid_value(format!("Value ({attribute}) for parameter attribute is invalid."))
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeImageAttributeRequest,
) -> Result<model::ImageAttribute> {
    let image = ec2.own_image(call, &input.image_id).await?.record;
    let mut result =
        model::ImageAttribute { image_id: Some(image.id.clone()), ..Default::default() };
    let value = |value: Option<String>| Some(model::AttributeValue { value });
    match input.attribute.as_str() {
        "description" => result.description = value(Some(image.description)),
        "launchPermission" => {
            let permission = |with: &String| match with.as_str() {
                share::ALL => {
                    model::LaunchPermission { group: Some(share::ALL.into()), ..Default::default() }
                }
                account => {
                    model::LaunchPermission { user_id: Some(account.into()), ..Default::default() }
                }
            };
            result.launch_permissions = Some(image.shared_with.iter().map(permission).collect());
        }
        "blockDeviceMapping" => {
            result.block_device_mappings = Some(image.blocks.iter().map(Block::shape).collect());
        }
        "productCodes" => result.product_codes = Some(Vec::new()),
        "sriovNetSupport" => result.sriov_net_support = value(Some("simple".into())),
        "imdsSupport" => {
            result.imds_support = value(image.imds_v2.then(|| "v2.0".into()));
        }
        "bootMode" => result.boot_mode = value(None),
        "kernel" => result.kernel_id = value(None),
        "ramdisk" => result.ramdisk_id = value(None),
        other => return Err(invalid(other)),
    }
    Ok(result)
}

pub async fn modify(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifyImageAttributeRequest,
) -> Result<()> {
    let organizations =
        input.organization_arns.is_some() || input.organizational_unit_arns.is_some();
    not_served(
        "ModifyImageAttribute",
        &[("ProductCodes", input.product_codes.is_some()), ("OrganizationArns", organizations)],
    )?;
    let mut description = input.description.and_then(|value| value.value);
    let mut imds_v2 = input.imds_support.and_then(|value| value.value).map(|text| text == "v2.0");
    match (input.attribute.as_deref(), input.value) {
        (Some("description"), value @ Some(_)) => description = value,
        (Some("imdsSupport"), Some(value)) => imds_v2 = Some(value == "v2.0"),
        (None | Some("launchPermission" | "description"), None) => {}
        (other, _) => return Err(invalid(other.unwrap_or_default())),
    }
    let named = |given: Option<Vec<model::LaunchPermission>>| -> Result<Vec<String>> {
        let name = |one: model::LaunchPermission| match one.user_id.or(one.group) {
            Some(name) => Ok(name),
            None => {
                not_served("ModifyImageAttribute", &[("LaunchPermission.OrganizationArn", true)])?;
                Ok(String::new())
            }
        };
        given.into_iter().flatten().map(name).collect()
    };
    let mut change = Change::default();
    if let Some(both) = input.launch_permission {
        change.add = named(both.add)?;
        change.remove = named(both.remove)?;
    }
    let users = input.user_ids.unwrap_or_default();
    let groups = input.user_groups.unwrap_or_default();
    change.one_way(input.operation_type.as_deref(), users.into_iter().chain(groups).collect())?;
    change.check()?;
    scope(call)?;
    ec2.retry(async || {
        let image = ec2.own_image(call, &input.image_id).await?;
        let now = &image.record;
        let shared_with = change.applied(&now.shared_with);
        let mut txn = ec2.records().transaction();
        ec2.share(&mut txn, &call.region, &now.id, &now.owner, &shared_with).await?;
        let description = description.clone().unwrap_or_else(|| now.description.clone());
        let imds_v2 = imds_v2.unwrap_or(now.imds_v2);
        txn.update(&image, &Image { shared_with, description, imds_v2, ..now.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}
