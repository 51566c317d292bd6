//! What a rule lets pass: protocol, ports and the other side. Read from `IpPermissions`, from
//! the flat parameters before them, and from a rule's own request.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html>

use aws::AccountId;
use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::vpc_block::cidr;
use crate::{id, model};

use super::rule::Rule;

/// Two rules of one direction with the same permission are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    pub protocol: Protocol,
    /// Of ICMP the type; `None` for all.
    pub from_port: Option<i32>,
    /// Of ICMP the code; `None` for all.
    pub to_port: Option<i32>,
    pub source: Source,
}

/// By its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    All,
    Number(u8),
}

/// Of an outgoing rule, where packets may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    Ipv4(Ipv4Net),
    /// Kept and shown; no packet of a VPC without IPv6 ever meets it.
    Ipv6(Ipv6Net),
    Group(String),
}

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const NAMES: &[(u8, &str)] = &[(ICMP, "icmp"), (TCP, "tcp"), (UDP, "udp"), (ICMPV6, "icmpv6")];
const PORT_MAX: i32 = 65535;

impl Protocol {
    fn parse(text: &str) -> Result<Self> {
        if text == "-1" || text.eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        let named = NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        let number = named.map(|(number, _)| *number).or_else(|| text.parse().ok());
        let unknown = || {
            let message = format!("Invalid value '{text}' for IP protocol. Unknown protocol.");
            Error::InvalidParameterValue(message)
        };
        number.map(Self::Number).ok_or_else(unknown)
    }

    pub fn name(self) -> String {
        match self {
            Self::All => "-1".into(),
            Self::Number(number) => {
                let named = NAMES.iter().find(|(known, _)| *known == number);
                named.map_or_else(|| number.to_string(), |(_, name)| (*name).into())
            }
        }
    }
}

/// A permission with the description that came with its source.
pub type Described = (Permission, Option<String>);

impl Permission {
    pub fn everything() -> Self {
        let (from_port, to_port) = (None, None);
        Self {
            protocol: Protocol::All,
            from_port,
            to_port,
            source: Source::Ipv4(Ipv4Net::default()),
        }
    }

    fn new(protocol: &str, from: Option<i32>, to: Option<i32>, source: Source) -> Result<Self> {
        let protocol = Protocol::parse(protocol)?;
        let invalid = |message: String| Err(Error::InvalidParameterValue(message));
        let (from_port, to_port) = match protocol {
            Protocol::Number(TCP | UDP) => {
                let (Some(from), Some(to)) = (from, to) else {
                    return invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.".into());
                };
                for port in [from, to] {
                    if !(0..=PORT_MAX).contains(&port) {
                        return invalid(format!(
                            "Invalid value '{port}' for port. Must be between 0 and {PORT_MAX}."
                        ));
                    }
                }
                if from > to {
                    return invalid(format!("Invalid TCP/UDP port range ({from}:{to})"));
                }
                (Some(from), Some(to))
            }
            Protocol::Number(ICMP | ICMPV6) => {
                for value in [from, to].into_iter().flatten() {
                    if !(-1..=255).contains(&value) {
                        return invalid(format!(
                            "Invalid value '{value}' for ICMP type or code. Must be between -1 and 255."
                        ));
                    }
                }
                (Some(from.unwrap_or(-1)), Some(to.unwrap_or(-1)))
            }
            _ => (None, None),
        };
        Ok(Self { protocol, from_port, to_port, source })
    }

    /// As in AWS's sentence of a rule that is there already.
    pub fn sentence(&self) -> String {
        let protocol = match self.protocol {
            Protocol::All => "ALL".into(),
            protocol => protocol.name().to_uppercase(),
        };
        let ports = match (self.from_port, self.to_port) {
            (Some(from), Some(to)) => format!(", from port: {from}, to port: {to}"),
            _ => String::new(),
        };
        format!("peer: {}, {protocol}{ports}, ALLOW", self.source.text())
    }

    /// Under `ip-permission.MEMBER`; `None` for no such member.
    pub fn filter_value(&self, member: &str, owner: &AccountId) -> Option<Option<String>> {
        Some(match (member, &self.source) {
            ("protocol", _) => Some(self.protocol.name()),
            ("from-port", _) => self.from_port.map(|port| port.to_string()),
            ("to-port", _) => self.to_port.map(|port| port.to_string()),
            ("cidr", Source::Ipv4(block)) => Some(block.to_string()),
            ("ipv6-cidr", Source::Ipv6(block)) => Some(block.to_string()),
            ("group-id", Source::Group(id)) => Some(id.clone()),
            ("user-id", Source::Group(_)) => Some(owner.to_string()),
            (
                "cidr" | "ipv6-cidr" | "group-id" | "user-id" | "group-name" | "prefix-list-id",
                _,
            ) => None,
            _ => return None,
        })
    }
}

impl Source {
    fn text(&self) -> String {
        match self {
            Self::Ipv4(block) => block.to_string(),
            Self::Ipv6(block) => block.to_string(),
            Self::Group(id) => id.clone(),
        }
    }

    fn ipv6(text: &str) -> Result<Self> {
        let invalid = |_| {
            let message = format!("CIDR block {text} is malformed");
            Error::InvalidParameterValue(message)
        };
        Ok(Self::Ipv6(text.parse::<Ipv6Net>().map_err(invalid)?.trunc()))
    }

    fn ipv4(text: &str) -> Result<Self> {
        let malformed = |_| {
            let message = format!("CIDR block {text} is malformed");
            Error::InvalidParameterValue(message)
        };
        cidr(text, "cidr").map(Self::Ipv4).map_err(malformed)
    }
}

/// What `SourceSecurityGroupName` and its kin say, before there were `IpPermissions`.
#[derive(Clone, Debug, Default)]
pub struct Flat {
    pub ip_protocol: Option<String>,
    pub from_port: Option<i32>,
    pub to_port: Option<i32>,
    pub cidr_ip: Option<String>,
    pub source_security_group_name: Option<String>,
    pub source_security_group_owner_id: Option<String>,
}

/// `IpPermissions`, or the flat parameters made into one.
///
/// # Errors
/// `MissingParameter` for neither.
pub fn asked(
    permissions: Option<Vec<model::IpPermission>>,
    flat: Flat,
) -> Result<Vec<model::IpPermission>> {
    if let Some(permissions) = permissions.filter(|permissions| !permissions.is_empty()) {
        return Ok(permissions);
    }
    let by_name = flat.source_security_group_name.is_some();
    if flat.cidr_ip.is_none() && !by_name {
        return Err(Error::MissingParameter("ipPermissions"));
    }
    let range = |cidr_ip| model::IpRange { cidr_ip: Some(cidr_ip), description: None };
    let pair = |group_name| model::UserIdGroupPair {
        group_name: Some(group_name),
        user_id: flat.source_security_group_owner_id.clone(),
        ..Default::default()
    };
    Ok(vec![model::IpPermission {
        // Of a group alone AWS lets everything pass.
        ip_protocol: flat.ip_protocol.or_else(|| by_name.then(|| "-1".into())),
        from_port: flat.from_port,
        to_port: flat.to_port,
        ip_ranges: Some(flat.cidr_ip.into_iter().map(range).collect()),
        user_id_group_pairs: Some(flat.source_security_group_name.into_iter().map(pair).collect()),
        ..Default::default()
    }])
}

/// One permission for each source. `group_named` gives the id of a group of this name.
///
/// # Errors
/// `InvalidParameterValue` and its kin for unfit members.
pub fn read(
    operation: &'static str,
    given: Vec<model::IpPermission>,
    group_named: impl Fn(&str) -> Result<String>,
) -> Result<Vec<Described>> {
    let mut all: Vec<Described> = Vec::new();
    for one in given {
        if one.prefix_list_ids.is_some_and(|ids| !ids.is_empty()) {
            return Err(Error::ParameterNotServed { operation, parameter: "PrefixListIds" });
        }
        let protocol = one.ip_protocol.ok_or(Error::MissingParameter("ipProtocol"))?;
        let mut sources = Vec::new();
        for range in one.ip_ranges.unwrap_or_default() {
            let text = range.cidr_ip.ok_or(Error::MissingParameter("cidrIp"))?;
            sources.push((Source::ipv4(&text)?, range.description));
        }
        for range in one.ipv6_ranges.unwrap_or_default() {
            let text = range.cidr_ipv6.ok_or(Error::MissingParameter("cidrIpv6"))?;
            sources.push((Source::ipv6(&text)?, range.description));
        }
        for pair in one.user_id_group_pairs.unwrap_or_default() {
            let id = match (pair.group_id, pair.group_name) {
                (Some(id), _) => id,
                (None, Some(name)) => group_named(&name)?,
                (None, None) => return Err(Error::MissingParameter("groupId")),
            };
            id::SECURITY_GROUP.check(&id)?;
            sources.push((Source::Group(id), pair.description));
        }
        for (source, description) in sources {
            let permission = Permission::new(&protocol, one.from_port, one.to_port, source)?;
            all.push((permission, description));
        }
    }
    Ok(all)
}

/// What ModifySecurityGroupRules says of one rule.
///
/// # Errors
/// As [`read`].
pub fn read_one(asked: model::SecurityGroupRuleRequest) -> Result<Described> {
    if asked.prefix_list_id.is_some() {
        let (operation, parameter) = ("ModifySecurityGroupRules", "PrefixListId");
        return Err(Error::ParameterNotServed { operation, parameter });
    }
    let source = match (asked.cidr_ipv4, asked.cidr_ipv6, asked.referenced_group_id) {
        (Some(text), None, None) => Source::ipv4(&text)?,
        (None, Some(text), None) => Source::ipv6(&text)?,
        (None, None, Some(id)) => Source::Group(id),
        _ => {
            let message = "Exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId must be given.";
            return Err(Error::InvalidParameterCombination(message.into()));
        }
    };
    let protocol = asked.ip_protocol.ok_or(Error::MissingParameter("IpProtocol"))?;
    let permission = Permission::new(&protocol, asked.from_port, asked.to_port, source)?;
    Ok((permission, asked.description))
}

/// Rules as `IpPermissions`: those of one protocol and ports in one.
pub fn grouped<'a>(
    rules: impl Iterator<Item = &'a Rule>,
    owner: &AccountId,
) -> Vec<model::IpPermission> {
    let mut all: Vec<model::IpPermission> = Vec::new();
    for rule in rules {
        let permission = &rule.permission;
        let protocol = Some(permission.protocol.name());
        let (from_port, to_port) = (permission.from_port, permission.to_port);
        let same = |one: &model::IpPermission| {
            one.ip_protocol == protocol && one.from_port == from_port && one.to_port == to_port
        };
        let at = all.iter().position(same).unwrap_or_else(|| {
            all.push(model::IpPermission {
                ip_protocol: protocol.clone(),
                from_port,
                to_port,
                user_id_group_pairs: Some(Vec::new()),
                ip_ranges: Some(Vec::new()),
                ipv6_ranges: Some(Vec::new()),
                prefix_list_ids: Some(Vec::new()),
            });
            all.len() - 1
        });
        add(&mut all[at], rule, owner);
    }
    all
}

fn add(one: &mut model::IpPermission, rule: &Rule, owner: &AccountId) {
    let description = rule.description.clone();
    match &rule.permission.source {
        Source::Ipv4(block) => one
            .ip_ranges
            .get_or_insert_default()
            .push(model::IpRange { description, cidr_ip: Some(block.to_string()) }),
        Source::Ipv6(block) => one
            .ipv6_ranges
            .get_or_insert_default()
            .push(model::Ipv6Range { description, cidr_ipv6: Some(block.to_string()) }),
        Source::Group(id) => {
            one.user_id_group_pairs.get_or_insert_default().push(model::UserIdGroupPair {
                description,
                user_id: Some(owner.to_string()),
                group_id: Some(id.clone()),
                ..Default::default()
            });
        }
    }
}
