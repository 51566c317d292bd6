//! Detailed monitoring: kept, nobody measures more often for it.

use aws::Call;

use super::{Instance, describe};
use crate::error::Result;
use crate::{Ec2, model, scope};

pub async fn enable(
    ec2: &Ec2,
    call: &Call,
    input: model::MonitorInstancesRequest,
) -> Result<model::MonitorInstancesResult> {
    let changed = change(ec2, call, &input.instance_ids, true).await?;
    Ok(model::MonitorInstancesResult { instance_monitorings: Some(changed) })
}

pub async fn disable(
    ec2: &Ec2,
    call: &Call,
    input: model::UnmonitorInstancesRequest,
) -> Result<model::UnmonitorInstancesResult> {
    let changed = change(ec2, call, &input.instance_ids, false).await?;
    Ok(model::UnmonitorInstancesResult { instance_monitorings: Some(changed) })
}

async fn change(
    ec2: &Ec2,
    call: &Call,
    ids: &[String],
    monitoring: bool,
) -> Result<Vec<model::InstanceMonitoring>> {
    let scope = scope(call)?;
    let mut unique = ids.to_vec();
    unique.sort();
    unique.dedup();
    ec2.retry(async || {
        let mut txn = ec2.records().transaction();
        let mut changed = Vec::new();
        for id in &unique {
            let stored = ec2.instance(&scope, id).await?;
            txn.update(&stored, &Instance { monitoring, ..stored.record.clone() });
            changed.push(model::InstanceMonitoring {
                instance_id: Some(id.clone()),
                monitoring: Some(describe::monitoring(monitoring)),
            });
        }
        txn.commit().await?;
        Ok(changed)
    })
    .await
}
