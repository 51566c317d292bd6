//! Who else may make volumes of a snapshot.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html>

use aws::Call;

use super::Snapshot;
use crate::error::{Error, Result, not_served};
use crate::share::{self, Change};
use crate::{Ec2, model, scope};

fn invalid(attribute: &str) -> Error {
    Error::invalid_value(format!("Value ({attribute}) for parameter attribute is invalid."))
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeSnapshotAttributeRequest,
) -> Result<model::DescribeSnapshotAttributeResult> {
    let snapshot = ec2.snapshot(&scope(call)?, &input.snapshot_id).await?.record;
    let permission = |with: &String| match with.as_str() {
        share::ALL => {
            model::CreateVolumePermission { group: Some(share::ALL.into()), user_id: None }
        }
        account => model::CreateVolumePermission { user_id: Some(account.into()), group: None },
    };
    let mut result = model::DescribeSnapshotAttributeResult {
        snapshot_id: Some(snapshot.id),
        ..Default::default()
    };
    match input.attribute.as_str() {
        "createVolumePermission" => {
            let permissions = snapshot.shared_with.iter().map(permission).collect();
            result.create_volume_permissions = Some(permissions);
        }
        "productCodes" => result.product_codes = Some(Vec::new()),
        other => return Err(invalid(other)),
    }
    Ok(result)
}

pub async fn modify(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifySnapshotAttributeRequest,
) -> Result<()> {
    let codes = input.attribute.as_deref() == Some("productCodes");
    not_served("ModifySnapshotAttribute", &[("Attribute=productCodes", codes)])?;
    let named = |given: Option<Vec<model::CreateVolumePermission>>| -> Vec<String> {
        let given = given.unwrap_or_default();
        given.into_iter().filter_map(|one| one.user_id.or(one.group)).collect()
    };
    let mut change = Change::default();
    if let Some(both) = input.create_volume_permission {
        change.add = named(both.add);
        change.remove = named(both.remove);
    }
    let users = input.user_ids.unwrap_or_default();
    let groups = input.group_names.unwrap_or_default();
    change.one_way(input.operation_type.as_deref(), users.into_iter().chain(groups).collect())?;
    change.check()?;
    let scope = scope(call)?;
    ec2.retry(async || {
        let snapshot = ec2.snapshot(&scope, &input.snapshot_id).await?;
        let shared_with = change.applied(&snapshot.record.shared_with);
        let mut txn = ec2.records().transaction();
        let owner = call.account()?;
        ec2.share(&mut txn, &call.region, &input.snapshot_id, owner, &shared_with).await?;
        txn.update(&snapshot, &Snapshot { shared_with, ..snapshot.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}
