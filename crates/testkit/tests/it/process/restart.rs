//! What a start finds of the runs before.

use std::fs;

use serde_json::Value;
use testkit::Process;
use testkit::process::Haneul;

use super::{Folder, ok, refused, root};

async fn create_user(haneul: &Haneul, region: &Process, name: &str) {
    root(haneul, region, "iam").ask("CreateUser", &[("UserName", name)]).await.expect_ok();
}

async fn users(haneul: &Haneul, region: &Process) -> Vec<String> {
    let answer = root(haneul, region, "iam").ask("ListUsers", &[]).await;
    let parts = answer.expect_ok().body.split("<UserName>").skip(1);
    parts.filter_map(|part| part.split_once('<').map(|(name, _)| name.to_owned())).collect()
}

fn status(haneul: &Haneul) -> Value {
    serde_json::from_str(&ok(haneul.run(&["status", "--json"]))).expect("JSON")
}

#[tokio::test]
async fn a_killed_region_comes_back_with_everything_and_shows_no_secret_again() {
    let Folder { haneul, _folder } = Folder::new();
    let region = haneul.up(&[]);
    let key = root(&haneul, &region, "sts").key;
    create_user(&haneul, &region, "alice").await;
    ok(haneul.run(&["clock", "advance", "30d"]));
    ok(haneul.run(&["account", "create", "--id", "111122223333"]));
    region.kill();

    let region = haneul.up(&[]);
    assert!(!region.announcement.contains(&key.secret_access_key));
    assert_eq!(root(&haneul, &region, "sts").key, key);
    assert_eq!(users(&haneul, &region).await, ["alice"]);
    let ahead_ms = status(&haneul)["clock"]["ahead_ms"].as_i64();
    assert_eq!(ahead_ms, Some(30 * 86_400_000));
    refused(&haneul.run(&["account", "create", "--id", "111122223333"]), 1, "exists");
    let theirs = ok(haneul.run(&["env", "--account", "111122223333"]));
    assert!(!theirs.contains(&key.access_key_id));
}

#[tokio::test]
async fn a_deleted_zone_folder_loses_nothing_and_is_reported() {
    let Folder { haneul, _folder } = Folder::new();
    let region = haneul.up(&[]);
    create_user(&haneul, &region, "alice").await;
    region.kill();
    fs::remove_dir_all(haneul.data().join("zones/b")).expect("removed");

    let region = haneul.up(&[]);
    assert_eq!(users(&haneul, &region).await, ["alice"]);
    let status = status(&haneul);
    let found: Vec<_> = (0..3).map(|zone| status["zones"][zone]["found"].as_str()).collect();
    assert_eq!(found, ["healthy", "lost", "healthy"].map(Some));
    assert_eq!(status["zones"][1]["health"], "healthy");
    region.kill();
    // What was copied is good for the loss of the next.
    fs::remove_dir_all(haneul.data().join("zones/a")).expect("removed");
    let region = haneul.up(&[]);
    assert_eq!(users(&haneul, &region).await, ["alice"]);
}

#[tokio::test]
async fn a_region_whose_zones_are_gone_does_not_begin_anew_in_silence() {
    let Folder { haneul, _folder } = Folder::new();
    let region = haneul.up(&[]);
    create_user(&haneul, &region, "alice").await;
    region.kill();
    let up = || haneul.run(&["up", "--listen", "127.0.0.1:0"]);
    let zones = ["a", "b", "c"].map(|zone| haneul.data().join("zones").join(zone));
    let away = |zone: &std::path::Path| zone.with_extension("away");
    for zone in &zones[..2] {
        fs::rename(zone, away(zone)).expect("moved");
    }
    refused(&up(), 1, "zone");
    fs::rename(&zones[2], away(&zones[2])).expect("moved");
    for zone in &zones {
        let _ = fs::remove_dir_all(zone);
    }
    refused(&up(), 1, "none of the zones' folders");
    for zone in &zones {
        fs::rename(away(zone), zone).expect("moved back");
    }
    let region = haneul.up(&[]);
    assert_eq!(users(&haneul, &region).await, ["alice"]);
}

#[tokio::test]
async fn zones_elsewhere_are_remembered() {
    let Folder { haneul, _folder } = Folder::new();
    let elsewhere = ["x", "y", "z"].map(|zone| haneul.data().with_file_name(zone));
    let shown = elsewhere.each_ref().map(|zone| zone.display().to_string());
    let region = haneul.up(&["--zone", &shown[0], "--zone", &shown[1], "--zone", &shown[2]]);
    create_user(&haneul, &region, "alice").await;
    region.kill();
    assert!(!haneul.data().join("zones").exists());
    let region = haneul.up(&[]);
    assert_eq!(users(&haneul, &region).await, ["alice"]);
    assert_eq!(status(&haneul)["zones"][2]["folder"], shown[2].as_str());
}

#[tokio::test]
async fn lost_root_keys_are_taken_from_the_state() {
    let Folder { haneul, _folder } = Folder::new();
    let region = haneul.up(&[]);
    let key = root(&haneul, &region, "sts").key;
    region.kill();
    fs::remove_file(haneul.data().join("credentials.json")).expect("removed");
    let region = haneul.up(&[]);
    assert_eq!(root(&haneul, &region, "sts").key, key);
}
