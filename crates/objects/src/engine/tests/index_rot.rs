//! An index whose file rots.

use super::*;

/// Rows that were set, set again and removed, and blobs in the log and outside; closed.
async fn filled(machine: &Machine) -> (Vec<(Vec<u8>, Bytes)>, BlobId) {
    let (engine, _) = machine.open(small());
    for n in 0..300 {
        put(&engine, &format!("key-{:03}", n % 90), &format!("value-{n:03}")).await.expect("made");
    }
    for n in 0..30 {
        let key = format!("key-{n:03}");
        let remove = move |change: &mut Change<'_>| {
            change.remove(key);
            Ok::<_, ()>(())
        };
        engine.commit(remove).await.expect("durable").expect("decided");
    }
    put_blob(&engine, "small", b"bytes", None).await;
    let blob = put_blob(&engine, "large", &vec![7; 100_000], None).await;
    let rows = everything(&engine);
    close(engine).await;
    (rows, blob)
}

/// Opens, looks at all, and answers what was wrong with the index; afterwards all is well.
async fn scrubbed(machine: &Machine, rows: &[(Vec<u8>, Bytes)], blob: BlobId) -> Option<String> {
    let (engine, found) = machine.open(small());
    let report = engine.scrub().await.expect("can be looked at");
    assert_eq!(everything(&engine), rows);
    let read = read(&engine, blob, None, 0..u64::MAX).await;
    assert_eq!(read.expect("there").len(), 100_000);
    let again = engine.scrub().await.expect("can be looked at");
    assert_eq!(again.index_damage, None);
    close(engine).await;
    match found.index {
        FoundIndex::Rebuilt(why) => Some(why),
        FoundIndex::Kept => report.index_damage,
    }
}

/// Writes `new` where the file has `old`, in every page.
fn replace(file: &mut [u8], old: &[u8], new: &[u8]) {
    let found: Vec<usize> =
        (0..file.len() - old.len()).filter(|at| file[*at..].starts_with(old)).collect();
    assert!(!found.is_empty());
    for at in found {
        file[at..at + new.len()].copy_from_slice(new);
    }
}

#[tokio::test]
async fn a_page_that_says_something_else_is_found_and_the_index_made_anew() {
    let machine = Machine::new(1);
    let (rows, blob) = filled(&machine).await;
    assert_eq!(scrubbed(&machine, &rows, blob).await, None, "nothing is wrong");
    let whole = std::fs::read(machine.index()).expect("read");
    for (old, new) in [("value-250", "value-Z50"), ("key-070", "key-07x"), ("key-035", "key-999")] {
        let mut rotten = whole.clone();
        replace(&mut rotten, old.as_bytes(), new.as_bytes());
        std::fs::write(machine.index(), &rotten).expect("written");
        let (engine, found) = machine.open(small());
        assert_eq!(found.index, FoundIndex::Kept);
        assert_ne!(everything(&engine), rows, "the database believes it: {new}");
        kill(engine).await;
        std::fs::write(machine.index(), &rotten).expect("written");
        assert!(scrubbed(&machine, &rows, blob).await.is_some(), "{new}");
        assert_eq!(scrubbed(&machine, &rows, blob).await, None, "the new one is kept");
    }
}

#[tokio::test]
async fn bits_that_flip_anywhere_in_the_index_are_survived() {
    let machine = Machine::new(2);
    let (rows, blob) = filled(&machine).await;
    let whole = std::fs::read(machine.index()).expect("read");
    let (mut seed, mut found) = (3, 0);
    for _ in 0..20 {
        let mut rotten = whole.clone();
        for _ in 0..40 {
            let at = usize::try_from(draw(&mut seed)).expect("64 bits") % rotten.len();
            rotten[at] ^= 1 << (draw(&mut seed) % 8);
        }
        std::fs::write(machine.index(), &rotten).expect("written");
        found += usize::from(scrubbed(&machine, &rows, blob).await.is_some());
    }
    assert!(found > 0, "none of it mattered");
}

#[tokio::test]
async fn an_index_is_made_anew_beneath_those_who_write() {
    let machine = Machine::new(3);
    let (rows, blob) = filled(&machine).await;
    let mut rotten = std::fs::read(machine.index()).expect("read");
    replace(&mut rotten, b"value-250", b"value-Z50");
    std::fs::write(machine.index(), &rotten).expect("written");
    let (engine, _) = machine.open(small());
    let write = async {
        for n in 0..400 {
            put(&engine, &format!("new-{}", n % 40), &n.to_string()).await.expect("goes on");
        }
    };
    let (report, ()) = tokio::join!(engine.scrub(), write);
    assert!(report.expect("can be looked at").index_damage.is_some());
    let mut expected = rows.clone();
    expected.extend(
        (0..40).map(|n| (format!("new-{n}").into_bytes(), Bytes::from((360 + n).to_string()))),
    );
    expected.sort_unstable();
    assert_eq!(everything(&engine), expected);
    kill(engine).await;
    assert_eq!(scrubbed(&machine, &expected, blob).await, None);
}
