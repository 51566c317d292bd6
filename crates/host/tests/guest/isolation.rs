use std::time::Duration;

use host::GuestStatus;

use super::machine::{Region, guest};

const REST: &str = "; echo done; while :; do sleep 0.05; done";

/// Runs a script as the first process of a guest and answers the region when it is through.
fn ask(script: &str) -> Region {
    let region = Region::new(&format!("{script}{REST}"));
    region.ensure(&guest("i-1", 1)).unwrap();
    let status = region.status("i-1");
    assert_eq!(status, Some(GuestStatus::Running), "{}", region.console("i-1"));
    region.hear("i-1", "done\n");
    region
}

pub fn nothing_of_the_machine_is_seen() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    let path = secret.path().display();
    let region = ask(&format!(
        "echo name $(hostname); echo processes $(ls /proc | grep -c '^[0-9]')
         echo cards $(ls /sys/class/net); ls {path} && echo leak
         echo user $(id -u) $(cat /proc/self/uid_map); echo mounts $(grep ext4 /proc/mounts | cut -d' ' -f2 | grep -vcE '^/(proc|sys|run/haneul)')
         echo memory $(head -1 /proc/meminfo); echo cpus $(nproc) $(grep -c ^processor /proc/cpuinfo)
         echo uptime $(cut -d. -f1 /proc/uptime); echo resolver $(cat /etc/resolv.conf)
         echo hosts $(tail -1 /etc/hosts); echo group $(cut -d: -f3 /proc/self/cgroup | sort | head -1)
         echo dev $(ls /dev); echo out >>/dev/stderr; echo blocks $(ls /sys/block | wc -l)
         echo tty $(ls -l /dev/pts/ptmx | cut -c1-10)"
    ));
    let fact = |word: &str| region.fact("i-1", word);
    assert_eq!(fact("name"), "host-i-1");
    assert!(fact("processes").parse::<u32>().unwrap() <= 4);
    assert_eq!(fact("cards"), "lo");
    assert!(!region.console("i-1").contains("leak"));
    let user: Vec<String> = fact("user").split(' ').map(str::to_owned).collect();
    assert_eq!((user[0].as_str(), user[1].as_str(), user[3].as_str()), ("0", "0", "65536"));
    assert!(user[2].parse::<u32>().unwrap() >= 0x7000_0000);
    assert_eq!(fact("mounts"), "0");
    assert_eq!(fact("memory"), "MemTotal: 65536 kB");
    assert_eq!(fact("cpus"), "1 1");
    assert!(fact("uptime").parse::<u32>().unwrap() < 20);
    assert_eq!(fact("resolver"), "nameserver 169.254.169.253");
    assert_eq!(fact("hosts"), "127.0.1.1 host-i-1");
    assert_eq!(fact("group"), "/");
    assert_eq!(
        fact("dev"),
        "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero"
    );
    assert_eq!(fact("blocks"), "0");
    assert_eq!(fact("tty"), "crw-rw-rw-");
}

pub fn a_guests_root_is_no_root_of_the_machine() {
    let region = ask(
        "try() { name=$1; shift; \"$@\" >/dev/null 2>&1 && echo $name allowed || echo $name refused; }
         try mknod mknod /tmp/disk b 254 0
         try mount mount -t ext4 /dev/loop0 /tmp
         try sysctl sh -c 'echo 1 >/proc/sys/kernel/panic'
         try sysrq sh -c 'echo b >/proc/sysrq-trigger'
         try sys sh -c 'echo 1 >/sys/kernel/profiling'
         try again sh -c 'mount -o remount,rw /proc/sys && echo 1 >/proc/sys/kernel/panic'
         try clock date -s 2001-01-01
         try log dmesg
         try kcore sh -c 'umount /proc/kcore; head -c 1 /proc/kcore | grep -q .'
         try tmpfs mount -t tmpfs tmpfs /tmp
         try forward sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
         try setuid chmod 4755 /root
         echo privileges $(grep -E 'NoNewPrivs|Seccomp:' /proc/self/status)
         echo bounds $(grep CapBnd /proc/self/status)",
    );
    let fact = |word: &str| region.fact("i-1", word);
    for refused in ["mknod", "mount", "sysctl", "sysrq", "sys", "again", "clock", "log", "kcore"] {
        assert_eq!(fact(refused), "refused", "{refused}");
    }
    for own in ["tmpfs", "forward", "setuid"] {
        assert_eq!(fact(own), "allowed", "{own}");
    }
    assert_eq!(fact("privileges"), "NoNewPrivs: 0 Seccomp: 2");
    let bounds = u64::from_str_radix(fact("bounds").trim_start_matches("CapBnd: "), 16).unwrap();
    for dropped in [16, 17, 24, 25, 34, 38, 39] {
        assert_eq!(bounds & 1 << dropped, 0, "capability {dropped}");
    }
}

pub fn guests_have_users_of_their_own() {
    let region = Region::new(&format!("touch /root/own; cat /proc/self/uid_map{REST}"));
    region.ensure(&guest("i-1", 1)).unwrap();
    region.ensure(&guest("i-2", 1)).unwrap();
    let ranges = ["i-1", "i-2"].map(|id| {
        let console = region.hear(id, "done\n");
        console.split_whitespace().nth(1).unwrap().to_owned()
    });
    assert_ne!(ranges[0], ranges[1]);
    let own = region.parts.folder.join("roots/root-i-1/upper/root/own");
    let owner = std::os::unix::fs::MetadataExt::uid(&own.metadata().unwrap());
    assert_eq!(owner, 0, "on disk, a guest's root is root, whatever its range");
}

pub fn a_fork_bomb_stays_inside() {
    let region =
        Region::new("bomb() { bomb | bomb & }; echo lit; while :; do bomb; sleep 0.1; done");
    let mut bomb = guest("i-1", 1);
    bomb.limits.processes_max = 30;
    region.ensure(&bomb).unwrap();
    region.hear("i-1", "annot fork");
    region.ensure(&guest("i-2", 1)).unwrap();
    region.stop("i-1", 1, Duration::ZERO).unwrap();
    assert_eq!(region.status("i-1"), Some(GuestStatus::Stopped));
}

pub fn a_hog_loses_its_own_memory_only() {
    let region = ask("sh -c 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done' || echo ended $?");
    assert_eq!(region.fact("i-1", "ended"), "137");
    assert_eq!(region.status("i-1"), Some(GuestStatus::Running));
}
