//! A whole region in the test's process, in memory.

use std::net::SocketAddr;
use std::sync::Arc;

use aws::{Clock, Random, Region};
use haneul::{Day, FrontDoor, Machine, Options, Running, Storage};
use host::fake::FakeHost;

use crate::client::{Client, Key};

pub struct Cloud {
    running: Running,
    /// The region's clock: the machine's until a test turns it.
    pub clock: Arc<Clock>,
    region: Region,
}

impl Cloud {
    pub async fn start() -> Self {
        let clock = Arc::new(Clock::system());
        let region: Region = "ap-northeast-2".parse().expect("valid");
        let running = haneul::Region::start(Options {
            storage: Storage::Memory,
            machine: Machine::Given(Arc::new(FakeHost::default())),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            front_door: Some(FrontDoor::anywhere()),
            domain: "localhost".into(),
            region: region.clone(),
            day: Day::default(),
            clock: clock.clone(),
            wall: Arc::new(Clock::system()),
            random: Arc::new(Random::system()),
        })
        .await
        .expect("it starts");
        Self { running, clock, region }
    }

    /// The first account's root key.
    pub fn root_key(&self) -> Key {
        Key::of(self.running.new_key().expect("a region in memory is always new"))
    }

    /// Makes another account; its root key.
    pub async fn create_account(&self) -> Key {
        let made = self.running.region().create_account("another".into(), None).await;
        Key::of(&made.expect("made"))
    }

    pub fn address(&self) -> SocketAddr {
        self.running.addresses()[0]
    }

    /// The machine's time, which clients sign with.
    pub fn wall_now(&self) -> aws::Timestamp {
        Clock::system().now()
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    pub fn client(&self, service: &'static str, key: Key) -> Client {
        let version = match service {
            "iam" => "2010-05-08",
            "sts" => "2011-06-15",
            _ => "",
        };
        Client { address: self.address(), key, region: self.region.clone(), service, version }
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}
