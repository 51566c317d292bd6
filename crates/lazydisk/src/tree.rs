//! One disk's files and folders: what programs see, and what a power cut would leave.

use std::collections::{BTreeMap, BTreeSet};

use fuser::{Errno, FileType};

use crate::dice::Dice;
use crate::file::File;

pub type Number = u64;
pub const ROOT: Number = 1;

pub struct Tree {
    nodes: BTreeMap<Number, Node>,
    last: Number,
    /// Syncs that answer success and do nothing.
    ignored: Vec<Ignored>,
}

/// What a program without some sync would do.
#[derive(Clone, PartialEq, Eq)]
pub struct Ignored {
    pub of: Kind,
    /// Paths from the root of the disk that begin with this.
    pub prefix: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Files,
    Folders,
}

pub struct Node {
    /// From the root of the disk; empty for the root itself.
    path: String,
    mode: u16,
    syncs: u64,
    pub content: Content,
}

pub enum Content {
    File(File),
    Folder(Folder),
    Socket,
}

#[derive(Default)]
pub struct Folder {
    entries: BTreeMap<String, Number>,
    synced: BTreeMap<String, Number>,
    unsynced: Vec<Change>,
}

enum Change {
    Made { name: String, node: Number },
    Renamed { from: String, to: String, node: Number },
    Removed { name: String },
}

/// What a power cut took.
#[derive(Default)]
pub struct Lost {
    pub pages: usize,
    pub changes: usize,
}

impl Node {
    fn new(path: String, mode: u16, content: Content) -> Node {
        Node { path, mode, syncs: 0, content }
    }

    pub fn mode(&self) -> u16 {
        self.mode
    }

    pub fn kind(&self) -> FileType {
        match self.content {
            Content::File(_) => FileType::RegularFile,
            Content::Folder(_) => FileType::Directory,
            Content::Socket => FileType::Socket,
        }
    }

    pub fn bytes(&self) -> u64 {
        match &self.content {
            Content::File(file) => file.bytes(),
            Content::Folder(_) | Content::Socket => 0,
        }
    }

    fn is_synced(&self) -> bool {
        match &self.content {
            Content::File(file) => file.is_synced(),
            Content::Folder(folder) => folder.unsynced.is_empty(),
            Content::Socket => true,
        }
    }
}

impl Change {
    fn apply(&self, entries: &mut BTreeMap<String, Number>) {
        match self {
            Change::Made { name, node } => {
                entries.insert(name.clone(), *node);
            }
            Change::Renamed { from, to, node } => {
                if entries.get(from) == Some(node) {
                    entries.remove(from);
                }
                entries.insert(to.clone(), *node);
            }
            Change::Removed { name } => {
                entries.remove(name);
            }
        }
    }
}

impl Folder {
    fn sync(&mut self) {
        self.unsynced.clear();
        self.synced = self.entries.clone();
    }

    /// Each change that was not synced is kept or lost by itself.
    fn cut(&mut self, dice: &mut Dice) -> usize {
        let mut lost = 0;
        for change in std::mem::take(&mut self.unsynced) {
            if dice.keeps() {
                change.apply(&mut self.synced);
            } else {
                lost += 1;
            }
        }
        self.entries = self.synced.clone();
        lost
    }
}

impl Tree {
    pub fn new() -> Tree {
        let root = Node::new(String::new(), 0o755, Content::Folder(Folder::default()));
        Tree { nodes: BTreeMap::from([(ROOT, root)]), last: ROOT, ignored: Vec::new() }
    }

    // ---- looking ----

    pub fn node(&self, number: Number) -> Result<&Node, Errno> {
        self.nodes.get(&number).ok_or(Errno::ENOENT)
    }

    fn node_mut(&mut self, number: Number) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&number).ok_or(Errno::ENOENT)
    }

    fn folder(&self, number: Number) -> Result<&Folder, Errno> {
        match &self.node(number)?.content {
            Content::Folder(folder) => Ok(folder),
            Content::File(_) | Content::Socket => Err(Errno::ENOTDIR),
        }
    }

    fn folder_mut(&mut self, number: Number) -> Result<&mut Folder, Errno> {
        match &mut self.node_mut(number)?.content {
            Content::Folder(folder) => Ok(folder),
            Content::File(_) | Content::Socket => Err(Errno::ENOTDIR),
        }
    }

    pub fn file(&self, number: Number) -> Result<&File, Errno> {
        match &self.node(number)?.content {
            Content::File(file) => Ok(file),
            Content::Folder(_) => Err(Errno::EISDIR),
            Content::Socket => Err(Errno::EINVAL),
        }
    }

    pub fn file_mut(&mut self, number: Number) -> Result<&mut File, Errno> {
        match &mut self.node_mut(number)?.content {
            Content::File(file) => Ok(file),
            Content::Folder(_) => Err(Errno::EISDIR),
            Content::Socket => Err(Errno::EINVAL),
        }
    }

    pub fn find(&self, parent: Number, name: &str) -> Result<Number, Errno> {
        self.folder(parent)?.entries.get(name).copied().ok_or(Errno::ENOENT)
    }

    pub fn list(&self, parent: Number) -> Result<Vec<(String, Number)>, Errno> {
        let entries = self.folder(parent)?.entries.iter();
        Ok(entries.map(|(name, number)| (name.clone(), *number)).collect())
    }

    /// Paths of what is not as it would be after a power cut.
    pub fn unsynced(&self) -> Vec<String> {
        let unsynced = self.nodes.values().filter(|node| !node.is_synced());
        unsynced.map(|node| node.path.clone()).collect()
    }

    /// How often files whose path begins with `prefix` were synced.
    pub fn syncs(&self, prefix: &str) -> u64 {
        let files = self.nodes.values().filter(|node| node.path.starts_with(prefix));
        files.map(|node| node.syncs).sum()
    }

    // ---- changing ----

    pub fn make(
        &mut self,
        parent: Number,
        name: &str,
        mode: u16,
        content: Content,
    ) -> Result<Number, Errno> {
        if self.folder(parent)?.entries.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        self.last += 1;
        let node = self.last;
        let path = self.path_in(parent, name)?;
        self.nodes.insert(node, Node::new(path, mode, content));
        let folder = self.folder_mut(parent)?;
        folder.entries.insert(name.to_owned(), node);
        folder.unsynced.push(Change::Made { name: name.to_owned(), node });
        Ok(node)
    }

    fn path_in(&self, parent: Number, name: &str) -> Result<String, Errno> {
        let above = &self.node(parent)?.path;
        Ok(if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") })
    }

    pub fn remove(&mut self, parent: Number, name: &str) -> Result<(), Errno> {
        let number = self.find(parent, name)?;
        if self.folder(number).is_ok_and(|folder| !folder.entries.is_empty()) {
            return Err(Errno::ENOTEMPTY);
        }
        let folder = self.folder_mut(parent)?;
        folder.entries.remove(name);
        folder.unsynced.push(Change::Removed { name: name.to_owned() });
        Ok(())
    }

    /// Within one folder; paths of folders never change.
    pub fn rename(&mut self, parent: Number, from: &str, to: &str) -> Result<(), Errno> {
        let node = self.find(parent, from)?;
        if self.folder(node).is_ok() {
            return Err(Errno::EXDEV);
        }
        let path = self.path_in(parent, to)?;
        self.node_mut(node)?.path = path;
        let change = Change::Renamed { from: from.to_owned(), to: to.to_owned(), node };
        let folder = self.folder_mut(parent)?;
        change.apply(&mut folder.entries);
        folder.unsynced.push(change);
        Ok(())
    }

    /// As `chmod`: durable at once, since nothing rests on it.
    pub fn set_mode(&mut self, number: Number, mode: u16) -> Result<(), Errno> {
        self.node_mut(number)?.mode = mode;
        Ok(())
    }

    // ---- what lasts ----

    pub fn sync(&mut self, number: Number) -> Result<(), Errno> {
        if self.is_ignored(self.node(number)?) {
            return Ok(());
        }
        let node = self.node_mut(number)?;
        node.syncs += 1;
        match &mut node.content {
            Content::File(file) => file.sync(),
            Content::Folder(folder) => folder.sync(),
            Content::Socket => {}
        }
        Ok(())
    }

    pub fn ignore(&mut self, what: Ignored) {
        self.ignored.push(what);
    }

    pub fn heed_all(&mut self) {
        self.ignored.clear();
    }

    fn is_ignored(&self, node: &Node) -> bool {
        let kind = match node.content {
            Content::Folder(_) => Kind::Folders,
            Content::File(_) | Content::Socket => Kind::Files,
        };
        self.ignored.iter().any(|one| one.of == kind && node.path.starts_with(&one.prefix))
    }

    /// The power goes.
    pub fn cut(&mut self, dice: &mut Dice) -> Lost {
        let mut lost = Lost::default();
        for node in self.nodes.values_mut() {
            match &mut node.content {
                Content::File(file) => lost.pages += file.cut(dice),
                Content::Folder(folder) => lost.changes += folder.cut(dice),
                Content::Socket => {}
            }
        }
        self.settle();
        lost
    }

    /// Drops what has no name any more, and says of the rest where it is now.
    fn settle(&mut self) {
        let mut named = BTreeSet::from([ROOT]);
        let mut folders = vec![ROOT];
        while let Some(parent) = folders.pop() {
            for (name, number) in self.list(parent).unwrap_or_default() {
                let path = self.path_in(parent, &name).unwrap_or_default();
                if let Some(node) = self.nodes.get_mut(&number) {
                    node.path = path;
                    named.insert(number);
                    folders.push(number);
                }
            }
        }
        self.nodes.retain(|number, _| named.contains(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Dice {
        Dice::keeping(0, 0)
    }

    fn new_file() -> Content {
        Content::File(File::default())
    }

    fn names(tree: &Tree) -> Vec<String> {
        tree.list(ROOT).unwrap().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_name_lasts_once_its_folder_is_synced() {
        let mut tree = Tree::new();
        let kept = tree.make(ROOT, "kept", 0o644, new_file()).unwrap();
        tree.sync(ROOT).unwrap();
        let lost = tree.make(ROOT, "lost", 0o644, new_file()).unwrap();
        // The file's own sync is not its folder's.
        tree.sync(lost).unwrap();
        assert_eq!(tree.unsynced(), [""]);
        assert_eq!(tree.cut(&mut none()).changes, 1);
        assert_eq!(names(&tree), ["kept"]);
        assert!(tree.node(kept).is_ok() && tree.node(lost).is_err());
        assert!(tree.unsynced().is_empty());
    }

    #[test]
    fn a_rename_and_a_removal_are_undone() {
        let mut tree = Tree::new();
        for name in ["a", "b"] {
            tree.make(ROOT, name, 0o644, new_file()).unwrap();
        }
        tree.sync(ROOT).unwrap();
        tree.rename(ROOT, "a", "b").unwrap();
        assert_eq!(names(&tree), ["b"]);
        tree.remove(ROOT, "b").unwrap();
        tree.cut(&mut none());
        assert_eq!(names(&tree), ["a", "b"]);
    }

    #[test]
    fn what_lies_in_a_lost_folder_is_lost() {
        let mut tree = Tree::new();
        let folder = tree.make(ROOT, "folder", 0o755, Content::Folder(Folder::default())).unwrap();
        let file = tree.make(folder, "file", 0o644, new_file()).unwrap();
        tree.sync(folder).unwrap();
        tree.cut(&mut none());
        assert!(names(&tree).is_empty() && tree.node(file).is_err());
    }

    #[test]
    fn an_ignored_sync_does_nothing() {
        let mut tree = Tree::new();
        let folder = tree.make(ROOT, "log", 0o755, Content::Folder(Folder::default())).unwrap();
        let file = tree.make(folder, "file", 0o644, new_file()).unwrap();
        for number in [ROOT, folder] {
            tree.sync(number).unwrap();
        }
        tree.file_mut(file).unwrap().write(0, b"bytes");
        tree.ignore(Ignored { of: Kind::Files, prefix: "log/".into() });
        tree.sync(file).unwrap();
        assert_eq!((tree.unsynced(), tree.syncs("log/")), (vec!["log/file".to_owned()], 0));
        tree.heed_all();
        tree.sync(file).unwrap();
        assert_eq!((tree.unsynced(), tree.syncs("log/")), (vec![], 1));
    }
}
