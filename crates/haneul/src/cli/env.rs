//! `haneul env`.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use aws::AccountId;
use clap::Args;

use super::profile::with_section;
use super::{Data, Failure, complain, say, text};
use crate::admin::Ask;
use crate::admin::client::ask;
use crate::data_dir::{DataDir, LastStart, write_private};
use crate::keyring::{self, RootKey};

#[derive(Args)]
pub struct Env {
    #[command(flatten)]
    data: Data,
    #[arg(long, value_name = "NAME", help = text().help_profile())]
    profile: Option<String>,
    #[arg(long, requires = "profile", help = text().help_yes())]
    yes: bool,
    #[arg(long, value_name = "ID", help = text().help_env_account())]
    account: Option<AccountId>,
}

impl Env {
    pub fn run(self) -> Result<(), Failure> {
        let data = self.data.folder()?;
        let start =
            data.last_start()?.ok_or_else(|| Failure::Said(text().never_started(data.path())))?;
        let key = root_key(&data, self.account)?;
        if ask(&data, Ask::Clock).is_err() {
            complain(&format!("{}: {}", text().warning(), text().env_not_running()));
        }
        match self.profile {
            Some(profile) => write_profile(&profile, self.yes, &start, &key),
            None => {
                exports(&start, &key).iter().for_each(|line| say(line));
                Ok(())
            }
        }
    }
}

fn root_key(data: &DataDir, account: Option<AccountId>) -> Result<RootKey, Failure> {
    let wanted = |key: &RootKey| account.as_ref().is_none_or(|id| key.account.id == *id);
    keyring::read(data)?
        .into_iter()
        .find(wanted)
        .ok_or_else(|| Failure::Said(text().no_root_key(account.as_ref().map(AccountId::as_str))))
}

fn exports(start: &LastStart, key: &RootKey) -> Vec<String> {
    let region = start.region.as_str();
    [
        ("AWS_ENDPOINT_URL", start.endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", &key.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &key.secret_access_key),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
    ]
    .map(|(name, value)| format!("export {name}={}", shell_quoted(value)))
    // A token left from other credentials would be sent with these, and refused.
    .into_iter()
    .chain(["unset AWS_SESSION_TOKEN AWS_PROFILE".to_owned()])
    .collect()
}

/// A word that any POSIX shell reads back as `value`.
pub fn shell_quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+@%,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.into()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

fn write_profile(
    profile: &str,
    yes: bool,
    start: &LastStart,
    key: &RootKey,
) -> Result<(), Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if profile.is_empty() || !profile.chars().all(allowed) {
        return Err(Failure::Said(text().not_a_profile(profile)));
    }
    let config = aws_file("AWS_CONFIG_FILE", "config");
    let credentials = aws_file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    if !yes && !confirmed(&text().write_profile(profile, &config, &credentials))? {
        return Err(Failure::Said(text().nothing_written().into()));
    }
    let section =
        if profile == "default" { profile.to_owned() } else { format!("profile {profile}") };
    let settings =
        [("region", Some(start.region.as_str())), ("endpoint_url", Some(start.endpoint.as_str()))];
    let keys = [
        ("aws_access_key_id", Some(key.access_key_id.as_str())),
        ("aws_secret_access_key", Some(key.secret_access_key.as_str())),
        ("aws_session_token", None),
    ];
    change_file(&credentials, |old| with_section(old, profile, &keys))?;
    change_file(&config, |old| with_section(old, &section, &settings))?;
    say(&text().profile_written(profile));
    Ok(())
}

/// The file that the AWS CLI and SDKs read.
fn aws_file(variable: &str, name: &str) -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    match set(variable) {
        Some(path) => match (Path::new(&path).strip_prefix("~"), set("HOME")) {
            (Ok(rest), Some(home)) => Path::new(&home).join(rest),
            _ => path.into(),
        },
        None => Path::new(&set("HOME").unwrap_or_default()).join(".aws").join(name),
    }
}

/// No answer, as from a closed terminal, is no.
pub(super) fn confirmed(question: &str) -> io::Result<bool> {
    let mut terminal = io::stderr();
    write!(terminal, "{question}")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes", "예", "네"].contains(&answer.trim().to_lowercase().as_str()))
}

fn change_file(path: &Path, change: impl FnOnce(&str) -> String) -> Result<(), Failure> {
    // A link, as dotfile managers make, stays one.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let old = match std::fs::read_to_string(&path) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(write_private(&path, change(&old).as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_safe_in_a_shell() {
        let check = |value: &str, expected: &str| assert_eq!(shell_quoted(value), expected);
        check("http://127.0.0.1:4566", "http://127.0.0.1:4566");
        check("wJalr/K7+MDENG", "wJalr/K7+MDENG");
        check("", "''");
        check("a b", "'a b'");
        check("$(rm -r /)", "'$(rm -r /)'");
        check("it's", r"'it'\''s'");
    }
}
