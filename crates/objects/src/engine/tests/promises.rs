//! What the engine promises, one thing at a time.

use super::*;

#[tokio::test]
async fn rows_are_ordered_and_scans_seek() {
    let engine = Engine::memory();
    for key in ["a/1", "a/2", "b", "c/1", "c/2", "c/3", "d"] {
        put(&engine, key, key).await.expect("made");
    }
    let check = |from: &str, end: &str, expected: &[&str]| {
        let mut seen = Vec::new();
        let visit = &mut |key: &[u8], row: &Row| {
            assert_eq!(key, &row.value[..]);
            seen.push(String::from_utf8(key.to_vec()).expect("text"));
            // One key of each folder, as a listing with a delimiter does it.
            match key.iter().position(|byte| *byte == b'/') {
                Some(at) => Scan::SeekTo([&key[..at], b"0"].concat()),
                None => Scan::On,
            }
        };
        engine.scan(from.as_bytes(), end.as_bytes(), visit).expect("can be read");
        assert_eq!(seen, expected, "{from}..{end}");
    };
    check("", "z", &["a/1", "b", "c/1", "d"]);
    check("a/2", "c/2", &["a/2", "b", "c/1"]);
    check("b", "b", &[]);
    check("c", "a", &[]);
    let mut first = None;
    let stop = &mut |key: &[u8], _: &Row| {
        first = Some(key.to_vec());
        Scan::End
    };
    engine.scan(b"b", b"z", stop).expect("can be read");
    assert_eq!(first.as_deref(), Some(b"b".as_slice()));
}

#[tokio::test]
async fn a_change_sees_itself_and_all_before_it() {
    let engine = Engine::memory();
    put(&engine, "a", "1").await.expect("made");
    let commits = (0..50).map(|_| {
        engine.commit(|change| {
            let count: u64 = get(change, "a").expect("there").parse().expect("a number");
            change.set("a", (count + 1).to_string());
            assert_eq!(get(change, "a"), Some((count + 1).to_string()));
            change.set("b", "x");
            change.remove("b");
            assert_eq!(everything(change), [(b"a".to_vec(), (count + 1).to_string().into())]);
            Ok::<_, ()>(count)
        })
    });
    let counts = futures_util::future::join_all(commits).await;
    let mut counts: Vec<u64> =
        counts.into_iter().map(|count| count.expect("made").expect("decided")).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=50).collect::<Vec<_>>());
    assert_eq!(get(&engine, "a"), Some("51".to_owned()));
}

#[tokio::test]
async fn a_refusal_changes_nothing() {
    let engine = Engine::memory();
    let refused = engine
        .commit(|change| {
            change.set("a", "1");
            Err::<(), _>("no")
        })
        .await;
    assert_eq!(refused, Ok(Err("no")));
    assert_eq!(everything(&engine), []);
}

#[tokio::test]
async fn blobs_come_back_whole_and_in_part() {
    let machine = Machine::new(1);
    let (engine, _) = machine.open(small());
    // In the log, and in an extent.
    for length in [3000, 3_000_000] {
        let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
        let id = put_blob(&engine, "a", &bytes, None).await;
        let check = async |range: Range<usize>, expected: &[u8]| {
            let range = range.start as u64..range.end as u64;
            let read = read(&engine, id, None, range.clone()).await;
            assert!(read.as_deref() == Ok(expected), "{length}: {range:?}");
        };
        check(0..length, &bytes).await;
        check(0..usize::MAX, &bytes).await;
        check(10..20, &bytes[10..20]).await;
        check(length - 10..length + 1000, &bytes[length - 10..]).await;
        check(length..length + 1000, &[]).await;
        #[expect(clippy::reversed_empty_ranges, reason = "what a caller may ask")]
        check(20..10, &[]).await;
    }
    let empty = put_blob(&engine, "b", b"", None).await;
    assert_eq!(read(&engine, empty, None, 0..10).await, Ok(vec![]));
}

#[tokio::test]
async fn only_the_key_it_was_written_with_opens_a_blob() {
    let engine = Engine::memory();
    let key = |byte| Some(BlobKey([byte; 32]));
    for bytes in [b"text".as_slice(), b"", &[7; 200_000]] {
        let sealed = put_blob(&engine, "a", bytes, key(1)).await;
        let open = put_blob(&engine, "b", bytes, None).await;
        let all = 0..bytes.len() as u64;
        assert_eq!(read(&engine, sealed, key(1), all.clone()).await.as_deref(), Ok(bytes));
        assert_eq!(read(&engine, sealed, key(2), 0..9).await, Err(ReadError::WrongKey));
        assert_eq!(read(&engine, sealed, None, 0..9).await, Err(ReadError::WrongKey));
        assert_eq!(read(&engine, open, key(1), 0..9).await, Err(ReadError::WrongKey));
        assert_eq!(read(&engine, open, None, all).await.as_deref(), Ok(bytes));
    }
}

#[tokio::test]
async fn a_blob_is_there_from_its_change_until_it_is_dropped() {
    let engine = Engine::memory();
    let blob = written(&engine, b"text", None).await;
    let id = blob.id();
    let absent = Err(ReadError::NoSuchBlob(id.0));
    assert_eq!(read(&engine, id, None, 0..4).await, absent);
    let attached = engine.commit(|change| Ok::<_, ()>(change.attach(blob))).await;
    assert_eq!(attached, Ok(Ok(id)));
    assert_eq!(read(&engine, id, None, 0..4).await.as_deref(), Ok(b"text".as_slice()));
    let dropped = engine.commit(|change| {
        change.drop_blob(id);
        Ok::<_, ()>(())
    });
    assert_eq!(dropped.await, Ok(Ok(())));
    assert_eq!(read(&engine, id, None, 0..4).await, absent);
}

#[tokio::test]
async fn bytes_are_those_announced() {
    let engine = Engine::memory();
    let mut writer = engine.write(3, Layout::Zones, None).await.expect("there is room");
    let more = writer.push(Bytes::from_static(b"four")).await;
    assert_eq!(more, Err(WriteError::Length { announced: 3, got: 4 }));
    let mut writer = engine.write(3, Layout::Zones, None).await.expect("there is room");
    writer.push(Bytes::from_static(b"2.")).await.expect("taken");
    let fewer = writer.finish().await.err();
    assert_eq!(fewer, Some(WriteError::Length { announced: 3, got: 2 }));
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_name() {
    let engine = Engine::memory();
    let check = async |key: usize, value: usize, rows: usize, expected: Option<&str>| {
        let made = engine
            .commit(|change| {
                for n in 0..rows {
                    let mut key = vec![b'k'; key];
                    key[0] = u8::try_from(n).expect("few");
                    change.set(key, vec![b'v'; value]);
                }
                Ok::<_, ()>(())
            })
            .await;
        assert_eq!(made.err().map(|error| error.to_string()).as_deref(), expected);
    };
    check(4096, 2 << 20, 1, None).await;
    let why = "the change is too large: a key of 4097 bytes is over 4096";
    check(4097, 1, 1, Some(why)).await;
    let why = "the change is too large: a value of 2097153 bytes is over 2097152";
    check(1, (2 << 20) + 1, 1, Some(why)).await;
    let why = "the change is too large: a change of 16777224 bytes is over 15728640";
    check(1, 2 << 20, 8, Some(why)).await;
}

#[tokio::test]
async fn stamps_and_ids_are_never_given_twice() {
    let machine = Machine::new(2);
    let mut last = 0;
    for life in 0..6 {
        let (engine, _) = machine.open(small());
        for _ in 0..5 {
            let stamp = engine.commit(|change| {
                change.set("a", "1");
                Ok::<_, ()>(change.stamp())
            });
            let stamp = stamp.await.expect("made").expect("decided");
            assert!(stamp > last, "{stamp} after {last}");
            assert_eq!(engine.get(b"a").expect("can be read").expect("there").stamp, stamp);
            let blob = engine.write(0, Layout::Zones, None).await.expect("there is room").id;
            assert!(blob.0 > stamp);
            last = blob.0;
        }
        if life % 2 == 0 { close(engine).await } else { kill(engine).await }
    }
}

#[tokio::test]
async fn a_closed_engine_takes_nothing_and_is_read_on() {
    let machine = Machine::new(3);
    let (engine, _) = machine.open(small());
    put(&engine, "a", "1").await.expect("made");
    engine.close().await;
    let refused = put(&engine, "a", "2").await;
    assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
    assert_eq!(get(&engine, "a"), Some("1".to_owned()));
    assert_eq!(
        engine.health().unavailable.as_deref(),
        Some("the change was not taken: the engine is closed")
    );
}
