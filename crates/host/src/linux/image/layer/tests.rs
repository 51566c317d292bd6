use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// An image's tree beside a file and a folder that no layer may touch.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("made");
        for name in ["tree", "outside"] {
            fs::create_dir(folder.path().join(name)).expect("made");
        }
        fs::write(folder.path().join("outside/file"), b"untouched").expect("written");
        Self(folder)
    }

    fn tree(&self) -> PathBuf {
        self.0.path().join("tree")
    }

    fn apply(&self, layer: &[u8]) -> io::Result<()> {
        self.apply_within(layer, Limits { bytes_max: 64 << 20, entries_max: 10_000 })
    }

    fn apply_within(&self, layer: &[u8], limits: Limits) -> io::Result<()> {
        let progress = Progress::default();
        let mut unpacker = Unpacker::new(&self.tree(), limits, &progress)?;
        unpacker.remove_whited_out(Box::new(layer))?;
        unpacker.unpack(Box::new(layer))
    }

    fn names(&self, below: &str) -> Vec<String> {
        let mut names = crate::linux::durable::names(&self.tree().join(below)).expect("listed");
        names.sort();
        names
    }

    fn outside_is_untouched(&self) -> bool {
        let mut there = crate::linux::durable::names(self.0.path()).expect("listed");
        there.sort();
        let outside = self.0.path().join("outside");
        there == ["outside", "tree"]
            && crate::linux::durable::names(&outside).expect("listed") == ["file"]
            && fs::read(outside.join("file")).expect("read") == b"untouched"
            && fs::metadata(outside.join("file")).expect("there").mode() & 0o7777 == 0o644
            && fs::metadata(outside.join("file")).expect("there").nlink() == 1
    }
}

#[derive(Clone, Debug)]
struct Item {
    path: Vec<u8>,
    kind: EntryType,
    link: Vec<u8>,
    content: Vec<u8>,
}

fn file(path: &str, content: &str) -> Item {
    item(path, EntryType::Regular, "", content)
}

fn item(path: &str, kind: EntryType, link: &str, content: &str) -> Item {
    Item { path: path.into(), kind, link: link.into(), content: content.into() }
}

/// Writes names as they are: the crate's own ways refuse hostile ones.
fn layer(items: &[Item]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        let mut header = tar::Header::new_gnu();
        let gnu = header.as_gnu_mut().expect("is one");
        let len = item.path.len().min(99);
        gnu.name[..len].copy_from_slice(&item.path[..len]);
        let len = item.link.len().min(99);
        gnu.linkname[..len].copy_from_slice(&item.link[..len]);
        header.set_entry_type(item.kind);
        header.set_mode(0o755);
        let me = |id: u32| u64::from(id);
        header.set_uid(me(rustix::process::geteuid().as_raw()));
        header.set_gid(me(rustix::process::getegid().as_raw()));
        header.set_size(item.content.len() as u64);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&item.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

#[test]
fn whiteouts_are_about_the_layers_below() {
    let bench = Bench::new();
    let first =
        [file("etc/a", "1"), file("etc/b", "1"), file("var/deep/er/x", "1"), file("srv/x", "1")];
    bench.apply(&layer(&first)).expect("unpacked");
    let second = [
        file("etc/c", "2"),
        file("etc/.wh.a", ""),
        file("etc/.wh.missing", ""),
        file("var/deep/new", "2"),
        file("var/deep/.wh..wh..opq", ""),
        file(".wh.srv", ""),
        file("absent/.wh.x", ""),
    ];
    bench.apply(&layer(&second)).expect("unpacked");
    assert_eq!(bench.names(""), ["etc", "var"]);
    assert_eq!(bench.names("etc"), ["b", "c"]);
    assert_eq!(bench.names("var/deep"), ["new"], "whatever stands first in the layer");
}

#[test]
fn links_are_followed_as_if_the_image_were_everything() {
    let bench = Bench::new();
    let outside = bench.0.path().join("outside");
    let items = [
        item("lib", EntryType::Symlink, "usr/lib", ""),
        item("usr/lib", EntryType::Directory, "", ""),
        file("lib/one.so", "in usr"),
        item("abs", EntryType::Symlink, "/usr", ""),
        file("abs/two", "in usr"),
        item("up", EntryType::Symlink, "../../../..", ""),
        file("up/three", "in the root"),
        item("usr/hard", EntryType::Link, "lib/one.so", ""),
        item("usr/hard", EntryType::Link, "usr/hard", ""),
        file("/four", "a slash is the image's root"),
        item("dev/null", EntryType::Char, "", ""),
        item("run/pipe", EntryType::Fifo, "", ""),
    ];
    bench.apply(&layer(&items)).expect("unpacked");
    let read = |path: &str| fs::read_to_string(bench.tree().join(path)).expect("there");
    assert_eq!(read("usr/lib/one.so"), "in usr");
    assert_eq!(read("usr/two"), "in usr");
    assert_eq!(read("three"), "in the root");
    assert_eq!(read("usr/hard"), "in usr");
    assert_eq!(read("four"), "a slash is the image's root");
    assert_eq!(bench.names("dev"), [""; 0], "a guest has its own devices");
    // Replacing a link replaces it, not what it leads to.
    symlink(&outside, bench.tree().join("out")).expect("made");
    symlink(outside.join("file"), bench.tree().join("file")).expect("made");
    bench
        .apply(&layer(&[item("out", EntryType::Directory, "", ""), file("file", "new")]))
        .expect("unpacked");
    assert!(bench.outside_is_untouched());
    assert_eq!(bench.names("out"), [""; 0]);
}

#[test]
fn what_leads_out_or_never_ends_is_refused() {
    let check = |items: &[Item], expected: &str| {
        let bench = Bench::new();
        let error = bench.apply(&layer(items)).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
        assert!(bench.outside_is_untouched());
    };
    check(&[file("../outside/file", "x")], "leads out of it");
    check(&[file("a/../../outside/file", "x")], "leads out of it");
    check(&[item("a", EntryType::Link, "../outside/file", "")], "leads out of it");
    check(&[item("a", EntryType::Link, "nothing", "")], "not there");
    check(
        &[item("d", EntryType::Directory, "", ""), item("a", EntryType::Link, "d", "")],
        "folder",
    );
    check(&[item("a", EntryType::Symlink, "", "")], "link to nothing");
    check(&[item("a", EntryType::Symlink, "b", ""), file("a/x", "")], "File exists");
    check(&[item(".", EntryType::Regular, "", "x")], "the root is no folder");
    let deep = "d/".repeat(49);
    let mut ladder = vec![item(&deep, EntryType::Directory, "", "")];
    for step in 0..8 {
        let link = format!("l{step}");
        let from = if step == 0 { deep.clone() } else { format!("l{}/{}", step - 1, &deep[..80]) };
        ladder.push(item(&from, EntryType::Directory, "", ""));
        ladder.push(item(&link, EntryType::Symlink, &from, ""));
        ladder.push(item(&format!("{link}/{}", &deep[..90]), EntryType::Directory, "", ""));
    }
    check(&ladder, "too deep");
}

#[test]
fn amounts_have_limits() {
    let within = |items: &[Item], bytes_max, entries_max| {
        let bench = Bench::new();
        bench.apply_within(&layer(items), Limits { bytes_max, entries_max })
    };
    let big = [item("big", EntryType::Regular, "", &"x".repeat(10_000))];
    within(&big, 40_000, 10).expect("both passes count");
    assert!(within(&big, 9_000, 10).is_err());
    assert!(within(&[file("a", ""), file("b", "")], 40_000, 3).is_err());
    let endless = item("name", EntryType::GNULongName, "", &"x".repeat(2 << 20));
    assert!(within(&[endless, file("a", "")], 64 << 20, 10).is_err());
}

fn hostile_path() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "c"]),
        1 => prop::sample::select(vec![
            "..", ".", "", "outside", "file", ".wh.a", ".wh..wh..opq", ".wh..", ".wh...", "tree",
        ]),
    ];
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/").into_bytes())
}

fn hostile_item() -> impl Strategy<Value = Item> {
    let kind = prop::sample::select(vec![
        EntryType::Regular,
        EntryType::Regular,
        EntryType::Directory,
        EntryType::Symlink,
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo,
        EntryType::Char,
    ]);
    let link = prop_oneof![
        hostile_path(),
        prop::sample::select(vec!["/", "/../outside", "../outside", "../../outside/file", "."])
            .prop_map(|link| link.as_bytes().to_vec()),
    ];
    (hostile_path(), kind, link, prop::collection::vec(any::<u8>(), 0..700)).prop_map(
        |(path, kind, link, content)| {
            let content = if kind == EntryType::Regular { content } else { Vec::new() };
            Item { path, kind, link, content }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_layers_touch_what_is_outside(
        layers in prop::collection::vec(prop::collection::vec(hostile_item(), 1..12), 1..4)
    ) {
        let bench = Bench::new();
        for items in layers {
            // Alone, so that a refused entry does not keep the next from trying.
            for item in items {
                let _ = bench.apply(&layer(&[item]));
            }
        }
        prop_assert!(bench.outside_is_untouched());
        let _ = fs::remove_dir_all(bench.tree());
        prop_assert!(!bench.tree().exists());
    }

    #[test]
    fn broken_bytes_are_refused_or_harmless(
        items in prop::collection::vec(hostile_item(), 1..6),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let bench = Bench::new();
        let mut bytes = layer(&items);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(cut.index(bytes.len()) + 1);
        let _ = bench.apply(&bytes);
        prop_assert!(bench.outside_is_untouched());
    }
}
