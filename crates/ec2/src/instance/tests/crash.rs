//! An instance's life with every effect on store and host harmed in each way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::BoxFuture;
use host::fake::{FakeHost, Fate as HostFate};
use host::{GuestId, GuestStatus};
use state::reconcile::crash_loop::{self, Disturbance, Fate, Scenario};
use state::reconcile::{Reconcilers, Running};
use state::{Memory, Records, StateStore};

use crate::instance::{Instance, Phase};
use crate::testing::{self, World};
use crate::{Ec2, reconcilers};

/// Run, stop, start, terminate, with a second volume.
struct Life {
    store: Arc<Memory>,
    host: Arc<FakeHost>,
    disturbance: Arc<Mutex<Arc<Disturbance>>>,
    id: Mutex<String>,
}

impl Life {
    fn new() -> Self {
        let disturbance = Arc::new(Mutex::new(Disturbance::none()));
        let asked = disturbance.clone();
        let host =
            FakeHost::judged(Box::new(move |_| match asked.lock().expect("unpoisoned").strike() {
                Fate::Happens => HostFate::Happens,
                Fate::HappensThenStops => HostFate::HappensThenHangs,
                Fate::Fails => HostFate::Fails,
                Fate::HappensUnheard => HostFate::LosesReply,
                Fate::Never => HostFate::Hangs,
            }));
        host.slow_down(Duration::ZERO, Duration::from_millis(300));
        let (store, id) = (Arc::new(Memory::new()), Mutex::default());
        Self { store, host: Arc::new(host), disturbance, id }
    }

    fn id(&self) -> String {
        self.id.lock().expect("unpoisoned").clone()
    }

    fn world(&self, records: &Records) -> World {
        World::on(records.clone(), self.host.clone(), 7)
    }
}

impl Scenario for Life {
    fn store(&self) -> Arc<dyn StateStore> {
        self.store.clone()
    }

    fn start(&self, records: Records, disturbance: Arc<Disturbance>) -> Running {
        *self.disturbance.lock().expect("unpoisoned") = disturbance;
        let clock = crash_loop::clock();
        let caller = testing::caller();
        let random = Arc::new(aws::Random::seeded(3));
        let ec2 = Ec2::new(records.clone(), self.host.clone(), clock.clone(), random, caller);
        reconcilers::add(&ec2, Reconcilers::new(records, clock)).start()
    }

    fn acts(&self) -> usize {
        4
    }

    fn act<'a>(&'a self, act: usize, records: &'a Records) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let world = self.world(records);
            let named = format!("InstanceId.1={}", self.id());
            match act {
                0 => {
                    let image = super::image(&world).await;
                    let second = "BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=1";
                    let members = format!(
                        "ImageId={image}&InstanceType=t3.micro&MinCount=1&MaxCount=1&{second}"
                    );
                    let answer = world.must("RunInstances", &members).await;
                    let id = World::text(&answer, "instanceId").to_owned();
                    *self.id.lock().expect("unpoisoned") = id;
                }
                1 => drop(world.must("StopInstances", &named).await),
                2 => drop(world.must("StartInstances", &named).await),
                _ => drop(world.must("TerminateInstances", &named).await),
            }
        })
    }

    fn arrived<'a>(
        &'a self,
        act: usize,
        records: &'a Records,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let scope = crate::scope(&testing::call(testing::ACCOUNT)).expect("signed");
            let found = records.get::<Instance>(&scope, &self.id()).await;
            let Some(instance) = found.expect("read").map(|stored| stored.record) else {
                return Err("there is no record".into());
            };
            let (guests, volumes) = self.host.truth();
            let guest = guests.first().map(|guest| guest.status.clone());
            let (phase, status, count) = match act {
                0 | 2 => (Phase::Running, Some(GuestStatus::Running), 2),
                1 => (Phase::Stopped, Some(GuestStatus::Stopped), 2),
                _ => (Phase::Terminated, None, 0),
            };
            if (instance.phase, &guest, volumes.len()) != (phase, &status, count) {
                return Err(format!("{:?}, {guest:?}, {volumes:?}", instance.phase));
            }
            Ok(())
        })
    }

    fn always<'a>(&'a self, _: &'a Records) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let guests = self.host.truth().0;
            match guests.iter().all(|guest| guest.id == GuestId(self.id())) && guests.len() <= 1 {
                true => Ok(()),
                false => Err(format!("{guests:?}")),
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_anywhere_in_an_instance_s_life_changes_nothing_of_its_end() {
    let tried = crash_loop::run(Life::new).await;
    assert!(tried.stops > 20, "{tried:?}");
}
