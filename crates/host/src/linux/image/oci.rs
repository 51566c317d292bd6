//! Container images as files: an OCI image layout, in a folder or a tar file.
//!
//! <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use super::layer::{Limits, Unpacker};
use super::progress::Progress;
use super::tree::Tree;
use crate::linux::durable::failed;
use crate::{Error, Result};

const JSON_BYTES_MAX: u64 = 4 << 20;
const LAYERS_MAX: usize = 256;
/// Indexes of indexes.
const NESTED_MAX: usize = 4;

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

/// Of an index or of an image: the media type is not always told.
#[derive(Deserialize)]
struct Document {
    manifests: Option<Vec<Descriptor>>,
    layers: Option<Vec<Descriptor>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    platform: Option<Platform>,
}

#[derive(Clone, Debug, Deserialize)]
struct Platform {
    architecture: String,
    os: String,
}

pub(crate) fn check(path: &Path) -> Result<()> {
    match path.exists() {
        true => Ok(()),
        false => Err(Error::Refused(format!("there is no {}", path.display()))),
    }
}

/// Unpacks the image for this machine into `to`, which is made; `scratch` is a name beside it
/// for what is needed meanwhile.
pub(crate) fn build(path: &Path, to: &Path, scratch: &Path, progress: &Progress) -> Result<()> {
    check(path)?;
    Tree::new(to).map_err(failed("make the image's folder"))?;
    let folder = if path.is_dir() { path } else { scratch };
    if !path.is_dir() {
        fs::create_dir(scratch).map_err(failed("make a folder"))?;
        open_tar(path, scratch, progress)?;
        progress.set(20);
    }
    let layout = Layout { folder: folder.to_owned() };
    let index: Index = layout.index()?;
    let layers = layout.layers(&index.manifests, 0)?;
    let limits = Limits::default();
    let mut unpacker = Unpacker::new(to, limits, progress).map_err(failed("open the image"))?;
    for (at, layer) in layers.iter().enumerate() {
        layout.unpack(layer, &mut unpacker)?;
        progress.set(20 + 75 * (at as u64 + 1) / layers.len() as u64);
    }
    if !path.is_dir() {
        fs::remove_dir_all(scratch).map_err(failed("remove a folder"))?;
    }
    Ok(())
}

struct Layout {
    folder: PathBuf,
}

impl Layout {
    fn index(&self) -> Result<Index> {
        let path = self.folder.join("index.json");
        let file = open_plain(&path).map_err(|_| {
            Error::Refused("it is no OCI image layout: there is no index.json in it".into())
        })?;
        parse(&read_all(file)?, "index.json")
    }

    /// Of the image for this machine, lowest first.
    fn layers(&self, manifests: &[Descriptor], nested: usize) -> Result<Vec<Descriptor>> {
        let architecture = architecture();
        let fits = |one: &&Descriptor| {
            one.platform.as_ref().is_none_or(|platform| {
                platform.os == "linux" && platform.architecture == architecture
            })
        };
        let chosen = manifests.iter().find(fits).ok_or_else(|| {
            Error::Refused(format!("it has no image for linux on {architecture}"))
        })?;
        let mut blob = self.blob(chosen)?;
        verify(&mut blob, chosen)?;
        let document: Document = parse(&read_all(blob)?, &chosen.digest)?;
        match (document.manifests, document.layers) {
            (Some(inner), _) if nested < NESTED_MAX => self.layers(&inner, nested + 1),
            (None, Some(layers)) if layers.len() <= LAYERS_MAX => Ok(layers),
            _ => Err(Error::Refused(format!("{} is no image of a known kind", chosen.digest))),
        }
    }

    /// What is unpacked is what was verified: also a folder that changes under our hands can
    /// only break the image that it is.
    fn unpack(&self, layer: &Descriptor, unpacker: &mut Unpacker<'_>) -> Result<()> {
        let mut blob = self.blob(layer)?;
        verify(&mut blob, layer)?;
        let wrong = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Error::Refused(format!("layer {}: {error}", layer.digest))
            }
            _ => failed(format!("layer {}", layer.digest))(error),
        };
        unpacker.remove_whited_out(decoded(&blob, layer)?).map_err(wrong)?;
        unpacker.unpack(decoded(&blob, layer)?).map_err(wrong)
    }

    fn blob(&self, of: &Descriptor) -> Result<File> {
        let hex = hex_of(of)?;
        let path = self.folder.join("blobs/sha256").join(hex);
        open_plain(&path).map_err(|error| Error::Refused(format!("{}: {error}", of.digest)))
    }
}

fn hex_of(of: &Descriptor) -> Result<&str> {
    let hex = of.digest.strip_prefix("sha256:").filter(|hex| {
        hex.len() == 64 && hex.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
    });
    hex.ok_or_else(|| Error::Refused(format!("{:?} is no SHA-256 digest", of.digest)))
}

fn verify(blob: &mut File, of: &Descriptor) -> Result<()> {
    let wrong = || failed(format!("read {}", of.digest));
    let mut sum = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match blob.read(&mut buffer).map_err(wrong())? {
            0 => break,
            read => sum.update(&buffer[..read]),
        }
    }
    blob.rewind().map_err(wrong())?;
    let hex: String = sum.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    match hex == hex_of(of)? {
        true => Ok(()),
        false => Err(Error::Refused(format!("{} has other bytes than it says", of.digest))),
    }
}

/// By what its first bytes are, which are surer than its media type.
fn decoded<'a>(mut blob: &'a File, of: &Descriptor) -> Result<Box<dyn Read + 'a>> {
    let wrong = || failed(format!("read {}", of.digest));
    let mut first = [0; 4];
    blob.rewind().map_err(wrong())?;
    let read = blob.read(&mut first).map_err(wrong())?;
    blob.rewind().map_err(wrong())?;
    if first[..read] == [0x28, 0xb5, 0x2f, 0xfd] {
        return Err(Error::Refused("layers compressed by zstd are not supported: gzip is".into()));
    }
    if !of.media_type.contains(".tar") && !of.media_type.is_empty() {
        return Err(Error::Refused(format!("layers of {} are not supported", of.media_type)));
    }
    Ok(match first {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(BufReader::new(blob))),
        _ => Box::new(BufReader::new(blob)),
    })
}

/// Only names that a layout has are taken out of the tar file.
fn open_tar(path: &Path, to: &Path, progress: &Progress) -> Result<()> {
    let wrong = || failed(format!("read {}", path.display()));
    let mut file = open_plain(path).map_err(wrong())?;
    let mut first = [0; 2];
    file.read_exact(&mut first).map_err(wrong())?;
    file.rewind().map_err(wrong())?;
    let reader: Box<dyn Read> = match first {
        [0x1f, 0x8b] => Box::new(MultiGzDecoder::new(BufReader::new(file))),
        _ => Box::new(BufReader::new(file)),
    };
    fs::create_dir_all(to.join("blobs/sha256")).map_err(failed("make a folder"))?;
    // Nothing of it needs more than the image itself may have.
    let mut archive = tar::Archive::new(reader.take(2 * Limits::default().bytes_max));
    for entry in archive.entries().map_err(wrong())? {
        let mut entry = entry.map_err(wrong())?;
        progress.check().map_err(wrong())?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name);
        let is_blob = name
            .strip_prefix("blobs/sha256/")
            .is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let is_file = entry.header().entry_type() == tar::EntryType::Regular;
        if is_file && (is_blob || name == "index.json") {
            let mut file = File::create(to.join(name)).map_err(failed("make a file"))?;
            io::copy(&mut entry, &mut file).map_err(wrong())?;
        }
    }
    Ok(())
}

/// Neither a link nor a device nor a pipe.
fn open_plain(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other(format!("{} is no file", path.display()))),
    }
}

fn read_all(file: File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = file.take(JSON_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(failed("read the image's description"))?;
    match bytes.len() as u64 > JSON_BYTES_MAX {
        true => Err(Error::Refused("the image's description is too long".into())),
        false => Ok(bytes),
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &str) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::Refused(format!("{what} is not as OCI images have it: {error}")))
}

/// In Go's words, which OCI uses.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
