//! The user that an image is entered as: `ec2-user`, `ubuntu`, `admin`.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::Error;

pub(crate) struct LoginUser {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// As the guest sees it.
    pub(crate) home: PathBuf,
    /// `/`, but in tests.
    root: PathBuf,
}

/// Debian's and Amazon Linux's first of a person.
const UID_FIRST: u32 = 1000;
const UID_LAST: u32 = 59_999;

impl LoginUser {
    /// Finds the user of this name or makes it, with a home of its own, no password, and the
    /// right to become root.
    pub(crate) fn ensure(root: &Path, name: &str) -> Result<Self, Error> {
        let passwd = read(root, "etc/passwd")?;
        if let Some(user) = find(root, &passwd, name) {
            return Ok(user);
        }
        let group = read(root, "etc/group")?;
        let uid = free_id(&passwd, &group);
        let home = PathBuf::from(format!("/home/{name}"));
        append(root, "etc/group", &format!("{name}:x:{uid}:"))?;
        append(root, "etc/shadow", &format!("{name}:!:19700:0:99999:7:::"))?;
        let shell = if root.join("bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
        let line = format!("{name}:x:{uid}:{uid}:{name}:{}:{shell}", home.display());
        // Last: who has this line has the rest.
        append(root, "etc/passwd", &line)?;
        let user = Self { name: name.into(), uid, gid: uid, home, root: root.into() };
        user.make_home()?;
        user.allow_sudo()?;
        Ok(user)
    }

    /// Adds keys to those that open the user's door.
    pub(crate) fn authorize(&self, keys: &[String]) -> Result<(), Error> {
        let folder = self.in_root(&self.home).join(".ssh");
        let path = folder.join("authorized_keys");
        let write = || {
            fs::create_dir_all(&folder)?;
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
            chown(&folder, Some(self.uid), Some(self.gid))?;
            let mut text = fs::read_to_string(&path).unwrap_or_default();
            for key in keys.iter().filter(|key| !key.is_empty()) {
                if !text.lines().any(|line| line == key) {
                    text.push_str(key);
                    text.push('\n');
                }
            }
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            chown(&path, Some(self.uid), Some(self.gid))
        };
        write().map_err(|source| file(&path, source))
    }

    fn make_home(&self) -> Result<(), Error> {
        let home = self.in_root(&self.home);
        let make = || {
            fs::create_dir_all(&home)?;
            copy_skeleton(&self.root.join("etc/skel"), &home, self)?;
            fs::set_permissions(&home, fs::Permissions::from_mode(0o750))?;
            chown(&home, Some(self.uid), Some(self.gid))
        };
        make().map_err(|source| file(&home, source))
    }

    fn allow_sudo(&self) -> Result<(), Error> {
        let folder = self.root.join("etc/sudoers.d");
        let path = folder.join("90-cloud-init-users");
        let write = || {
            fs::create_dir_all(&folder)?;
            fs::write(&path, format!("{} ALL=(ALL) NOPASSWD:ALL\n", self.name))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o440))
        };
        write().map_err(|source| file(&path, source))
    }

    fn in_root(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

fn find(root: &Path, passwd: &str, name: &str) -> Option<LoginUser> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let fields: Vec<&str> = line.split(':').collect();
    Some(LoginUser {
        name: name.into(),
        uid: fields.get(2)?.parse().ok()?,
        gid: fields.get(3)?.parse().ok()?,
        home: fields.get(5)?.into(),
        root: root.into(),
    })
}

/// Free as a user and as a group.
fn free_id(passwd: &str, group: &str) -> u32 {
    let ids = |text: &str| -> Vec<u32> {
        text.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect()
    };
    let taken = [ids(passwd), ids(group)].concat();
    (UID_FIRST..=UID_LAST).find(|id| !taken.contains(id)).unwrap_or(UID_LAST)
}

fn copy_skeleton(from: &Path, to: &Path, user: &LoginUser) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()? {
            kind if kind.is_dir() => {
                fs::create_dir_all(&target)?;
                copy_skeleton(&entry.path(), &target, user)?;
            }
            kind if kind.is_file() => {
                fs::copy(entry.path(), &target)?;
            }
            _ => continue,
        }
        chown(&target, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

fn read(root: &Path, name: &str) -> Result<String, Error> {
    let path = root.join(name);
    fs::read_to_string(&path).map_err(|source| file(&path, source))
}

fn append(root: &Path, name: &str, line: &str) -> Result<(), Error> {
    let path = root.join(name);
    let mut text = fs::read_to_string(&path).unwrap_or_default();
    let field = line.split(':').next();
    if text.lines().any(|there| there.split(':').next() == field) {
        return Ok(());
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
    fs::write(&path, text).map_err(|source| file(&path, source))
}

fn file(path: &Path, source: io::Error) -> Error {
    Error::File { what: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chowns, so it must be root; everybody who builds here is, and who is not is told.
    #[test]
    fn a_user_is_made_once_with_home_keys_and_sudo() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("etc/skel")).expect("made");
        fs::write(root.join("etc/skel/.profile"), "x").expect("written");
        fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/bash\n").expect("written");
        fs::write(root.join("etc/group"), "root:x:0:\nstaff:x:1000:").expect("written");
        if chown(root.join("etc/passwd"), Some(0), Some(0)).is_err() {
            eprintln!("not run: only root can give files away");
            return;
        }
        let user = LoginUser::ensure(root, "ec2-user").expect("made");
        assert_eq!((user.uid, user.gid), (1001, 1001));
        let again = LoginUser::ensure(root, "ec2-user").expect("found");
        assert_eq!((again.uid, again.home.as_path()), (1001, Path::new("/home/ec2-user")));
        user.authorize(&["ssh-ed25519 AAAA me".into()]).expect("written");
        user.authorize(&["ssh-ed25519 AAAA me".into(), "ssh-rsa BBBB".into()]).expect("written");
        let keys = root.join("home/ec2-user/.ssh/authorized_keys");
        assert_eq!(fs::read_to_string(keys).expect("there"), "ssh-ed25519 AAAA me\nssh-rsa BBBB\n");
        let passwd = fs::read_to_string(root.join("etc/passwd")).expect("there");
        assert_eq!(passwd.lines().count(), 2, "{passwd}");
        assert!(root.join("home/ec2-user/.profile").exists());
        let sudo = root.join("etc/sudoers.d/90-cloud-init-users");
        assert_eq!(fs::read_to_string(sudo).expect("there"), "ec2-user ALL=(ALL) NOPASSWD:ALL\n");
    }
}
