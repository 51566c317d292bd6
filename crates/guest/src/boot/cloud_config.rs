//! The parts of cloud-config that people use.
//! <https://cloudinit.readthedocs.io/en/latest/reference/modules.html>

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::GzDecoder;
use yaml_rust2::{Yaml, YamlLoader};

use super::login_user::LoginUser;
use super::output::Output;
use super::script;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CloudConfig {
    hostname: Option<String>,
    boot_commands: Vec<String>,
    files: Vec<File>,
    users: Vec<User>,
    keys: Vec<String>,
    update: bool,
    upgrade: bool,
    packages: Vec<String>,
    run_commands: Vec<String>,
    final_message: Option<String>,
    /// What it asks for that nothing here carries out.
    unknown: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct File {
    path: String,
    content: Vec<u8>,
    owner: Option<String>,
    mode: Option<u32>,
    append: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct User {
    name: String,
    keys: Vec<String>,
}

const CONTENT_BYTES_MAX: u64 = 16 << 20;

impl CloudConfig {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let documents = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
        let Some(document) = documents.first().filter(|document| !document.is_null()) else {
            return Ok(Self::default());
        };
        let entries = document.as_hash().ok_or("it is no table of settings")?;
        let mut config = Self::default();
        for (key, value) in entries {
            let key = key.as_str().ok_or("a setting's name is no text")?;
            config.set(key, value).map_err(|why| format!("{key}: {why}"))?;
        }
        Ok(config)
    }

    fn set(&mut self, key: &str, value: &Yaml) -> Result<(), String> {
        match key {
            "hostname" | "fqdn" => self.hostname = Some(word(value)?),
            "bootcmd" => self.boot_commands = each(value, shell_line)?,
            "write_files" => self.files = each(value, file)?,
            "users" => self.users = each(value, user)?.into_iter().flatten().collect(),
            "ssh_authorized_keys" => self.keys = each(value, word)?,
            "package_update" | "apt_update" => self.update = is_true(value),
            "package_upgrade" | "apt_upgrade" => self.upgrade = is_true(value),
            "packages" => self.packages = each(value, package)?,
            "runcmd" => self.run_commands = each(value, shell_line)?,
            "final_message" => self.final_message = Some(word(value)?),
            other => self.unknown.push(other.into()),
        }
        Ok(())
    }

    /// In cloud-init's order, whatever order the settings stand in. What fails is said, and
    /// the rest goes on.
    pub(super) fn carry_out(self, login: Option<&LoginUser>, output: &Output) {
        for name in &self.unknown {
            output.say(&format!("boot: cloud-config: {name} is not supported"));
        }
        run_lines("bootcmd", &self.boot_commands, output);
        let failed = |what: &str, why: String| output.say(&format!("boot: {what}: {why}"));
        if let Some(name) = &self.hostname {
            let set = rustix::system::sethostname(name.as_bytes()).map_err(|e| e.to_string());
            let kept = set.and_then(|()| {
                fs::write("/etc/hostname", format!("{name}\n")).map_err(|e| e.to_string())
            });
            kept.unwrap_or_else(|why| failed("hostname", why));
        }
        for file in &self.files {
            file.write(output).unwrap_or_else(|why| failed(&file.path, why.to_string()));
        }
        if let Some(login) = login {
            login.authorize(&self.keys).unwrap_or_else(|why| failed("keys", why.to_string()));
        }
        for User { name, keys } in &self.users {
            let made =
                LoginUser::ensure(Path::new("/"), name).and_then(|user| user.authorize(keys));
            made.unwrap_or_else(|why| failed(name, why.to_string()));
        }
        self.install(output);
        run_lines("runcmd", &self.run_commands, output);
        if let Some(message) = &self.final_message {
            output.say(message);
        }
    }

    fn install(&self, output: &Output) {
        let apt = |arguments: &[&str]| {
            let mut command = script::command("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive");
            command.args(["-y", "-o", "Dpkg::Options::=--force-confold"]).args(arguments);
            output.run("apt-get", &mut command);
        };
        if self.update || self.upgrade || !self.packages.is_empty() {
            apt(&["update"]);
        }
        if self.upgrade {
            apt(&["upgrade"]);
        }
        if !self.packages.is_empty() {
            let packages = self.packages.iter().map(String::as_str);
            apt(&["install", "--"].into_iter().chain(packages).collect::<Vec<_>>());
        }
    }
}

impl File {
    fn write(&self, output: &Output) -> std::io::Result<()> {
        let path = Path::new(&self.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).append(self.append).truncate(!self.append);
        options.open(path)?.write_all(&self.content)?;
        let mode = self.mode.unwrap_or(0o644);
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        if let Some(owner) = &self.owner {
            output.run("chown", script::command("chown").args(["--", owner, &self.path]));
        }
        Ok(())
    }
}

/// One shell for all lines, as cloud-init does: what one sets the next ones see.
fn run_lines(name: &str, lines: &[String], output: &Output) {
    if !lines.is_empty() {
        script::run(name, &format!("#!/bin/sh\n{}\n", lines.join("\n")), output);
    }
}

fn each<T>(value: &Yaml, read: impl Fn(&Yaml) -> Result<T, String>) -> Result<Vec<T>, String> {
    match value {
        Yaml::Null => Ok(Vec::new()),
        Yaml::Array(items) => items.iter().map(read).collect(),
        _ => Err("it is no list".into()),
    }
}

fn word(value: &Yaml) -> Result<String, String> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Ok(text.clone()),
        Yaml::Integer(number) => Ok(number.to_string()),
        Yaml::Boolean(value) => Ok(value.to_string()),
        _ => Err("it is no text".into()),
    }
}

/// A text is a line for the shell, a list the words of one command.
fn shell_line(value: &Yaml) -> Result<String, String> {
    match value {
        Yaml::Array(_) => {
            let words = each(value, word)?;
            let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''")));
            Ok(quoted.collect::<Vec<_>>().join(" "))
        }
        _ => word(value),
    }
}

/// A name, or a name and a version.
fn package(value: &Yaml) -> Result<String, String> {
    let name = match value {
        Yaml::Array(_) => each(value, word)?.join("="),
        _ => word(value)?,
    };
    match name.starts_with('-') {
        true => Err(format!("{name} is no package's name")),
        false => Ok(name),
    }
}

/// `default` is the image's own user, who is there already.
fn user(value: &Yaml) -> Result<Option<User>, String> {
    if value.as_str() == Some("default") {
        return Ok(None);
    }
    if value.as_str().is_some() {
        return Ok(Some(User { name: word(value)?, keys: Vec::new() }));
    }
    let keys = ["ssh_authorized_keys", "ssh-authorized-keys"];
    let keys = keys.into_iter().map(|key| &value[key]).find(|keys| !keys.is_badvalue());
    let keys = keys.map(|keys| each(keys, word)).transpose()?.unwrap_or_default();
    Ok(Some(User { name: word(&value["name"])?, keys }))
}

fn file(value: &Yaml) -> Result<File, String> {
    let mode = match &value["permissions"] {
        Yaml::BadValue | Yaml::Null => None,
        // YAML reads 0644 as the decimal number 644, and it is meant as it is written.
        mode => Some(
            u32::from_str_radix(word(mode)?.trim_start_matches("0o"), 8)
                .map_err(|_| "permissions are octal digits")?,
        ),
    };
    let owner = &value["owner"];
    let content = match &value["content"] {
        Yaml::BadValue | Yaml::Null => String::new(),
        content => word(content)?,
    };
    Ok(File {
        path: word(&value["path"])?,
        content: decoded(content, value["encoding"].as_str().unwrap_or("text/plain"))?,
        owner: if owner.is_badvalue() { None } else { Some(word(owner)?) },
        mode,
        append: is_true(&value["append"]),
    })
}

fn decoded(content: String, encoding: &str) -> Result<Vec<u8>, String> {
    let base64 = || {
        let letters: String = content.split_whitespace().collect();
        BASE64_STANDARD.decode(letters).map_err(|error| error.to_string())
    };
    let gunzip = |bytes: Vec<u8>| {
        let mut plain = Vec::new();
        let read = GzDecoder::new(bytes.as_slice()).take(CONTENT_BYTES_MAX).read_to_end(&mut plain);
        read.map(|_| plain).map_err(|error| error.to_string())
    };
    match encoding {
        "text/plain" => Ok(content.into_bytes()),
        "b64" | "base64" => base64(),
        "gz+b64" | "gz+base64" | "gzip+b64" | "gzip+base64" => gunzip(base64()?),
        other => Err(format!("the encoding {other} is not supported")),
    }
}

fn is_true(value: &Yaml) -> bool {
    match value {
        Yaml::Boolean(value) => *value,
        Yaml::String(text) => matches!(text.as_str(), "true" | "yes" | "on" | "1"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_settings_people_use_are_read() {
        let text = r#"#cloud-config
hostname: web
package_update: true
packages: [nginx, [postgresql, "15"]]
write_files:
  - path: /etc/app.conf
    content: |
      a = 1
    permissions: '0640'
    owner: root:root
  - {path: /b, content: aGk=, encoding: b64, append: true}
  - {path: /c, permissions: 0755}
runcmd:
  - echo hi > /tmp/hi
  - [ls, -l, "it's"]
users:
  - default
  - {name: kim, ssh_authorized_keys: [ssh-ed25519 AAAA]}
swap: {size: 1}
"#;
        let config = CloudConfig::parse(text).expect("read");
        assert_eq!(config.hostname.as_deref(), Some("web"));
        assert_eq!(config.packages, ["nginx", "postgresql=15"]);
        assert!(config.update && !config.upgrade);
        let file = |path: &str, content: &str, mode, append| File {
            path: path.into(),
            content: content.into(),
            owner: (path == "/etc/app.conf").then(|| "root:root".into()),
            mode,
            append,
        };
        let expected = [
            file("/etc/app.conf", "a = 1\n", Some(0o640), false),
            file("/b", "hi", None, true),
            file("/c", "", Some(0o755), false),
        ];
        assert_eq!(config.files, expected);
        assert_eq!(config.run_commands, ["echo hi > /tmp/hi", r"'ls' '-l' 'it'\''s'"]);
        let kim = User { name: "kim".into(), keys: vec!["ssh-ed25519 AAAA".into()] };
        assert_eq!(config.users, [kim]);
        assert_eq!(config.unknown, ["swap"]);
        assert_eq!(CloudConfig::parse("#cloud-config\n"), Ok(CloudConfig::default()));
        for bad in
            ["- a", "packages: nginx", "write_files: [{content: x}]", "a: [", "packages: [-o]"]
        {
            assert!(CloudConfig::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[ -~\n]{0,200}") {
            let _ = CloudConfig::parse(&text);
        }
    }
}
