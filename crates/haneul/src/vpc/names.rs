//! The names that a VPC's resolver knows.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html>

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::RwLock;

use aws::Region;
use dns::{Found, Kind, Names, Question};
use ec2::dns_name;
use host::Network;
use ipnet::Ipv4Net;

pub(super) struct VpcNames {
    region: Region,
    /// The base of this region's own addresses.
    domain: String,
    endpoint: Ipv4Addr,
    network: RwLock<Shown>,
}

/// The network as it was last shown.
struct Shown {
    blocks: Vec<Ipv4Net>,
    /// The private address behind each public one of this network.
    private: HashMap<Ipv4Addr, Ipv4Addr>,
}

impl VpcNames {
    pub(super) fn new(
        region: Region,
        domain: String,
        endpoint: Ipv4Addr,
        network: &Network,
    ) -> Self {
        Self { region, domain, endpoint, network: RwLock::new(Shown::of(network)) }
    }

    pub(super) fn show(&self, network: &Network) {
        *self.network.write().expect("nothing that holds it panics") = Shown::of(network);
    }

    fn address_of(&self, name: &str) -> Option<Found> {
        let shown = self.network.read().expect("nothing that holds it panics");
        if let Some(label) = label_under(name, &dns_name::internal_domain(&self.region)) {
            let address = dashed(label.strip_prefix("ip-")?)?;
            let ours = shown.blocks.iter().any(|block| block.contains(&address));
            return Some(if ours { Found::Addresses(vec![address]) } else { Found::NoName });
        }
        if let Some(label) = label_under(name, &dns_name::public_domain(&self.region)) {
            let Some(public) = label.strip_prefix("ec2-").and_then(dashed) else {
                return Some(Found::NoName);
            };
            let address = shown.private.get(&public).copied().unwrap_or(public);
            return Some(Found::Addresses(vec![address]));
        }
        let of_aws = [self.domain.as_str(), "amazonaws.com", "api.aws"];
        let ours = of_aws.iter().any(|domain| is_under(name, domain));
        ours.then(|| Found::Addresses(vec![self.endpoint]))
    }

    fn pointer_of(&self, name: &str) -> Found {
        let labels = name.strip_suffix(".in-addr.arpa").unwrap_or_default();
        let mut bytes: Vec<&str> = labels.split('.').collect();
        bytes.reverse();
        let Ok(address) = bytes.join(".").parse::<Ipv4Addr>() else { return Found::Elsewhere };
        let shown = self.network.read().expect("nothing that holds it panics");
        if !shown.blocks.iter().any(|block| block.contains(&address)) {
            return Found::Elsewhere;
        }
        Found::Pointer(dns_name::private(address, &self.region))
    }
}

impl Shown {
    fn of(network: &Network) -> Self {
        let pairs = network
            .interfaces
            .iter()
            .filter_map(|interface| Some((interface.public_address?, interface.private_address)));
        Self { blocks: network.blocks.clone(), private: pairs.collect() }
    }
}

impl Names for VpcNames {
    fn find(&self, question: &Question) -> Found {
        let name = question.name.as_str();
        match question.kind {
            Kind::Ptr => self.pointer_of(name),
            kind => match (self.address_of(name), kind) {
                (None, _) => Found::Elsewhere,
                (Some(Found::NoName), _) => Found::NoName,
                (Some(found), Kind::A) => found,
                (Some(_), _) => Found::NoData,
            },
        }
    }
}

/// The one label before the domain.
fn label_under<'a>(name: &'a str, domain: &str) -> Option<&'a str> {
    let label = name.strip_suffix(domain)?.strip_suffix('.')?;
    (!label.contains('.')).then_some(label)
}

fn is_under(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// `10-0-0-4`.
fn dashed(text: &str) -> Option<Ipv4Addr> {
    text.replace('-', ".").parse().ok()
}

#[cfg(test)]
mod tests {
    use host::{InterfaceId, NetworkId, NetworkInterface};

    use super::*;

    fn names(region: &str) -> VpcNames {
        let interface = NetworkInterface {
            interface: InterfaceId("eni-1".into()),
            private_address: [10, 0, 0, 4].into(),
            public_address: Some([198, 18, 0, 9].into()),
            groups: Vec::new(),
            source_dest_check: true,
        };
        let network = Network {
            id: NetworkId("vpc-1".into()),
            blocks: vec!["10.0.0.0/16".parse().expect("a block")],
            subnets: Vec::new(),
            interfaces: vec![interface],
            groups: Vec::new(),
        };
        let region = region.parse().expect("valid");
        VpcNames::new(region, "localhost".into(), [169, 254, 170, 1].into(), &network)
    }

    #[test]
    fn instances_and_aws_have_names_and_the_rest_is_elsewhere() {
        let check = |region: &str, name: &str, kind: Kind, expected: Found| {
            let from = [10, 0, 0, 5].into();
            let question = Question { name: name.into(), kind, from };
            assert_eq!(names(region).find(&question), expected, "{name}");
        };
        let address = |bytes: [u8; 4]| Found::Addresses(vec![bytes.into()]);
        let seoul = "ap-northeast-2";
        let private = "ip-10-0-0-4.ap-northeast-2.compute.internal";
        check(seoul, private, Kind::A, address([10, 0, 0, 4]));
        check(seoul, private, Kind::Other, Found::NoData);
        check("us-east-1", "ip-10-0-0-4.ec2.internal", Kind::A, address([10, 0, 0, 4]));
        check(
            seoul,
            "ip-10-0-9-9.ap-northeast-2.compute.internal",
            Kind::A,
            address([10, 0, 9, 9]),
        );
        let other = "ip-172-31-0-4.ap-northeast-2.compute.internal";
        check(seoul, other, Kind::A, Found::NoName);
        let public = |last: u8| format!("ec2-198-18-0-{last}.ap-northeast-2.compute.amazonaws.com");
        check(seoul, &public(9), Kind::A, address([10, 0, 0, 4]));
        check(seoul, &public(8), Kind::A, address([198, 18, 0, 8]));
        for name in ["s3.amazonaws.com", "b.s3.ap-northeast-2.amazonaws.com", "b.localhost"] {
            check(seoul, name, Kind::A, address([169, 254, 170, 1]));
            check(seoul, name, Kind::Other, Found::NoData);
        }
        check(seoul, "example.com", Kind::A, Found::Elsewhere);
        check(seoul, "notamazonaws.com", Kind::A, Found::Elsewhere);
        check(seoul, "4.0.0.10.in-addr.arpa", Kind::Ptr, Found::Pointer(private.into()));
        check(seoul, "4.0.31.172.in-addr.arpa", Kind::Ptr, Found::Elsewhere);
        check(seoul, "x.in-addr.arpa", Kind::Ptr, Found::Elsewhere);
    }
}
