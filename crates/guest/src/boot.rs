//! What an image's cloud-init does: asks who this instance is, makes its user, takes its keys,
//! and carries out its user data, once for each instance.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html>

mod certificate;
mod cloud_config;
mod login_user;
pub(crate) mod metadata;
mod output;
mod script;
mod user_data;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use self::cloud_config::CloudConfig;
use self::login_user::LoginUser;
use self::metadata::Metadata;
use self::output::Output;
use self::user_data::Part;
use crate::init;
use crate::ssh::host_keys;

/// Where cloud-init keeps what it did, so that its users find it where they look.
const KEPT: &str = "/var/lib/cloud";
/// The rules of the network may come a moment after the guest.
const METADATA_WAIT: Duration = Duration::from_secs(120);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the metadata service does not answer: {0}")]
    Metadata(std::io::Error),
    #[error("{what}: {source}")]
    File { what: String, source: std::io::Error },
    #[error("the user data cannot be read: {0}")]
    UserData(String),
}

pub fn run() -> ExitCode {
    let output = Output::open();
    match boot(&output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.say(&format!("boot: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn boot(output: &Output) -> Result<(), Error> {
    let metadata = Metadata::wait(METADATA_WAIT).map_err(Error::Metadata)?;
    let instance = metadata.required("instance-id").map_err(Error::Metadata)?;
    let marker = Path::new(KEPT).join("data/instance-id");
    let before = fs::read_to_string(&marker).unwrap_or_default();
    if before.trim() == instance {
        init::open_door();
        script::run_folder(&Path::new(KEPT).join("scripts/per-boot"), output);
        return Ok(());
    }
    output.say(&format!("boot: first boot of {instance}"));
    first_boot(&metadata, output)?;
    script::run_folder(&Path::new(KEPT).join("scripts/per-boot"), output);
    // Last: a boot that was cut short is made again from its beginning.
    keep(&marker, &format!("{instance}\n"))?;
    keep(&Path::new(KEPT).join("instance/boot-finished"), "")?;
    output.say(&format!("boot: {instance} is ready"));
    Ok(())
}

fn first_boot(metadata: &Metadata, output: &Output) -> Result<(), Error> {
    if let Some(pem) = metadata.get("haneul/ca-certificate").map_err(Error::Metadata)? {
        certificate::trust(Path::new("/"), &pem)?;
    }
    let root = Path::new("/");
    let keys = host_keys::renew(root)
        .map_err(|source| Error::File { what: "the SSH host keys".into(), source })?;
    output.say(&host_keys::announcement(&keys));
    let user = match metadata.get("haneul/login-user").map_err(Error::Metadata)? {
        Some(name) => Some(LoginUser::ensure(root, name.trim())?),
        None => None,
    };
    let keys = metadata.public_keys().map_err(Error::Metadata)?;
    if let Some(user) = &user {
        user.authorize(&keys)?;
    }
    init::open_door();
    let Some(data) = metadata.user_data().map_err(Error::Metadata)? else { return Ok(()) };
    keep(&Path::new(KEPT).join("instance/user-data.txt"), &String::from_utf8_lossy(&data))?;
    // A user who made a mistake finds it in the log; the instance is there all the same.
    match user_data::parts(&data) {
        Ok(parts) => parts.into_iter().for_each(|part| carry_out(part, user.as_ref(), output)),
        Err(error) => output.say(&format!("boot: {error}")),
    }
    Ok(())
}

fn carry_out(part: Part, user: Option<&LoginUser>, output: &Output) {
    match part {
        Part::Script(text) => script::run("user-data", &text, output),
        Part::CloudConfig(text) => match CloudConfig::parse(&text) {
            Ok(config) => config.carry_out(user, output),
            Err(error) => output.say(&format!("boot: cloud-config: {error}")),
        },
        Part::Unknown(kind) => {
            output.say(&format!("boot: user data of the kind {kind} is not supported"));
        }
    }
}

fn keep(path: &Path, text: &str) -> Result<(), Error> {
    let file = |source| Error::File { what: path.display().to_string(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(file)?;
    }
    fs::write(path, text).map_err(file)
}
