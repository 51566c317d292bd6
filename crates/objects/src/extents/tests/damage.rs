//! Bytes that rot, vanish or turn up elsewhere: what is read is right or an error.

use journal::Disk;
use proptest::prelude::*;

use super::*;

/// What may befall one zone's files.
#[derive(Clone, Copy, Debug)]
pub(super) enum Damage {
    /// The zone is not there.
    Away,
    /// Its directory is empty.
    Emptied,
    ReadsFail,
    /// Some bytes flip.
    Rot(u32),
    /// A stretch is what another place of the same file holds.
    Misdirected {
        from: u64,
        to: u64,
    },
    /// Its directory holds another zone's files.
    Swapped,
    /// An extent ends early.
    Cut(u64),
}

pub(super) fn damages() -> impl Strategy<Value = Damage> {
    prop_oneof![
        Just(Damage::Away),
        Just(Damage::Emptied),
        Just(Damage::ReadsFail),
        (1u32..20).prop_map(Damage::Rot),
        (any::<u64>(), any::<u64>()).prop_map(|(from, to)| Damage::Misdirected { from, to }),
        Just(Damage::Swapped),
        any::<u64>().prop_map(Damage::Cut),
    ]
}

pub(super) fn leaves_the_zone(damage: &Damage) -> bool {
    !matches!(damage, Damage::Away | Damage::ReadsFail)
}

/// Slots of equal blobs lie this far apart: a misdirected write that is whole.
const ROW: u64 = 65_568;

impl Machine {
    pub(super) fn damage(&self, zone: usize, damage: Damage) {
        let disk = &self.disks[zone];
        match damage {
            Damage::Away => self.extents.set_zone(zone, None),
            Damage::Emptied => disk.wipe(),
            Damage::ReadsFail => disk.set_reads_fail(true),
            Damage::Rot(times) => {
                // Nothing rots where nothing is.
                let _ = (0..times).all(|_| disk.rot("extent-"));
            }
            Damage::Swapped => {
                let other = &self.disks[(zone + 1) % self.disks.len()];
                disk.restore(&other.image());
            }
            // Damage upon damage: a disk that cannot be read is not made worse.
            Damage::Misdirected { .. } | Damage::Cut(_) if self.unreadable(zone) => {}
            Damage::Misdirected { from, to } => {
                for name in disk.names() {
                    let file = disk.open(&name).unwrap();
                    let rows = (file.bytes().unwrap() / ROW).max(1);
                    let mut slot = vec![0; ROW as usize];
                    let read = file.read_at(&mut slot, from % rows * ROW).unwrap();
                    file.write_at(&slot[..read], to % rows * ROW).unwrap();
                }
            }
            Damage::Cut(at) => {
                for name in disk.names() {
                    let file = disk.open(&name).unwrap();
                    let mut bytes = vec![0; (at % file.bytes().unwrap().max(1)) as usize];
                    file.read_at(&mut bytes, 0).unwrap();
                    disk.create(&name).unwrap().write_at(&bytes, 0).unwrap();
                }
            }
        }
    }

    fn unreadable(&self, zone: usize) -> bool {
        let disk = &self.disks[zone];
        disk.names().iter().any(|name| disk.open(name).unwrap().read_at(&mut [0], 0).is_err())
    }

    /// Everything is read anew from the disks, by one who has not seen them whole.
    pub(super) fn look_again(&self) -> Extents {
        let zones = self.extents.shared.zones();
        let disks = zones.iter().map(|zone| zone.as_ref().map(|zone| zone.disk.clone()));
        Extents::open(disks.collect(), 1, []).unwrap()
    }
}

pub(super) async fn some_blobs(
    extents: &Extents,
    seed: u64,
    layout: Layout,
) -> Vec<(Blob, Location)> {
    let mut blobs = Vec::new();
    for (at, bytes) in [1, 65_536, 65_537, 131_072, 400_000, 2_200_000].into_iter().enumerate() {
        let blob = Blob::new(seed.wrapping_add(at as u64), bytes, at % 2 == 1);
        let written = blob.write_as(extents, layout).await.unwrap();
        blobs.push((blob, written.location));
    }
    blobs
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn any_one_zone_may_go(
        seed in any::<u64>(), zone in 0usize..3, damage in damages(), whole: bool,
        start in 0u64..2_300_000, length in 0u64..600_000,
    ) {
        let machine = Machine::seeded(3, 2, seed >> 2);
        // Degraded blobs: another zone was away when they were written.
        if whole {
            machine.extents.set_zone((zone + 1) % 3, None);
        }
        runtime().block_on(async {
            let blobs = some_blobs(&machine.extents, seed, Layout::Zones).await;
            machine.damage(zone, damage);
            let extents = machine.look_again();
            for (blob, at) in &blobs {
                assert!(blob.read(&extents, at).await.unwrap() == blob.bytes);
                let end = blob.bytes.len().min((start + length) as usize);
                let range = blob.bytes.slice(end.min(start as usize)..end);
                let read = blob.read_range(&extents, at, start..start + length).await.unwrap();
                assert!(read == range);
            }
        });
    }

    /// More damage than the form stands: never wrong bytes.
    #[test]
    fn never_wrong_bytes(
        seed in any::<u64>(), damages in prop::collection::vec((0usize..3, damages()), 2..5),
        layout in prop_oneof![Just(Layout::Zones), (0usize..3).prop_map(Layout::OneZone)],
    ) {
        let machine = Machine::seeded(3, 2, seed >> 2);
        runtime().block_on(async {
            let blobs = some_blobs(&machine.extents, seed, layout).await;
            for (zone, damage) in damages {
                machine.damage(zone, damage);
            }
            let extents = machine.look_again();
            for (blob, at) in &blobs {
                match blob.read(&extents, at).await {
                    Ok(bytes) => assert!(bytes == blob.bytes),
                    Err(ReadError::Lost(_) | ReadError::Unavailable(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
}

/// What cannot be looked at may be whole; what was looked at and is not whole is lost.
#[test]
fn lost_is_not_unavailable() {
    let check = |damages: &[(usize, Damage)], expected: fn(&ReadError) -> bool| {
        let machine = Machine::new(3, 2);
        runtime().block_on(async {
            let blob = Blob::new(3, 300_000, false);
            let at = blob.write(&machine.extents).await.unwrap().location;
            for (zone, damage) in damages {
                machine.damage(*zone, *damage);
            }
            let error = blob.read(&machine.look_again(), &at).await.unwrap_err();
            assert!(expected(&error), "{damages:?}: {error}");
        });
    };
    let lost = |error: &ReadError| matches!(error, ReadError::Lost(_));
    let unavailable = |error: &ReadError| matches!(error, ReadError::Unavailable(_));
    check(&[(0, Damage::Emptied), (1, Damage::Emptied)], lost);
    check(&[(0, Damage::Emptied), (1, Damage::Away)], unavailable);
    check(&[(0, Damage::Away), (2, Damage::Away)], unavailable);
    check(&[(1, Damage::ReadsFail), (2, Damage::Emptied)], unavailable);
}
