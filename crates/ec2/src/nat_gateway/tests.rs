use std::time::Duration;

use state::reconcile::{Reconcilers, Running};

use crate::testing::World;

fn start(world: &World) -> Running {
    let (records, clock) = (world.ec2.records().clone(), world.ec2.inner.clock.clone());
    crate::reconcilers::add(&world.ec2, Reconcilers::new(records, clock)).start()
}

async fn becomes(world: &World, id: &str, state: &str) -> String {
    for _ in 0..1000 {
        let members = format!("NatGatewayId.1={id}");
        let shown = world.must("DescribeNatGateways", &members).await;
        if World::text(&shown, "state") == state {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{id} does not become {state}");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_opens_and_closes_with_the_machine_s_network() {
    let world = World::new();
    let running = start(&world);
    let vpc = world.vpc("10.0.0.0/16").await;
    let (public, private) =
        (world.subnet(&vpc, "10.0.0.0/24").await, world.subnet(&vpc, "10.0.1.0/24").await);
    let allocation = world.made("allocationId", "AllocateAddress", "").await;
    let create = format!("SubnetId={public}&AllocationId={allocation}");
    assert_eq!(world.refusal("CreateNatGateway", &create).await, "Gateway.NotAttached");
    let gateway = world.gateway(&vpc).await;
    for (subnet, anywhere) in [(&public, format!("GatewayId={gateway}")), (&private, String::new())]
    {
        let table = world.made("routeTableId", "CreateRouteTable", &format!("VpcId={vpc}")).await;
        let members = format!("RouteTableId={table}&SubnetId={subnet}");
        world.must("AssociateRouteTable", &members).await;
        let target = match anywhere.is_empty() {
            true => {
                let nat = world.made("natGatewayId", "CreateNatGateway", &create).await;
                format!("NatGatewayId={nat}")
            }
            false => anywhere,
        };
        let route = format!("RouteTableId={table}&DestinationCidrBlock=0.0.0.0/0&{target}");
        world.must("CreateRoute", &route).await;
    }
    let shown = world.must("DescribeNatGateways", "").await;
    let nat = World::text(&shown, "natGatewayId").to_owned();
    let open = becomes(&world, &nat, "available").await;
    let address = World::text(&open, "publicIp").parse().expect("an address");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let network = world.host.network(&host::NetworkId(vpc.clone())).expect("made");
    let targets = |network: &host::Network| {
        let routes = network.subnets.iter().flat_map(|subnet| subnet.routes.clone());
        routes.map(|route| route.target).collect::<Vec<_>>()
    };
    assert!(targets(&network).contains(&host::RouteTarget::Nat(address)), "{network:?}");
    assert_eq!(world.refusal("CreateNatGateway", &create).await, "Resource.AlreadyAssociated");
    let interface = World::text(&open, "networkInterfaceId");
    let delete = format!("NetworkInterfaceId={interface}");
    assert_eq!(world.refusal("DeleteNetworkInterface", &delete).await, "AuthFailure");
    let detach = format!("InternetGatewayId={gateway}&VpcId={vpc}");
    assert_eq!(world.refusal("DetachInternetGateway", &detach).await, "DependencyViolation");

    world.must("DeleteNatGateway", &format!("NatGatewayId={nat}")).await;
    becomes(&world, &nat, "deleted").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let network = world.host.network(&host::NetworkId(vpc.clone())).expect("made");
    assert!(targets(&network).contains(&host::RouteTarget::Blackhole), "{network:?}");
    let tables = world
        .must("DescribeRouteTables", "Filter.1.Name=route.state&Filter.1.Value.1=blackhole")
        .await;
    assert!(tables.contains(&nat), "{tables}");
    world.must("ReleaseAddress", &format!("AllocationId={allocation}")).await;
    world.must("DeleteSubnet", &format!("SubnetId={public}")).await;
    world.ec2.inner.clock.advance(Duration::from_secs(3601));
    tokio::time::sleep(Duration::from_secs(200)).await;
    let members = format!("NatGatewayId.1={nat}");
    assert_eq!(world.refusal("DescribeNatGateways", &members).await, "NatGatewayNotFound");
    running.stop().await;
}
