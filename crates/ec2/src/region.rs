//! Regions and availability zones. Every region that AWS names exists here, each with the
//! three zones of this machine.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html>

use aws::{Call, Region, Zone};

use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::tag::Tags;
use crate::{Ec2, model};

/// Those that are on in every AWS account.
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
const REGIONS: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
const OPT_IN: &str = "opt-in-not-required";

pub async fn describe_regions(
    _ec2: &Ec2,
    _call: &Call,
    input: model::DescribeRegionsRequest,
) -> Result<model::DescribeRegionsResult> {
    let filters = Filters::read(input.filters)?;
    let named = input.region_names.unwrap_or_default();
    if let Some(unknown) = named.iter().find(|name| !REGIONS.contains(&name.as_str())) {
        let message = format!("Invalid region name: {unknown}");
        return Err(Error::InvalidParameterValue(message));
    }
    let mut regions = Vec::new();
    for name in REGIONS.iter().filter(|name| named.is_empty() || named.iter().any(|n| n == *name)) {
        let endpoint = format!("ec2.{name}.amazonaws.com");
        let values = |filter: &str| match filter {
            "region-name" => Some(vec![(*name).into()]),
            "endpoint" => Some(vec![endpoint.clone()]),
            "opt-in-status" => Some(vec![OPT_IN.into()]),
            _ => None,
        };
        if filters.pass(&Tags::default(), values)? {
            regions.push(model::Region {
                region_name: Some((*name).into()),
                endpoint: Some(endpoint),
                opt_in_status: Some(OPT_IN.into()),
                ..Default::default()
            });
        }
    }
    Ok(model::DescribeRegionsResult { regions: Some(regions) })
}

pub async fn describe_zones(
    _ec2: &Ec2,
    call: &Call,
    input: model::DescribeAvailabilityZonesRequest,
) -> Result<model::DescribeAvailabilityZonesResult> {
    let filters = Filters::read(input.filters)?;
    for name in input.zone_names.iter().flatten() {
        zone_named(&call.region, name)?;
    }
    let asked = |zone: &Zone| {
        let named = |names: &Option<Vec<String>>, name: String| {
            names.as_ref().is_none_or(|names| names.is_empty() || names.contains(&name))
        };
        named(&input.zone_names, zone.name(&call.region))
            && named(&input.zone_ids, zone.id(&call.region))
    };
    let mut zones = Vec::new();
    for zone in Zone::ALL.into_iter().filter(asked) {
        let shape = shape(zone, &call.region);
        let values = |filter: &str| {
            let value = match filter {
                "zone-name" => &shape.zone_name,
                "zone-id" => &shape.zone_id,
                "zone-type" => &shape.zone_type,
                "region-name" => &shape.region_name,
                "group-name" => &shape.group_name,
                "opt-in-status" => &shape.opt_in_status,
                "state" => &shape.state,
                _ => return None,
            };
            Some(value.iter().cloned().collect())
        };
        if filters.pass(&Tags::default(), values)? {
            zones.push(shape);
        }
    }
    Ok(model::DescribeAvailabilityZonesResult { availability_zones: Some(zones) })
}

fn shape(zone: Zone, region: &Region) -> model::AvailabilityZone {
    model::AvailabilityZone {
        zone_name: Some(zone.name(region)),
        zone_id: Some(zone.id(region)),
        zone_type: Some("availability-zone".into()),
        region_name: Some(region.to_string()),
        group_name: Some(format!("{region}-zg-1")),
        network_border_group: Some(region.to_string()),
        opt_in_status: Some(OPT_IN.into()),
        state: Some("available".into()),
        messages: Some(Vec::new()),
        ..Default::default()
    }
}

/// The zone of this name in the region.
///
/// # Errors
/// `InvalidParameterValue` when the region has no such zone.
pub fn zone_named(region: &Region, name: &str) -> Result<Zone> {
    let found = Zone::ALL.into_iter().find(|zone| zone.name(region) == name);
    found
        .ok_or_else(|| Error::InvalidParameterValue(format!("Invalid availability zone: [{name}]")))
}
