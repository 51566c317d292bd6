//! DescribeInstanceStatus: what was seen of instances from outside.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html>
//!
//! A zone without power shows as AWS shows a broken one: its instances stay `running` and both
//! checks fail; they run again when power is back.

use aws::{Call, Timestamp};

use super::health::Health;
use super::{Instance, Phase};
use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::tag::Tags;
use crate::{Ec2, id, model, scope};

const RESULTS_WITH_IDS: &str =
    "The parameter instancesSet cannot be used with the parameter maxResults";

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeInstanceStatusRequest,
) -> Result<model::DescribeInstanceStatusResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let named = input.instance_ids.unwrap_or_default();
    if !named.is_empty() && input.max_results.is_some() {
        return Err(Error::InvalidParameterCombination(RESULTS_WITH_IDS.into()));
    }
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeInstanceStatus", token, size).await?;
    let all = input.include_all_instances == Some(true);
    let mut found = Vec::new();
    for stored in ec2.named_or_all::<Instance>(&scope, id::INSTANCE, Some(named)).await? {
        let instance = stored.record;
        if !all && instance.phase != Phase::Running {
            continue;
        }
        let health = ec2.records().get::<Health>(&scope, &instance.id).await?;
        let status = Status::of(&instance, health.map(|health| health.record).as_ref());
        let zone = instance.zone.name(&call.region);
        let values = |name: &str| {
            let value = match name {
                "availability-zone" => zone.clone(),
                "availability-zone-id" => instance.zone.id(&call.region),
                "instance-state-code" => instance.phase.code().to_string(),
                "instance-state-name" => instance.phase.name().into(),
                "instance-status.status" => status.instance.into(),
                "instance-status.reachability" => reachability(status.instance).into(),
                "system-status.status" => status.system.into(),
                "system-status.reachability" => reachability(status.system).into(),
                "event.code"
                | "event.description"
                | "event.instance-event-id"
                | "event.not-after"
                | "event.not-before" => return Some(Vec::new()),
                _ => return None,
            };
            Some(vec![value])
        };
        if filters.pass(&Tags::default(), values)? {
            let shape = model::InstanceStatus {
                availability_zone: Some(zone.clone()),
                availability_zone_id: Some(instance.zone.id(&call.region)),
                instance_id: Some(instance.id.clone()),
                instance_state: Some(instance.phase.shape()),
                instance_status: Some(summary(status.instance, status.since)),
                system_status: Some(summary(status.system, status.since)),
                ..Default::default()
            };
            found.push((instance.id.clone(), shape));
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeInstanceStatusResult {
        instance_statuses: Some(page.items),
        next_token: page.next_token,
    })
}

struct Status {
    instance: &'static str,
    /// Of the machine below it.
    system: &'static str,
    since: Option<Timestamp>,
}

impl Status {
    fn of(instance: &Instance, health: Option<&Health>) -> Self {
        let both = |status| Self { instance: status, system: status, since: None };
        if instance.phase != Phase::Running {
            return both("not-applicable");
        }
        let since = health.and_then(|health| health.impaired_since);
        if instance.unseen {
            return Self { since, ..both("impaired") };
        }
        match health.and_then(|health| health.reachable) {
            None => both("initializing"),
            Some(true) => both("ok"),
            Some(false) => Self { instance: "impaired", system: "ok", since },
        }
    }
}

fn reachability(status: &str) -> &'static str {
    match status {
        "ok" => "passed",
        "impaired" => "failed",
        "initializing" => "initializing",
        _ => "insufficient-data",
    }
}

fn summary(status: &str, since: Option<Timestamp>) -> model::InstanceStatusSummary {
    let details = model::InstanceStatusDetails {
        name: Some("reachability".into()),
        status: Some(reachability(status).into()),
        impaired_since: since.filter(|_| status == "impaired"),
    };
    let has = status != "not-applicable";
    model::InstanceStatusSummary {
        status: Some(status.into()),
        details: has.then(|| vec![details]),
    }
}
