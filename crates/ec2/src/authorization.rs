//! What must be allowed before each operation of EC2.
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>
//!
//! [`row`] is the table: an operation without a row does not compile. Describe operations have
//! no resource in AWS either.

use aws::{Call, Check};
use state::Scope;

use crate::error::Result;
use crate::id::Kind;
use crate::launch::AskedProfile;
use crate::model::{Input, RunInstancesRequest, TagSpecification};
use crate::tag::Tags;
use crate::{Ec2, id, scope};

/// What an operation is about.
enum Subject<'a> {
    /// Nothing that has an ARN.
    Any,
    /// A resource that is about to be made, with the tags it will have.
    New(Kind, Option<&'a Vec<TagSpecification>>),
    /// A resource that is there.
    Is(Kind, &'a str),
    /// The same where its id may be left out; without it, any of the kind.
    Maybe(Kind, Option<&'a str>),
    /// The same, of a kind whose ARNs have the name that the user chose.
    Named(Kind, &'a str, Option<&'a Vec<TagSpecification>>),
    /// A key pair by its name or id: its ARN has the name.
    KeyPair(Option<&'a str>, Option<&'a str>),
    /// Several of one kind.
    Many(Kind, &'a [String]),
    /// A launch template by its id or name.
    Template(Option<&'a str>, Option<&'a str>),
    /// Resources of whatever kinds, by their ids.
    These(&'a [String]),
}

struct Row<'a>(&'static str, Vec<Subject<'a>>);

use Subject::{Any, Is, KeyPair, Many, Maybe, Named, New, Template, These};

fn row(input: &Input) -> Row<'_> {
    match input {
        Input::DescribeRegions(_) => Row("DescribeRegions", vec![Any]),
        Input::DescribeAvailabilityZones(_) => Row("DescribeAvailabilityZones", vec![Any]),

        Input::CreateTags(i) => Row("CreateTags", vec![These(&i.resources)]),
        Input::DeleteTags(i) => Row("DeleteTags", vec![These(&i.resources)]),
        Input::DescribeTags(_) => Row("DescribeTags", vec![Any]),

        Input::CreateVpc(i) => Row("CreateVpc", vec![New(id::VPC, i.tag_specifications.as_ref())]),
        Input::DeleteVpc(i) => Row("DeleteVpc", vec![Is(id::VPC, &i.vpc_id)]),
        Input::DescribeVpcs(_) => Row("DescribeVpcs", vec![Any]),
        Input::CreateDefaultVpc(_) => Row("CreateDefaultVpc", vec![Any]),
        Input::CreateDefaultSubnet(_) => Row("CreateDefaultSubnet", vec![Any]),
        Input::DescribeVpcAttribute(i) => Row("DescribeVpcAttribute", vec![Is(id::VPC, &i.vpc_id)]),
        Input::ModifyVpcAttribute(i) => Row("ModifyVpcAttribute", vec![Is(id::VPC, &i.vpc_id)]),
        Input::AssociateVpcCidrBlock(i) => {
            Row("AssociateVpcCidrBlock", vec![Is(id::VPC, &i.vpc_id)])
        }
        Input::DisassociateVpcCidrBlock(_) => Row("DisassociateVpcCidrBlock", vec![Any]),

        Input::CreateSubnet(i) => Row(
            "CreateSubnet",
            vec![New(id::SUBNET, i.tag_specifications.as_ref()), Is(id::VPC, &i.vpc_id)],
        ),
        Input::DeleteSubnet(i) => Row("DeleteSubnet", vec![Is(id::SUBNET, &i.subnet_id)]),
        Input::DescribeSubnets(_) => Row("DescribeSubnets", vec![Any]),
        Input::ModifySubnetAttribute(i) => {
            Row("ModifySubnetAttribute", vec![Is(id::SUBNET, &i.subnet_id)])
        }

        Input::CreateRouteTable(i) => Row(
            "CreateRouteTable",
            vec![New(id::ROUTE_TABLE, i.tag_specifications.as_ref()), Is(id::VPC, &i.vpc_id)],
        ),
        Input::DeleteRouteTable(i) => {
            Row("DeleteRouteTable", vec![Is(id::ROUTE_TABLE, &i.route_table_id)])
        }
        Input::DescribeRouteTables(_) => Row("DescribeRouteTables", vec![Any]),
        Input::AssociateRouteTable(i) => Row(
            "AssociateRouteTable",
            vec![Is(id::ROUTE_TABLE, &i.route_table_id), Maybe(id::SUBNET, i.subnet_id.as_deref())],
        ),
        Input::DisassociateRouteTable(_) => Row("DisassociateRouteTable", vec![Any]),
        Input::ReplaceRouteTableAssociation(i) => {
            Row("ReplaceRouteTableAssociation", vec![Is(id::ROUTE_TABLE, &i.route_table_id)])
        }
        Input::CreateRoute(i) => Row("CreateRoute", vec![Is(id::ROUTE_TABLE, &i.route_table_id)]),
        Input::ReplaceRoute(i) => Row("ReplaceRoute", vec![Is(id::ROUTE_TABLE, &i.route_table_id)]),
        Input::DeleteRoute(i) => Row("DeleteRoute", vec![Is(id::ROUTE_TABLE, &i.route_table_id)]),

        Input::CreateInternetGateway(i) => Row(
            "CreateInternetGateway",
            vec![New(id::INTERNET_GATEWAY, i.tag_specifications.as_ref())],
        ),
        Input::AttachInternetGateway(i) => Row(
            "AttachInternetGateway",
            vec![Is(id::INTERNET_GATEWAY, &i.internet_gateway_id), Is(id::VPC, &i.vpc_id)],
        ),
        Input::DetachInternetGateway(i) => Row(
            "DetachInternetGateway",
            vec![Is(id::INTERNET_GATEWAY, &i.internet_gateway_id), Is(id::VPC, &i.vpc_id)],
        ),
        Input::DeleteInternetGateway(i) => {
            Row("DeleteInternetGateway", vec![Is(id::INTERNET_GATEWAY, &i.internet_gateway_id)])
        }
        Input::DescribeInternetGateways(_) => Row("DescribeInternetGateways", vec![Any]),
        Input::CreateNatGateway(i) => Row(
            "CreateNatGateway",
            vec![
                New(id::NAT_GATEWAY, i.tag_specifications.as_ref()),
                Maybe(id::SUBNET, i.subnet_id.as_deref()),
                Maybe(id::ELASTIC_IP, i.allocation_id.as_deref()),
            ],
        ),
        Input::DeleteNatGateway(i) => {
            Row("DeleteNatGateway", vec![Is(id::NAT_GATEWAY, &i.nat_gateway_id)])
        }
        Input::DescribeNatGateways(_) => Row("DescribeNatGateways", vec![Any]),

        Input::DescribeNetworkAcls(_) => Row("DescribeNetworkAcls", vec![Any]),

        Input::CreateDhcpOptions(i) => {
            Row("CreateDhcpOptions", vec![New(id::DHCP_OPTIONS, i.tag_specifications.as_ref())])
        }
        Input::AssociateDhcpOptions(i) => Row(
            "AssociateDhcpOptions",
            vec![Is(id::DHCP_OPTIONS, &i.dhcp_options_id), Is(id::VPC, &i.vpc_id)],
        ),
        Input::DeleteDhcpOptions(i) => {
            Row("DeleteDhcpOptions", vec![Is(id::DHCP_OPTIONS, &i.dhcp_options_id)])
        }
        Input::DescribeDhcpOptions(_) => Row("DescribeDhcpOptions", vec![Any]),

        Input::CreateSecurityGroup(i) => Row(
            "CreateSecurityGroup",
            vec![
                New(id::SECURITY_GROUP, i.tag_specifications.as_ref()),
                Maybe(id::VPC, i.vpc_id.as_deref()),
            ],
        ),
        Input::DeleteSecurityGroup(i) => {
            Row("DeleteSecurityGroup", vec![Maybe(id::SECURITY_GROUP, i.group_id.as_deref())])
        }
        Input::DescribeSecurityGroups(_) => Row("DescribeSecurityGroups", vec![Any]),
        Input::AuthorizeSecurityGroupIngress(i) => Row(
            "AuthorizeSecurityGroupIngress",
            vec![Maybe(id::SECURITY_GROUP, i.group_id.as_deref())],
        ),
        Input::AuthorizeSecurityGroupEgress(i) => {
            Row("AuthorizeSecurityGroupEgress", vec![Is(id::SECURITY_GROUP, &i.group_id)])
        }
        Input::RevokeSecurityGroupIngress(i) => Row(
            "RevokeSecurityGroupIngress",
            vec![Maybe(id::SECURITY_GROUP, i.group_id.as_deref())],
        ),
        Input::RevokeSecurityGroupEgress(i) => {
            Row("RevokeSecurityGroupEgress", vec![Is(id::SECURITY_GROUP, &i.group_id)])
        }
        Input::UpdateSecurityGroupRuleDescriptionsIngress(i) => Row(
            "UpdateSecurityGroupRuleDescriptionsIngress",
            vec![Maybe(id::SECURITY_GROUP, i.group_id.as_deref())],
        ),
        Input::UpdateSecurityGroupRuleDescriptionsEgress(i) => Row(
            "UpdateSecurityGroupRuleDescriptionsEgress",
            vec![Maybe(id::SECURITY_GROUP, i.group_id.as_deref())],
        ),
        Input::DescribeSecurityGroupRules(_) => Row("DescribeSecurityGroupRules", vec![Any]),
        Input::ModifySecurityGroupRules(i) => {
            Row("ModifySecurityGroupRules", vec![Is(id::SECURITY_GROUP, &i.group_id)])
        }

        Input::CreateNetworkInterface(i) => {
            let mut subjects = vec![
                New(id::NETWORK_INTERFACE, i.tag_specifications.as_ref()),
                Is(id::SUBNET, &i.subnet_id),
            ];
            subjects.extend(i.groups.as_deref().map(These));
            Row("CreateNetworkInterface", subjects)
        }
        Input::DeleteNetworkInterface(i) => {
            Row("DeleteNetworkInterface", vec![Is(id::NETWORK_INTERFACE, &i.network_interface_id)])
        }
        Input::DescribeNetworkInterfaces(_) => Row("DescribeNetworkInterfaces", vec![Any]),
        Input::DescribeNetworkInterfaceAttribute(i) => Row(
            "DescribeNetworkInterfaceAttribute",
            vec![Is(id::NETWORK_INTERFACE, &i.network_interface_id)],
        ),
        Input::ModifyNetworkInterfaceAttribute(i) => {
            let mut subjects = vec![Is(id::NETWORK_INTERFACE, &i.network_interface_id)];
            subjects.extend(i.groups.as_deref().map(These));
            Row("ModifyNetworkInterfaceAttribute", subjects)
        }

        Input::AttachNetworkInterface(i) => Row(
            "AttachNetworkInterface",
            vec![
                Is(id::INSTANCE, &i.instance_id),
                Is(id::NETWORK_INTERFACE, &i.network_interface_id),
            ],
        ),
        // In AWS its resources are the instance and the interface, which it does not name.
        Input::DetachNetworkInterface(_) => Row("DetachNetworkInterface", vec![Any]),

        Input::AllocateAddress(i) => {
            Row("AllocateAddress", vec![New(id::ELASTIC_IP, i.tag_specifications.as_ref())])
        }
        Input::ReleaseAddress(i) => {
            Row("ReleaseAddress", vec![Maybe(id::ELASTIC_IP, i.allocation_id.as_deref())])
        }
        Input::AssociateAddress(i) => Row(
            "AssociateAddress",
            vec![
                Maybe(id::ELASTIC_IP, i.allocation_id.as_deref()),
                Maybe(id::NETWORK_INTERFACE, i.network_interface_id.as_deref()),
                Maybe(id::INSTANCE, i.instance_id.as_deref()),
            ],
        ),
        Input::DisassociateAddress(_) => Row("DisassociateAddress", vec![Any]),
        Input::DescribeAddresses(_) => Row("DescribeAddresses", vec![Any]),
        Input::DescribeAddressesAttribute(_) => Row("DescribeAddressesAttribute", vec![Any]),

        Input::DescribeAccountAttributes(_) => Row("DescribeAccountAttributes", vec![Any]),

        Input::CreateKeyPair(i) => {
            let tags = i.tag_specifications.as_ref();
            Row("CreateKeyPair", vec![Named(id::KEY_PAIR, &i.key_name, tags)])
        }
        Input::ImportKeyPair(i) => {
            let tags = i.tag_specifications.as_ref();
            Row("ImportKeyPair", vec![Named(id::KEY_PAIR, &i.key_name, tags)])
        }
        Input::DeleteKeyPair(i) => {
            Row("DeleteKeyPair", vec![KeyPair(i.key_name.as_deref(), i.key_pair_id.as_deref())])
        }
        Input::DescribeKeyPairs(_) => Row("DescribeKeyPairs", vec![Any]),

        Input::DescribeInstanceTypes(_) => Row("DescribeInstanceTypes", vec![Any]),
        Input::DescribeInstanceTypeOfferings(_) => Row("DescribeInstanceTypeOfferings", vec![Any]),

        Input::CopyImage(i) => {
            Row("CopyImage", vec![New(id::IMAGE, i.tag_specifications.as_ref())])
        }
        Input::DeregisterImage(i) => Row("DeregisterImage", vec![Is(id::IMAGE, &i.image_id)]),
        Input::DescribeImageAttribute(i) => {
            Row("DescribeImageAttribute", vec![Is(id::IMAGE, &i.image_id)])
        }
        Input::DescribeImages(_) => Row("DescribeImages", vec![Any]),
        Input::ModifyImageAttribute(i) => {
            Row("ModifyImageAttribute", vec![Is(id::IMAGE, &i.image_id)])
        }
        Input::RegisterImage(i) => {
            Row("RegisterImage", vec![New(id::IMAGE, i.tag_specifications.as_ref())])
        }

        Input::CreateVolume(i) => {
            Row("CreateVolume", vec![New(id::VOLUME, i.tag_specifications.as_ref())])
        }
        Input::DeleteVolume(i) => Row("DeleteVolume", vec![Is(id::VOLUME, &i.volume_id)]),
        Input::DescribeVolumeAttribute(i) => {
            Row("DescribeVolumeAttribute", vec![Is(id::VOLUME, &i.volume_id)])
        }
        Input::DescribeVolumeStatus(_) => Row("DescribeVolumeStatus", vec![Any]),
        Input::DescribeVolumes(_) => Row("DescribeVolumes", vec![Any]),
        Input::DescribeVolumesModifications(_) => Row("DescribeVolumesModifications", vec![Any]),
        Input::ModifyVolume(i) => Row("ModifyVolume", vec![Is(id::VOLUME, &i.volume_id)]),
        Input::ModifyVolumeAttribute(i) => {
            Row("ModifyVolumeAttribute", vec![Is(id::VOLUME, &i.volume_id)])
        }

        Input::CopySnapshot(i) => {
            Row("CopySnapshot", vec![New(id::SNAPSHOT, i.tag_specifications.as_ref())])
        }
        Input::CreateSnapshot(i) => Row(
            "CreateSnapshot",
            vec![New(id::SNAPSHOT, i.tag_specifications.as_ref()), Is(id::VOLUME, &i.volume_id)],
        ),
        Input::DeleteSnapshot(i) => Row("DeleteSnapshot", vec![Is(id::SNAPSHOT, &i.snapshot_id)]),
        Input::DescribeSnapshotAttribute(i) => {
            Row("DescribeSnapshotAttribute", vec![Is(id::SNAPSHOT, &i.snapshot_id)])
        }
        Input::DescribeSnapshots(_) => Row("DescribeSnapshots", vec![Any]),
        Input::ModifySnapshotAttribute(i) => {
            Row("ModifySnapshotAttribute", vec![Is(id::SNAPSHOT, &i.snapshot_id)])
        }

        Input::RunInstances(i) => Row("RunInstances", launched(i)),
        Input::DescribeInstances(_) => Row("DescribeInstances", vec![Any]),
        Input::DescribeInstanceStatus(_) => Row("DescribeInstanceStatus", vec![Any]),
        Input::StartInstances(i) => {
            Row("StartInstances", vec![Many(id::INSTANCE, &i.instance_ids)])
        }
        Input::StopInstances(i) => Row("StopInstances", vec![Many(id::INSTANCE, &i.instance_ids)]),
        Input::RebootInstances(i) => {
            Row("RebootInstances", vec![Many(id::INSTANCE, &i.instance_ids)])
        }
        Input::TerminateInstances(i) => {
            Row("TerminateInstances", vec![Many(id::INSTANCE, &i.instance_ids)])
        }
        Input::DescribeInstanceAttribute(i) => {
            Row("DescribeInstanceAttribute", vec![Is(id::INSTANCE, &i.instance_id)])
        }
        Input::ModifyInstanceAttribute(i) => {
            Row("ModifyInstanceAttribute", vec![Is(id::INSTANCE, &i.instance_id)])
        }
        Input::ResetInstanceAttribute(i) => {
            Row("ResetInstanceAttribute", vec![Is(id::INSTANCE, &i.instance_id)])
        }
        Input::ModifyInstanceMetadataOptions(i) => {
            Row("ModifyInstanceMetadataOptions", vec![Is(id::INSTANCE, &i.instance_id)])
        }
        Input::GetConsoleOutput(i) => {
            Row("GetConsoleOutput", vec![Is(id::INSTANCE, &i.instance_id)])
        }
        Input::GetInstanceUefiData(i) => {
            Row("GetInstanceUefiData", vec![Is(id::INSTANCE, &i.instance_id)])
        }
        Input::DescribeInstanceCreditSpecifications(_) => {
            Row("DescribeInstanceCreditSpecifications", vec![Any])
        }
        Input::MonitorInstances(i) => {
            Row("MonitorInstances", vec![Many(id::INSTANCE, &i.instance_ids)])
        }
        Input::UnmonitorInstances(i) => {
            Row("UnmonitorInstances", vec![Many(id::INSTANCE, &i.instance_ids)])
        }
        Input::AssociateIamInstanceProfile(i) => {
            Row("AssociateIamInstanceProfile", vec![Is(id::INSTANCE, &i.instance_id)])
        }
        Input::DescribeIamInstanceProfileAssociations(_) => {
            Row("DescribeIamInstanceProfileAssociations", vec![Any])
        }
        Input::DisassociateIamInstanceProfile(_) => {
            Row("DisassociateIamInstanceProfile", vec![Any])
        }
        Input::ReplaceIamInstanceProfileAssociation(_) => {
            Row("ReplaceIamInstanceProfileAssociation", vec![Any])
        }
        Input::AttachVolume(i) => Row(
            "AttachVolume",
            vec![Is(id::INSTANCE, &i.instance_id), Is(id::VOLUME, &i.volume_id)],
        ),
        Input::DetachVolume(i) => Row("DetachVolume", vec![Is(id::VOLUME, &i.volume_id)]),
        Input::CreateImage(i) => Row(
            "CreateImage",
            vec![New(id::IMAGE, i.tag_specifications.as_ref()), Is(id::INSTANCE, &i.instance_id)],
        ),
        Input::CreateSnapshots(i) => Row(
            "CreateSnapshots",
            vec![
                New(id::SNAPSHOT, i.tag_specifications.as_ref()),
                Is(id::INSTANCE, &i.instance_specification.instance_id),
            ],
        ),

        Input::CreateLaunchTemplate(i) => Row(
            "CreateLaunchTemplate",
            vec![New(id::LAUNCH_TEMPLATE, i.tag_specifications.as_ref())],
        ),
        Input::CreateLaunchTemplateVersion(i) => Row(
            "CreateLaunchTemplateVersion",
            vec![Template(i.launch_template_id.as_deref(), i.launch_template_name.as_deref())],
        ),
        Input::DeleteLaunchTemplate(i) => Row(
            "DeleteLaunchTemplate",
            vec![Template(i.launch_template_id.as_deref(), i.launch_template_name.as_deref())],
        ),
        Input::DeleteLaunchTemplateVersions(i) => Row(
            "DeleteLaunchTemplateVersions",
            vec![Template(i.launch_template_id.as_deref(), i.launch_template_name.as_deref())],
        ),
        Input::DescribeLaunchTemplateVersions(_) => {
            Row("DescribeLaunchTemplateVersions", vec![Any])
        }
        Input::DescribeLaunchTemplates(_) => Row("DescribeLaunchTemplates", vec![Any]),
        Input::ModifyLaunchTemplate(i) => Row(
            "ModifyLaunchTemplate",
            vec![Template(i.launch_template_id.as_deref(), i.launch_template_name.as_deref())],
        ),
    }
}

impl Ec2 {
    pub(crate) async fn table(&self, call: &Call, input: &Input) -> Result<Vec<Check>> {
        let Row(operation, subjects) = row(input);
        let scope = scope(call)?;
        let mut checks = Vec::new();
        for subject in subjects {
            let action = format!("ec2:{operation}");
            match subject {
                Any => checks.push(Check::new(action, "*")),
                New(kind, tags) => checks.extend(new(&scope, operation, (kind, "*"), tags)),
                Named(kind, name, tags) => {
                    checks.extend(new(&scope, operation, (kind, name), tags));
                }
                KeyPair(name, id) => checks.push(self.on_key_pair(&scope, action, name, id).await?),
                Is(kind, id) => checks.push(self.on(&scope, action, kind, id).await?),
                Many(kind, ids) => {
                    for id in ids {
                        checks.push(self.on(&scope, action.clone(), kind, id).await?);
                    }
                }
                Template(id, name) => {
                    let found = self.launch_template(&scope, id, name).await.ok();
                    let found = found.map(|template| template.record.id);
                    let id = found.as_deref().or(id).unwrap_or("*");
                    checks.push(self.on(&scope, action, id::LAUNCH_TEMPLATE, id).await?);
                }
                Maybe(kind, id) => {
                    checks.push(self.on(&scope, action, kind, id.unwrap_or("*")).await?);
                }
                These(ids) => {
                    for id in ids {
                        let Some(kind) = id::kind_of(id) else { continue };
                        checks.push(self.on(&scope, action.clone(), kind, id).await?);
                    }
                }
            }
        }
        checks.extend(self.passed_role(call, input).await?);
        // Ids of no kind leave nothing to ask about; the operation itself is still asked.
        if checks.is_empty() {
            checks.push(Check::new(format!("ec2:{operation}"), "*"));
        }
        Ok(checks)
    }

    /// Whoever hands a role to an instance must be allowed to pass it on.
    async fn passed_role(&self, call: &Call, input: &Input) -> Result<Option<Check>> {
        let given = match input {
            Input::RunInstances(i) => {
                let template = match &i.launch_template {
                    Some(given) if i.iam_instance_profile.is_none() => {
                        self.template_asked(call, given).await.ok()
                    }
                    _ => None,
                };
                if let Some(profile) = template.and_then(|template| template.profile) {
                    return self.may_pass(call, Some(&profile)).await;
                }
                i.iam_instance_profile.as_ref()
            }
            Input::AssociateIamInstanceProfile(i) => Some(&i.iam_instance_profile),
            Input::ReplaceIamInstanceProfileAssociation(i) => Some(&i.iam_instance_profile),
            _ => None,
        };
        let asked =
            given.map(|given| AskedProfile { name: given.name.clone(), arn: given.arn.clone() });
        self.may_pass(call, asked.as_ref()).await
    }

    /// One that is not there is asked for under whatever was given.
    async fn on_key_pair(
        &self,
        scope: &Scope,
        action: String,
        name: Option<&str>,
        id: Option<&str>,
    ) -> Result<Check> {
        let id = match (id, name) {
            (Some(id), _) => Some(id.to_owned()),
            (None, Some(name)) => {
                let named = self.named(scope, id::KEY_PAIR, name).await?;
                named.map(|named| named.record.id)
            }
            (None, None) => None,
        };
        let id = id.unwrap_or_default();
        let pair = self.records().get::<crate::key_pair::KeyPair>(scope, &id).await?;
        let pair_name = pair.map(|pair| pair.record.name);
        let shown = pair_name.as_deref().or(name).unwrap_or("*");
        let check = Check::new(action, arn(scope, id::KEY_PAIR, shown));
        Ok(with_resource_tags(check, self.tags(scope, &id).await?))
    }

    /// A question about a resource, with the tags it has.
    async fn on(&self, scope: &Scope, action: String, kind: Kind, id: &str) -> Result<Check> {
        let check = Check::new(action, arn(scope, kind, id));
        Ok(with_resource_tags(check, self.tags(scope, id).await?))
    }
}

fn with_resource_tags(mut check: Check, Tags { tags }: Tags) -> Check {
    for (key, value) in tags {
        check = check
            .with(format!("aws:ResourceTag/{key}"), vec![value.clone()])
            .with(format!("ec2:ResourceTag/{key}"), vec![value]);
    }
    check
}

/// RunInstances is about all that it makes and uses.
fn launched(input: &RunInstancesRequest) -> Vec<Subject<'_>> {
    let tags = input.tag_specifications.as_ref();
    let mut subjects = vec![
        New(id::INSTANCE, tags),
        New(id::VOLUME, tags),
        New(id::NETWORK_INTERFACE, tags),
        Maybe(id::SUBNET, input.subnet_id.as_deref()),
        Maybe(id::IMAGE, input.image_id.as_deref()),
    ];
    let groups = input.security_group_ids.as_deref().unwrap_or_default();
    subjects.push(match groups {
        [] => Maybe(id::SECURITY_GROUP, None),
        groups => Many(id::SECURITY_GROUP, groups),
    });
    if let Some(name) = &input.key_name {
        subjects.push(KeyPair(Some(name), None));
    }
    if let Some(template) = &input.launch_template {
        let (id, name) = (&template.launch_template_id, &template.launch_template_name);
        subjects.push(Template(id.as_deref(), name.as_deref()));
    }
    subjects
}

/// Making a resource, and tagging it where tags are given.
fn new(
    scope: &Scope,
    operation: &'static str,
    (kind, name): (Kind, &str),
    tags: Option<&Vec<TagSpecification>>,
) -> Vec<Check> {
    let tags = given(tags, kind);
    let check = Check::new(format!("ec2:{operation}"), arn(scope, kind, name));
    let mut checks = vec![with_request_tags(check, &tags)];
    if !tags.is_empty() {
        let check = Check::new("ec2:CreateTags", arn(scope, kind, name));
        let check = check.with("ec2:CreateAction", vec![operation.into()]);
        checks.push(with_request_tags(check, &tags));
    }
    checks
}

fn given(specifications: Option<&Vec<TagSpecification>>, kind: Kind) -> Vec<(String, String)> {
    let mine = |specification: &&TagSpecification| {
        specification.resource_type.as_deref() == Some(kind.resource_type)
    };
    let tags = specifications.into_iter().flatten().filter(mine).filter_map(|s| s.tags.as_ref());
    let pair = |tag: &crate::model::Tag| {
        (tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default())
    };
    tags.flatten().map(pair).collect()
}

fn with_request_tags(mut check: Check, tags: &[(String, String)]) -> Check {
    for (key, value) in tags {
        check = check.with(format!("aws:RequestTag/{key}"), vec![value.clone()]);
    }
    if tags.is_empty() {
        return check;
    }
    check.with("aws:TagKeys", tags.iter().map(|(key, _)| key.clone()).collect())
}

/// `arn:aws:ec2:REGION:ACCOUNT:vpc/vpc-1`.
fn arn(scope: &Scope, kind: Kind, id: &str) -> String {
    let region = scope.region().map(ToString::to_string).unwrap_or_default();
    let account = scope.account().map(ToString::to_string).unwrap_or_default();
    format!("arn:aws:ec2:{region}:{account}:{}/{id}", kind.resource_type)
}
