use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{Interface, InterfaceId, Limits, VolumeMount};

fn guest(id: &str, generation: u64) -> Guest {
    Guest {
        id: GuestId(id.into()),
        generation: Generation(generation),
        zone: Zone::A,
        image: ImageId("ami-1".into()),
        volumes: vec![VolumeMount {
            volume: VolumeId(format!("vol-{id}")),
            size_gib: 8,
            device: "/dev/xvda".into(),
        }],
        interfaces: vec![Interface {
            interface: InterfaceId(format!("eni-{id}")),
            private_address: [172, 31, 0, 4].into(),
        }],
        limits: Limits { cpus: 1, memory_mib: 512 },
    }
}

async fn status(host: &FakeHost, id: &str) -> Option<(u64, GuestStatus)> {
    let seen = host.guest(&GuestId(id.into())).await.expect("answers")?;
    Some((seen.generation.0, seen.status))
}

#[tokio::test(start_paused = true)]
async fn a_guest_starts_in_its_time_and_only_once() {
    let host = FakeHost::default();
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
    let host = FakeHost::default();
    host.ensure_guest(&guest("a", 2)).await.expect("begun");
    let id = GuestId("a".into());
    let old = |newest| {
        let (asked, newest) = (Generation(1), Generation(newest));
        Err(Error::OldGeneration { guest: id.clone(), asked, newest })
    };
    assert_eq!(host.ensure_guest(&guest("a", 1)).await, old(2));
    assert_eq!(host.stop_guest(&id, Generation(1)).await, old(2));
    assert_eq!(host.remove_guest(&id, Generation(1)).await, old(2));
    assert_eq!(status(&host, "a").await, Some((2, GuestStatus::Running)));
    host.stop_guest(&id, Generation(3)).await.expect("fences the second");
    assert_eq!(host.ensure_guest(&guest("a", 1)).await, old(3));
    host.remove_guest(&id, Generation(3)).await.expect("removed");
    host.remove_guest(&id, Generation(3)).await.expect("is so");
    assert_eq!(host.ensure_guest(&guest("a", 1)).await, old(3));
    assert_eq!(host.truth().0, vec![]);
}

#[tokio::test]
async fn a_volume_has_one_guest_and_outlives_it() {
    let host = FakeHost::default();
    let volume = VolumeId("vol-a".into());
    host.ensure_guest(&guest("a", 1)).await.expect("begun");
    let thief = Guest { volumes: guest("a", 1).volumes, ..guest("b", 1) };
    let refused = Err(Error::Refused("vol-a belongs to a".into()));
    assert_eq!(host.ensure_guest(&thief).await, refused);
    assert_eq!(host.remove_volume(&volume).await, refused);
    host.remove_guest(&GuestId("a".into()), Generation(1)).await.expect("removed");
    assert_eq!(host.truth().1, vec![volume.clone()]);
    host.ensure_guest(&thief).await.expect("it is free");
    host.remove_guest(&GuestId("b".into()), Generation(1)).await.expect("removed");
    host.remove_volume(&volume).await.expect("removed");
    host.remove_volume(&volume).await.expect("is so");
    assert_eq!(host.truth().1, vec![]);
}

#[tokio::test]
async fn a_dead_zone_does_not_answer_and_its_guests_are_gone_from_sight() {
    let host = FakeHost::default();
    host.ensure_guest(&guest("a", 1)).await.expect("begun");
    host.ensure_guest(&Guest { zone: Zone::B, ..guest("b", 1) }).await.expect("begun");
    host.fail_zone(Zone::A);
    let silent = |outcome: Result<(), Error>| matches!(outcome, Err(Error::Unavailable(_)));
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
        let host = FakeHost::judged(Box::new(move |name| {
            assert_eq!(name, "ensure_guest");
            counted.fetch_add(1, Ordering::Relaxed);
            fate
        }));
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
