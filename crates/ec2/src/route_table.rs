//! Route tables.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html>

use std::collections::{BTreeMap, BTreeSet};

use aws::{AccountId, Call, Random};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result};
use crate::internet_gateway::InternetGateway;
use crate::listing::Listing;
use crate::nat_gateway::NatGateway;
use crate::network_interface::NetworkInterface;
use crate::tag::{self, Tags};
use crate::vpc::Vpc;
use crate::{Ec2, client_token, id, model, network, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    pub id: String,
    pub vpc_id: String,
    pub owner: AccountId,
    /// Beside those to the VPC's own blocks, which every table has.
    pub routes: Vec<Route>,
    pub associations: Vec<Association>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub destination: Ipv4Net,
    pub target: Target,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    Gateway(String),
    NatGateway(String),
    /// Also that of a route to an instance.
    NetworkInterface(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    CreateRoute,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    pub id: String,
    /// `None` of the main table: subnets that no table names.
    pub subnet_id: Option<String>,
}

impl Record for RouteTable {
    const KIND: &'static str = "ec2.route-table";
    const FORMAT: u32 = 1;
}

impl Association {
    pub fn new(random: &Random, subnet_id: Option<String>) -> Self {
        Self { id: random.resource_id("rtbassoc"), subnet_id }
    }

    fn shape(&self, table: &RouteTable) -> model::RouteTableAssociation {
        model::RouteTableAssociation {
            main: Some(self.subnet_id.is_none()),
            route_table_association_id: Some(self.id.clone()),
            route_table_id: Some(table.id.clone()),
            subnet_id: self.subnet_id.clone(),
            association_state: Some(associated()),
            ..Default::default()
        }
    }
}

pub fn associated() -> model::RouteTableAssociationState {
    model::RouteTableAssociationState { state: Some("associated".into()), ..Default::default() }
}

/// What routes lead to, as far as it is there.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Attached ones, with their VPCs.
    gateways: BTreeMap<String, String>,
    nat_gateways: BTreeSet<String>,
    /// Attached ones, with their instances.
    interfaces: BTreeMap<String, String>,
}

impl Targets {
    pub fn leads(&self, target: &Target, vpc_id: &str) -> bool {
        match target {
            Target::Gateway(id) => self.gateways.get(id).is_some_and(|vpc| vpc == vpc_id),
            Target::NatGateway(id) => self.nat_gateways.contains(id),
            Target::NetworkInterface(id) => self.interfaces.contains_key(id),
        }
    }
}

impl Ec2 {
    pub(crate) async fn targets(&self, scope: &Scope) -> Result<Targets> {
        let gateways = self.all::<InternetGateway>(scope, "").await?.into_iter();
        let attached = |gateway: InternetGateway| Some((gateway.id, gateway.vpc_id?));
        let nats = self.all::<NatGateway>(scope, "").await?.into_iter().map(|nat| nat.record);
        let interfaces = self.all::<NetworkInterface>(scope, "").await?.into_iter();
        let held = |one: NetworkInterface| {
            let instance = one.instance_id()?.to_owned();
            Some((one.id, instance))
        };
        Ok(Targets {
            gateways: gateways.filter_map(|stored| attached(stored.record)).collect(),
            nat_gateways: nats.filter(NatGateway::forwards).map(|nat| nat.id).collect(),
            interfaces: interfaces.filter_map(|stored| held(stored.record)).collect(),
        })
    }

    /// # Errors
    /// `InvalidRouteTableID.NotFound`, `InvalidRouteTableID.Malformed`.
    pub(crate) async fn route_table(&self, scope: &Scope, id: &str) -> Result<Stored<RouteTable>> {
        id::ROUTE_TABLE.check(id)?;
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::ROUTE_TABLE, id))
    }
}

impl Route {
    fn shape(&self, table: &RouteTable, targets: &Targets) -> model::Route {
        let leads = targets.leads(&self.target, &table.vpc_id);
        let mut shape = model::Route {
            destination_cidr_block: Some(self.destination.to_string()),
            origin: Some(format!("{:?}", self.origin)),
            state: Some(if leads { "active" } else { "blackhole" }.into()),
            ..Default::default()
        };
        match &self.target {
            Target::Gateway(id) => shape.gateway_id = Some(id.clone()),
            Target::NatGateway(id) => shape.nat_gateway_id = Some(id.clone()),
            Target::NetworkInterface(id) => {
                shape.network_interface_id = Some(id.clone());
                shape.instance_id = targets.interfaces.get(id).cloned();
                shape.instance_owner_id =
                    shape.instance_id.as_ref().map(|_| table.owner.to_string());
            }
        }
        shape
    }
}

fn local(block: Ipv4Net) -> model::Route {
    model::Route {
        destination_cidr_block: Some(block.to_string()),
        gateway_id: Some("local".into()),
        origin: Some("CreateRouteTable".into()),
        state: Some("active".into()),
        ..Default::default()
    }
}

impl RouteTable {
    pub fn new(random: &Random, vpc: &Vpc) -> Self {
        Self {
            id: id::ROUTE_TABLE.new_id(random),
            vpc_id: vpc.id.clone(),
            owner: vpc.owner.clone(),
            routes: Vec::new(),
            associations: Vec::new(),
        }
    }

    pub fn is_main(&self) -> bool {
        self.associations.iter().any(|association| association.subnet_id.is_none())
    }

    fn shape(&self, tags: &Tags, vpc: Option<&Vpc>, targets: &Targets) -> model::RouteTable {
        let locals = vpc.into_iter().flat_map(|vpc| &vpc.blocks).map(|block| local(block.block));
        let routes = self.routes.iter().map(|route| route.shape(self, targets));
        model::RouteTable {
            associations: Some(self.associations.iter().map(|one| one.shape(self)).collect()),
            propagating_vgws: Some(Vec::new()),
            route_table_id: Some(self.id.clone()),
            routes: Some(locals.chain(routes).collect()),
            tags: tags.shapes(),
            vpc_id: Some(self.vpc_id.clone()),
            owner_id: Some(self.owner.to_string()),
        }
    }

    fn filter_values(
        &self,
        name: &str,
        vpc: Option<&Vpc>,
        targets: &Targets,
    ) -> Option<Vec<String>> {
        let of_associations = |of: fn(&Association) -> Option<String>| {
            Some(self.associations.iter().filter_map(of).collect())
        };
        let of_routes = |of: fn(model::Route) -> Option<String>| {
            let routes = self.shape(&Tags::default(), vpc, targets).routes;
            Some(routes.into_iter().flatten().filter_map(of).collect())
        };
        match name {
            "route-table-id" => Some(vec![self.id.clone()]),
            "vpc-id" => Some(vec![self.vpc_id.clone()]),
            "owner-id" => Some(vec![self.owner.to_string()]),
            "association.main" => of_associations(|one| Some(one.subnet_id.is_none().to_string())),
            "association.subnet-id" => of_associations(|one| one.subnet_id.clone()),
            "association.route-table-association-id" => of_associations(|one| Some(one.id.clone())),
            "association.route-table-id" => {
                Some(self.associations.iter().map(|_| self.id.clone()).collect())
            }
            "association.gateway-id" => Some(Vec::new()),
            "route.destination-cidr-block" => of_routes(|route| route.destination_cidr_block),
            "route.gateway-id" => of_routes(|route| route.gateway_id),
            "route.nat-gateway-id" => of_routes(|route| route.nat_gateway_id),
            "route.network-interface-id" => of_routes(|route| route.network_interface_id),
            "route.instance-id" => of_routes(|route| route.instance_id),
            "route.origin" => of_routes(|route| route.origin),
            "route.state" => of_routes(|route| route.state),
            "route.destination-ipv6-cidr-block"
            | "route.destination-prefix-list-id"
            | "route.egress-only-internet-gateway-id"
            | "route.transit-gateway-id"
            | "route.vpc-peering-connection-id" => Some(Vec::new()),
            _ => None,
        }
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateRouteTableRequest,
) -> Result<model::CreateRouteTableResult> {
    let tags = tag::specified(input.tag_specifications.clone(), id::ROUTE_TABLE)?;
    let scope = scope(call)?;
    let token = client_token::of("CreateRouteTable", input.client_token.as_deref(), &input);
    ec2.retry(async || {
        let network = ec2.network(&scope, &input.vpc_id).await?;
        let vpc = ec2.vpc(&scope, &input.vpc_id).await?.record;
        let answer = |table: &RouteTable, tags: &Tags| model::CreateRouteTableResult {
            route_table: Some(table.shape(tags, Some(&vpc), &Targets::default())),
            client_token: input.client_token.clone(),
        };
        if let Some(id) = ec2.made_before(&scope, token.as_ref()).await? {
            let table = ec2.route_table(&scope, &id).await?.record;
            return Ok(answer(&table, &ec2.tags(&scope, &id).await?));
        }
        let table = RouteTable::new(&ec2.inner.random, &vpc);
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.create(&scope, &table.id, &table);
        tag::create(&mut txn, &scope, &table.id, &tags);
        client_token::keep(&mut txn, &scope, token.as_ref(), &table.id);
        txn.commit().await?;
        Ok(answer(&table, &Tags { tags: tags.clone() }))
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeRouteTablesRequest,
) -> Result<model::DescribeRouteTablesResult> {
    let scope = ec2.settled(call).await?;
    let targets = ec2.targets(&scope).await?;
    let vpcs = ec2.all::<Vpc>(&scope, "").await?.into_iter();
    let vpcs: BTreeMap<String, Vpc> = vpcs.map(|stored| (stored.key.id, stored.record)).collect();
    let listing = Listing {
        operation: "DescribeRouteTables",
        kind: id::ROUTE_TABLE,
        ids: input.route_table_ids,
        filters: input.filters,
        next_token: input.next_token,
        max_results: input.max_results,
    };
    let values = |table: &RouteTable, name: &str| {
        table.filter_values(name, vpcs.get(&table.vpc_id), &targets)
    };
    let shape =
        |table: &RouteTable, tags: &Tags| table.shape(tags, vpcs.get(&table.vpc_id), &targets);
    let page = ec2.list(call, listing, values, shape).await?;
    Ok(model::DescribeRouteTablesResult {
        route_tables: Some(page.items),
        next_token: page.next_token,
    })
}

/// Refused while subnets use it.
pub async fn delete(ec2: &Ec2, call: &Call, input: model::DeleteRouteTableRequest) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let table = ec2.route_table(&scope, &input.route_table_id).await?;
        if !table.record.associations.is_empty() {
            return Err(Error::has_dependencies(id::ROUTE_TABLE, &table.record.id));
        }
        let network = ec2.network(&scope, &table.record.vpc_id).await?;
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        ec2.drop_resource(&mut txn, &scope, &table).await?;
        txn.commit().await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests;
