//! Network interfaces: an address in a subnet, with security groups, for one instance.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html>

pub mod attach;
pub mod attribute;
pub mod plan;
pub mod view;

use std::net::Ipv4Addr;

use aws::{AccountId, Call, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result, refuse};
use crate::instance::AttachPhase;
use crate::listing::Listing;
use crate::subnet::Subnet;
use crate::tag::{self, Tags};
use crate::{Ec2, client_token, id, model, scope};

use plan::{NewInterface, Plan};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    pub id: String,
    pub vpc_id: String,
    pub subnet_id: String,
    pub zone: Zone,
    pub owner: AccountId,
    pub description: String,
    pub interface_type: String,
    /// The service that made it, which alone may change it.
    pub requester_id: Option<String>,
    pub groups: Vec<String>,
    pub mac: [u8; 6],
    pub private_address: Ipv4Addr,
    /// Given with it and gone with it; an Elastic IP address is in its own record.
    pub public_address: Option<Ipv4Addr>,
    pub source_dest_check: bool,
    pub attachment: Option<Attachment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub id: String,
    /// `None` of a service's own.
    pub instance_id: Option<String>,
    pub device_index: i32,
    pub delete_on_termination: bool,
    pub attached_at: Timestamp,
    /// As the instance's guest was seen to have it.
    #[serde(default)]
    pub phase: AttachPhase,
}

impl Record for NetworkInterface {
    const KIND: &'static str = "ec2.network-interface";
    const FORMAT: u32 = 1;
}

/// AWS's quota of security groups an interface.
pub const GROUPS_MAX: usize = 5;

impl NetworkInterface {
    pub fn instance_id(&self) -> Option<&str> {
        self.attachment.as_ref()?.instance_id.as_deref()
    }

    /// Whether its guest has it or is to have it.
    pub fn is_to_stay(&self) -> bool {
        self.attachment.as_ref().is_some_and(|held| held.phase != AttachPhase::Detaching)
    }

    pub fn mac_address(&self) -> String {
        self.mac.map(|byte| format!("{byte:02x}")).join(":")
    }

    /// As the machine is to give it to a guest.
    pub fn card(&self, subnet: &Subnet) -> host::Interface {
        host::Interface {
            interface: host::InterfaceId(self.id.clone()),
            network: host::NetworkId(self.vpc_id.clone()),
            mac: self.mac,
            private_address: self.private_address,
            prefix_len: subnet.block.prefix_len(),
            gateway: subnet.gateway(),
        }
    }
}

impl Ec2 {
    /// # Errors
    /// `InvalidNetworkInterfaceID.NotFound`, `InvalidNetworkInterfaceId.Malformed`.
    pub(crate) async fn network_interface(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<Stored<NetworkInterface>> {
        id::NETWORK_INTERFACE.check(id)?;
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::NETWORK_INTERFACE, id))
    }

    /// The interfaces of an instance, the first device first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn interfaces_of(
        &self,
        scope: &Scope,
        instance_id: &str,
    ) -> Result<Vec<Stored<NetworkInterface>>> {
        let mut held = self.all::<NetworkInterface>(scope, "").await?;
        held.retain(|one| one.record.instance_id() == Some(instance_id));
        held.sort_by_key(|one| one.record.attachment.as_ref().map(|held| held.device_index));
        Ok(held)
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateNetworkInterfaceRequest,
) -> Result<model::CreateNetworkInterfaceResult> {
    refuse_unserved(&input)?;
    let tags = tag::specified(input.tag_specifications.clone(), id::NETWORK_INTERFACE)?;
    let scope = scope(call)?;
    let token = client_token::of("CreateNetworkInterface", input.client_token.as_deref(), &input);
    let asked = asked_address(&input)?;
    let interface = ec2
        .retry(async || {
            if let Some(id) = ec2.made_before(&scope, token.as_ref()).await? {
                return Ok(ec2.network_interface(&scope, &id).await?.record);
            }
            let mut txn = ec2.records().transaction();
            let mut plan = Plan::new(ec2, &scope);
            let new = NewInterface {
                subnet_id: input.subnet_id.clone(),
                private_address: asked,
                groups: input.groups.clone().unwrap_or_default(),
                description: input.description.clone().unwrap_or_default(),
                ..Default::default()
            };
            let interface = plan.create(&mut txn, new).await?;
            tag::create(&mut txn, &scope, &interface.id, &tags);
            client_token::keep(&mut txn, &scope, token.as_ref(), &interface.id);
            plan.finish(&mut txn);
            txn.commit().await?;
            Ok(interface)
        })
        .await?;
    let tags = ec2.tags(&scope, &interface.id).await?;
    let shape = ec2.interface_view(call).await?.shape(&interface, &tags);
    Ok(model::CreateNetworkInterfaceResult {
        // A new interface is first seen without its attachment's state.
        network_interface: Some(shape),
        client_token: input.client_token,
    })
}

fn refuse_unserved(input: &model::CreateNetworkInterfaceRequest) -> Result<()> {
    let given = |list: Option<usize>| list.is_some_and(|len| len > 0);
    let counted = |count: Option<i32>| count.is_some_and(|count| count > 0);
    let kind = input.interface_type.as_deref().is_some_and(|kind| kind != "interface");
    refuse(
        "CreateNetworkInterface",
        &[
            ("SecondaryPrivateIpAddressCount", counted(input.secondary_private_ip_address_count)),
            ("Ipv4Prefixes", given(input.ipv4_prefixes.as_ref().map(Vec::len))),
            ("Ipv4PrefixCount", counted(input.ipv4_prefix_count)),
            ("Ipv6Addresses", given(input.ipv6_addresses.as_ref().map(Vec::len))),
            ("Ipv6AddressCount", counted(input.ipv6_address_count)),
            ("Ipv6Prefixes", given(input.ipv6_prefixes.as_ref().map(Vec::len))),
            ("Ipv6PrefixCount", counted(input.ipv6_prefix_count)),
            ("EnablePrimaryIpv6", input.enable_primary_ipv6 == Some(true)),
            ("InterfaceType", kind),
            ("ConnectionTrackingSpecification", input.connection_tracking_specification.is_some()),
            ("Operator", input.operator.is_some()),
        ],
    )
}

/// The one address of `PrivateIpAddress` or `PrivateIpAddresses`.
fn asked_address(input: &model::CreateNetworkInterfaceRequest) -> Result<Option<Ipv4Addr>> {
    let listed = input.private_ip_addresses.iter().flatten();
    let secondary = listed.clone().any(|one| one.primary != Some(true));
    if secondary && input.private_ip_addresses.as_ref().is_some_and(|all| all.len() > 1) {
        let operation = "CreateNetworkInterface";
        return Err(Error::ParameterNotServed { operation, parameter: "PrivateIpAddresses" });
    }
    let texts = listed.filter_map(|one| one.private_ip_address.as_ref());
    let text = input.private_ip_address.iter().chain(texts).next();
    text.map(|text| private_address(text)).transpose()
}

/// # Errors
/// `InvalidParameterValue` for no address.
pub fn private_address(text: &str) -> Result<Ipv4Addr> {
    let invalid = |_| {
        let message = format!("invalid value for parameter address: {text}");
        Error::InvalidParameterValue(message)
    };
    text.parse().map_err(invalid)
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeNetworkInterfacesRequest,
) -> Result<model::DescribeNetworkInterfacesResult> {
    ec2.settled(call).await?;
    let view = ec2.interface_view(call).await?;
    let listing = Listing {
        operation: "DescribeNetworkInterfaces",
        kind: id::NETWORK_INTERFACE,
        ids: input.network_interface_ids,
        filters: input.filters,
        next_token: input.next_token,
        max_results: input.max_results,
    };
    let values = |one: &NetworkInterface, name: &str| view.filter_values(one, name);
    let shape = |one: &NetworkInterface, tags: &Tags| view.shape(one, tags);
    let page = ec2.list(call, listing, values, shape).await?;
    Ok(model::DescribeNetworkInterfacesResult {
        network_interfaces: Some(page.items),
        next_token: page.next_token,
    })
}

pub async fn delete(
    ec2: &Ec2,
    call: &Call,
    input: model::DeleteNetworkInterfaceRequest,
) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let interface = ec2.network_interface(&scope, &input.network_interface_id).await?;
        refuse_managed(&interface.record)?;
        if interface.record.attachment.is_some() {
            let message =
                format!("Network interface '{}' is currently in use.", interface.record.id);
            return Err(Error::coded("InvalidParameterValue", message));
        }
        let mut txn = ec2.records().transaction();
        let mut plan = Plan::new(ec2, &scope);
        plan.delete(&mut txn, &interface).await?;
        plan.finish(&mut txn);
        txn.commit().await?;
        Ok(())
    })
    .await
}

/// Those of services are theirs to change.
pub fn refuse_managed(interface: &NetworkInterface) -> Result<()> {
    if interface.requester_id.is_none() {
        return Ok(());
    }
    let message = "You do not have permission to access the specified resource.";
    Err(Error::coded("AuthFailure", message))
}

#[cfg(test)]
mod tests;
