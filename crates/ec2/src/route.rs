//! Routes of a table.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/route-table-options.html>

use aws::Call;
use ipnet::Ipv4Net;
use state::{Scope, Stored};

use crate::error::{Error, Result, refuse};
use crate::internet_gateway::InternetGateway;
use crate::nat_gateway::NatGateway;
use crate::network_interface::NetworkInterface;
use crate::route_table::{Origin, Route, RouteTable, Target};
use crate::vpc::Vpc;
use crate::vpc_block::cidr;
use crate::{Ec2, id, model, network, scope};

/// AWS's quota of routes a table.
const ROUTES_MAX: usize = 500;

/// Where a route shall lead, as it was asked for.
#[derive(Clone, Debug, Default)]
struct Asked {
    gateway_id: Option<String>,
    nat_gateway_id: Option<String>,
    network_interface_id: Option<String>,
    instance_id: Option<String>,
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateRouteRequest,
) -> Result<model::CreateRouteResult> {
    refuse(
        "CreateRoute",
        &[
            ("DestinationIpv6CidrBlock", input.destination_ipv6_cidr_block.is_some()),
            ("DestinationPrefixListId", input.destination_prefix_list_id.is_some()),
            ("EgressOnlyInternetGatewayId", input.egress_only_internet_gateway_id.is_some()),
            ("VpcPeeringConnectionId", input.vpc_peering_connection_id.is_some()),
            ("TransitGatewayId", input.transit_gateway_id.is_some()),
            ("VpcEndpointId", input.vpc_endpoint_id.is_some()),
            ("LocalGatewayId", input.local_gateway_id.is_some()),
            ("CarrierGatewayId", input.carrier_gateway_id.is_some()),
            ("CoreNetworkArn", input.core_network_arn.is_some()),
            ("OdbNetworkArn", input.odb_network_arn.is_some()),
        ],
    )?;
    let destination = destination(input.destination_cidr_block.as_deref())?;
    let asked = Asked {
        gateway_id: input.gateway_id,
        nat_gateway_id: input.nat_gateway_id,
        network_interface_id: input.network_interface_id,
        instance_id: input.instance_id,
    };
    let scope = scope(call)?;
    let table_id = &input.route_table_id;
    change(ec2, &scope, table_id, Some(&asked), |vpc, table, target| {
        let exists = || {
            let message = format!("The route identified by {destination} already exists.");
            Error::coded("RouteAlreadyExists", message)
        };
        refuse_local(vpc, destination, "CreateRoute", exists)?;
        let target = target.ok_or(Error::MissingParameter("gatewayId"))?;
        if let Some(other) = table.routes.iter().find(|route| route.destination == destination) {
            // The same once more is no error.
            return if other.target == target { Ok(()) } else { Err(exists()) };
        }
        if table.routes.len() >= ROUTES_MAX {
            let message = "The maximum number of routes has been reached.";
            return Err(Error::coded("RouteLimitExceeded", message));
        }
        table.routes.push(Route { destination, target, origin: Origin::CreateRoute });
        Ok(())
    })
    .await?;
    Ok(model::CreateRouteResult { r#return: Some(true) })
}

pub async fn replace(ec2: &Ec2, call: &Call, input: model::ReplaceRouteRequest) -> Result<()> {
    refuse(
        "ReplaceRoute",
        &[
            ("DestinationIpv6CidrBlock", input.destination_ipv6_cidr_block.is_some()),
            ("DestinationPrefixListId", input.destination_prefix_list_id.is_some()),
            ("EgressOnlyInternetGatewayId", input.egress_only_internet_gateway_id.is_some()),
            ("VpcPeeringConnectionId", input.vpc_peering_connection_id.is_some()),
            ("TransitGatewayId", input.transit_gateway_id.is_some()),
            ("VpcEndpointId", input.vpc_endpoint_id.is_some()),
            ("LocalTarget", input.local_target == Some(true)),
            ("LocalGatewayId", input.local_gateway_id.is_some()),
            ("CarrierGatewayId", input.carrier_gateway_id.is_some()),
            ("CoreNetworkArn", input.core_network_arn.is_some()),
            ("OdbNetworkArn", input.odb_network_arn.is_some()),
        ],
    )?;
    let destination = destination(input.destination_cidr_block.as_deref())?;
    let asked = Asked {
        gateway_id: input.gateway_id,
        nat_gateway_id: input.nat_gateway_id,
        network_interface_id: input.network_interface_id,
        instance_id: input.instance_id,
    };
    let scope = scope(call)?;
    let table_id = &input.route_table_id;
    change(ec2, &scope, table_id, Some(&asked), |vpc, table, target| {
        let local = || Error::invalid_value("The local route cannot be given another target here.");
        refuse_local(vpc, destination, "ReplaceRoute", local)?;
        let target = target.ok_or(Error::MissingParameter("gatewayId"))?;
        let route = table.routes.iter_mut().find(|route| route.destination == destination);
        let missing = || {
            let message = format!("There is no route defined for '{destination}' in the route table. Use CreateRoute instead.");
            Error::InvalidParameterValue(message)
        };
        route.ok_or_else(missing)?.target = target;
        Ok(())
    })
    .await
}

pub async fn delete(ec2: &Ec2, call: &Call, input: model::DeleteRouteRequest) -> Result<()> {
    refuse(
        "DeleteRoute",
        &[
            ("DestinationIpv6CidrBlock", input.destination_ipv6_cidr_block.is_some()),
            ("DestinationPrefixListId", input.destination_prefix_list_id.is_some()),
        ],
    )?;
    let destination = destination(input.destination_cidr_block.as_deref())?;
    let scope = scope(call)?;
    let id = &input.route_table_id;
    change(ec2, &scope, id, None, |vpc, table, _| {
        if vpc.blocks.iter().any(|block| block.block == destination) {
            let message = format!("cannot remove local route {destination} in route table {id}");
            return Err(Error::InvalidParameterValue(message));
        }
        let routes = table.routes.len();
        table.routes.retain(|route| route.destination != destination);
        if table.routes.len() == routes {
            let message =
                format!("no route with destination-cidr-block {destination} in route table {id}");
            return Err(Error::coded("InvalidRoute.NotFound", message));
        }
        Ok(())
    })
    .await
}

fn destination(given: Option<&str>) -> Result<Ipv4Net> {
    let text = given.ok_or(Error::MissingParameter("destinationCidrBlock"))?;
    cidr(text, "destinationCidrBlock")
}

/// Inside a VPC everything is reached directly: routes to parts of it are not served.
fn refuse_local(
    vpc: &Vpc,
    destination: Ipv4Net,
    operation: &'static str,
    exists: impl Fn() -> Error,
) -> Result<()> {
    for block in &vpc.blocks {
        if block.block == destination {
            return Err(exists());
        }
        if block.block.contains(&destination) {
            let parameter = "DestinationCidrBlock inside the VPC";
            return Err(Error::ParameterNotServed { operation, parameter });
        }
    }
    Ok(())
}

/// The route's target, where one is asked for, is looked up before the edit.
async fn change(
    ec2: &Ec2,
    scope: &Scope,
    id: &str,
    asked: Option<&Asked>,
    edit: impl Fn(&Vpc, &mut RouteTable, Option<Target>) -> Result<()>,
) -> Result<()> {
    ec2.retry(async || {
        let vpc_id = ec2.route_table(scope, id).await?.record.vpc_id;
        let network = ec2.network(scope, &vpc_id).await?;
        let stored: Stored<RouteTable> = ec2.route_table(scope, id).await?;
        let vpc = ec2.vpc(scope, &vpc_id).await?.record;
        let mut table = stored.record.clone();
        let target = match asked {
            Some(asked) => Some(ec2.target(scope, &table, asked).await?),
            None => None,
        };
        edit(&vpc, &mut table, target)?;
        if table == stored.record {
            return Ok(());
        }
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.update(&stored, &table);
        txn.commit().await?;
        Ok(())
    })
    .await
}

impl Ec2 {
    /// # Errors
    /// For no target or several, one that is not there, one of another VPC.
    async fn target(&self, scope: &Scope, table: &RouteTable, asked: &Asked) -> Result<Target> {
        let given = [
            &asked.gateway_id,
            &asked.nat_gateway_id,
            &asked.network_interface_id,
            &asked.instance_id,
        ];
        if given.iter().filter(|given| given.is_some()).count() != 1 {
            let message = "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId, vpcEndpointId, coreNetworkArn or instanceId";
            return Err(Error::coded("InvalidParameterCombination", message));
        }
        let in_network = |noun: &str, id: &str, vpc_id: Option<&str>| {
            if vpc_id == Some(table.vpc_id.as_str()) {
                return Ok(());
            }
            let message =
                format!("route table {} and {noun} {id} belong to different networks", table.id);
            Err(Error::InvalidParameterValue(message))
        };
        if let Some(id) = &asked.gateway_id {
            let found = self.records().get::<InternetGateway>(scope, id).await?;
            let missing = || {
                let message = format!("The gateway ID '{id}' does not exist");
                Error::coded("InvalidGatewayID.NotFound", message)
            };
            let gateway = found.ok_or_else(missing)?.record;
            in_network("network gateway", id, gateway.vpc_id.as_deref())?;
            return Ok(Target::Gateway(gateway.id));
        }
        if let Some(id) = &asked.nat_gateway_id {
            let found = self.records().get::<NatGateway>(scope, id).await?;
            let living = found.map(|stored| stored.record).filter(NatGateway::forwards);
            let missing = || {
                let message = format!("The gateway ID '{id}' does not exist");
                Error::coded("InvalidGatewayID.NotFound", message)
            };
            let nat = living.ok_or_else(missing)?;
            in_network("NAT gateway", id, Some(&nat.vpc_id))?;
            return Ok(Target::NatGateway(nat.id));
        }
        let interface = match (&asked.network_interface_id, &asked.instance_id) {
            (Some(id), _) => self.network_interface(scope, id).await?.record,
            (None, Some(id)) => self.only_interface(scope, id).await?,
            (None, None) => return Err(Error::MissingParameter("gatewayId")),
        };
        in_network("interface", &interface.id, Some(&interface.vpc_id))?;
        Ok(Target::NetworkInterface(interface.id))
    }

    /// Of an instance with several interfaces AWS does not choose.
    async fn only_interface(&self, scope: &Scope, instance_id: &str) -> Result<NetworkInterface> {
        id::INSTANCE.check(instance_id)?;
        let mut held = self.interfaces_of(scope, instance_id).await?;
        if held.len() > 1 {
            let message = format!(
                "There are multiple interfaces attached to instance '{instance_id}'. Please specify an interface ID for the operation instead."
            );
            return Err(Error::coded("InvalidInstanceID", message));
        }
        let only = held.pop().ok_or_else(|| Error::not_found(id::INSTANCE, instance_id))?;
        Ok(only.record)
    }
}
