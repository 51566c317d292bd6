//! Images are trees of files on the machine's disk, owned by root as in the guest.
//!
//! ```text
//! DATA/host/images/ID/tree        what a guest begins with: one lower directory of its overlay
//!                 /ID/image.json  name and size
//!                 /.building-ID   not whole yet: removed at the next start
//!                 /.removing-N    as good as gone
//! ```

mod accounts;
mod debian;
mod farm;
mod layer;
mod oci;
mod packages;
mod progress;
mod system;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use aws::BoxFuture;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use serde::{Deserialize, Serialize};

use super::durable::{self, blocking, failed, file_name};
use crate::{Error, GuestId, Image, ImageId, ImageSeen, ImageSource, ImageStatus, Images, Result};
use progress::Progress;

/// Builds at once; more would only wait for the same disk.
const BUILDS_MAX: usize = 4;
/// `.removing-0/tree/usr/share/doc`: below are folders that are removed in a moment.
const DEPTH_ASKED: usize = 5;

pub struct LinuxImages(Arc<Shelf>);

struct Shelf {
    folder: PathBuf,
    builds: Mutex<BTreeMap<ImageId, Build>>,
    holders: Mutex<BTreeMap<GuestId, ImageId>>,
    sweeper: Mutex<Option<JoinHandle<()>>>,
    is_closing: AtomicBool,
}

/// One that is under way or has failed; a whole image has none.
struct Build {
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
    failure: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    name: String,
    size_bytes: u64,
}

impl LinuxImages {
    /// What was being built or removed when the last process ended goes away in the background.
    pub fn open(data: &Path) -> Result<Self> {
        let folder = data.join("images");
        fs::create_dir_all(&folder).map_err(failed("make the folder of images"))?;
        let (builds, holders, sweeper, is_closing) = Default::default();
        let shelf = Arc::new(Shelf { folder, builds, holders, sweeper, is_closing });
        let names = durable::names(&shelf.folder).map_err(failed("list images"))?;
        for name in names.into_iter().filter(|name| name.starts_with(".building-")) {
            shelf.set_aside(&name).map_err(failed("clear the folder of images"))?;
        }
        shelf.sweep();
        Ok(Self(shelf))
    }

    /// Read-only lower directories for an overlay, top first. Refused unless it is ready.
    pub fn layers(&self, id: &ImageId) -> Result<Vec<PathBuf>> {
        let tree = self.0.folder.join(file_name(&id.0)?).join("tree");
        match tree.is_dir() {
            true => Ok(vec![tree]),
            false => Err(Error::Refused(format!("there is no image {id} yet"))),
        }
    }

    /// The image cannot be removed until [`LinuxImages::release`]. To be said again of every
    /// guest after [`LinuxImages::open`].
    pub fn hold(&self, id: &ImageId, guest: &GuestId) -> Result<Vec<PathBuf>> {
        let mut holders = self.0.holders();
        let layers = self.layers(id)?;
        holders.insert(guest.clone(), id.clone());
        Ok(layers)
    }

    pub fn release(&self, guest: &GuestId) {
        self.0.holders().remove(guest);
    }

    fn run<'a, T: Send + 'static>(
        &self,
        act: impl FnOnce(Arc<Shelf>) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'a, Result<T>> {
        let shelf = self.0.clone();
        Box::pin(blocking(move || act(shelf)))
    }
}

impl Images for LinuxImages {
    fn ensure_image<'a>(&'a self, image: &'a Image) -> BoxFuture<'a, Result<()>> {
        let image = image.clone();
        self.run(move |shelf| shelf.ensure(image))
    }

    fn images(&self) -> BoxFuture<'_, Result<Vec<ImageSeen>>> {
        self.run(|shelf| shelf.seen())
    }

    fn remove_image<'a>(&'a self, id: &'a ImageId) -> BoxFuture<'a, Result<()>> {
        let id = id.clone();
        self.run(move |shelf| shelf.remove(&id))
    }
}

impl Drop for LinuxImages {
    fn drop(&mut self) {
        self.0.is_closing.store(true, Ordering::Release);
        let mut builds = std::mem::take(&mut *self.0.builds());
        builds.values().for_each(|build| build.progress.cancel());
        for thread in builds.values_mut().filter_map(|build| build.thread.take()) {
            let _ = thread.join();
        }
        // After the builds, which may begin to sweep at their end.
        let sweeper = self.0.sweeper.lock().expect("nobody panics with it").take();
        let _ = sweeper.map(JoinHandle::join);
    }
}

impl Shelf {
    fn ensure(self: Arc<Self>, image: Image) -> Result<()> {
        let folder = self.folder.join(file_name(&image.id.0)?);
        check(&image.source)?;
        let mut builds = self.builds();
        let runs = builds.values().filter(|build| build.failure.is_none()).count();
        let is_building = builds.get(&image.id).is_some_and(|build| build.failure.is_none());
        if is_building || folder.exists() {
            return Ok(());
        }
        if runs >= BUILDS_MAX {
            return Err(Error::NoRoom(format!("{runs} images are being built")));
        }
        let (id, progress) = (image.id.clone(), Arc::new(Progress::default()));
        let (shelf, seen) = (self.clone(), progress.clone());
        let thread = std::thread::Builder::new()
            .name("image".into())
            .spawn(move || shelf.build(&image, &seen))
            .map_err(failed("start a thread"))?;
        builds.insert(id, Build { progress, thread: Some(thread), failure: None });
        Ok(())
    }

    fn build(self: &Arc<Self>, image: &Image, progress: &Progress) {
        let name = format!(".building-{}", image.id);
        let building = self.folder.join(&name);
        let done = make(&image.source, &building, progress);
        let mut builds = self.builds();
        // Under the lock: whoever removes the image sees it building or there.
        let done = done.and_then(|()| {
            progress.check().map_err(failed("build the image"))?;
            let folder = self.folder.join(&image.id.0);
            durable::rename(&building, &folder).map_err(failed("put the image in its place"))
        });
        match done {
            Ok(()) => _ = builds.remove(&image.id),
            Err(error) => {
                tracing::warn!(image = %image.id, %error, "not built");
                if let Err(error) = self.set_aside(&name) {
                    tracing::warn!(image = %image.id, %error, "not cleared");
                }
                if let Some(build) = builds.get_mut(&image.id) {
                    build.failure = Some(error.to_string());
                }
                drop(builds);
                self.sweep();
            }
        }
    }

    fn seen(&self) -> Result<Vec<ImageSeen>> {
        let mut all = BTreeMap::new();
        for (id, build) in self.builds().iter() {
            let status = match &build.failure {
                Some(why) => ImageStatus::Failed(why.clone()),
                None => ImageStatus::Building { percent: build.progress.percent() },
            };
            let name = String::new();
            all.insert(id.clone(), ImageSeen { id: id.clone(), status, name, size_bytes: 0 });
        }
        let names = durable::names(&self.folder).map_err(failed("list images"))?;
        for name in names.into_iter().filter(|name| !name.starts_with('.')) {
            // It may be removed meanwhile.
            let Ok(text) = fs::read(self.folder.join(&name).join("image.json")) else { continue };
            let Ok(record) = serde_json::from_slice::<Record>(&text) else { continue };
            let (id, size_bytes, name) = (ImageId(name), record.size_bytes, record.name);
            all.insert(id.clone(), ImageSeen { id, status: ImageStatus::Ready, name, size_bytes });
        }
        Ok(all.into_values().collect())
    }

    fn remove(self: Arc<Self>, id: &ImageId) -> Result<()> {
        let folder = self.folder.join(file_name(&id.0)?);
        let build = self.builds().get_mut(id).and_then(|build| {
            build.progress.cancel();
            build.thread.take()
        });
        build.into_iter().for_each(|thread| {
            let _ = thread.join();
        });
        let holders = self.holders();
        if let Some((guest, _)) = holders.iter().find(|(_, held)| *held == id) {
            return Err(Error::Refused(format!("{id} is in use by {guest}")));
        }
        self.builds().remove(id);
        if folder.exists() {
            self.set_aside(&id.0).map_err(failed("remove the image"))?;
        }
        drop(holders);
        self.sweep();
        Ok(())
    }

    /// Gives it a name that nobody asks for.
    fn set_aside(&self, name: &str) -> io::Result<()> {
        let mut names = (0_u64..).map(|number| self.folder.join(format!(".removing-{number}")));
        let free = names.find(|path| !path.exists());
        durable::rename(&self.folder.join(name), &free.expect("numbers do not end"))
    }

    /// Removes in the background what was set aside: a hundred thousand files take a while.
    fn sweep(self: &Arc<Self>) {
        let mut sweeper = self.sweeper.lock().expect("nobody panics with it");
        let before = sweeper.take();
        let shelf = self.clone();
        let work = move || {
            let _ = before.map(JoinHandle::join);
            for name in durable::names(&shelf.folder).unwrap_or_default() {
                if name.starts_with(".removing-") {
                    shelf.discard(&shelf.folder.join(&name), DEPTH_ASKED);
                }
            }
        };
        // What is not removed now is tried again at the next start.
        *sweeper = std::thread::Builder::new().name("images-sweep".into()).spawn(work).ok();
    }

    /// Looks at every folder of the first `depth` levels whether the process is to end.
    fn discard(&self, path: &Path, depth: usize) {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.discard(&entry.path(), depth - 1);
            }
        }
        if self.is_closing.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = fs::remove_dir_all(path) {
            tracing::warn!(path = %path.display(), %error, "not removed");
        }
    }

    fn builds(&self) -> MutexGuard<'_, BTreeMap<ImageId, Build>> {
        self.builds.lock().expect("nothing that holds the builds panics")
    }

    fn holders(&self) -> MutexGuard<'_, BTreeMap<GuestId, ImageId>> {
        self.holders.lock().expect("nothing that holds the holders panics")
    }
}

/// What can be known before it is begun.
fn check(source: &ImageSource) -> Result<()> {
    match source {
        ImageSource::System => system::check(Path::new("/")),
        ImageSource::Debian { release } => debian::check(release),
        ImageSource::Oci(path) => oci::check(path),
    }
}

/// Durable when it returns, all but its name.
fn make(source: &ImageSource, building: &Path, progress: &Progress) -> Result<()> {
    let wrong = || failed("build the image");
    fs::create_dir(building).map_err(wrong())?;
    let tree = building.join("tree");
    match source {
        ImageSource::System => system::build(Path::new("/"), &tree, progress)?,
        ImageSource::Debian { release } => debian::build(release, &tree, progress)?,
        ImageSource::Oci(path) => oci::build(path, &tree, &building.join("layout"), progress)?,
    }
    let size_bytes = farm::size_bytes(&tree).map_err(wrong())?;
    let record = Record { format: 1, name: release_name(&tree), size_bytes };
    let text = serde_json::to_vec(&record).map_err(|error| wrong()(error.into()))?;
    fs::write(building.join("image.json"), text).map_err(wrong())?;
    durable::sync_all_of(building).map_err(wrong())
}

/// What the image calls itself. Its links lead nowhere but into it.
fn release_name(tree: &Path) -> String {
    let read = |path: &str| -> io::Result<String> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let root = fs::File::open(tree)?;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file = rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)?;
        let mut text = String::new();
        io::Read::read_to_string(&mut io::Read::take(fs::File::from(file), 64 << 10), &mut text)?;
        Ok(text)
    };
    let text = read("etc/os-release").or_else(|_| read("usr/lib/os-release"));
    pretty_name(&text.unwrap_or_default())
}

fn pretty_name(os_release: &str) -> String {
    let names = ["PRETTY_NAME=", "NAME=", "ID="];
    let found = names.iter().find_map(|key| {
        let value = os_release.lines().find_map(|line| line.strip_prefix(key))?;
        Some(value.trim().trim_matches(['"', '\'']).to_owned())
    });
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_called_what_it_calls_itself() {
        let check = |text, expected: &str| assert_eq!(pretty_name(text), expected);
        check(
            "NAME=\"A\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
            "Debian GNU/Linux 12 (bookworm)",
        );
        check("ID=alpine\n", "alpine");
        check("", "");
    }

    #[test]
    fn the_name_is_not_read_outside_of_the_image() {
        let folder = tempfile::tempdir().expect("made");
        fs::write(folder.path().join("secret"), "NAME=outside").expect("written");
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("etc")).expect("made");
        std::os::unix::fs::symlink("../../secret", tree.join("etc/os-release")).expect("made");
        assert_eq!(release_name(&tree), "");
    }
}
