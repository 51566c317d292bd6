//! Start, stop, reboot, terminate.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>

use aws::{Call, Timestamp};
use state::Scope;

use super::{Instance, Phase, Reason};
use crate::error::{Error, Result, not_served};
use crate::network_interface::plan::Plan;
use crate::{Ec2, model, scope};

pub async fn start(
    ec2: &Ec2,
    call: &Call,
    input: model::StartInstancesRequest,
) -> Result<model::StartInstancesResult> {
    ec2.check_machine()?;
    let scope = scope(call)?;
    let changes = change(ec2, &scope, &input.instance_ids, |instance| {
        match instance.phase {
            Phase::Pending | Phase::Running => return Ok(None),
            Phase::Stopped => {}
            _ => {
                let message = format!(
                    "The instance '{}' is not in a state from which it can be started.",
                    instance.id
                );
                return Err(Error::IncorrectInstanceState(message));
            }
        }
        ec2.check_room(instance)?;
        let now = instance.next(Phase::Pending, call.at);
        let (reason, transition) = (None, String::new());
        Ok(Some(Instance { launched: call.at, reason, transition, ..now }))
    })
    .await?;
    Ok(model::StartInstancesResult { starting_instances: Some(changes) })
}

pub async fn stop(
    ec2: &Ec2,
    call: &Call,
    input: model::StopInstancesRequest,
) -> Result<model::StopInstancesResult> {
    not_served("StopInstances", &[("Hibernate", input.hibernate == Some(true))])?;
    let scope = scope(call)?;
    let force = input.force == Some(true) || input.skip_os_shutdown == Some(true);
    let changes = change(ec2, &scope, &input.instance_ids, |instance| {
        match instance.phase {
            Phase::Stopped => return Ok(None),
            Phase::Stopping if instance.force || !force => return Ok(None),
            Phase::Pending | Phase::Running | Phase::Stopping => {}
            Phase::ShuttingDown | Phase::Terminated => {
                let message = format!(
                    "This instance '{}' is not in a state from which it can be stopped.",
                    instance.id
                );
                return Err(Error::IncorrectInstanceState(message));
            }
        }
        if instance.disable_api_stop {
            return Err(forbidden(&instance.id, "stopped", "disableApiStop"));
        }
        let reason = Reason::coded("Client.UserInitiatedShutdown", "User initiated shutdown");
        let now = instance.next(Phase::Stopping, call.at);
        let transition = user_initiated(call.at);
        Ok(Some(Instance { force, reason: Some(reason), transition, ..now }))
    })
    .await?;
    Ok(model::StopInstancesResult { stopping_instances: Some(changes) })
}

/// An instance that is protected keeps all others of the request.
pub async fn terminate(
    ec2: &Ec2,
    call: &Call,
    input: model::TerminateInstancesRequest,
) -> Result<model::TerminateInstancesResult> {
    let scope = scope(call)?;
    let force = input.force == Some(true) || input.skip_os_shutdown == Some(true);
    let changes = change(ec2, &scope, &input.instance_ids, |instance| {
        if instance.phase.is_over() {
            return Ok(None);
        }
        if instance.disable_api_termination {
            return Err(forbidden(&instance.id, "terminated", "disableApiTermination"));
        }
        let reason = Reason::coded("Client.UserInitiatedShutdown", "User initiated shutdown");
        let now = instance.next(Phase::ShuttingDown, call.at);
        let transition = user_initiated(call.at);
        Ok(Some(Instance { force, reason: Some(reason), transition, ..now }))
    })
    .await?;
    Ok(model::TerminateInstancesResult { terminating_instances: Some(changes) })
}

pub async fn reboot(ec2: &Ec2, call: &Call, input: model::RebootInstancesRequest) -> Result<()> {
    let scope = scope(call)?;
    change(ec2, &scope, &input.instance_ids, |instance| match instance.phase {
        Phase::Running => Ok(Some(instance.next(Phase::Running, instance.since))),
        Phase::Pending => Ok(None),
        _ => {
            let message = format!(
                "The instance '{}' is not in a state from which it can be rebooted.",
                instance.id
            );
            Err(Error::IncorrectInstanceState(message))
        }
    })
    .await?;
    Ok(())
}

/// All of a request's instances in one transaction, each as `decide` says; what changed.
async fn change(
    ec2: &Ec2,
    scope: &Scope,
    ids: &[String],
    decide: impl Fn(&Instance) -> Result<Option<Instance>>,
) -> Result<Vec<model::InstanceStateChange>> {
    let mut unique = ids.to_vec();
    unique.sort();
    unique.dedup();
    ec2.retry(async || {
        let mut txn = ec2.records().transaction();
        let mut plan = Plan::new(ec2, scope);
        let mut changes = Vec::new();
        for id in &unique {
            let stored = ec2.instance(scope, id).await?;
            let now = decide(&stored.record)?;
            if now.as_ref().is_some_and(|now| now.phase == Phase::Pending && now.public_on_start)
                && let Some(first) = ec2.interfaces_of(scope, id).await?.first()
            {
                plan.give_public(&mut txn, first).await?;
            }
            let current = now.as_ref().map_or(stored.record.phase, |now| now.phase);
            changes.push(model::InstanceStateChange {
                instance_id: Some(id.clone()),
                previous_state: Some(stored.record.phase.shape()),
                current_state: Some(current.shape()),
            });
            match now {
                Some(now) => txn.update(&stored, &now),
                None => txn.require_unchanged(&stored),
            };
        }
        plan.finish(&mut txn);
        txn.commit().await?;
        Ok(changes)
    })
    .await
}

impl Phase {
    pub fn shape(self) -> model::InstanceState {
        model::InstanceState { code: Some(self.code()), name: Some(self.name().into()) }
    }
}

fn forbidden(id: &str, what: &str, attribute: &str) -> Error {
    let message = format!(
        "The instance '{id}' may not be {what}. Modify its '{attribute}' instance attribute and try again."
    );
    Error::coded("OperationNotPermitted", message)
}

fn user_initiated(at: Timestamp) -> String {
    let text = at.to_whole_secs().to_iso8601().replace('T', " ").replace('Z', " GMT");
    format!("User initiated ({text})")
}
