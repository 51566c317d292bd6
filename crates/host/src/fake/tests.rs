use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{GuestStatus, Guests, Images, Interface, InterfaceId, Limits, VolumeMount, Volumes};

fn guest(id: &str, generation: u64) -> Guest {
    Guest {
        id: GuestId(id.into()),
        generation: Generation(generation),
        zone: Zone::A,
        image: ImageId("ami-1".into()),
        hostname: format!("host-{id}"),
        volumes: vec![VolumeMount {
            volume: VolumeId(format!("vol-{id}")),
            device: "/dev/xvda".into(),
        }],
        interfaces: vec![Interface {
            interface: InterfaceId(format!("eni-{id}")),
            network: NetworkId("vpc-1".into()),
            mac: [2, 0, 0, 0, 0, 4],
            private_address: [172, 31, 0, 4].into(),
            prefix_len: 20,
            gateway: [172, 31, 0, 1].into(),
        }],
        limits: Limits { cpus: 1, memory_mib: 512, processes_max: 100, bandwidth_mbit: None },
    }
}

/// Where guests a and b can run.
fn furnished(host: FakeHost) -> FakeHost {
    host.furnish(&guest("a", 1));
    host.furnish(&Guest { zone: Zone::B, ..guest("b", 1) });
    host
}

async fn status(host: &FakeHost, id: &str) -> Option<(u64, GuestStatus)> {
    let seen = host.guest(&GuestId(id.into())).await.expect("answers")?;
    Some((seen.generation.0, seen.status))
}

#[tokio::test(start_paused = true)]
async fn a_guest_starts_in_its_time_and_only_once() {
    let host = furnished(FakeHost::default());
    host.slow_down(Duration::from_millis(10), Duration::from_secs(3));
    host.ensure_guest(&guest("a", 1)).await.expect("begun");
    assert_eq!(status(&host, "a").await, Some((1, GuestStatus::Starting)));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(status(&host, "a").await, Some((1, GuestStatus::Running)));
    host.ensure_guest(&guest("a", 1)).await.expect("is so");
    assert_eq!(status(&host, "a").await, Some((1, GuestStatus::Running)), "not started again");
    host.end_guest(&GuestId("a".into()));
    assert_eq!(status(&host, "a").await, Some((1, GuestStatus::Stopped)));
    host.break_image(ImageId("ami-1".into()), "no init");
    host.ensure_guest(&guest("a", 2)).await.expect("begun");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(status(&host, "a").await, Some((2, GuestStatus::Failed("no init".into()))));
}

#[tokio::test]
async fn an_older_generation_is_refused_also_after_the_end() {
    let host = furnished(FakeHost::default());
    host.ensure_guest(&guest("a", 2)).await.expect("begun");
    let id = GuestId("a".into());
    let old = |newest| {
        let (asked, newest) = (Generation(1), Generation(newest));
        Err(Error::OldGeneration { guest: id.clone(), asked, newest })
    };
    assert_eq!(host.ensure_guest(&guest("a", 1)).await, old(2));
    assert_eq!(host.stop_guest(&id, Generation(1), Duration::ZERO).await, old(2));
    assert_eq!(host.remove_guest(&id, Generation(1)).await, old(2));
    assert_eq!(status(&host, "a").await, Some((2, GuestStatus::Running)));
    host.stop_guest(&id, Generation(3), Duration::ZERO).await.expect("fences the second");
    assert_eq!(host.ensure_guest(&guest("a", 1)).await, old(3));
    host.remove_guest(&id, Generation(3)).await.expect("removed");
    host.remove_guest(&id, Generation(3)).await.expect("is so");
    assert_eq!(host.ensure_guest(&guest("a", 1)).await, old(3));
    assert_eq!(host.truth().0, vec![]);
}

#[tokio::test]
async fn a_volume_has_one_guest_and_outlives_it() {
    let host = furnished(FakeHost::default());
    let volume = VolumeId("vol-a".into());
    let other = VolumeId("vol-b".into());
    host.ensure_guest(&guest("a", 1)).await.expect("begun");
    let thief = Guest { volumes: guest("a", 1).volumes, ..guest("b", 1) };
    let refused = Err(Error::Refused("vol-a belongs to a".into()));
    assert_eq!(host.ensure_guest(&thief).await, refused);
    assert_eq!(host.remove_volume(&volume).await, refused);
    host.remove_guest(&GuestId("a".into()), Generation(1)).await.expect("removed");
    assert_eq!(host.truth().1, vec![volume.clone(), other.clone()]);
    host.ensure_guest(&thief).await.expect("it is free");
    host.remove_guest(&GuestId("b".into()), Generation(1)).await.expect("removed");
    host.remove_volume(&volume).await.expect("removed");
    host.remove_volume(&volume).await.expect("is so");
    assert_eq!(host.truth().1, vec![other]);
}

#[tokio::test]
async fn a_dead_zone_does_not_answer_and_its_guests_are_gone_from_sight() {
    let host = furnished(FakeHost::default());
    host.ensure_guest(&guest("a", 1)).await.expect("begun");
    host.ensure_guest(&Guest { zone: Zone::B, ..guest("b", 1) }).await.expect("begun");
    host.fail_zone(Zone::A);
    let silent = |outcome: Result<()>| matches!(outcome, Err(Error::Unavailable(_)));
    assert!(silent(host.ensure_guest(&guest("a", 1)).await));
    assert!(silent(host.remove_guest(&GuestId("a".into()), Generation(1)).await));
    assert!(silent(host.guest(&GuestId("a".into())).await.map(drop)));
    let ids: Vec<_> = host.guests().await.expect("the rest answers");
    assert_eq!(ids.iter().map(|seen| seen.id.0.as_str()).collect::<Vec<_>>(), ["b"]);
    host.heal_zone(Zone::A);
    assert_eq!(status(&host, "a").await, Some((1, GuestStatus::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn calls_fail_lose_their_reply_or_hang_as_they_are_told() {
    let check = async |fate: Fate, expect_done: bool, expect_answer: Option<bool>| {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let host = furnished(FakeHost::judged(Box::new(move |name| {
            assert_eq!(name, "ensure_guest");
            counted.fetch_add(1, Ordering::Relaxed);
            fate
        })));
        let wanted = guest("a", 1);
        let call = host.ensure_guest(&wanted);
        let answer = tokio::time::timeout(Duration::from_secs(60), call).await;
        assert_eq!(answer.ok().map(|answer| answer.is_ok()), expect_answer, "{fate:?}");
        assert_eq!(!host.truth().0.is_empty(), expect_done, "{fate:?}");
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        assert_eq!(host.calls(), ["ensure_guest"]);
    };
    check(Fate::Happens, true, Some(true)).await;
    check(Fate::Fails, false, Some(false)).await;
    check(Fate::LosesReply, true, Some(false)).await;
    check(Fate::HappensThenHangs, true, None).await;
    check(Fate::Hangs, false, None).await;
}

#[tokio::test(start_paused = true)]
async fn a_guest_needs_its_image_volumes_and_networks() {
    let host = FakeHost::default();
    host.slow_down(Duration::ZERO, Duration::from_secs(3));
    let check = async |missing: &str| {
        let refused = Error::Refused(format!("there is no {missing}"));
        assert_eq!(host.ensure_guest(&guest("a", 1)).await, Err(refused));
    };
    check("image ami-1 yet").await;
    let image = Image { id: ImageId("ami-1".into()), source: ImageSource::System };
    host.ensure_image(&image).await.expect("begun");
    check("image ami-1 yet").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    check("volume vol-a").await;
    host.furnish(&guest("a", 1));
    host.ensure_guest(&guest("a", 1)).await.expect("begun");
}

#[tokio::test]
async fn a_running_guest_takes_volumes_and_needs_a_generation_for_more() {
    let host = furnished(FakeHost::default());
    host.ensure_guest(&guest("a", 1)).await.expect("begun");
    let second = VolumeMount { volume: VolumeId("vol-2".into()), device: "/dev/xvdf".into() };
    let mut wanted = guest("a", 1);
    wanted.volumes.push(second);
    assert!(host.ensure_guest(&wanted).await.is_err(), "there is none");
    host.furnish(&wanted);
    host.ensure_guest(&wanted).await.expect("attached");
    let seen = host.guest(&wanted.id).await.expect("answers").expect("there");
    assert_eq!((seen.volumes.len(), seen.generation), (2, Generation(1)));
    let mut larger = wanted.clone();
    larger.limits.memory_mib = 1024;
    assert!(matches!(host.ensure_guest(&larger).await, Err(Error::Refused(_))));
    larger.generation = Generation(2);
    host.ensure_guest(&larger).await.expect("replaced");
}

#[tokio::test]
async fn who_listens_hears_of_starts_and_ends() {
    let host = furnished(FakeHost::default());
    let mut changes = host.guest_changes();
    host.ensure_guest(&guest("a", 1)).await.expect("begun");
    assert_eq!(changes.recv().await, Ok(GuestId("a".into())));
    host.power(Zone::A, Power::Off).await.expect("off");
    assert_eq!(changes.recv().await, Ok(GuestId("a".into())));
    host.power(Zone::A, Power::On).await.expect("on");
    assert_eq!(status(&host, "a").await, Some((1, GuestStatus::Stopped)));
}
