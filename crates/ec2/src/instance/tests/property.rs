//! Random users: whatever they ask in whatever order, a record has one guest at most, a volume
//! one instance, and what is terminated stays so.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use crate::instance::{Instance, Phase};
use crate::testing::{self, World};

#[derive(Clone, Copy, Debug)]
enum Act {
    Start(usize),
    Stop(usize),
    Reboot(usize),
    Terminate(usize),
    Attach(usize, usize),
    Detach(usize),
    End(usize),
    Image(usize),
    Pass(u16),
}

const INSTANCES: usize = 2;
const VOLUMES: usize = 2;

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let one = prop_oneof![
        1 => (0..INSTANCES).prop_map(Act::Start),
        1 => (0..INSTANCES).prop_map(Act::Stop),
        1 => (0..INSTANCES).prop_map(Act::Reboot),
        1 => (0..INSTANCES).prop_map(Act::Terminate),
        2 => (0..INSTANCES, 0..VOLUMES).prop_map(|(i, v)| Act::Attach(i, v)),
        2 => (0..VOLUMES).prop_map(Act::Detach),
        1 => (0..INSTANCES).prop_map(Act::End),
        1 => (0..INSTANCES).prop_map(Act::Image),
        4 => (0..2000_u16).prop_map(Act::Pass),
    ];
    prop::collection::vec(one, 1..25)
}

async fn check(acts: Vec<Act>) {
    let world = World::new();
    world.host.slow_down(Duration::from_millis(3), Duration::from_millis(200));
    let running = world.reconcile();
    let image = super::image(&world).await;
    let members =
        format!("ImageId={image}&InstanceType=t3.nano&MinCount={INSTANCES}&MaxCount={INSTANCES}");
    let made = world.must("RunInstances", &members).await;
    let ids = World::texts(&made, "instanceId");
    let zone = World::text(&made, "availabilityZone").to_owned();
    let mut volumes = Vec::new();
    for _ in 0..VOLUMES {
        let made = world.must("CreateVolume", &format!("AvailabilityZone={zone}&Size=1")).await;
        volumes.push(World::text(&made, "volumeId").to_owned());
    }
    let mut over = BTreeSet::new();
    for (number, act) in acts.into_iter().enumerate() {
        // What is not possible now is refused, and that is all.
        let _ = match act {
            Act::Start(i) => {
                world.serve("StartInstances", &format!("InstanceId.1={}", ids[i])).await
            }
            Act::Stop(i) => world.serve("StopInstances", &format!("InstanceId.1={}", ids[i])).await,
            Act::Reboot(i) => {
                world.serve("RebootInstances", &format!("InstanceId.1={}", ids[i])).await
            }
            Act::Terminate(i) => {
                over.insert(ids[i].clone());
                world.serve("TerminateInstances", &format!("InstanceId.1={}", ids[i])).await
            }
            Act::Attach(i, v) => {
                let members = format!(
                    "InstanceId={}&VolumeId={}&Device=/dev/sd{}",
                    ids[i],
                    volumes[v],
                    ['f', 'g'][v]
                );
                world.serve("AttachVolume", &members).await
            }
            Act::Detach(v) => {
                world.serve("DetachVolume", &format!("VolumeId={}", volumes[v])).await
            }
            Act::End(i) => {
                world.host.end_guest(&host::GuestId(ids[i].clone()));
                Ok(String::new())
            }
            Act::Image(i) => {
                let members = format!("InstanceId={}&Name=image-{number}", ids[i]);
                world.serve("CreateImage", &members).await
            }
            Act::Pass(ms) => {
                tokio::time::sleep(Duration::from_millis(ms.into())).await;
                Ok(String::new())
            }
        };
        one_of_each(&world, &over).await;
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    one_of_each(&world, &over).await;
    settled(&world, &over).await;
    running.stop().await;
}

/// At every moment.
async fn one_of_each(world: &World, over: &BTreeSet<String>) {
    let mut held = BTreeSet::new();
    for stored in instances(world).await {
        for one in &stored.volumes {
            assert!(held.insert(one.volume.clone()), "{} is attached twice", one.volume);
        }
        assert!(!over.contains(&stored.id) || stored.phase.is_over(), "{} came back", stored.id);
    }
    let mut there = BTreeSet::new();
    for guest in world.host.truth().0 {
        for volume in guest.volumes {
            assert!(there.insert(volume.0.clone()), "two guests have {volume}");
        }
    }
}

async fn instances(world: &World) -> Vec<Instance> {
    let scope = crate::scope(&testing::call(testing::ACCOUNT)).expect("signed");
    let all = world.ec2.all::<Instance>(&scope, "").await.expect("read");
    all.into_iter().map(|stored| stored.record).collect()
}

/// When nobody has asked for anything for a while.
async fn settled(world: &World, over: &BTreeSet<String>) {
    let guests = world.host.truth().0;
    for instance in instances(world).await {
        let guest = guests.iter().find(|guest| guest.id.0 == instance.id);
        let runs = guest.is_some_and(|guest| guest.status == host::GuestStatus::Running);
        assert_eq!(runs, instance.phase == Phase::Running, "{instance:?} {guest:?}");
        assert!(matches!(instance.phase, Phase::Running | Phase::Stopped | Phase::Terminated));
        if over.contains(&instance.id) {
            assert!(guest.is_none() && instance.volumes.is_empty());
        }
        if let Some(guest) = guest.filter(|_| runs) {
            let wanted: BTreeSet<_> =
                instance.volumes.iter().map(|one| one.volume.clone()).collect();
            let there: BTreeSet<_> = guest.volumes.iter().map(|volume| volume.0.clone()).collect();
            assert_eq!(wanted, there);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_ever_twice(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(check(acts));
    }
}
