//! Real packets between real namespaces, each test on a machine of its own.

#![allow(clippy::unwrap_used)]

mod machine;

use std::net::{SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use host::linux::network::LinuxNetworks;
use host::{Error, Networks, RouteTarget};
use machine::*;

#[test]
fn both_gates_and_groups() {
    in_a_machine("both_gates_and_groups", |machine| {
        let mut network = with(network("vpc-1"), "eni-a", "10.0.1.10", &["sg-web"]);
        network = with(network, "eni-b", "10.0.1.11", &["sg-database"]);
        network = with(network, "eni-c", "10.0.2.12", &["sg-open"]);
        network = with(network, "eni-d", "10.0.2.13", &[]);
        network.groups.push(group(
            "sg-web",
            vec![],
            vec![tcp(22, anywhere()), tcp(53, anywhere())],
        ));
        let ingress = vec![tcp(22, members("sg-web")), tcp(80, members("sg-web"))];
        network.groups.push(group("sg-database", ingress, vec![]));
        machine.ensure(&network);
        let [a, b, c, d] =
            ["eni-a", "eni-b", "eni-c", "eni-d"].map(|id| machine.guest(&network, id));
        for guest in [&a, &b, &c, &d] {
            guest.serve(22);
            guest.serve(80);
        }
        assert_eq!(a.ask("10.0.1.11", 22).as_deref(), Some("10.0.1.10"), "inside one subnet");
        assert!(a.is_refused("10.0.1.11", 80), "the receiver would, the sender would not");
        assert!(c.is_refused("10.0.1.11", 22), "the sender would, the receiver would not");
        assert_eq!(a.ask("10.0.2.12", 22).as_deref(), Some("10.0.1.10"), "between subnets");
        assert!(b.is_refused("10.0.2.12", 22), "nothing leaves without a rule");
        assert!(c.is_refused("10.0.2.13", 22), "no group lets nothing in");
        assert!(d.is_refused("10.0.2.12", 22), "no group lets nothing out");
        assert!(c.is_refused("10.0.2.99", 22), "an address that nobody has");
        let answers = |address_| machine.networks.answers(&network.id, address(address_)).unwrap();
        assert!((0..10).any(|_| answers("10.0.1.11")), "whatever the groups say");
        assert!(!answers("10.0.1.99"));
    });
}

#[test]
fn nothing_passes_by_a_false_name() {
    in_a_machine("nothing_passes_by_a_false_name", |machine| {
        let mut network = with(network("vpc-1"), "eni-a", "10.0.1.10", &["sg-open"]);
        network = with(network, "eni-b", "10.0.1.11", &["sg-b"]);
        network = with(network, "eni-c", "10.0.1.12", &["sg-c"]);
        network.groups.push(group("sg-b", vec![tcp(22, members("sg-c"))], vec![]));
        network.groups.push(group("sg-c", vec![], vec![all()]));
        machine.ensure(&network);
        let [a, b, c] = ["eni-a", "eni-b", "eni-c"].map(|id| machine.guest(&network, id));
        b.serve(22);
        let listener =
            machine.runtime.block_on(machine.networks.bind(&network.id, imds(53))).unwrap();
        listener.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
        let spoof = |to: &str, port: u16| {
            a.inside(|| {
                let socket = UdpSocket::bind(("10.0.1.12", 0)).unwrap();
                socket.send_to(b"x", (to, port)).unwrap();
            });
        };
        a.ip("addr add 10.0.1.12/32 dev lo");
        spoof("169.254.169.254", 53);
        assert!(listener.recv_from(&mut [0; 8]).is_err(), "a service must know who asks");
        assert!(c.ask("10.0.1.11", 22).is_some());
        // Its own address lets it through to services, also when it may forward others'.
        network.interfaces[0].source_dest_check = false;
        machine.ensure(&network);
        spoof("169.254.169.254", 53);
        assert!(listener.recv_from(&mut [0; 8]).is_err());
        a.inside(|| UdpSocket::bind(("10.0.1.10", 0)).unwrap().send_to(b"x", "169.254.169.254:53"))
            .unwrap();
        assert_eq!(listener.recv_from(&mut [0; 8]).unwrap().1.ip(), address("10.0.1.10"));
    });
}

#[test]
fn equal_blocks_never_meet() {
    in_a_machine("equal_blocks_never_meet", |machine| {
        let one = with(network("vpc-1"), "eni-a", "10.0.1.10", &["sg-open"]);
        let one = with(one, "eni-b", "10.0.1.11", &["sg-open"]);
        let other = with(network("vpc-2"), "eni-c", "10.0.1.10", &["sg-open"]);
        let other = with(other, "eni-d", "10.0.1.11", &["sg-open"]);
        machine.ensure(&one);
        machine.ensure(&other);
        let [a, b] = ["eni-a", "eni-b"].map(|id| machine.guest(&one, id));
        let [c, d] = ["eni-c", "eni-d"].map(|id| machine.guest(&other, id));
        b.serve(1001);
        d.serve(1002);
        assert!(a.ask("10.0.1.11", 1001).is_some());
        assert!(a.is_refused("10.0.1.11", 1002));
        assert!(c.ask("10.0.1.11", 1002).is_some());
        assert!(c.is_refused("10.0.1.11", 1001));
    });
}

#[test]
fn public_addresses() {
    in_a_machine("public_addresses", |machine| {
        let internet = || RouteTarget::Internet;
        let one = with(network("vpc-1"), "eni-a", "10.0.1.10", &["sg-open"]);
        let one = with_public(one, "198.18.1.10");
        let one = with(one, "eni-b", "10.0.1.11", &["sg-22"]);
        let mut one = with_public(one, "198.18.1.11");
        one.groups.push(group("sg-22", vec![tcp(22, anywhere())], vec![]));
        let one = with_route(one, 0, "0.0.0.0/0", internet());
        let other =
            with_public(with(network("vpc-2"), "eni-c", "10.0.1.10", &["sg-open"]), "198.18.1.12");
        let mut other = with_route(other, 0, "198.18.0.0/16", internet());
        machine.ensure(&one);
        machine.ensure(&other);
        let [a, b] = ["eni-a", "eni-b"].map(|id| machine.guest(&one, id));
        let c = machine.guest(&other, "eni-c");
        for guest in [&a, &b, &c] {
            guest.serve(22);
            guest.serve(80);
        }
        assert_eq!(machine_asks("198.18.1.11", 22).as_deref(), Some("198.18.0.1"));
        assert!(machine_is_refused("198.18.1.11", 80));
        assert!(machine_is_refused("198.18.1.99", 22), "an address that nobody has");
        assert_eq!(c.ask("198.18.1.11", 22).as_deref(), Some("198.18.1.12"), "between networks");
        assert!(c.is_refused("198.18.1.11", 80));
        assert_eq!(a.ask("198.18.1.11", 22).as_deref(), Some("198.18.1.10"), "and back inside");
        assert_eq!(a.ask("198.18.1.10", 22).as_deref(), Some("198.18.1.10"), "to itself");
        let server = std::net::TcpListener::bind("0.0.0.0:4000").unwrap();
        for own in ["198.18.0.1", "198.18.0.2", "127.0.0.1"] {
            assert!(a.is_refused(own, 4000), "the machine's side is not for guests: {own}");
        }
        drop(server);
        // An address moves within its network: what was open with its old holder ends.
        let patience = Duration::from_secs(5);
        let [kept, moved] =
            ["198.18.1.12", "198.18.1.10"].map(|to| connect(to, 22, patience).unwrap());
        let left = a.connect("198.18.1.12", 22);
        for stream in [&kept, &moved, &left] {
            assert!(say(stream).is_some());
        }
        let mut one = one;
        one.interfaces[0].public_address = Some(address("198.18.1.11"));
        one.interfaces[1].public_address = Some(address("198.18.1.10"));
        machine.ensure(&one);
        assert!(say(&kept).is_some());
        for stream in [&moved, &left] {
            stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
            assert_eq!(say(stream), None);
        }
        assert!(machine_is_refused("198.18.1.10", 80) && machine_asks("198.18.1.11", 80).is_some());
        one.interfaces[0].public_address = Some(address("198.18.1.10"));
        // The address moves to another network, the old holder is reached no more.
        other.interfaces[0].public_address = Some(address("198.18.1.11"));
        machine.ensure(&other);
        one.interfaces[1].public_address = None;
        machine.ensure(&one);
        assert!(machine_asks("198.18.1.11", 80).is_some());
        assert!(machine_is_refused("198.18.1.12", 22));
        other.subnets[0].routes.clear();
        machine.ensure(&other);
        assert!(machine_is_refused("198.18.1.11", 80), "no route, no passage, not even back");
    });
}

#[test]
fn route_tables() {
    in_a_machine("route_tables", |machine| {
        let one = with(network("vpc-1"), "eni-a", "10.0.1.10", &["sg-open"]);
        let one = with(one, "eni-b", "10.0.2.10", &["sg-open"]);
        let mut one = with(one, "eni-f", "10.0.2.20", &["sg-open"]);
        one.interfaces[2].source_dest_check = false;
        let one = with_route(one, 0, "0.0.0.0/0", RouteTarget::Nat(address("198.18.2.1")));
        let one = with_route(one, 0, "198.18.1.7/32", RouteTarget::Blackhole);
        let forwarder = host::InterfaceId("eni-f".into());
        let one = with_route(one, 0, "172.16.0.0/12", RouteTarget::Interface(forwarder));
        let two =
            with_public(with(network("vpc-2"), "eni-c", "10.0.1.10", &["sg-open"]), "198.18.1.6");
        let two = with_public(with(two, "eni-d", "10.0.1.11", &["sg-open"]), "198.18.1.7");
        let two = with_route(two, 0, "0.0.0.0/0", RouteTarget::Internet);
        machine.ensure(&one);
        machine.ensure(&two);
        let [a, b, f] = ["eni-a", "eni-b", "eni-f"].map(|id| machine.guest(&one, id));
        let [c, d] = ["eni-c", "eni-d"].map(|id| machine.guest(&two, id));
        c.serve(80);
        d.serve(80);
        assert_eq!(a.ask("198.18.1.6", 80).as_deref(), Some("198.18.2.1"), "the NAT gateway's");
        assert!(a.is_refused("198.18.1.7", 80), "a hole in the route");
        assert!(b.is_refused("198.18.1.6", 80), "another subnet has no such route");
        assert!(machine_is_refused("198.18.2.1", 80), "nothing comes in by a NAT gateway");
        f.ip("addr add 172.16.0.1/32 dev lo");
        f.serve(81);
        assert_eq!(a.ask("172.16.0.1", 81).as_deref(), Some("10.0.1.10"), "a guest forwards");
        assert!(b.is_refused("172.16.0.1", 81));
        let mut checked = one.clone();
        checked.interfaces[2].source_dest_check = true;
        machine.ensure(&checked);
        assert!(a.is_refused("172.16.0.1", 81), "what is not for it does not come to it");
        let mut open = one;
        open.subnets[1].routes = open.subnets[0].routes.clone();
        open.subnets[0].routes.clear();
        machine.ensure(&open);
        assert!(b.ask("198.18.1.6", 80).is_some());
        assert!(a.is_refused("198.18.1.6", 80));
    });
}

#[test]
fn changes_leave_open_what_stays_allowed() {
    in_a_machine("changes_leave_open_what_stays_allowed", |machine| {
        let mut network = with(network("vpc-1"), "eni-a", "10.0.1.10", &["sg-open"]);
        network = with_public(with(network, "eni-b", "10.0.1.11", &["sg-b"]), "198.18.1.11");
        network = with_route(network, 0, "0.0.0.0/0", RouteTarget::Internet);
        network.groups.push(group("sg-b", vec![tcp(22, anywhere())], vec![]));
        machine.ensure(&network);
        let [a, b] = ["eni-a", "eni-b"].map(|id| machine.guest(&network, id));
        b.serve(22);
        b.serve(80);
        let inner = a.connect("10.0.1.11", 22);
        let outer = connect("198.18.1.11", 22, Duration::from_secs(5)).unwrap();
        let both = || assert!(say(&inner).is_some() && say(&outer).is_some());
        both();
        network.groups[1].ingress = vec![tcp(80, anywhere()), tcp(22, anywhere())];
        machine.ensure(&network);
        both();
        assert!(a.ask("10.0.1.11", 80).is_some());
        machine.restart();
        machine.ensure(&network);
        machine.networks.plug(&interface(&network, "eni-b"), b.pid(), "eth0", None).unwrap();
        both();
        let networks = machine.runtime.block_on(machine.networks.networks());
        assert_eq!(networks.unwrap(), [network.id.clone()]);
        // A rule that goes does not end what was begun under it, as on AWS.
        network.groups[1].ingress = vec![tcp(80, anywhere())];
        machine.ensure(&network);
        both();
        assert!(a.is_refused("10.0.1.11", 22));
        // An interface that is gone passes nothing.
        network.interfaces.remove(1);
        machine.ensure(&network);
        for stream in [&inner, &outer] {
            stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
            assert_eq!(say(stream), None);
        }
    });
}

#[test]
fn services_in_the_network() {
    in_a_machine("services_in_the_network", |machine| {
        let network = with(network("vpc-1"), "eni-a", "10.0.1.10", &[]);
        let network = with_public(network, "198.18.1.10");
        let network = with_route(network, 0, "0.0.0.0/0", RouteTarget::Internet);
        machine.ensure(&network);
        let a = machine.guest(&network, "eni-a");
        let ask = |address| machine.runtime.block_on(machine.networks.listen(&network.id, address));
        let resolver = SocketAddrV4::new(address("10.0.0.2"), 53);
        for at in [imds(80), imds(8080), resolver] {
            let listener = ask(at).unwrap();
            std::thread::spawn(move || {
                use std::io::Write;
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let from = stream.peer_addr().unwrap().ip();
                    stream.write_all(format!("{from}\n").as_bytes()).unwrap();
                }
            });
            let seen = a.ask(&at.ip().to_string(), at.port());
            assert_eq!(seen.as_deref(), Some("10.0.1.10"), "{at}, with no group");
        }
        // Another change of rules leaves them open.
        machine.ensure(&with(network.clone(), "eni-b", "10.0.1.11", &["sg-open"]));
        assert!(a.ask("169.254.169.254", 80).is_some());
        assert!(a.is_refused("169.254.169.254", 81));
        assert!(a.is_refused("10.0.1.1", 80), "the router answers echo requests only");
        assert!(a.inside(|| {
            let ping = ["-c", "1", "-W", "5", "10.0.1.1"];
            match std::process::Command::new("ping").args(ping).output() {
                Ok(output) => output.status.success(),
                Err(_) => true,
            }
        }));
        assert!(machine_is_refused("169.254.169.254", 80));
        let elsewhere = SocketAddrV4::new(address("192.0.2.1"), 80);
        assert!(matches!(ask(elsewhere), Err(Error::Refused(_))));
        let taken = SocketAddrV4::new(address("10.0.1.10"), 80);
        assert!(matches!(ask(taken), Err(Error::Refused(_))));
    });
}

#[test]
fn the_outside_and_the_machine_itself() {
    in_a_machine("the_outside_and_the_machine_itself", |machine| {
        let outside = Guest::new();
        let pid = outside.pid();
        ip(&format!("link add wire type veth peer name wire netns {pid}"));
        ip("addr add 203.0.113.1/24 dev wire");
        ip("link set wire up");
        outside.ip("addr add 203.0.113.10/24 dev wire");
        outside.ip("link set wire up");
        outside.serve(443);
        let network = with(network("vpc-1"), "eni-a", "10.0.1.10", &["sg-open"]);
        let network = with_public(network, "198.18.1.10");
        let network = with(network, "eni-b", "10.0.2.10", &["sg-open"]);
        let network = with(network, "eni-c", "10.0.1.11", &["sg-open"]);
        let network = with_route(network, 0, "0.0.0.0/0", RouteTarget::Internet);
        let nat = RouteTarget::Nat(address("198.18.2.1"));
        let network = with_route(network, 1, "0.0.0.0/0", nat);
        machine.ensure(&network);
        let [a, b, c] = ["eni-a", "eni-b", "eni-c"].map(|id| machine.guest(&network, id));
        assert_eq!(a.ask("203.0.113.10", 443).as_deref(), Some("203.0.113.1"));
        assert_eq!(b.ask("203.0.113.10", 443).as_deref(), Some("203.0.113.1"), "by NAT");
        assert!(c.is_refused("203.0.113.10", 443), "no public address, no way out");
        assert!(a.is_refused("203.0.113.10", 444), "nobody listens");
        let _all = std::net::TcpListener::bind("0.0.0.0:4000").unwrap();
        for own in ["203.0.113.1", "127.0.0.1", "169.254.0.1", "0.0.0.0", "198.18.0.1"] {
            assert!(a.is_refused(own, 4000), "{own}");
        }
        // An end of one side is heard by the other, which may still speak.
        let stream = a.connect("203.0.113.10", 443);
        assert!(say(&stream).is_some());
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        use std::io::Read;
        assert_eq!((&stream).read(&mut [0]).unwrap(), 0);
    });
}

#[test]
fn bandwidth_is_limited_both_ways() {
    in_a_machine("bandwidth_is_limited_both_ways", |machine| {
        let network = with(network("vpc-1"), "eni-a", "10.0.1.10", &["sg-open"]);
        let network = with(network, "eni-b", "10.0.1.11", &["sg-open"]);
        machine.ensure(&network);
        let [a, b] = [Guest::new(), Guest::new()];
        machine.networks.plug(&interface(&network, "eni-a"), a.pid(), "eth0", Some(40)).unwrap();
        machine.networks.plug(&interface(&network, "eni-b"), b.pid(), "eth0", None).unwrap();
        let [a_took, b_took] = [bulk(&b, &a, "10.0.1.10"), bulk(&a, &b, "10.0.1.11")];
        // Two mebibytes at 40 Mbit/s are 0.42 s, less what passes at once.
        for took in [a_took, b_took] {
            assert!(took > Duration::from_millis(250), "{took:?}");
        }
        machine.networks.plug(&interface(&network, "eni-a"), a.pid(), "eth0", None).unwrap();
        assert!(a.inside(|| command("tc qdisc show dev eth0")).find("tbf").is_none());
    });
}

/// How long two mebibytes take.
fn bulk(from: &Guest, to: &Guest, address: &str) -> Duration {
    use std::io::{Read, Write};
    let listener = to.inside(|| std::net::TcpListener::bind("0.0.0.0:5000").unwrap());
    let receiving = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        bytes.len()
    });
    let mut stream = from.connect(address, 5000);
    let start = Instant::now();
    stream.write_all(&vec![0; 2 << 20]).unwrap();
    drop(stream);
    assert_eq!(receiving.join().unwrap(), 2 << 20);
    start.elapsed()
}

#[test]
fn nothing_is_left() {
    in_a_machine("nothing_is_left", |machine| {
        let network = with(network("vpc-1"), "eni-a", "10.0.1.10", &["sg-open"]);
        let remove = || machine.runtime.block_on(machine.networks.remove_network(&network.id));
        remove().unwrap();
        machine.ensure(&network);
        let guest = Guest::new();
        let plug = |guest: &Guest| {
            machine.networks.plug(&interface(&network, "eni-a"), guest.pid(), "eth0", Some(100))
        };
        plug(&guest).unwrap();
        plug(&guest).unwrap();
        assert!(matches!(remove(), Err(Error::Refused(_))), "a guest has an interface there");
        // To another guest, though nobody took it from the first.
        let next = Guest::new();
        plug(&next).unwrap();
        let answers = || machine.networks.answers(&network.id, address("10.0.1.10")).unwrap();
        assert!((0..10).any(|_| answers()), "within twelve seconds");
        machine.networks.unplug(&network.interfaces[0].interface).unwrap();
        plug(&guest).unwrap();
        open().unplug(&network.interfaces[0].interface).unwrap();
        remove().unwrap();
        machine.ensure(&network);
        remove().unwrap();
        assert!(machine.runtime.block_on(machine.networks.networks()).unwrap().is_empty());
        assert!(matches!(plug(&guest), Err(Error::Refused(_))));
        let own =
            machine.networks.plug(&interface(&network, "eni-a"), std::process::id(), "eth0", None);
        assert!(matches!(own, Err(Error::Refused(_))));
        machine.ensure(&network);
        plug(&guest).unwrap();
        let other = LinuxNetworks::open("tes", "198.19.0.0/16".parse().unwrap()).unwrap();
        other.remove_all().unwrap();
        assert_eq!(left().len(), 3, "another region's things are not ours: {:?}", left());
        open().remove_all().unwrap();
        assert_eq!(left(), [""; 0]);
    });
}

/// What a process made and did not live to remove is found by its tag.
#[test]
fn killed_in_the_middle() {
    const VICTIM: &str = "HOST_TEST_VICTIM";
    in_a_machine("killed_in_the_middle", |machine| {
        let make = |count: usize| {
            (0..count).fold(network("vpc-1"), |network, number| {
                let address = format!("10.0.1.{}", number + 10);
                with(network, &format!("eni-{number}"), &address, &["sg-open"])
            })
        };
        if std::env::var_os(VICTIM).is_some() {
            for count in 1.. {
                let network = make(count % 200);
                machine.ensure(&network);
                if let Some(last) = network.interfaces.last() {
                    let guest = Guest::new();
                    let interface = interface(&network, &last.interface.0);
                    machine.networks.plug(&interface, guest.pid(), "eth0", None).unwrap();
                }
            }
        }
        for delay_ms in [5, 20, 45, 80, 120, 200] {
            let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "killed_in_the_middle", "--nocapture"])
                .env(VICTIM, "1")
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap();
            let end = Instant::now() + Duration::from_millis(delay_ms);
            while Instant::now() < end {
                std::thread::yield_now();
            }
            victim.kill().unwrap();
            victim.wait().unwrap();
            // Adopted by whoever comes next,
            let network = make(2);
            machine.restart();
            machine.ensure(&network);
            let next = machine.networks.clone();
            let guests = ["eni-0", "eni-1"].map(|id| {
                let guest = Guest::new();
                next.plug(&interface(&network, id), guest.pid(), "eth0", None).unwrap();
                guest
            });
            guests[1].serve(22);
            assert!(guests[0].ask("10.0.1.11", 22).is_some());
            // or cleaned away.
            next.remove_all().unwrap();
            assert_eq!(left(), [""; 0]);
        }
    });
}

/// Namespaces and devices that a region made.
fn left() -> Vec<String> {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let devices = names("/proc/sys/net/ipv4/conf");
    let devices =
        devices.into_iter().filter(|name| !["all", "default", "lo"].contains(&name.as_str()));
    names("/run/netns").into_iter().chain(devices).collect()
}

fn imds(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(address("169.254.169.254"), port)
}
