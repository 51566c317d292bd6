//! EC2's operations, each in the file of its noun.

use crate::{Ec2, region, tag, vpc};

crate::model::operations! {
    Ec2, checks: Ec2::table,

    DescribeRegions: region::describe_regions,
    DescribeAvailabilityZones: region::describe_zones,

    CreateTags: tag::create_tags,
    DeleteTags: tag::delete_tags,
    DescribeTags: tag::describe,

    CreateVpc: vpc::create,
    DeleteVpc: vpc::delete,
    DescribeVpcs: vpc::describe,
}
