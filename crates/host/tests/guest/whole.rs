//! All parts together: an image of this machine's own `/usr`, a root volume, a network.

use std::path::Path;
use std::time::{Duration, Instant};

use aws::Zone;
use host::linux::{Init, LinuxHost, Options};
use host::{
    Generation, GroupId, Guest, GuestId, GuestStatus, Guests, Host, Image, ImageId, ImageSource,
    ImageStatus, Images, Interface, InterfaceId, Limits, Network, NetworkId, NetworkInterface,
    Networks, Peer, Rule, SecurityGroup, Subnet, Traffic, Volume, VolumeContent, VolumeId,
    VolumeMount, Volumes,
};

const SCRIPT: &str = "trap 'echo bye; exit 0' PWR
    echo life $(cat /root/kept 2>/dev/null) with $(ip -4 -o addr show eth0 | grep -o '10[^/]*')
    echo size $(stat -f -c %b / | cut -c1-2) $(blockdev --getsize64 /dev/xvdf)
    echo more >>/root/kept; dd if=/dev/zero of=/fill bs=1M count=2000 2>/dev/null || echo full
    rm /fill; dd if=/dev/zero of=/dev/xvdf bs=1M count=1 2>/dev/null && echo written
    while :; do sleep 0.05; done";

/// As a user's machine is: it waits for slow disks.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn a_guest_of_all_parts() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let options = options(folder.path(), SCRIPT);
    let _tidy = Tidy(options.clone());
    runtime.block_on(async {
        let host = LinuxHost::open(&options).unwrap();
        if let Some(lacks) = host.lacks() {
            println!("skipped: {lacks}");
            return;
        }
        live(&host).await;
        assert!(host.room().cpus > 0 && host.room().memory_mib > 0);
    });
}

pub fn options(folder: &Path, script: &str) -> Options {
    let name = folder.file_name().unwrap().to_string_lossy().replace(".tmp", "gt");
    let zones = ["a", "b", "c"].map(|letter| folder.join(letter));
    zones.iter().for_each(|zone| std::fs::create_dir_all(zone).unwrap());
    Options {
        data: folder.join("host"),
        zones,
        public_pool: "198.18.0.0/16".parse().unwrap(),
        name,
        init: Init { binary: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] },
    }
}

/// Makes the image of this machine's own `/usr`.
pub async fn settle_image(host: &LinuxHost) -> ImageId {
    let image = Image { id: ImageId("system".into()), source: ImageSource::System };
    host.ensure_image(&image).await.unwrap();
    until(async || {
        let images = host.images().await.unwrap();
        (images[0].status == ImageStatus::Ready).then_some(())
    })
    .await;
    image.id
}

async fn live(host: &LinuxHost) {
    let image = settle_image(host).await;
    host.ensure_volume(&volume("vol-root", VolumeContent::Root)).await.unwrap();
    host.ensure_volume(&volume("vol-data", VolumeContent::Blank)).await.unwrap();
    host.ensure_network(&network()).await.unwrap();
    let mut guest = guest();
    host.ensure_guest(&guest).await.unwrap();
    let said = hear(host, &guest.id, "written\n").await;
    assert!(said.contains("life with 10.0.0.5\n"), "{said}");
    assert!(said.contains(" 1073741824\n"), "{said}");
    assert!(said.contains("full\n"), "a root volume has an end: {said}");
    assert!(host.is_reachable(&guest.id).await.unwrap());
    assert!(host.remove_volume(&guest.volumes[1].volume).await.is_err());
    host.stop_guest(&guest.id, Generation(1), Duration::from_secs(20)).await.unwrap();
    assert!(host.remove_volume(&guest.volumes[0].volume).await.is_err());
    assert!(host.remove_image(&image).await.is_err());
    guest.generation = Generation(2);
    host.ensure_guest(&guest).await.unwrap();
    let said = hear(host, &guest.id, "life more with 10.0.0.5\n").await;
    assert!(said.contains("bye\n"));
    host.remove_guest(&guest.id, Generation(2)).await.unwrap();
    assert!(host.guests().await.unwrap().is_empty());
    for mount in &guest.volumes {
        host.remove_volume(&mount.volume).await.unwrap();
    }
    host.remove_network(&NetworkId("vpc-1".into())).await.unwrap();
}

async fn hear(host: &LinuxHost, id: &GuestId, text: &str) -> String {
    let said = until(async || {
        let said = String::from_utf8(host.console(id).await.unwrap()).unwrap();
        let ended = host.guest(id).await.unwrap().unwrap().status != GuestStatus::Running;
        assert!(!ended, "{said} {:?}", host.guest(id).await);
        said.contains(text).then_some(said)
    });
    said.await
}

async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "it takes too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn volume(id: &str, content: VolumeContent) -> Volume {
    let id = VolumeId(id.into());
    Volume { id, zone: Zone::A, size_gib: 1, content, iops: Some(3000), throughput_mib: None }
}

pub fn network() -> Network {
    let all = Rule { traffic: Traffic::All, peer: Peer::Block("0.0.0.0/0".parse().unwrap()) };
    Network {
        id: NetworkId("vpc-1".into()),
        blocks: vec!["10.0.0.0/16".parse().unwrap()],
        subnets: vec![Subnet { block: "10.0.0.0/24".parse().unwrap(), routes: Vec::new() }],
        interfaces: vec![NetworkInterface {
            interface: InterfaceId("eni-1".into()),
            private_address: [10, 0, 0, 5].into(),
            public_address: None,
            groups: vec![GroupId("sg-1".into())],
            source_dest_check: true,
        }],
        groups: vec![SecurityGroup {
            id: GroupId("sg-1".into()),
            ingress: vec![all.clone()],
            egress: vec![all],
        }],
    }
}

pub fn guest() -> Guest {
    let mount = |volume: &str, device: &str| VolumeMount {
        volume: VolumeId(volume.into()),
        device: device.into(),
    };
    Guest {
        id: GuestId("i-1".into()),
        generation: Generation(1),
        zone: Zone::A,
        image: ImageId("system".into()),
        hostname: "ip-10-0-0-5".into(),
        volumes: vec![mount("vol-root", "/dev/xvda"), mount("vol-data", "/dev/xvdf")],
        interfaces: vec![Interface {
            interface: InterfaceId("eni-1".into()),
            network: NetworkId("vpc-1".into()),
            mac: [2, 0, 0, 0, 0, 5],
            private_address: [10, 0, 0, 5].into(),
            prefix_len: 24,
            gateway: [10, 0, 0, 1].into(),
        }],
        limits: Limits { cpus: 1, memory_mib: 256, processes_max: 100, bandwidth_mbit: Some(500) },
    }
}

/// Removes what a region keeps for as long as it is there.
struct Tidy(Options);

impl Drop for Tidy {
    fn drop(&mut self) {
        let removed = LinuxHost::remove_all(&self.0);
        if !std::thread::panicking() {
            removed.unwrap();
        }
    }
}
