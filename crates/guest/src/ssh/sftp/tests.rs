use proptest::prelude::*;

use super::*;

/// What is asked, without its length.
fn ask(kind: u8, id: u32) -> Answer {
    Answer::new(kind, id)
}

fn reply(files: &mut Files, mut asked: Answer) -> Vec<u8> {
    let packet = asked.take().finish();
    answer(files, &packet[4..]).expect("answered").finish()
}

fn code(reply: &[u8]) -> u32 {
    assert_eq!(reply[4], super::reply::STATUS, "{reply:?}");
    u32::from_be_bytes(reply[9..13].try_into().expect("four bytes"))
}

fn handle(reply: &[u8]) -> [u8; 4] {
    assert_eq!(reply[4], super::reply::HANDLE, "{reply:?}");
    reply[13..17].try_into().expect("four bytes")
}

#[test]
fn a_file_is_written_read_and_removed() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    // A name that is no text.
    let path = [folder.path().as_os_str().as_bytes(), b"/caf\xe9"].concat();
    let mut files = Files::default();
    let opened = reply(&mut files, ask(request::OPEN, 1).bytes(&path).u32(2 | 8).u32(0).take());
    let open = handle(&opened);
    let written =
        reply(&mut files, ask(request::WRITE, 2).bytes(&open).u64(3).bytes(b"abc").take());
    assert_eq!(code(&written), 0);
    assert_eq!(code(&reply(&mut files, ask(request::CLOSE, 3).bytes(&open).take())), 0);
    assert_eq!(code(&reply(&mut files, ask(request::CLOSE, 4).bytes(&open).take())), 4);
    let open = handle(&reply(&mut files, ask(request::OPEN, 5).bytes(&path).u32(1).u32(0).take()));
    let read = reply(&mut files, ask(request::READ, 6).bytes(&open).u64(1).u32(100).take());
    assert_eq!(&read[13..], b"\0\0abc");
    let end = reply(&mut files, ask(request::READ, 7).bytes(&open).u64(6).u32(100).take());
    assert_eq!(code(&end), 1);
    let list = handle(&reply(
        &mut files,
        ask(request::OPENDIR, 8).bytes(folder.path().as_os_str().as_bytes()).take(),
    ));
    let names = reply(&mut files, ask(request::READDIR, 9).bytes(&list).take());
    assert!(names.windows(8).any(|some| some == b"\0\0\0\x04caf\xe9"), "{names:?}");
    assert_eq!(code(&reply(&mut files, ask(request::READDIR, 10).bytes(&list).take())), 1);
    assert_eq!(code(&reply(&mut files, ask(request::REMOVE, 11).bytes(&path).take())), 0);
    assert_eq!(code(&reply(&mut files, ask(request::LSTAT, 12).bytes(&path).take())), 2);
}

#[test]
fn renaming_takes_a_place_only_by_the_extension() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let [a, b] = ["a", "b"].map(|name| {
        std::fs::write(folder.path().join(name), name).expect("written");
        folder.path().join(name).as_os_str().as_bytes().to_vec()
    });
    let mut files = Files::default();
    let plain = ask(request::RENAME, 1).bytes(&a).bytes(&b).take();
    assert_eq!(code(&reply(&mut files, plain)), 4);
    let replacing =
        ask(request::EXTENDED, 2).bytes(b"posix-rename@openssh.com").bytes(&a).bytes(&b).take();
    assert_eq!(code(&reply(&mut files, replacing)), 0);
    assert_eq!(std::fs::read(folder.path().join("b")).expect("there"), b"a");
}

#[test]
fn paths_are_expanded() {
    let expand = |text: &str| files::expand(std::path::Path::new(text)).expect("expanded");
    let home = std::env::var("HOME").expect("a home");
    assert_eq!(expand("~").to_str(), Some(home.as_str()));
    assert_eq!(expand("~/a/b").to_str(), Some(format!("{home}/a/b").as_str()));
    assert_eq!(expand("~root/x").to_str(), Some("/root/x"));
    assert_eq!(expand("x/~").to_str(), Some("x/~"));
    assert!(files::expand(std::path::Path::new("~no-such-user")).is_err());
}

proptest! {
    #[test]
    fn no_packet_breaks_it(kind in prop::sample::select(vec![1u8, 4, 5, 6, 8, 10, 12, 200, 2, 77]), bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        // Kinds that touch files only by handles, of which none is open.
        let mut files = Files::default();
        let packet = [&[kind][..], &bytes].concat();
        let _ = answer(&mut files, &packet);
        let _ = attributes::Wanted::read(&mut Fields::new(&bytes));
        let _ = read_packet(&mut &bytes[..], &mut Vec::new());
    }
}
