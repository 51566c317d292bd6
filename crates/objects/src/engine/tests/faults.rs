//! Logs that refuse and stop, indexes that are lost, stale or somebody else's.

use super::*;

/// Resolves once the keeper has opened the log again.
async fn mended(engine: &Engine) {
    while engine.health().unavailable.is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_refusal_waits_for_what_it_rests_on() {
    let machine = Machine::new(1);
    let (engine, _) = machine.open(small());
    machine.disks.iter().for_each(|disk| disk.hold_syncs(true));
    let first = put(&engine, "a", "1");
    let refused = engine.commit(|change| match get(change, "a") {
        Some(value) => Err(value),
        None => Ok(()),
    });
    let unchanged = engine.commit(|change| Ok::<_, ()>(get(change, "a")));
    tokio::pin!(first, refused, unchanged);
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = &mut first => panic!("nothing is synced"),
            _ = &mut refused => panic!("it rests on what is not synced"),
            _ = &mut unchanged => panic!("it rests on what is not synced"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(get(&engine, "a"), None, "readers see what is durable only");
    machine.disks.iter().for_each(|disk| disk.hold_syncs(false));
    let (first, refused, unchanged) = tokio::join!(first, refused, unchanged);
    assert_eq!(first, Ok(()));
    assert_eq!(refused, Ok(Err("1".to_owned())));
    assert_eq!(unchanged, Ok(Ok(Some("1".to_owned()))));
}

#[tokio::test]
async fn an_unknown_change_is_looked_up_when_the_log_is_opened_again() {
    let machine = Machine::new(2);
    let (engine, _) = machine.open(small());
    put(&engine, "a", "1").await.expect("made");
    // Two zones lose the sync: fewer than needed have it.
    machine.disks[..2].iter().for_each(|disk| disk.fail_next_sync());
    let (unknown, behind) = tokio::join!(put(&engine, "a", "2"), put(&engine, "b", "2"));
    assert!(matches!(unknown, Err(CommitError::Unknown(_))), "{unknown:?}");
    assert!(behind.is_err(), "{behind:?}");
    mended(&engine).await;
    let now = everything(&engine);
    put(&engine, "c", "3").await.expect("goes on");
    kill(engine).await;
    let (engine, _) = machine.open(small());
    let again = everything(&engine);
    assert_eq!(again[..again.len() - 1], now, "what turned out to be is what is");
    assert_eq!(get(&engine, "c"), Some("3".to_owned()));
}

/// A change that the log refused, and one behind it that was decided on it and is in the log.
#[tokio::test]
async fn what_was_decided_on_a_lost_change_is_void_now_and_at_every_start() {
    let machine = Machine::new(3);
    let (engine, _) = machine.open(small());
    put(&engine, "a", "1").await.expect("made");
    let used = machine.disks[0].used_bytes();
    machine.disks.iter().for_each(|disk| disk.set_capacity(Some(used)));
    machine.disks.iter().for_each(|disk| disk.hold_syncs(true));
    let held = put(&engine, "held", "1");
    // Larger than a group: those before and behind it are in groups of their own.
    let lost = engine.commit(|change| {
        for key in ["x", "y", "z"] {
            change.set(key, vec![b'v'; 1 << 21]);
        }
        Ok::<_, ()>(())
    });
    let behind = engine.commit(|change| {
        assert!(get(change, "x").is_some());
        change.set("b", "on what is lost");
        Ok::<_, ()>(())
    });
    let release = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        machine.disks.iter().for_each(|disk| disk.hold_syncs(false));
    };
    let (held, lost, behind, ()) = tokio::join!(held, lost, behind, release);
    let now = everything(&engine);
    machine.disks.iter().for_each(SimDisk::heal);
    assert_eq!(held, Ok(()));
    assert!(matches!(lost, Err(CommitError::Unavailable(_))), "{lost:?}");
    assert!(matches!(behind, Err(CommitError::Unavailable(_))), "{behind:?}");
    assert_eq!(now.len(), 2, "{now:?}");
    put(&engine, "c", "2").await.expect("goes on");
    let now = everything(&engine);
    kill(engine).await;
    for keep_index in [true, false] {
        let (engine, _) = {
            if !keep_index {
                std::fs::remove_file(machine.index()).expect("removed");
            }
            machine.open(small())
        };
        assert_eq!(everything(&engine), now);
        kill(engine).await;
    }
}

#[tokio::test]
async fn an_index_that_is_no_use_is_built_again() {
    let machine = Machine::new(4);
    let (engine, found) = machine.open(small());
    assert!(found.created);
    assert_eq!(found.index, FoundIndex::Rebuilt("there was none".to_owned()));
    for n in 0..200 {
        put(&engine, &format!("k/{}", n % 50), &n.to_string()).await.expect("made");
    }
    let blob = put_blob(&engine, "blob", b"bytes", None).await;
    let rows = everything(&engine);
    close(engine).await;
    let check = async |machine: &Machine, expected: &str| {
        let (engine, found) = machine.open(small());
        match found.index {
            FoundIndex::Kept => assert_eq!("kept", expected),
            FoundIndex::Rebuilt(why) => assert!(why.contains(expected), "{why}"),
        }
        assert_eq!(everything(&engine), rows, "{expected}");
        assert_eq!(read(&engine, blob, None, 0..9).await.as_deref(), Ok(b"bytes".as_slice()));
        close(engine).await;
    };
    check(&machine, "kept").await;
    std::fs::remove_file(machine.index()).expect("removed");
    check(&machine, "there was none").await;
    std::fs::write(machine.index(), b"something else").expect("written");
    check(&machine, "").await;
    check(&machine, "kept").await;
    let mut half = std::fs::read(machine.index()).expect("read");
    half.truncate(half.len() / 2);
    std::fs::write(machine.index(), half).expect("written");
    check(&machine, "").await;

    let other = Machine::new(5);
    let (engine, _) = other.open(small());
    close(engine).await;
    std::fs::copy(other.index(), machine.index()).expect("copied");
    check(&machine, "it is of another log").await;
}

#[tokio::test]
async fn an_index_ahead_of_the_log_or_behind_it_is_noticed() {
    let machine = Machine::new(6);
    let (engine, _) = machine.open(small());
    put(&engine, "a", "1").await.expect("made");
    close(engine).await;
    let early_log: Vec<_> = machine.disks.iter().map(SimDisk::image).collect();
    let early = std::fs::read(machine.index()).expect("read");
    let (engine, _) = machine.open(small());
    for n in 0..300 {
        put(&engine, &format!("k/{n}"), "v").await.expect("made");
    }
    let rows = everything(&engine);
    close(engine).await;
    // Behind: brought up to date.
    std::fs::write(machine.index(), early).expect("written");
    let (engine, found) = machine.open(small());
    assert_eq!((found.index, everything(&engine)), (FoundIndex::Kept, rows));
    close(engine).await;
    // Ahead: the operator has put an old copy of all zones back.
    for (disk, image) in machine.disks.iter().zip(&early_log) {
        disk.restore(image);
    }
    let (engine, found) = machine.open(small());
    assert!(matches!(found.index, FoundIndex::Rebuilt(_)), "{found:?}");
    assert_eq!(everything(&engine), [(b"a".to_vec(), Bytes::from_static(b"1"))]);
    close(engine).await;
}

/// The counts are a function of the log: however often, and wherever, the index was written.
#[tokio::test]
async fn an_index_built_again_counts_the_same() {
    let machine = Machine::new(7);
    let (engine, _) = machine.open(small());
    let mut seed = 9;
    for _ in 0..400 {
        let key = format!("k/{}", draw(&mut seed) % 40);
        match draw(&mut seed) % 4 {
            0 => drop(put_blob(&engine, &key, &vec![7; 500], None).await),
            1 => {
                let removed = engine.commit(|change| {
                    let row = change.get(key.as_bytes())?;
                    if let Some(id) =
                        row.and_then(|row| std::str::from_utf8(&row.value).ok()?.parse().ok())
                    {
                        change.drop_blob(BlobId(id));
                    }
                    change.remove(key);
                    Ok::<_, ReadError>(())
                });
                removed.await.expect("made").expect("decided");
            }
            _ => put(&engine, &key, "value").await.expect("made"),
        }
    }
    engine.close().await;
    let counted = engine.segments().expect("can be read");
    end(engine).await;
    for table_bytes in [1 << 10, 5 << 10, 1 << 20] {
        std::fs::remove_file(machine.index()).expect("removed");
        let limits = Limits { table_bytes, log_bytes: 1 << 20, ..small() };
        let (engine, _) = machine.open(limits);
        engine.close().await;
        let again = engine.segments().expect("can be read");
        let live = |held: &BTreeMap<u64, Segment>| -> Vec<(u64, u64)> {
            held.iter().filter(|(_, s)| s.live_bytes > 0).map(|(n, s)| (*n, s.live_bytes)).collect()
        };
        assert_eq!(live(&again), live(&counted), "{table_bytes}");
        end(engine).await;
    }
    assert!(counted.len() > 5, "{counted:?}");
}
