//! Resource ids: a prefix and seventeen hexadecimal digits.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>

use aws::Random;
use aws::random::HEX;

use crate::error::{Error, Result};

const DIGITS: usize = 17;

/// A kind of resource that has ids.
///
/// `noun` is AWS's in `Invalid{noun}ID.NotFound`, `name` its word for it in sentences and in
/// `ResourceType` of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub prefix: &'static str,
    /// The whole code for an id that is not there: `InvalidVpcID.NotFound`.
    pub not_found: &'static str,
    /// The whole code for what is no id of this kind: `InvalidVpcID.Malformed`.
    pub malformed: &'static str,
    /// In sentences: `The vpc ID 'vpc-1' does not exist`.
    pub name: &'static str,
    /// In tag specifications, filters and ARNs: `vpc`.
    pub resource_type: &'static str,
}

impl Kind {
    pub fn new_id(&self, random: &Random) -> String {
        format!("{}-{}", self.prefix, random.letters(HEX, DIGITS))
    }

    /// # Errors
    /// `….Malformed` for what cannot be an id of this kind.
    pub fn check(&self, id: &str) -> Result<()> {
        let digits = id.strip_prefix(self.prefix).and_then(|rest| rest.strip_prefix('-'));
        let is_id = digits.is_some_and(|digits| {
            let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            !digits.is_empty() && digits.len() <= DIGITS && digits.bytes().all(hex)
        });
        match is_id {
            true => Ok(()),
            false => Err(Error::Malformed { kind: *self, id: id.into() }),
        }
    }
}

macro_rules! kinds {
    ($($constant:ident = $prefix:literal, $noun:literal, $name:literal, $resource:literal;)*) => {
        $(pub const $constant: Kind = Kind {
            prefix: $prefix,
            not_found: concat!("Invalid", $noun, ".NotFound"),
            malformed: concat!("Invalid", $noun, ".Malformed"),
            name: $name,
            resource_type: $resource,
        };)*

        /// Every kind, to find one by an id's prefix or by its resource type.
        pub const ALL: &[Kind] = &[$($constant),*];
    };
}

// Codes: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
kinds! {
    VPC = "vpc", "VpcID", "vpc ID", "vpc";
    SUBNET = "subnet", "SubnetID", "subnet ID", "subnet";
    ROUTE_TABLE = "rtb", "RouteTableID", "routeTable ID", "route-table";
    INTERNET_GATEWAY = "igw", "InternetGatewayID", "internetGateway ID", "internet-gateway";
    NAT_GATEWAY = "nat", "NatGatewayID", "NatGateway", "natgateway";
    NETWORK_ACL = "acl", "NetworkAclID", "networkAcl ID", "network-acl";
    SECURITY_GROUP = "sg", "Group", "security group", "security-group";
    SECURITY_GROUP_RULE = "sgr", "SecurityGroupRuleId", "security group rule ID", "security-group-rule";
    NETWORK_INTERFACE = "eni", "NetworkInterfaceID", "networkInterface ID", "network-interface";
    ELASTIC_IP = "eipalloc", "AllocationID", "allocation ID", "elastic-ip";
    DHCP_OPTIONS = "dopt", "DhcpOptionsID", "DhcpOption ID", "dhcp-options";
    KEY_PAIR = "key", "KeyPair", "key pair ID", "key-pair";
    INSTANCE = "i", "InstanceID", "instance ID", "instance";
    IMAGE = "ami", "AMIID", "image id", "image";
    VOLUME = "vol", "Volume", "volume", "volume";
    SNAPSHOT = "snap", "Snapshot", "snapshot", "snapshot";
    LAUNCH_TEMPLATE = "lt", "LaunchTemplateId", "launch template", "launch-template";
}

/// The kind whose prefix this id has.
pub fn kind_of(id: &str) -> Option<Kind> {
    let (prefix, _) = id.rsplit_once('-')?;
    ALL.iter().find(|kind| kind.prefix == prefix).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_prefix_and_seventeen_digits() {
        let random = Random::seeded(1);
        for kind in ALL {
            let id = kind.new_id(&random);
            assert_eq!(id.len(), kind.prefix.len() + 18, "{id}");
            kind.check(&id).expect("its own");
            assert_eq!(kind_of(&id), Some(*kind));
        }
        for bad in ["vpc", "vpc-", "vpc-0123456789abcdef01", "vpc-G", "subnet-1", "", "vpc-1A"] {
            assert!(VPC.check(bad).is_err(), "{bad}");
        }
        VPC.check("vpc-12345678").expect("the short form of old accounts");
    }
}
