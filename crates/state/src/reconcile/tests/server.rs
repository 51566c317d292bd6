//! The sample resource of the crash loop: a server with a disk on the fake host. It is made
//! as a service's own would be, and shows how short that is.

use host::fake::{self, FakeHost};
use host::{
    Error as HostError, Generation, Guest, GuestId, GuestSeen, GuestStatus, Guests, ImageId,
    Limits, Volume, VolumeContent, VolumeId, VolumeMount, Volumes,
};

use super::super::crash_loop::{self, Disturbance, Fate, Scenario, Tried};
use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Server {
    memory_mib: u32,
    phase: Phase,
    generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Phase {
    /// New, changed, or found dead: a new generation is needed.
    Pending,
    Starting,
    Running,
    Terminating,
}

impl Record for Server {
    const KIND: &'static str = "test.server";
    const FORMAT: u32 = 1;
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Raise,
    Start,
    Wait,
    SayRunning,
    RemoveGuest,
    RemoveVolumeAndForget,
    Nothing,
}

struct Servers {
    records: Records,
    clock: Arc<Clock>,
    host: Arc<FakeHost>,
}

impl Reconciler for Servers {
    type Wanted = Server;
    type Seen = Option<GuestSeen>;
    type Step = Step;

    async fn look(&self, wanted: &Stored<Server>) -> Result<Option<GuestSeen>, Failure> {
        Ok(self.host.guest(&guest_id(wanted)).await?)
    }

    fn next_step(wanted: &Server, seen: &Option<GuestSeen>, _: Timestamp) -> Step {
        let mine = seen.as_ref().filter(|seen| seen.generation.0 == wanted.generation);
        match (wanted.phase, mine.map(|seen| &seen.status)) {
            (Phase::Pending, _) => Step::Raise,
            (Phase::Starting, None) => Step::Start,
            (Phase::Starting, Some(GuestStatus::Starting)) => Step::Wait,
            (Phase::Starting, Some(GuestStatus::Running)) => Step::SayRunning,
            (Phase::Starting, Some(GuestStatus::Stopped | GuestStatus::Failed(_))) => Step::Raise,
            (Phase::Running, Some(GuestStatus::Running)) => Step::Nothing,
            (Phase::Running, _) => Step::Raise,
            (Phase::Terminating, _) if seen.is_some() => Step::RemoveGuest,
            (Phase::Terminating, _) => Step::RemoveVolumeAndForget,
        }
    }

    async fn run_step(&self, wanted: &Stored<Server>, step: Step) -> Result<Next, Failure> {
        let server = &wanted.record;
        match step {
            Step::Raise => {
                let generation = server.generation + 1;
                self.commit(wanted, Server { phase: Phase::Starting, generation, ..*server }).await
            }
            Step::Start => {
                self.host.ensure_volume(&volume(wanted)).await?;
                self.host.ensure_guest(&guest(wanted)).await?;
                Ok(Next::Again)
            }
            Step::Wait => Ok(Next::At(self.clock.now() + Duration::from_millis(500))),
            Step::SayRunning => {
                self.commit(wanted, Server { phase: Phase::Running, ..*server }).await
            }
            Step::RemoveGuest => {
                self.host.remove_guest(&guest_id(wanted), Generation(server.generation)).await?;
                Ok(Next::Again)
            }
            Step::RemoveVolumeAndForget => {
                self.host.remove_volume(&volume_id(wanted)).await?;
                let mut txn = self.records.transaction();
                txn.delete(wanted);
                txn.commit().await?;
                Ok(Next::Settled)
            }
            Step::Nothing => Ok(Next::Settled),
        }
    }
}

impl Servers {
    async fn commit(&self, stored: &Stored<Server>, server: Server) -> Result<Next, Failure> {
        let mut txn = self.records.transaction();
        txn.update(stored, &server);
        txn.commit().await?;
        Ok(Next::Settled)
    }
}

fn guest_id(server: &Stored<Server>) -> GuestId {
    GuestId(server.key.id.clone())
}

fn volume_id(server: &Stored<Server>) -> VolumeId {
    VolumeId(format!("{}-root", server.key.id))
}

fn volume(server: &Stored<Server>) -> Volume {
    Volume {
        id: volume_id(server),
        zone: aws::Zone::A,
        size_gib: 8,
        content: VolumeContent::Root,
        iops: None,
        throughput_mib: None,
    }
}

fn guest(server: &Stored<Server>) -> Guest {
    let device = "/dev/xvda".into();
    Guest {
        id: guest_id(server),
        generation: Generation(server.record.generation),
        zone: aws::Zone::A,
        image: ImageId("ami-1".into()),
        hostname: "server".into(),
        volumes: vec![VolumeMount { volume: volume_id(server), device }],
        interfaces: vec![],
        limits: Limits {
            cpus: 1,
            memory_mib: server.record.memory_mib,
            processes_max: 100,
            bandwidth_mbit: None,
        },
    }
}

/// Acts: a server is made, made larger, and terminated.
struct Story {
    store: Arc<dyn StateStore>,
    host: Arc<FakeHost>,
    /// The host outlives the process, so each life's disturbance is put here.
    disturbance: Arc<Mutex<Option<Arc<Disturbance>>>>,
    clock: Arc<Clock>,
}

impl Story {
    fn new() -> Self {
        let disturbance: Arc<Mutex<Option<Arc<Disturbance>>>> = Arc::default();
        let asked = disturbance.clone();
        let host = FakeHost::judged(Box::new(move |_| {
            let disturbance = asked.lock().expect("not poisoned");
            match disturbance.as_ref().map_or(Fate::Happens, |disturbance| disturbance.strike()) {
                Fate::Happens => fake::Fate::Happens,
                Fate::HappensThenStops => fake::Fate::HappensThenHangs,
                Fate::Fails => fake::Fate::Fails,
                Fate::HappensUnheard => fake::Fate::LosesReply,
                Fate::Never => fake::Fate::Hangs,
            }
        }));
        host.slow_down(Duration::from_millis(5), Duration::from_secs(2));
        host.has_image(ImageId("ami-1".into()));
        let (store, host) = (Arc::new(Memory::new()), Arc::new(host));
        Self { store, host, disturbance, clock: crash_loop::clock() }
    }

    async fn server(&self, records: &Records) -> Option<Stored<Server>> {
        records.get(&Scope::Haneul, "server").await.expect("answers")
    }
}

impl Scenario for Story {
    fn store(&self) -> Arc<dyn StateStore> {
        self.store.clone()
    }

    fn start(&self, records: Records, disturbance: Arc<Disturbance>) -> Running {
        *self.disturbance.lock().expect("not poisoned") = Some(disturbance);
        let (clock, host) = (self.clock.clone(), self.host.clone());
        let servers = Servers { records: records.clone(), clock: clock.clone(), host };
        Reconcilers::new(records, clock).with(servers).start()
    }

    fn acts(&self) -> usize {
        3
    }

    fn act<'a>(&'a self, act: usize, records: &'a Records) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let now = self.server(records).await;
            let mut txn = records.transaction();
            match (act, &now) {
                (0, None) => {
                    let server = Server { memory_mib: 512, phase: Phase::Pending, generation: 0 };
                    txn.create(&Scope::Haneul, "server", &server);
                }
                (1, Some(now)) => {
                    let phase = Phase::Pending;
                    txn.update(now, &Server { memory_mib: 1024, phase, ..now.record });
                }
                (2, Some(now)) => {
                    txn.update(now, &Server { phase: Phase::Terminating, ..now.record });
                }
                other => panic!("{other:?}"),
            }
            txn.commit().await.expect("nobody else writes at rest");
        })
    }

    fn arrived<'a>(
        &'a self,
        act: usize,
        records: &'a Records,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let server = self.server(records).await;
            let (guests, volumes) = self.host.truth();
            let phase = server.as_ref().map(|server| server.record.phase);
            let as_wanted = match act {
                0 | 1 => {
                    phase == Some(Phase::Running)
                        && guests.len() == 1
                        && volumes == [VolumeId("server-root".into())]
                }
                _ => server.is_none() && guests.is_empty() && volumes.is_empty(),
            };
            as_wanted.then_some(()).ok_or_else(|| format!("{server:?} {guests:?} {volumes:?}"))
        })
    }

    fn always<'a>(&'a self, records: &'a Records) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let Some(server) = self.server(records).await else { return Ok(()) };
            if server.record.phase != Phase::Running {
                return Ok(());
            }
            let (guests, _) = self.host.truth();
            let true_words = guests.iter().any(|guest| {
                guest.status == GuestStatus::Running
                    && guest.generation.0 == server.record.generation
            });
            true_words.then_some(()).ok_or_else(|| format!("says running: {server:?} {guests:?}"))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_passes_the_crash_loop() {
    let tried = crash_loop::run(Story::new).await;
    // Raise, make the volume, start, say running; twice; then remove guest, volume and record.
    let each = 11;
    assert_eq!(tried, Tried { stops: each, failures: each, lost_replies: each });
}

#[tokio::test(start_paused = true)]
async fn a_server_comes_back_with_a_new_generation_when_its_guest_or_zone_dies() {
    let story = Story::new();
    let records = Records::new(story.store());
    let running = story.start(records.clone(), Disturbance::none());
    story.act(0, &records).await;
    let settle = || tokio::time::sleep(Duration::from_secs(200));
    settle().await;
    assert_eq!(story.arrived(0, &records).await, Ok(()));
    story.host.end_guest(&GuestId("server".into()));
    settle().await;
    assert_eq!(story.arrived(0, &records).await, Ok(()));
    story.host.fail_zone(aws::Zone::A);
    settle().await;
    story.host.heal_zone(aws::Zone::A);
    settle().await;
    assert_eq!(story.arrived(0, &records).await, Ok(()));
    assert_eq!(story.server(&records).await.expect("there").record.generation, 3);
    let zombie =
        Guest { generation: Generation(2), ..guest(&story.server(&records).await.expect("there")) };
    let refused = story.host.ensure_guest(&zombie).await;
    assert!(matches!(refused, Err(HostError::OldGeneration { .. })), "{refused:?}");
    running.stop().await;
}

/// The loop must be able to fail: a reconciler that remembers in its own memory whether it has
/// made a volume leaves one behind when it is stopped at the wrong moment.
#[tokio::test(start_paused = true)]
#[should_panic(expected = "crash loop, Stop at effect")]
async fn a_reconciler_that_forgets_is_caught() {
    struct Forgetful(Servers, AtomicUsize);

    impl Reconciler for Forgetful {
        type Wanted = Server;
        type Seen = Option<GuestSeen>;
        type Step = Step;

        async fn look(&self, wanted: &Stored<Server>) -> Result<Option<GuestSeen>, Failure> {
            self.0.look(wanted).await
        }

        fn next_step(wanted: &Server, seen: &Option<GuestSeen>, now: Timestamp) -> Step {
            Servers::next_step(wanted, seen, now)
        }

        async fn run_step(&self, wanted: &Stored<Server>, step: Step) -> Result<Next, Failure> {
            if step == Step::RemoveVolumeAndForget && self.1.load(Ordering::Acquire) == 0 {
                // After a restart it no longer knows that it made a volume.
                let mut txn = self.0.records.transaction();
                txn.delete(wanted);
                txn.commit().await?;
                return Ok(Next::Settled);
            }
            if step == Step::Start {
                self.1.fetch_add(1, Ordering::AcqRel);
            }
            self.0.run_step(wanted, step).await
        }
    }

    struct ForgetfulStory(Story);

    impl Scenario for ForgetfulStory {
        fn store(&self) -> Arc<dyn StateStore> {
            self.0.store()
        }

        fn start(&self, records: Records, disturbance: Arc<Disturbance>) -> Running {
            *self.0.disturbance.lock().expect("not poisoned") = Some(disturbance);
            let (clock, host) = (self.0.clock.clone(), self.0.host.clone());
            let servers = Servers { records: records.clone(), clock: clock.clone(), host };
            Reconcilers::new(records, clock).with(Forgetful(servers, AtomicUsize::new(0))).start()
        }

        fn acts(&self) -> usize {
            3
        }

        fn act<'a>(&'a self, act: usize, records: &'a Records) -> BoxFuture<'a, ()> {
            self.0.act(act, records)
        }

        fn arrived<'a>(
            &'a self,
            act: usize,
            records: &'a Records,
        ) -> BoxFuture<'a, Result<(), String>> {
            self.0.arrived(act, records)
        }
    }

    crash_loop::run(|| ForgetfulStory(Story::new())).await;
}
