//! The metadata service: what an instance is told about itself.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html>
//!
//! Who asks is known by the VPC and the address that the question comes from: the network
//! lets nobody use another's.

mod answer;
mod credentials;
mod facts;
mod token;
mod tree;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws::{AccountId, Identity, Region, Timestamp, Zone};
use ipnet::Ipv4Net;
use state::Scope;

use crate::Ec2;
use crate::error::Result;

pub use answer::{Answer, Question};
pub(crate) use credentials::Kept;

/// All that the metadata of one instance is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub account: AccountId,
    pub region: Region,
    pub zone: Zone,
    pub instance_id: String,
    pub instance_type: String,
    pub image_id: String,
    pub launch_index: u32,
    pub reservation_id: String,
    pub launched_at: Timestamp,
    pub private_dns_name: String,
    /// The names of the groups of the first interface.
    pub security_groups: Vec<String>,
    /// The first is `eth0`.
    pub interfaces: Vec<InterfaceFacts>,
    /// By EC2's virtual names: `ami`, `root`, `ebs1`, …
    pub block_devices: BTreeMap<String, String>,
    /// The key pair's name, and its public key as a line of `authorized_keys`.
    pub public_keys: Vec<(String, String)>,
    pub user_data: Option<Vec<u8>>,
    pub profile: Option<ProfileFacts>,
    /// Only when the instance's options allow them here.
    pub tags: Option<BTreeMap<String, String>>,
    /// The user that the image is entered as.
    pub login_user: Option<String>,
    pub options: Options,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceFacts {
    pub id: String,
    pub mac: String,
    pub device_number: u32,
    pub private_address: Ipv4Addr,
    pub private_dns_name: String,
    pub public_address: Option<Ipv4Addr>,
    pub public_dns_name: Option<String>,
    pub security_group_ids: Vec<String>,
    pub security_groups: Vec<String>,
    pub subnet_id: String,
    pub subnet_block: Ipv4Net,
    pub vpc_id: String,
    pub vpc_blocks: Vec<Ipv4Net>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileFacts {
    pub arn: String,
    pub id: String,
    /// `None` for a profile without a role.
    pub role_arn: Option<String>,
}

/// `MetadataOptions` of the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub is_enabled: bool,
    /// Only the second version, with tokens, is answered.
    pub needs_token: bool,
    /// How many hops an answer with a token may travel.
    pub hop_limit: u8,
}

impl Ec2 {
    /// Of the instance that has this address in this VPC; `None` when nobody has.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn metadata_facts(
        &self,
        scope: &Scope,
        vpc_id: &str,
        from: Ipv4Addr,
    ) -> Result<Option<Facts>> {
        let (Some(account), Some(region)) = (scope.account(), scope.region()) else {
            return Ok(None);
        };
        let call = self.own_call(region.clone(), self.inner.clock.now());
        self.facts(&call.under(Identity::root(account.clone())), vpc_id, from).await
    }

    /// Answers a question of the instance that these facts are of. Credentials, which another
    /// service makes, are left to who asks.
    ///
    /// # Errors
    /// When the region's secret cannot be read.
    pub async fn answer_metadata(&self, facts: &Facts, question: Question<'_>) -> Result<Answer> {
        let tokens = self.page_tokens().await?;
        Ok(question.answer(facts, tokens, self.inner.clock.now()))
    }
}

impl ProfileFacts {
    pub fn role_name(&self) -> Option<&str> {
        self.role_arn.as_deref()?.rsplit('/').next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn facts() -> Facts {
        let interface = InterfaceFacts {
            id: "eni-1".into(),
            mac: "06:00:00:00:00:01".into(),
            device_number: 0,
            private_address: [10, 0, 0, 4].into(),
            private_dns_name: "ip-10-0-0-4.ap-northeast-2.compute.internal".into(),
            public_address: Some([198, 18, 0, 9].into()),
            public_dns_name: None,
            security_group_ids: vec!["sg-1".into()],
            security_groups: vec!["default".into()],
            subnet_id: "subnet-1".into(),
            subnet_block: "10.0.0.0/24".parse().expect("a block"),
            vpc_id: "vpc-1".into(),
            vpc_blocks: vec!["10.0.0.0/16".parse().expect("a block")],
        };
        Facts {
            account: "123456789012".parse().expect("valid"),
            region: "ap-northeast-2".parse().expect("valid"),
            zone: Zone::A,
            instance_id: "i-1".into(),
            instance_type: "t3.micro".into(),
            image_id: "ami-1".into(),
            launch_index: 0,
            reservation_id: "r-1".into(),
            launched_at: Timestamp::from_secs(1_795_344_053),
            private_dns_name: "ip-10-0-0-4.ap-northeast-2.compute.internal".into(),
            security_groups: vec!["default".into()],
            interfaces: vec![interface],
            block_devices: BTreeMap::from([("root".into(), "/dev/xvda".into())]),
            public_keys: vec![("my-key".into(), "ssh-ed25519 AAAA my-key".into())],
            user_data: Some(b"#!/bin/sh\n".to_vec()),
            profile: Some(ProfileFacts {
                arn: "arn:aws:iam::123456789012:instance-profile/web".into(),
                id: "AIPA".into(),
                role_arn: Some("arn:aws:iam::123456789012:role/service/web".into()),
            }),
            tags: Some(BTreeMap::from([("Name".into(), "web 1".into())])),
            login_user: Some("ec2-user".into()),
            options: Options { is_enabled: true, needs_token: true, hop_limit: 1 },
        }
    }
}
