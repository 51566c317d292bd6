use state::{Scope, Stored};

use crate::network_interface::NetworkInterface;
use crate::public_address::PublicAddress;
use crate::testing::{ACCOUNT, World, call};

use super::{NewInterface, Plan};

async fn interfaces(world: &World, scope: &Scope) -> Vec<Stored<NetworkInterface>> {
    world.ec2.all(scope, "").await.expect("answers")
}

async fn public_addresses(world: &World) -> Vec<String> {
    let all = world.ec2.all::<PublicAddress>(&Scope::Haneul, "").await.expect("answers");
    all.into_iter().map(|claim| claim.key.id).collect()
}

#[tokio::test]
async fn one_transaction_makes_many_interfaces_each_with_its_own_addresses() {
    let world = World::new();
    let scope = crate::scope(&call(ACCOUNT)).expect("signed");
    let vpc = world.vpc("10.0.0.0/16").await;
    let subnets =
        [world.subnet(&vpc, "10.0.0.0/24").await, world.subnet(&vpc, "10.0.1.0/24").await];
    let mut txn = world.ec2.records().transaction();
    let mut plan = Plan::new(&world.ec2, &scope);
    for at in 0..8 {
        let subnet_id = subnets[at % 2].clone();
        let new = NewInterface { subnet_id, public: true, ..Default::default() };
        plan.create(&mut txn, new).await.expect("room");
    }
    plan.finish(&mut txn);
    txn.commit().await.expect("nobody else");
    let made = interfaces(&world, &scope).await;
    let mut private: Vec<_> = made.iter().map(|one| one.record.private_address).collect();
    private.sort();
    private.dedup();
    assert_eq!(private.len(), 8);
    let mut public: Vec<String> = made
        .iter()
        .filter_map(|one| one.record.public_address)
        .map(|one| one.to_string())
        .collect();
    public.sort();
    assert_eq!(public_addresses(&world).await, public);
    assert_eq!(public.len(), 8);
}

#[tokio::test]
async fn its_own_public_address_goes_at_a_stop_and_another_comes_at_a_start() {
    let world = World::new();
    let scope = crate::scope(&call(ACCOUNT)).expect("signed");
    let vpc = world.vpc("10.0.0.0/16").await;
    world.gateway(&vpc).await;
    let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
    world.must("CreateNetworkInterface", &format!("SubnetId={subnet}")).await;
    let act = async |act: &str| {
        let [one] = interfaces(&world, &scope).await.try_into().expect("one");
        let mut txn = world.ec2.records().transaction();
        let mut plan = Plan::new(&world.ec2, &scope);
        match act {
            "start" => drop(plan.give_public(&mut txn, &one).await.expect("given")),
            "stop" => drop(plan.take_public_back(&mut txn, &one).await.expect("taken")),
            _ => plan.delete(&mut txn, &one).await.expect("deleted"),
        }
        plan.finish(&mut txn);
        txn.commit().await.expect("nobody else");
        public_addresses(&world).await.len()
    };
    assert_eq!(act("start").await, 1);
    assert_eq!(act("start").await, 1, "it has one");
    assert_eq!(act("stop").await, 0);
    assert_eq!(act("stop").await, 0, "it has none");
    assert_eq!(act("start").await, 1);
    let allocation = world.made("allocationId", "AllocateAddress", "").await;
    let id = interfaces(&world, &scope).await[0].record.id.clone();
    let associate = format!("AllocationId={allocation}&NetworkInterfaceId={id}");
    world.must("AssociateAddress", &associate).await;
    assert_eq!(public_addresses(&world).await.len(), 1, "the Elastic one took its place");
    assert_eq!(act("start").await, 1, "and keeps it");
    assert_eq!(act("delete").await, 1, "and outlives the interface");
}
