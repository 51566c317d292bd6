//! Images on this machine: as root, from its own `/usr`, from container images, and by a
//! debootstrap that fetches nothing.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use host::linux::image::LinuxImages;
use host::{Error, GuestId, Image, ImageId, ImageSeen, ImageSource, ImageStatus, Images};

const CHILD: &str = "HANEUL_IMAGE_TEST_CHILD";

/// `None`, loudly, where a test cannot run. On the file system that the target folder is on.
fn place() -> Option<tempfile::TempDir> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: this test needs root");
        return None;
    }
    // As haneul has it; children begin with it.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    Some(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("made"))
}

fn open(place: &Path) -> LinuxImages {
    LinuxImages::open(place).expect("opened")
}

fn image(id: &str, source: ImageSource) -> Image {
    Image { id: ImageId(id.into()), source }
}

async fn built(images: &LinuxImages, id: &str) -> ImageSeen {
    let mut percent_before = 0;
    let wait = async {
        loop {
            let all = images.images().await.expect("listed");
            let seen = all.into_iter().find(|seen| seen.id.0 == id).expect("known");
            match seen.status {
                ImageStatus::Building { percent } => {
                    assert!(percent >= percent_before && percent < 100);
                    percent_before = percent;
                }
                _ => return seen,
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), wait).await.expect("in time")
}

async fn failure(images: &LinuxImages, source: ImageSource) -> String {
    let image = image("broken", source);
    match images.ensure_image(&image).await {
        Err(Error::Refused(why)) => return why,
        other => other.expect("begun"),
    }
    match built(images, "broken").await.status {
        ImageStatus::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("read").file_name();
    let all = fs::read_dir(folder).expect("listed").map(name);
    let mut all: Vec<String> = all.map(|name| name.to_string_lossy().into_owned()).collect();
    all.sort();
    all
}

/// What is removed goes in the background.
async fn only_has(place: &Path, images: &[&str]) {
    let wait = async {
        while names(&place.join("images")) != images {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), wait).await.expect("in time");
}

/// Builds until it is killed, or until it is done.
#[tokio::test]
async fn child() {
    let Ok(place) = std::env::var(CHILD) else { return };
    let source = match std::env::var("RELEASE") {
        Ok(release) => ImageSource::Debian { release },
        Err(_) => ImageSource::System,
    };
    let images = open(Path::new(&place));
    images.ensure_image(&image("ami", source)).await.expect("begun");
    println!("\n{:?}", built(&images, "ami").await);
}

fn start_child(place: &Path) -> Command {
    let mut child = Command::new(std::env::current_exe().expect("known"));
    child.args(["child", "--exact", "--nocapture"]).env(CHILD, place);
    child
}

#[tokio::test]
async fn this_machine_is_an_image() {
    let Some(place) = place() else { return };
    let place = place.path();
    if !Path::new("/var/lib/dpkg/status").exists() {
        eprintln!("SKIPPED: this test needs a Debian or Ubuntu");
        return;
    }
    let mut killed = start_child(place).spawn().expect("started");
    let begun = async {
        while !place.join("images/.building-ami/tree/usr/bin").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), begun).await.expect("in time");
    killed.kill().expect("killed");
    killed.wait().expect("ended");

    let images = open(place);
    assert_eq!(images.images().await, Ok(vec![]), "what is half built is not there");
    let (ami, guest) = (ImageId("ami".into()), GuestId("i-1".into()));
    assert!(matches!(images.layers(&ami), Err(Error::Refused(_))));
    let system = image("ami", ImageSource::System);
    images.ensure_image(&system).await.expect("begun");
    images.ensure_image(&system).await.expect("is so");
    let seen = built(&images, "ami").await;
    assert_eq!(seen.status, ImageStatus::Ready);
    assert!(seen.name.contains("Debian") || seen.name.contains("Ubuntu"), "{seen:?}");
    assert!(seen.size_bytes > 100 << 20, "{seen:?}");
    let layers = images.hold(&ami, &guest).expect("ready");
    let tree = &layers[0];
    check_system(tree);
    assert!(matches!(images.remove_image(&ami).await, Err(Error::Refused(_))), "in use");
    only_has(place, &["ami"]).await;
    drop(images);

    let images = open(place);
    assert_eq!(images.images().await, Ok(vec![seen]));
    images.ensure_image(&system).await.expect("is so");
    images.remove_image(&ami).await.expect("removed");
    images.remove_image(&ami).await.expect("is so");
    assert_eq!(images.images().await, Ok(vec![]));
    images.ensure_image(&system).await.expect("begun");
    images.remove_image(&ami).await.expect("removed while it is built");
    assert_eq!(images.images().await, Ok(vec![]));
    only_has(place, &[]).await;
}

fn check_system(tree: &Path) {
    let bash = |root: &Path| fs::metadata(root.join("usr/bin/bash")).expect("there");
    if bash(Path::new("/")).dev() == bash(tree).dev() {
        assert_eq!(bash(Path::new("/")).ino(), bash(tree).ino());
    }
    let works = "dpkg -s bash && getent passwd root && test ! -s /etc/machine-id \
                 && test -d /var/lib/apt/lists/partial";
    let run = Command::new("chroot").arg(tree).args(["/bin/bash", "-ec", works]).output();
    let run = run.expect("chroot runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let shadow = fs::read_to_string(tree.join("etc/shadow")).expect("there");
    assert!(shadow.lines().all(|line| line.split(':').nth(1) == Some("*")));
    let people = fs::read_to_string(tree.join("etc/passwd")).expect("there");
    let is_person = |line: &str| line.split(':').nth(2).is_none_or(|uid| uid.len() == 4);
    assert!(!people.lines().any(is_person), "{people}");
    let of_root = names(&tree.join("root"));
    assert!(of_root.iter().all(|name| [".bashrc", ".profile"].contains(&name.as_str())));
    assert!(names(&tree.join("home")).is_empty());
    let keys = names(&tree.join("etc/ssh")).into_iter().filter(|name| name.contains("_key"));
    assert_eq!(keys.count(), 0);
    assert!(
        !tree.join("etc/apt/auth.conf.d").exists()
            || names(&tree.join("etc/apt/auth.conf.d")).is_empty()
    );
}

/// An image layout with these layers; folders of it can be broken afterwards.
fn layout(folder: &Path, layers: &[Vec<u8>]) -> PathBuf {
    let folder = folder.join("layout");
    fs::create_dir_all(folder.join("blobs/sha256")).expect("made");
    let blob = |bytes: &[u8]| {
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(folder.join("blobs/sha256").join(&hex), bytes).expect("written");
        format!("sha256:{hex}")
    };
    let layer = |bytes: &Vec<u8>| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{}","size":1}}"#,
            blob(bytes)
        )
    };
    let layers = layers.iter().map(layer).collect::<Vec<_>>().join(",");
    let manifest = blob(format!(r#"{{"schemaVersion":2,"layers":[{layers}]}}"#).as_bytes());
    let platform = |architecture| format!(r#"{{"os":"linux","architecture":"{architecture}"}}"#);
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let inner = format!(
        r#"{{"manifests":[{{"digest":"sha256:none","platform":{}}},{{"digest":"{manifest}","platform":{}}}]}}"#,
        platform("s390x"),
        platform(architecture)
    );
    let index =
        format!(r#"{{"schemaVersion":2,"manifests":[{{"digest":"{}"}}]}}"#, blob(inner.as_bytes()));
    fs::write(folder.join("index.json"), index).expect("written");
    folder
}

fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o4755);
        header.set_uid(3);
        header.set_gid(4);
        builder.append_data(&mut header, path, text.as_bytes()).expect("added");
    }
    builder.into_inner().expect("whole").finish().expect("whole")
}

#[tokio::test]
async fn container_images_are_unpacked_from_folders_and_tar_files() {
    let Some(place) = place() else { return };
    let place = place.path();
    let first = layer(&[
        ("etc/os-release", "PRETTY_NAME=\"Small 1\"\n"),
        ("bin/tool", "old"),
        ("gone", "x"),
    ]);
    let second = layer(&[("bin/tool", "new"), (".wh.gone", "")]);
    let folder = layout(place, &[first, second]);
    let packed = place.join("image.tar.gz");
    let mut builder = tar::Builder::new(GzEncoder::new(
        fs::File::create(&packed).expect("made"),
        Compression::fast(),
    ));
    builder.append_dir_all(".", &folder).expect("packed");
    builder.into_inner().expect("whole").finish().expect("whole");

    let images = open(place);
    for (id, path) in [("folder", folder), ("packed", packed)] {
        images.ensure_image(&image(id, ImageSource::Oci(path))).await.expect("begun");
        let seen = built(&images, id).await;
        assert_eq!((&seen.status, seen.name.as_str()), (&ImageStatus::Ready, "Small 1"));
        let tree = &images.layers(&seen.id).expect("ready")[0];
        assert_eq!(names(tree), ["bin", "etc"]);
        assert_eq!(fs::read_to_string(tree.join("bin/tool")).expect("there"), "new");
        let told = fs::metadata(tree.join("bin/tool")).expect("there");
        assert_eq!((told.uid(), told.gid(), told.permissions().mode() & 0o7777), (3, 4, 0o4755));
        assert_eq!(names(&place.join("images").join(id)), ["image.json", "tree"]);
    }
}

#[tokio::test]
async fn container_images_that_are_not_what_they_say_are_refused() {
    let Some(place) = place() else { return };
    let place = place.path();
    let images = open(place);
    let oci = |path: &Path| ImageSource::Oci(path.to_owned());
    assert!(failure(&images, oci(&place.join("absent"))).await.contains("there is no"));
    fs::create_dir(place.join("empty")).expect("made");
    assert!(failure(&images, oci(&place.join("empty"))).await.contains("no index.json"));

    let folder = layout(place, &[vec![0x28, 0xb5, 0x2f, 0xfd, 0]]);
    assert!(failure(&images, oci(&folder)).await.contains("zstd"));
    fs::remove_dir_all(&folder).expect("removed");

    let folder = layout(place, &[layer(&[("file", "text")])]);
    for blob in names(&folder.join("blobs/sha256")) {
        let path = folder.join("blobs/sha256").join(blob);
        let bytes = fs::read(&path).expect("read");
        if bytes.starts_with(&[0x1f, 0x8b]) {
            fs::write(&path, [bytes, vec![0]].concat()).expect("written");
        }
    }
    assert!(failure(&images, oci(&folder)).await.contains("other bytes"));
    fs::remove_dir_all(&folder).expect("removed");

    let folder = layout(place, &[layer(&[("file", "text")])[..40].to_vec()]);
    failure(&images, oci(&folder)).await;
    only_has(place, &[]).await;
    let again = image("broken", oci(&layout(place, &[layer(&[("file", "text")])])));
    images.ensure_image(&again).await.expect("begun anew");
    assert_eq!(built(&images, "broken").await.status, ImageStatus::Ready);
}

#[tokio::test]
async fn a_debian_release_is_debootstraps() {
    let Some(place) = place() else { return };
    let place = place.path();
    let images = open(place);
    let strange = ImageSource::Debian { release: "--help".into() };
    assert!(failure(&images, strange).await.contains("no Debian release"));

    // What it is asked, and what it leaves of the machine.
    let script = "#!/bin/sh\nset -e\necho \"$1 $2\" > \"${3%/images/*}/asked\"\n\
                  mkdir -p \"$3/etc\" \"$3/proc\" \"$3/var/cache/apt/archives\" \"$3/var/log\"\n\
                  mount -t proc proc \"$3/proc\"\n\
                  echo 'PRETTY_NAME=Tiny' > \"$3/etc/os-release\"\n\
                  echo secret > \"$3/etc/hostname\"; echo secret > \"$3/etc/resolv.conf\"\n\
                  mkdir -p \"$3/etc/apt\"; echo 'deb http://me:secret@a.example x' > \"$3/etc/apt/sources.list\"\n\
                  echo secret > \"$3/var/cache/apt/archives/x.deb\"\necho 'I: Retrieving x'\n";
    let program = place.join("debootstrap");
    fs::write(&program, script).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
    let path = format!("{}:{}", place.display(), std::env::var("PATH").expect("set"));
    let mut child = start_child(place);
    let done = child.env("PATH", path).env("RELEASE", "bookworm").output().expect("ran");
    let said = String::from_utf8_lossy(&done.stdout);
    if said.contains("names no mirror") {
        eprintln!("SKIPPED: this machine has no apt sources");
        return;
    }
    assert!(said.contains("Ready") && said.contains("Tiny"), "{said}");
    let asked = fs::read_to_string(place.join("asked")).expect("asked");
    assert_eq!(asked.trim(), "--variant=minbase bookworm");
    let tree = place.join("images/ami/tree");
    assert!(!tree.join("etc/hostname").exists());
    let mode = fs::metadata(tree.join("etc")).expect("there").mode();
    assert_eq!(mode & 0o7777, 0o755, "everybody in the guest may read it");
    assert_eq!(fs::read(tree.join("etc/resolv.conf")).expect("there"), b"");
    assert_eq!(names(&tree.join("var/cache/apt/archives")), [""; 0]);
    let sources = fs::read_to_string(tree.join("etc/apt/sources.list")).expect("there");
    assert_eq!(sources, "deb http://a.example x\n");
    assert_eq!(names(&tree.join("proc")), [""; 0], "its mounts ended with it");
}
