//! Interfaces made, changed and deleted within one transaction, as handlers of instances and
//! NAT gateways do: every address is chosen once, every VPC raised once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use state::{Scope, Stored, Transaction};

use crate::address::Address;
use crate::error::{Error, Result};
use crate::network::{self, Network};
use crate::subnet::Subnet;
use crate::{Ec2, id};

use super::{Attachment, GROUPS_MAX, NetworkInterface};

/// One transaction's changes of interfaces. [`Plan::finish`] must come last.
#[must_use = "a plan's VPCs are raised by `finish`"]
pub struct Plan<'a> {
    ec2: &'a Ec2,
    scope: &'a Scope,
    networks: BTreeMap<String, Stored<Network>>,
    taken: BTreeMap<String, BTreeSet<Ipv4Addr>>,
    public: BTreeSet<Ipv4Addr>,
}

#[derive(Clone, Debug, Default)]
pub struct NewInterface {
    pub subnet_id: String,
    /// `None`: the lowest that is free.
    pub private_address: Option<Ipv4Addr>,
    /// None at all: the VPC's default group.
    pub groups: Vec<String>,
    pub description: String,
    pub attachment: Option<Attachment>,
    /// Whether it has a public address of its own. An instance's first interface has one by
    /// its subnet's `map_public_ip_on_launch`.
    pub public: bool,
    /// A service's own, of this type; it has no groups.
    pub service: Option<Service>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    pub requester_id: &'static str,
    pub interface_type: &'static str,
}

impl<'a> Plan<'a> {
    pub fn new(ec2: &'a Ec2, scope: &'a Scope) -> Self {
        let (networks, taken, public) = Default::default();
        Self { ec2, scope, networks, taken, public }
    }

    /// # Errors
    /// For a subnet or group that is not there, groups of another VPC, an address that is
    /// taken, reserved or not the subnet's; when none is free.
    pub async fn create(
        &mut self,
        txn: &mut Transaction,
        new: NewInterface,
    ) -> Result<NetworkInterface> {
        let vpc_id = self.ec2.subnet(self.scope, &new.subnet_id).await?.record.vpc_id;
        self.enter(&vpc_id).await?;
        let subnet = self.ec2.subnet(self.scope, &new.subnet_id).await?.record;
        let groups = match new.service {
            Some(_) => Vec::new(),
            None => self.groups(&vpc_id, new.groups).await?,
        };
        let private_address = self.choose(&subnet, new.private_address).await?;
        let id = id::NETWORK_INTERFACE.new_id(&self.ec2.inner.random);
        let public_address = match new.public {
            true => Some(self.take_public(txn, &id).await?),
            false => None,
        };
        let interface = NetworkInterface {
            id,
            vpc_id,
            subnet_id: subnet.id,
            zone: subnet.zone,
            owner: subnet.owner,
            description: new.description,
            interface_type: new.service.map_or("interface", |one| one.interface_type).into(),
            requester_id: new.service.map(|one| one.requester_id.into()),
            groups,
            mac: self.mac(),
            private_address,
            public_address,
            source_dest_check: new.service.is_none(),
            attachment: new.attachment,
        };
        txn.create(self.scope, &interface.id, &interface);
        Ok(interface)
    }

    /// The interface becomes another one in everything but its addresses; also when nothing
    /// of it changes, its VPC is raised.
    ///
    /// # Errors
    /// When the VPC is gone.
    pub async fn update(
        &mut self,
        txn: &mut Transaction,
        before: &Stored<NetworkInterface>,
        now: &NetworkInterface,
    ) -> Result<()> {
        self.enter(&before.record.vpc_id).await?;
        txn.update(before, now);
        Ok(())
    }

    /// A public address for a new start, unless it has one or an Elastic IP address; the
    /// interface as it is now.
    ///
    /// # Errors
    /// `InsufficientAddressCapacity`.
    pub async fn give_public(
        &mut self,
        txn: &mut Transaction,
        interface: &Stored<NetworkInterface>,
    ) -> Result<NetworkInterface> {
        self.enter(&interface.record.vpc_id).await?;
        let mut now = interface.record.clone();
        let elastic = self.ec2.address_of(self.scope, &now.id).await?;
        if now.public_address.is_none() && elastic.is_none() {
            now.public_address = Some(self.take_public(txn, &now.id).await?);
            txn.update(interface, &now);
        }
        Ok(now)
    }

    /// Its own public address goes back to the pool, as at an instance's stop; the interface
    /// as it is now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn take_public_back(
        &mut self,
        txn: &mut Transaction,
        interface: &Stored<NetworkInterface>,
    ) -> Result<NetworkInterface> {
        self.enter(&interface.record.vpc_id).await?;
        let mut now = interface.record.clone();
        if let Some(address) = now.public_address.take() {
            self.ec2.free_public_address(txn, address).await?;
            txn.update(interface, &now);
        }
        Ok(now)
    }

    /// Deletes it with its tags; its public address is freed, an Elastic IP address stays the
    /// account's.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn delete(
        &mut self,
        txn: &mut Transaction,
        interface: &Stored<NetworkInterface>,
    ) -> Result<()> {
        self.enter(&interface.record.vpc_id).await?;
        if let Some(address) = interface.record.public_address {
            self.ec2.free_public_address(txn, address).await?;
        }
        if let Some(elastic) = self.ec2.address_of(self.scope, &interface.record.id).await? {
            txn.update(&elastic, &Address { association: None, ..elastic.record.clone() });
        }
        self.ec2.drop_resource(txn, self.scope, interface).await
    }

    pub fn finish(self, txn: &mut Transaction) {
        for network in self.networks.values() {
            network::raise(txn, network);
        }
    }

    /// The VPC will be raised: whatever is read of it after this is so when the transaction
    /// commits.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`.
    pub async fn enter(&mut self, vpc_id: &str) -> Result<()> {
        if !self.networks.contains_key(vpc_id) {
            let network = self.ec2.network(self.scope, vpc_id).await?;
            self.networks.insert(vpc_id.into(), network);
        }
        Ok(())
    }

    async fn take_public(&mut self, txn: &mut Transaction, holder: &str) -> Result<Ipv4Addr> {
        let address = self.ec2.take_public_address(txn, holder, &self.public).await?;
        self.public.insert(address);
        Ok(address)
    }

    /// The groups of a new or changed interface.
    ///
    /// # Errors
    /// For groups that are not there or of another VPC, and too many.
    pub async fn groups(&self, vpc_id: &str, mut asked: Vec<String>) -> Result<Vec<String>> {
        if asked.is_empty() {
            return Ok(vec![self.ec2.default_group(self.scope, vpc_id).await?.id]);
        }
        let mut seen = BTreeSet::new();
        asked.retain(|id| seen.insert(id.clone()));
        if asked.len() > GROUPS_MAX {
            let message = "You have exceeded the maximum number of security groups allowed per network interface.";
            return Err(Error::coded("SecurityGroupsPerInterfaceLimitExceeded", message));
        }
        for id in &asked {
            let group = self.ec2.security_group(self.scope, id).await?.record;
            if group.vpc_id != vpc_id {
                let message = "You have specified two resources that belong to different networks.";
                return Err(Error::coded("InvalidParameter", message));
            }
        }
        Ok(asked)
    }

    async fn choose(&mut self, subnet: &Subnet, asked: Option<Ipv4Addr>) -> Result<Ipv4Addr> {
        if !self.taken.contains_key(&subnet.id) {
            let there = self.ec2.all::<NetworkInterface>(self.scope, "").await?.into_iter();
            let here = there.map(|one| one.record).filter(|one| one.subnet_id == subnet.id);
            let taken = here.map(|one| one.private_address).collect();
            self.taken.insert(subnet.id.clone(), taken);
        }
        let taken = self.taken.entry(subnet.id.clone()).or_default();
        let address = match asked {
            Some(address) => free_as_asked(subnet, taken, address)?,
            None => {
                let full = || {
                    let message = format!(
                        "The subnet '{}' has insufficient free addresses to satisfy the request.",
                        subnet.id
                    );
                    Error::coded("InsufficientFreeAddressesInSubnet", message)
                };
                subnet.addresses().find(|one| !taken.contains(one)).ok_or_else(full)?
            }
        };
        taken.insert(address);
        Ok(address)
    }

    /// A locally administered address.
    fn mac(&self) -> [u8; 6] {
        let mut mac = [0; 6];
        self.ec2.inner.random.fill(&mut mac);
        mac[0] = 0x02;
        mac
    }
}

fn free_as_asked(subnet: &Subnet, taken: &BTreeSet<Ipv4Addr>, asked: Ipv4Addr) -> Result<Ipv4Addr> {
    if !subnet.block.contains(&asked) {
        return Err(Error::InvalidParameterValue(
            "Address does not fall within the subnet's address range".into(),
        ));
    }
    if !subnet.addresses().any(|one| one == asked) {
        return Err(Error::InvalidParameterValue(
            "Address is in subnet's reserved address range".into(),
        ));
    }
    if taken.contains(&asked) {
        let message = format!("Address {asked} is in use.");
        return Err(Error::coded("InvalidIPAddress.InUse", message));
    }
    Ok(asked)
}

#[cfg(test)]
mod tests;
