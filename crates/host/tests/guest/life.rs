use std::path::Path;
use std::time::Duration;

use host::{Error, GuestStatus, Guests};

use super::machine::{BROKEN, Region, guest};

/// Ends when it is asked to.
const OBEDIENT: &str =
    "trap 'echo bye; exit 0' PWR; echo ready as $$; while :; do sleep 0.05; done";

pub fn a_guest_starts_and_ends() {
    let region = Region::new(OBEDIENT);
    let mut changes = region.runner().guest_changes();
    region.ensure(&guest("i-1", 1)).unwrap();
    assert_eq!(region.status("i-1"), Some(GuestStatus::Running), "{}", region.console("i-1"));
    assert_eq!(changes.try_recv().unwrap().0, "i-1");
    region.hear("i-1", "ready as 1\n");
    region.ensure(&guest("i-1", 1)).unwrap();
    region.stop("i-1", 1, Duration::from_secs(20)).unwrap();
    assert_eq!(region.status("i-1"), Some(GuestStatus::Stopped));
    assert_eq!(region.console("i-1"), "ready as 1\nbye\n");
    region.ensure(&guest("i-1", 2)).unwrap();
    region.hear("i-1", "ready as 1\nbye\nready as 1\n");
    let late = region.ensure(&guest("i-1", 1));
    assert!(matches!(late, Err(Error::OldGeneration { .. })), "{late:?}");
    region.remove("i-1", 2).unwrap();
    assert_eq!(region.status("i-1"), None);
    let late = region.ensure(&guest("i-1", 1));
    assert!(matches!(late, Err(Error::OldGeneration { .. })), "{late:?}");
}

pub fn who_does_not_obey_is_ended() {
    let region =
        Region::new("trap '' PWR TERM; (trap '' TERM; sleep 1000) & echo deaf; wait; wait");
    region.ensure(&guest("i-1", 1)).unwrap();
    region.hear("i-1", "deaf");
    region.stop("i-1", 1, Duration::from_millis(50)).unwrap();
    assert_eq!(region.status("i-1"), Some(GuestStatus::Stopped));
}

pub fn an_end_of_its_own_is_noticed() {
    let region = Region::new("echo gone; exit 0");
    region.ensure(&guest("i-1", 1)).unwrap();
    let stopped = || (region.status("i-1") == Some(GuestStatus::Stopped)).then_some(());
    region.until(stopped).expect("it ended");
    assert_eq!(region.console("i-1"), "gone\n");
    region.ensure(&guest("i-1", 1)).unwrap();
    region.hear("i-1", "gone\ngone\n");
}

pub fn a_reboot_begins_again() {
    let region = Region::new(
        "echo life; [ -e /second ] && while :; do sleep 0.05; done; touch /second; exit 100",
    );
    region.ensure(&guest("i-1", 1)).unwrap();
    let mut stopped = false;
    region
        .until(|| {
            stopped |= region.status("i-1") == Some(GuestStatus::Stopped);
            region.console("i-1").contains("life\nlife\n").then_some(())
        })
        .expect("a second life");
    assert!(!stopped);
    assert_eq!(region.status("i-1"), Some(GuestStatus::Running));
}

pub fn what_cannot_run_fails() {
    let mut region = Region::new("true");
    region.options.init.binary = "/proc/self/exe/none".into();
    region.open();
    let refused = region.ensure(&guest("i-1", 1));
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let mut unknown = guest("i-2", 1);
    unknown.image = host::ImageId("none".into());
    let refused = region.ensure(&unknown);
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let mut named = guest("i-3", 1);
    named.id = host::GuestId("../i".into());
    assert!(matches!(region.ensure(&named), Err(Error::Refused(_))));
}

pub fn a_start_that_fails_is_no_end() {
    let region = Region::new(OBEDIENT);
    let mut wanted = guest("i-1", 1);
    let volume = host::VolumeId(BROKEN.into());
    wanted.volumes.push(host::VolumeMount { volume, device: "/dev/sdb".into() });
    let failed = region.ensure(&wanted);
    assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
    assert_eq!(region.status("i-1"), None);
    wanted.volumes.pop();
    region.ensure(&wanted).unwrap();
    region.hear("i-1", "ready as 1\n");
}

pub fn guests_outlive_haneul() {
    let mut region = Region::new(OBEDIENT);
    region.ensure(&guest("i-1", 1)).unwrap();
    region.ensure(&guest("i-2", 1)).unwrap();
    region.ensure(&guest("i-3", 1)).unwrap();
    region.hear("i-1", "ready");
    region.hear("i-3", "ready");
    let pid = region.pid("i-1");
    let ended = region.pid("i-2");
    let obeys = rustix::process::Pid::from_raw(region.pid("i-3")).unwrap();
    region.abandon();
    let ended = rustix::process::Pid::from_raw(ended).unwrap();
    rustix::process::kill_process(ended, rustix::process::Signal::KILL).unwrap();
    rustix::process::kill_process(obeys, rustix::process::Signal::POWER).unwrap();
    while Path::new(&format!("/proc/{}/root/bin", obeys.as_raw_nonzero())).exists() {
        std::thread::yield_now();
    }
    region.open();
    assert_eq!(region.status("i-1"), Some(GuestStatus::Running));
    assert_eq!(region.status("i-3"), Some(GuestStatus::Stopped), "it ended by itself");
    assert_eq!(region.pid("i-1"), pid);
    assert_eq!(region.status("i-2"), None, "it went down with the machine, not by itself");
    region.ensure(&guest("i-2", 2)).unwrap();
    region.stop("i-1", 1, Duration::from_secs(20)).unwrap();
    assert!(region.console("i-1").ends_with("bye\n"));
}

pub fn an_end_that_nobody_saw_is_no_end_of_its_own() {
    let region = Region::new(OBEDIENT);
    region.ensure(&guest("i-1", 1)).unwrap();
    region.hear("i-1", "ready");
    let keepers = region.keepers();
    assert!(!keepers.is_empty());
    for pid in keepers.into_iter().chain([region.pid("i-1")]) {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    region.until(|| region.status("i-1").is_none().then_some(())).expect("it is seen no more");
    region.ensure(&guest("i-1", 2)).unwrap();
    region.hear("i-1", "ready as 1\nready as 1\n");
    region.stop("i-1", 2, Duration::from_secs(20)).unwrap();
    assert_eq!(region.status("i-1"), Some(GuestStatus::Stopped), "it was asked to");
}

pub fn a_dark_zone_has_no_guests() {
    let region = Region::new(OBEDIENT);
    region.ensure(&guest("i-1", 1)).unwrap();
    let power = |power| region.runtime.block_on(region.runner().power(aws::Zone::A, power));
    power(host::Power::Off).unwrap();
    assert!(region.runtime.block_on(region.runner().guests()).unwrap().is_empty());
    let refused = region.ensure(&guest("i-1", 2));
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    power(host::Power::On).unwrap();
    assert_eq!(region.status("i-1"), Some(GuestStatus::Stopped));
}

pub fn volumes_and_cards_come_and_go() {
    let script = "state() { echo $(ls /dev | grep -E 'nvme|xvd|sd') $(ls /sys/class/net); }
        last=; while :; do now=$(state); [ \"$now\" = \"$last\" ] || { echo has $now .; last=$now; }
        [ -e /dev/xvdf ] && echo size $(blockdev --getsize64 /dev/xvdf) >>/dev/stderr; sleep 0.1; done";
    let region = Region::new(script);
    let mut wanted = guest("i-1", 1);
    let volume = |name: &str, device: &str| host::VolumeMount {
        volume: host::VolumeId(name.into()),
        device: device.into(),
    };
    wanted.volumes.push(volume("data-1", "/dev/sdb"));
    region.ensure(&wanted).unwrap();
    region.hear("i-1", "has nvme1n1 sdb xvdb lo .\n");
    wanted.volumes.push(volume("data-2", "/dev/xvdf"));
    wanted.interfaces.push(card("a"));
    let first = region.ensure(&wanted);
    assert!(matches!(first, Err(Error::Refused(_))), "eth0 is there from the start: {first:?}");
    wanted.interfaces.clear();
    region.ensure(&wanted).unwrap();
    region.hear("i-1", "has nvme1n1 nvme2n1 sdb sdf xvdb xvdf lo .\n");
    region.hear("i-1", "size 16777216\n");
    wanted.volumes.remove(1);
    region.ensure(&wanted).unwrap();
    region.hear("i-1", "has nvme2n1 sdf xvdf lo .\n");
    let mut other = guest("i-2", 1);
    other.interfaces = vec![card("b")];
    region.ensure(&other).unwrap();
    region.hear("i-2", "has eth0 lo .\n");
    other.interfaces.push(card("c"));
    region.ensure(&other).unwrap();
    region.hear("i-2", "has eth0 eth1 lo .\n");
    other.interfaces.pop();
    region.ensure(&other).unwrap();
    region.until(|| region.console("i-2").ends_with("has eth0 lo .\n").then_some(())).unwrap();
}

pub fn card(name: &str) -> host::Interface {
    host::Interface {
        interface: host::InterfaceId(name.into()),
        network: host::NetworkId("vpc-1".into()),
        mac: [2, 0, 0, 0, 0, 1],
        private_address: [10, 0, 0, 5].into(),
        prefix_len: 24,
        gateway: [10, 0, 0, 1].into(),
    }
}

pub fn a_guest_mounts_its_volumes() {
    let script = "mkdir /data /other; mkfs.ext4 -q /dev/xvdf
        setpriv --reuid 1000 --clear-groups mount /dev/xvdf /data 2>/dev/null || echo user refused
        mount -t ext4 -o errors=panic /dev/xvdf /data 2>/dev/null || echo options refused
        mount -t ext4 -o noatime /dev/xvdf /data && echo kept >/data/file && echo owner $(stat -c %u /data/file)
        echo how $(grep ' /data ' /proc/mounts | cut -d' ' -f3,4)
        umount /data && cd / && mount -t ext4 -o ro dev/xvdf data && echo again $(cat /data/file)
        touch /data/no 2>/dev/null || echo write refused
        mount -t ext4 /dev/xvdg /other 2>/dev/null || echo unknown refused
        echo done; while :; do sleep 0.05; done";
    let region = Region::new(script);
    let mut wanted = guest("i-1", 1);
    wanted.limits.memory_mib = 128;
    wanted.volumes.push(host::VolumeMount {
        volume: host::VolumeId("data-1".into()),
        device: "/dev/xvdf".into(),
    });
    region.ensure(&wanted).unwrap();
    region.hear("i-1", "done\n");
    let fact = |word: &str| region.fact("i-1", word);
    for refused in ["user", "options", "write", "unknown"] {
        assert_eq!(fact(refused), "refused", "{refused}");
    }
    assert_eq!(fact("owner"), "0");
    assert!(fact("how").starts_with("ext4 rw,nodev,noatime"), "{}", fact("how"));
    assert_eq!(fact("again"), "kept");
}
