use crate::testing::World;

struct Place {
    world: World,
    subnet: String,
}

impl Place {
    async fn new() -> Self {
        let world = World::new();
        let vpc = world.vpc("10.0.0.0/16").await;
        world.gateway(&vpc).await;
        world
            .must("ModifyVpcAttribute", &format!("VpcId={vpc}&EnableDnsHostnames.Value=true"))
            .await;
        let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
        Self { world, subnet }
    }

    async fn interface(&self) -> String {
        let members = format!("SubnetId={}", self.subnet);
        self.world.made("networkInterfaceId", "CreateNetworkInterface", &members).await
    }

    async fn allocate(&self) -> String {
        self.world.made("allocationId", "AllocateAddress", "Domain=vpc").await
    }
}

#[tokio::test]
async fn an_account_keeps_five_addresses() {
    let place = Place::new().await;
    let world = &place.world;
    let mut last = String::new();
    for _ in 0..5 {
        last = place.allocate().await;
    }
    let (_, code, message) = world.refused("AllocateAddress", "").await;
    assert_eq!(code, "AddressLimitExceeded");
    assert_eq!(message, "The maximum number of addresses has been reached.");
    let mut addresses = World::texts(&world.must("DescribeAddresses", "").await, "publicIp");
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 5);
    assert!(addresses.iter().all(|address| address.starts_with("198.18.")));
    let release = format!("AllocationId={last}");
    world.must("ReleaseAddress", &release).await;
    let refused = world.refusal("ReleaseAddress", &release).await;
    assert_eq!(refused, "InvalidAllocationID.NotFound");
    place.allocate().await;
}

#[tokio::test]
async fn an_address_follows_its_association() {
    let place = Place::new().await;
    let world = &place.world;
    let (one, other) = (place.interface().await, place.interface().await);
    let (first, second) = (place.allocate().await, place.allocate().await);
    let to = |address: &str, interface: &str| {
        format!("AllocationId={address}&NetworkInterfaceId={interface}")
    };
    world.must("AssociateAddress", &to(&first, &one)).await;
    let shown =
        world.must("DescribeNetworkInterfaces", &format!("NetworkInterfaceId.1={one}")).await;
    let ip = World::text(&shown, "publicIp").to_owned();
    let name = format!("ec2-{}.ap-northeast-2.compute.amazonaws.com", ip.replace('.', "-"));
    assert_eq!(World::text(&shown, "publicDnsName"), name);
    let refused = world.refusal("ReleaseAddress", &format!("AllocationId={first}")).await;
    assert_eq!(refused, "InvalidIPAddress.InUse");
    let strict = format!("{}&AllowReassociation=false", to(&first, &other));
    let refused = world.refusal("AssociateAddress", &strict).await;
    assert_eq!(refused, "Resource.AlreadyAssociated");
    world.must("AssociateAddress", &to(&first, &other)).await;
    world.must("AssociateAddress", &to(&second, &other)).await;
    let first = world.must("DescribeAddresses", &format!("AllocationId.1={first}")).await;
    assert!(!first.contains("associationId"), "{first}");
    world.must("DeleteNetworkInterface", &format!("NetworkInterfaceId={other}")).await;
    let second = world.must("DescribeAddresses", &format!("AllocationId.1={second}")).await;
    assert!(!second.contains("associationId"), "{second}");
    let gone = world.refusal("DisassociateAddress", "AssociationId=eipassoc-0123").await;
    assert_eq!(gone, "InvalidAssociationID.NotFound");
}
