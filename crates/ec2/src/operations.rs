//! EC2's operations, each in the file of its noun.

use crate::{Ec2, instance_type, key_pair, region, tag, vpc};

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

    CreateKeyPair: key_pair::create,
    DeleteKeyPair: key_pair::delete,
    DescribeKeyPairs: key_pair::describe,
    ImportKeyPair: key_pair::import,

    DescribeInstanceTypeOfferings: instance_type::describe_offerings,
    DescribeInstanceTypes: instance_type::describe,
}
