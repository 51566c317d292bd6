//! The real binary: its commands, its folder, its log.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Output;

use testkit::process::Haneul;
use testkit::{Client, Key, Process};

mod idle;
mod restart;

const PROGRAM: &str = env!("CARGO_BIN_EXE_testkit-haneul");

/// A data folder that goes with the test.
pub struct Folder {
    pub haneul: Haneul,
    _folder: tempfile::TempDir,
}

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { haneul: Haneul::new(PROGRAM, folder.path().join("data")), _folder: folder }
    }
}

/// A client with the root key that the folder keeps.
pub fn root(haneul: &Haneul, region: &Process, service: &'static str) -> Client {
    let kept = std::fs::read(haneul.data().join("credentials.json")).expect("kept");
    let kept: serde_json::Value = serde_json::from_slice(&kept).expect("JSON");
    let text = |name: &str| kept[0][name].as_str().expect("text").to_owned();
    Client {
        address: region.address,
        key: Key {
            access_key_id: text("access_key_id"),
            secret_access_key: text("secret_access_key"),
            session_token: None,
        },
        region: "ap-northeast-2".parse().expect("valid"),
        service,
        version: if service == "iam" { "2010-05-08" } else { "2011-06-15" },
    }
}

pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text")
}

pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("text")
}

#[track_caller]
pub fn ok(output: Output) -> String {
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).to_owned()
}

#[track_caller]
fn refused(output: &Output, code: i32, said: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    assert!(stderr(output).contains(said), "{said:?} in {}", stderr(output));
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").mode() & 0o777
}

#[tokio::test]
async fn a_region_is_started_asked_and_stopped_by_its_commands() {
    let Folder { haneul, _folder } = Folder::new();
    refused(&haneul.run(&["status"]), 3, "No region runs on");
    let mut region = haneul.up(&[]);
    let sts = root(&haneul, &region, "sts");
    assert_eq!(region.announcement.matches(&sts.key.secret_access_key).count(), 1);
    assert!(region.announcement.contains("share one device"), "{}", region.announcement);
    assert!(ok(haneul.run(&["ca"])).starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(mode(haneul.data()), 0o700);
    for private in ["credentials.json", "haneul.sock", "region.json", "ca/ca.key"] {
        assert_eq!(mode(&haneul.data().join(private)) & 0o077, 0, "{private}");
    }

    let status: serde_json::Value =
        serde_json::from_str(&ok(haneul.run(&["status", "--json"]))).expect("JSON");
    assert_eq!(status["region"], "ap-northeast-2");
    assert_eq!(status["pid"], region.pid());
    assert_eq!(status["zones"][2]["id"], "apne2-az3");
    refused(&haneul.run(&["up", "--listen", "127.0.0.1:0"]), 1, "runs on");

    let exports = ok(haneul.run(&["env"]));
    let shell = std::process::Command::new("sh")
        .args(["-c", "eval \"$0\"; echo $AWS_ENDPOINT_URL $AWS_SECRET_ACCESS_KEY", &exports])
        .output();
    let expected = format!("http://{} {}\n", region.address, sts.key.secret_access_key);
    assert_eq!(ok(shell.expect("sh")), expected);
    sts.ask("GetCallerIdentity", &[]).await.expect_ok();

    ok(haneul.run(&["down"]));
    let (status, _) = region.ended();
    assert!(status.success());
    assert!(!haneul.data().join("haneul.sock").exists());
    for command in [&["status"][..], &["down"], &["clock", "show"], &["account", "list"]] {
        refused(&haneul.run(command), 3, &haneul.data().display().to_string());
    }
    let exports = haneul.run(&["env"]);
    assert!(stderr(&exports).contains("does not run now"), "{}", stderr(&exports));
    assert!(ok(exports).contains(&sts.key.access_key_id));
}

#[test]
fn a_terminated_region_ends_well_and_a_killed_one_does_not_block_the_next() {
    let Folder { haneul, _folder } = Folder::new();
    let mut region = haneul.up(&[]);
    let kill = std::process::Command::new("kill").arg(region.pid().to_string()).status();
    assert!(kill.expect("kill").success());
    assert!(region.ended().0.success());
    haneul.up(&[]).kill();
    assert!(haneul.data().join("haneul.sock").exists(), "nobody was left to remove it");
    refused(&haneul.run(&["status"]), 3, "No region runs on");
    haneul.up(&[]);
}

#[tokio::test]
async fn each_request_is_one_log_line_without_secrets() {
    let Folder { haneul, _folder } = Folder::new();
    let mut region = haneul.up(&[]);
    let sts = root(&haneul, &region, "sts");
    let answer = sts.ask("GetCallerIdentity", &[]).await;
    let mut liar = sts.clone();
    liar.key.secret_access_key = "guessed".repeat(6);
    let refused = liar.ask("GetCallerIdentity", &[("Note", "confidential")]).await;
    let account = answer.xml("Account").expect("said").to_owned();

    // A region that stops has written every line.
    ok(haneul.run(&["down"]));
    let (_, log) = region.ended();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let line = |answer: &testkit::Answer| {
        let id = answer.headers["x-amzn-requestid"].to_str().expect("text");
        let mut found = lines.iter().filter(|line| line["request_id"] == id);
        let line = found.next().expect("a line");
        assert!(found.next().is_none(), "one line a request");
        line
    };
    let good = line(&answer);
    assert_eq!(good["account"], account);
    assert_eq!(good["principal"], format!("arn:aws:iam::{account}:root"));
    assert_eq!(good["access_key_id"], sts.key.access_key_id);
    assert_eq!(good["service"], "sts");
    assert_eq!(good["action"], "GetCallerIdentity");
    assert_eq!(good["decision"], "allowed");
    assert_eq!(good["status"], 200);
    assert!(good["latency_us"].as_u64().expect("a number") > 0);
    let bad = line(&refused);
    assert_eq!(bad["status"], 403);
    assert_eq!(bad["error_code"], "SignatureDoesNotMatch");
    assert_eq!(bad["account"], serde_json::Value::Null, "nobody was proven");
    assert_eq!(bad["decision"], serde_json::Value::Null);
    for secret in [sts.key.secret_access_key.as_str(), "guessed", "confidential"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn bad_command_lines_are_refused_before_anything_is_made() {
    let Folder { haneul, _folder } = Folder::new();
    let zone = |name: &str| haneul.data().with_file_name(name).display().to_string();
    let (a, b) = (zone("a"), zone("b"));
    refused(&haneul.run(&["up", "--zone", &a]), 1, "three times");
    refused(&haneul.run(&["up", "--zone", &a, "--zone", &b]), 1, "three times");
    refused(&haneul.run(&["up", "--zone", &a, "--zone", &b, "--zone", &a]), 1, "share the folder");
    refused(&haneul.run(&["up", "--region", "Seoul"]), 2, "AWS region name");
    refused(&haneul.run(&["up", "--domain", "a b"]), 2, "domain");
    refused(&haneul.run(&["up", "--listen", "localhost"]), 2, "--listen");
    assert!(!haneul.data().exists());

    let long = haneul.data().join("x".repeat(100));
    let long = Haneul::new(PROGRAM, long);
    refused(&long.run(&["up", "--listen", "127.0.0.1:0"]), 1, "too long for a unix socket");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("bound").to_string();
    refused(&haneul.run(&["up", "--listen", &address]), 1, &address);
}

#[test]
fn people_are_spoken_to_in_their_language() {
    let Folder { haneul, _folder } = Folder::new();
    let korean = |args: &[&str]| haneul.run_with(args, |c| _ = c.env("LC_ALL", "ko_KR.UTF-8"));
    refused(&korean(&["status"]), 3, "실행 중인 리전이 없습니다");
    let region = haneul.up(&[]);
    assert!(ok(korean(&["status"])).contains("가용 영역"));
    assert!(ok(korean(&["clock", "advance", "1h"])).contains("빠름"));
    drop(region);
}

#[test]
fn a_profile_is_written_only_when_it_is_wanted() {
    let Folder { haneul, _folder } = Folder::new();
    let region = haneul.up(&[]);
    let home = haneul.data().with_file_name("home");
    let files = ["config", "credentials"].map(|name| home.join(".aws").join(name));
    let env = |args: &[&str]| {
        haneul.run_with(args, |command| {
            command.env("HOME", &home);
            command.env_remove("AWS_CONFIG_FILE").env_remove("AWS_SHARED_CREDENTIALS_FILE");
        })
    };
    // Without an answer nothing is written.
    refused(&env(&["env", "--profile", "sky"]), 1, "Nothing was written");
    assert!(!home.exists());
    refused(&env(&["env", "--profile", "a]b", "--yes"]), 1, "not a profile's name");
    ok(env(&["env", "--profile", "sky", "--yes"]));
    let [config, credentials] = files.map(|file| {
        assert_eq!(mode(&file), 0o600);
        std::fs::read_to_string(file).expect("written")
    });
    let endpoint = format!("endpoint_url = http://{}", region.address);
    assert!(config.starts_with("[profile sky]\n") && config.contains(&endpoint), "{config}");
    assert!(credentials.starts_with("[sky]\naws_access_key_id = AKIA"), "{credentials}");
}

#[test]
fn the_socket_answers_what_it_does_not_understand() {
    let Folder { haneul, _folder } = Folder::new();
    let region = haneul.up(&[]);
    let ask = |question: &str| {
        let mut stream = UnixStream::connect(haneul.data().join("haneul.sock")).expect("open");
        // A line beyond the limit is cut off before all of it is sent.
        let _ = stream.write_all(format!("{question}\n").as_bytes());
        let mut answer = String::new();
        let _ = BufReader::new(stream).read_line(&mut answer);
        answer
    };
    assert!(ask(r#"{"version":99,"ask":"dance"}"#).contains("other_version"));
    assert!(ask(r#"{"version":99,"ask":"status"}"#).contains("other_version"));
    assert!(ask(r#"{"version":1,"ask":"dance"}"#).contains("refused"));
    assert!(ask("[").contains("refused"));
    let long = ask(&format!(r#"{{"version":1,"ask":"{}"}}"#, "x".repeat(1 << 20)));
    assert!(long.is_empty() || long.contains("refused"), "{long}");
    assert!(ask(r#"{"version":1,"ask":"clock"}"#).contains("ahead_ms"), "it goes on");
    drop(region);
}
