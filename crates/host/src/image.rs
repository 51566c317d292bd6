//! Images: read-only trees of files that guests begin with.

use std::path::PathBuf;

use aws::BoxFuture;

use crate::{ImageId, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub id: ImageId,
    pub source: ImageSource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// This machine's own `/usr`, with `/etc`, `/var` and `/root` made anew. Nothing of the
    /// machine's users, keys, hosts or services is in it.
    System,
    /// A Debian release's bootstrap, fetched with the machine's own apt sources: `bookworm`.
    Debian { release: String },
    /// An OCI image layout: a folder, or a tar file of one.
    Oci(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSeen {
    pub id: ImageId,
    pub status: ImageStatus,
    /// What `/etc/os-release` calls it: `Debian GNU/Linux 12 (bookworm)`. Empty until ready.
    pub name: String,
    pub size_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageStatus {
    Building { percent: u8 },
    Ready,
    Failed(String),
}

pub trait Images: Send + Sync {
    /// Begins to build the image unless it is there or being built; a failed one is begun anew.
    fn ensure_image<'a>(&'a self, image: &'a Image) -> BoxFuture<'a, Result<()>>;

    fn images(&self) -> BoxFuture<'_, Result<Vec<ImageSeen>>>;

    /// Refused while a guest has it. Does nothing when there is none.
    fn remove_image<'a>(&'a self, id: &'a ImageId) -> BoxFuture<'a, Result<()>>;
}
