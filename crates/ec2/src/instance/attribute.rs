//! What of an instance is read and set one by one.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html>

use aws::Call;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use state::{Scope, Transaction};

use super::{Instance, Phase, ShutdownBehavior, run};
use crate::error::{Error, Result, not_served};
use crate::instance_type::InstanceType;
use crate::network_interface::plan::Plan;
use crate::{Ec2, model, scope};

fn invalid(attribute: &str) -> Error {
    Error::invalid_value(format!("Value ({attribute}) for parameter attribute is invalid."))
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeInstanceAttributeRequest,
) -> Result<model::InstanceAttribute> {
    let instance = ec2.instance(&scope(call)?, &input.instance_id).await?.record;
    let text = |value: Option<String>| Some(model::AttributeValue { value });
    let flag = |value: bool| Some(model::AttributeBooleanValue { value: Some(value) });
    let around = ec2.around(call).await?;
    let mut result =
        model::InstanceAttribute { instance_id: Some(instance.id.clone()), ..Default::default() };
    match input.attribute.as_str() {
        "blockDeviceMapping" => {
            result.block_device_mappings = around.shape(&instance).block_device_mappings;
        }
        "disableApiTermination" => {
            result.disable_api_termination = flag(instance.disable_api_termination);
        }
        "disableApiStop" => result.disable_api_stop = flag(instance.disable_api_stop),
        "ebsOptimized" => result.ebs_optimized = flag(instance.ebs_optimized),
        "enaSupport" => result.ena_support = flag(true),
        "enclaveOptions" => {
            result.enclave_options = Some(model::EnclaveOptions { enabled: Some(false) });
        }
        "groupSet" => result.groups = around.shape(&instance).security_groups,
        "instanceInitiatedShutdownBehavior" => {
            let behavior = instance.shutdown_behavior.name();
            result.instance_initiated_shutdown_behavior = text(Some(behavior.into()));
        }
        "instanceType" => result.instance_type = text(Some(instance.instance_type)),
        "kernel" => result.kernel_id = text(None),
        "productCodes" => result.product_codes = Some(Vec::new()),
        "ramdisk" => result.ramdisk_id = text(None),
        "rootDeviceName" => result.root_device_name = text(Some(instance.root.device)),
        "sourceDestCheck" => {
            let check = around.shape(&instance).source_dest_check;
            result.source_dest_check = flag(check.unwrap_or(true));
        }
        "sriovNetSupport" => result.sriov_net_support = text(None),
        "userData" => result.user_data = text(instance.user_data),
        other => return Err(invalid(other)),
    }
    Ok(result)
}

/// One attribute a request, in either of AWS's two forms.
enum Change {
    DisableApiTermination(bool),
    DisableApiStop(bool),
    EbsOptimized(bool),
    SourceDestCheck(bool),
    InstanceType(String),
    ShutdownBehavior(ShutdownBehavior),
    UserData(String),
    Groups(Vec<String>),
    /// By device: whether it goes with the instance.
    DeleteOnTermination(Vec<(String, bool)>),
}

pub async fn modify(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifyInstanceAttributeRequest,
) -> Result<()> {
    let id = input.instance_id.clone();
    let change = change(input)?;
    let scope = scope(call)?;
    ec2.retry(async || {
        let stored = ec2.instance(&scope, &id).await?;
        let mut txn = ec2.records().transaction();
        let mut plan = Plan::new(ec2, &scope);
        let mut now = stored.record.clone();
        if now.phase.is_over() {
            let message = format!("The instance '{id}' is {}.", now.phase.name());
            return Err(Error::IncorrectInstanceState(message));
        }
        apply(ec2, &scope, &mut txn, &mut plan, &mut now, &change).await?;
        plan.finish(&mut txn);
        txn.update(&stored, &now);
        txn.commit().await?;
        Ok(())
    })
    .await
}

fn change(input: model::ModifyInstanceAttributeRequest) -> Result<Change> {
    not_served(
        "ModifyInstanceAttribute",
        &[
            ("Kernel", input.kernel.is_some()),
            ("Ramdisk", input.ramdisk.is_some()),
            ("SriovNetSupport", input.sriov_net_support.is_some()),
            ("EnaSupport", input.ena_support.is_some()),
        ],
    )?;
    let flag = |value: Option<model::AttributeBooleanValue>| value.and_then(|value| value.value);
    let text = |value: Option<model::AttributeValue>| value.and_then(|value| value.value);
    let on = |text: &str| text.eq_ignore_ascii_case("true");
    if let (Some(name), Some(value)) = (&input.attribute, &input.value) {
        return Ok(match name.as_str() {
            "disableApiTermination" => Change::DisableApiTermination(on(value)),
            "disableApiStop" => Change::DisableApiStop(on(value)),
            "ebsOptimized" => Change::EbsOptimized(on(value)),
            "sourceDestCheck" => Change::SourceDestCheck(on(value)),
            "instanceType" => Change::InstanceType(value.clone()),
            "instanceInitiatedShutdownBehavior" => {
                Change::ShutdownBehavior(ShutdownBehavior::named(value)?)
            }
            "userData" => Change::UserData(value.clone()),
            other => return Err(invalid(other)),
        });
    }
    if let Some(value) = flag(input.disable_api_termination) {
        return Ok(Change::DisableApiTermination(value));
    }
    if let Some(value) = flag(input.disable_api_stop) {
        return Ok(Change::DisableApiStop(value));
    }
    if let Some(value) = flag(input.ebs_optimized) {
        return Ok(Change::EbsOptimized(value));
    }
    if let Some(value) = flag(input.source_dest_check) {
        return Ok(Change::SourceDestCheck(value));
    }
    if let Some(value) = text(input.instance_type) {
        return Ok(Change::InstanceType(value));
    }
    if let Some(value) = text(input.instance_initiated_shutdown_behavior) {
        return Ok(Change::ShutdownBehavior(ShutdownBehavior::named(&value)?));
    }
    if let Some(data) = input.user_data {
        return Ok(Change::UserData(STANDARD.encode(data.value.unwrap_or_default())));
    }
    if let Some(groups) = input.groups {
        return Ok(Change::Groups(groups));
    }
    let of = |one: model::InstanceBlockDeviceMappingSpecification| {
        Some((one.device_name?, one.ebs?.delete_on_termination?))
    };
    match input.block_device_mappings {
        Some(blocks) => {
            Ok(Change::DeleteOnTermination(blocks.into_iter().filter_map(of).collect()))
        }
        None => Err(Error::InvalidParameterCombination("No attributes specified.".into())),
    }
}

async fn apply(
    ec2: &Ec2,
    scope: &Scope,
    txn: &mut Transaction,
    plan: &mut Plan<'_>,
    now: &mut Instance,
    change: &Change,
) -> Result<()> {
    match change {
        Change::DisableApiTermination(value) => now.disable_api_termination = *value,
        Change::DisableApiStop(value) => now.disable_api_stop = *value,
        Change::EbsOptimized(value) => {
            stopped(now, "ebsOptimized")?;
            now.ebs_optimized = *value;
        }
        Change::InstanceType(name) => {
            stopped(now, "instanceType")?;
            let instance_type = InstanceType::named(name)?;
            if !instance_type.is_burstable() || now.credits.is_none() {
                now.credits = instance_type.default_credits().map(Into::into);
            }
            now.instance_type = instance_type.name;
        }
        Change::ShutdownBehavior(behavior) => now.shutdown_behavior = *behavior,
        Change::UserData(data) => {
            stopped(now, "userData")?;
            run::check_user_data(data)?;
            now.user_data = Some(data.clone()).filter(|data| !data.is_empty());
        }
        Change::DeleteOnTermination(blocks) => {
            for (device, value) in blocks {
                let one = now.volumes.iter_mut().find(|one| one.device == *device);
                let missing = || {
                    let message = format!("No device is currently mapped at {device}");
                    Error::coded("InvalidInstanceAttributeValue", message)
                };
                one.ok_or_else(missing)?.delete_on_termination = *value;
            }
        }
        Change::SourceDestCheck(_) | Change::Groups(_) => {
            let all = ec2.interfaces_of(scope, &now.id).await?;
            let [stored] = all.as_slice() else {
                let message = format!(
                    "There are multiple interfaces attached to instance '{}'. Please specify an interface ID for the operation instead.",
                    now.id
                );
                return Err(Error::coded("InvalidInstanceID", message));
            };
            let mut interface = stored.record.clone();
            plan.enter(&interface.vpc_id).await?;
            match change {
                Change::Groups(groups) => {
                    interface.groups = plan.groups(&interface.vpc_id, groups.clone()).await?;
                }
                Change::SourceDestCheck(value) => interface.source_dest_check = *value,
                _ => {}
            }
            plan.update(txn, stored, &interface).await?;
        }
    }
    Ok(())
}

fn stopped(instance: &Instance, attribute: &str) -> Result<()> {
    if instance.phase == Phase::Stopped {
        return Ok(());
    }
    let message = format!(
        "The instance '{}' is not in the 'stopped' state: its {attribute} cannot be changed.",
        instance.id
    );
    Err(Error::IncorrectInstanceState(message))
}

/// Kernels and RAM disks are nobody's here.
pub async fn reset(
    ec2: &Ec2,
    call: &Call,
    input: model::ResetInstanceAttributeRequest,
) -> Result<()> {
    let instance = ec2.instance(&scope(call)?, &input.instance_id).await?.record;
    match input.attribute.as_str() {
        "sourceDestCheck" => {
            let value = Some(model::AttributeBooleanValue { value: Some(true) });
            let (instance_id, source_dest_check) = (instance.id, value);
            let input = model::ModifyInstanceAttributeRequest {
                instance_id,
                source_dest_check,
                ..Default::default()
            };
            modify(ec2, call, input).await
        }
        other => Err(invalid(other)),
    }
}
