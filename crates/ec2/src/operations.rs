//! EC2's operations, each in the file of its noun.

use crate::{Ec2, image, instance_type, key_pair, region, snapshot, tag, volume, vpc};

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

    CopyImage: image::copy::copy,
    DeregisterImage: image::register::deregister,
    DescribeImageAttribute: image::attribute::describe,
    DescribeImages: image::describe::describe,
    ModifyImageAttribute: image::attribute::modify,
    RegisterImage: image::register::register,

    CreateVolume: volume::create,
    DeleteVolume: volume::delete,
    DescribeVolumeAttribute: volume::attribute::describe,
    DescribeVolumeStatus: volume::status::describe,
    DescribeVolumes: volume::describe,
    DescribeVolumesModifications: volume::modification::describe,
    ModifyVolume: volume::modification::modify,
    ModifyVolumeAttribute: volume::attribute::modify,

    CopySnapshot: snapshot::copy::copy,
    CreateSnapshot: snapshot::create,
    DeleteSnapshot: snapshot::delete,
    DescribeSnapshotAttribute: snapshot::permission::describe,
    DescribeSnapshots: snapshot::describe,
    ModifySnapshotAttribute: snapshot::permission::modify,
}
