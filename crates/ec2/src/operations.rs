//! EC2's operations, each in the file of its noun.

use crate::address::{self, association as address_association};
use crate::network_interface::{self, attribute as network_interface_attribute};
use crate::security_group::{self, rule as security_group_rule, rule_change};
use crate::{
    Ec2, account_attribute, default_vpc, dhcp_options, image, instance_type, internet_gateway,
    key_pair, nat_gateway, network_acl, region, route, route_table, route_table_association,
    snapshot, subnet, tag, volume, vpc, vpc_attribute, vpc_block,
};

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
    CreateDefaultVpc: default_vpc::create,
    CreateDefaultSubnet: default_vpc::create_subnet,
    DescribeVpcAttribute: vpc_attribute::describe,
    ModifyVpcAttribute: vpc_attribute::modify,
    AssociateVpcCidrBlock: vpc_block::associate,
    DisassociateVpcCidrBlock: vpc_block::disassociate,

    CreateSubnet: subnet::create,
    DeleteSubnet: subnet::delete,
    DescribeSubnets: subnet::describe,
    ModifySubnetAttribute: subnet::modify_attribute,

    CreateRouteTable: route_table::create,
    DeleteRouteTable: route_table::delete,
    DescribeRouteTables: route_table::describe,
    AssociateRouteTable: route_table_association::associate,
    DisassociateRouteTable: route_table_association::disassociate,
    ReplaceRouteTableAssociation: route_table_association::replace,
    CreateRoute: route::create,
    ReplaceRoute: route::replace,
    DeleteRoute: route::delete,

    CreateInternetGateway: internet_gateway::create,
    AttachInternetGateway: internet_gateway::attach,
    DetachInternetGateway: internet_gateway::detach,
    DeleteInternetGateway: internet_gateway::delete,
    DescribeInternetGateways: internet_gateway::describe,
    CreateNatGateway: nat_gateway::create,
    DeleteNatGateway: nat_gateway::delete,
    DescribeNatGateways: nat_gateway::describe,

    DescribeNetworkAcls: network_acl::describe,

    CreateDhcpOptions: dhcp_options::create,
    AssociateDhcpOptions: dhcp_options::associate,
    DeleteDhcpOptions: dhcp_options::delete,
    DescribeDhcpOptions: dhcp_options::describe,

    CreateSecurityGroup: security_group::create,
    DeleteSecurityGroup: security_group::delete,
    DescribeSecurityGroups: security_group::describe,
    AuthorizeSecurityGroupIngress: rule_change::authorize_ingress,
    AuthorizeSecurityGroupEgress: rule_change::authorize_egress,
    RevokeSecurityGroupIngress: rule_change::revoke_ingress,
    RevokeSecurityGroupEgress: rule_change::revoke_egress,
    UpdateSecurityGroupRuleDescriptionsIngress: rule_change::update_descriptions_ingress,
    UpdateSecurityGroupRuleDescriptionsEgress: rule_change::update_descriptions_egress,
    DescribeSecurityGroupRules: security_group_rule::describe,
    ModifySecurityGroupRules: rule_change::modify,

    CreateNetworkInterface: network_interface::create,
    DeleteNetworkInterface: network_interface::delete,
    DescribeNetworkInterfaces: network_interface::describe,
    DescribeNetworkInterfaceAttribute: network_interface_attribute::describe,
    ModifyNetworkInterfaceAttribute: network_interface_attribute::modify,

    AllocateAddress: address::allocate,
    ReleaseAddress: address::release,
    AssociateAddress: address_association::associate,
    DisassociateAddress: address_association::disassociate,
    DescribeAddresses: address::describe,
    DescribeAddressesAttribute: address::describe_attribute,

    DescribeAccountAttributes: account_attribute::describe,

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
