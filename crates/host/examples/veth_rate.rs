//! What a network costs: bytes a second between two guests against a bare veth pair, by turns,
//! and how long changes of a large network take. As root; everything is made in namespaces
//! that end with it.
//!
//! `cargo run --release -p host --example veth_rate`

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use host::linux::network::LinuxNetworks;
    use host::{
        GroupId, Interface, InterfaceId, Network, NetworkId, NetworkInterface, Networks, Peer,
        Rule, SecurityGroup, Subnet, Traffic,
    };
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

    const INSIDE: &str = "HOST_VETH_RATE";
    const ROUNDS: usize = 5;
    const ROUND: Duration = Duration::from_secs(1);
    const INTERFACES: u32 = 1000;
    const GROUPS: u32 = 20;
    const PLUGS: u32 = 40;

    type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

    pub fn main() {
        let done = if std::env::var_os(INSIDE).is_some() { measure() } else { enter() };
        if let Err(error) = done {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }

    fn enter() -> Result<()> {
        let status = Command::new("timeout")
            .args(["-k", "5", "120", "unshare", "--net", "--mount", "--pid", "--fork"])
            .args(["--kill-child", "--mount-proc", "sh", "-c"])
            .arg("mkdir -p /run/netns && mount -t tmpfs none /run/netns && \"$@\"")
            .arg("sh")
            .arg(std::env::current_exe()?)
            .env(INSIDE, "1")
            .status()?;
        if status.success() { Ok(()) } else { Err("it did not come to its end".into()) }
    }

    fn measure() -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let networks = LinuxNetworks::open("rate", "198.18.0.0/16".parse()?)?;
        let small = network(2);
        runtime.block_on(networks.ensure_network(&small))?;
        let guests = [Guest::new()?, Guest::new()?];
        for (guest, one) in guests.iter().zip(&small.interfaces) {
            networks.plug(&interface(&small, one), guest.0.id(), "eth0", None)?;
        }
        let bare = [Guest::new()?, Guest::new()?];
        let [near, far] = bare.each_ref().map(|guest| guest.0.id());
        ip(&format!("link add near0 netns {near} type veth peer name far0 netns {far}"))?;
        for (guest, (device, address)) in
            bare.iter().zip([("near0", "10.9.0.1/24"), ("far0", "10.9.0.2/24")])
        {
            guest.run(|| ip(&format!("addr add {address} dev {device}")))?;
            guest.run(|| ip(&format!("link set {device} up")))?;
        }
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            rates[0].push(rate(&bare, Ipv4Addr::new(10, 9, 0, 2))?);
            rates[1].push(rate(&guests, small.interfaces[1].private_address)?);
        }
        for (what, mut rates) in ["bare veth", "guest to guest"].into_iter().zip(rates) {
            rates.sort_by(f64::total_cmp);
            println!("{what}: {:.1} Gbit/s, {rates:.1?}", rates[ROUNDS / 2]);
        }
        changes(&runtime, &networks)?;
        plugs(&runtime, &networks)
    }

    fn plugs(runtime: &tokio::runtime::Runtime, networks: &LinuxNetworks) -> Result<()> {
        let network = Network { id: NetworkId("vpc-plugs".into()), ..network(PLUGS) };
        runtime.block_on(networks.ensure_network(&network))?;
        let guests = (0..PLUGS).map(|_| Guest::new()).collect::<Result<Vec<_>>>()?;
        let mut times = Vec::new();
        for (guest, one) in guests.iter().zip(&network.interfaces) {
            let start = Instant::now();
            networks.plug(&interface(&network, one), guest.0.id(), "eth0", Some(1000))?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let [least, median] = [times[0], times[times.len() / 2]];
        println!("an interface plugged: {median:.1} ms, at least {least:.1}");
        Ok(())
    }

    fn changes(runtime: &tokio::runtime::Runtime, networks: &LinuxNetworks) -> Result<()> {
        let mut large = Network { id: NetworkId("vpc-large".into()), ..network(INTERFACES) };
        let mut timed = |what: &str,
                         rounds: u16,
                         change: &dyn Fn(&mut Network, u16)|
         -> Result<()> {
            let mut times = Vec::new();
            let cpu = cpu_ms();
            for round in 0..rounds {
                change(&mut large, round);
                let start = Instant::now();
                runtime.block_on(networks.ensure_network(&large))?;
                times.push(start.elapsed().as_secs_f64() * 1000.0);
            }
            times.sort_by(f64::total_cmp);
            let [least, median] = [times[0], times[times.len() / 2]];
            let cpu = (cpu_ms() - cpu) / u64::from(rounds);
            println!(
                "{INTERFACES} interfaces, {what}: {median:.1} ms, at least {least:.1}; {cpu} CPU ms"
            );
            Ok(())
        };
        timed("made", 1, &|_, _| {})?;
        timed("unchanged", 20, &|_, _| {})?;
        timed("one rule more", 20, &|network, round| {
            network.groups[0].ingress.push(tcp(1000 + round));
        })?;
        timed("groups of one interface", 20, &|network, round| {
            network.interfaces[7].groups = vec![group_id(u32::from(round))];
        })?;
        timed("one interface less", 20, &|network, _| drop(network.interfaces.pop()))?;
        timed("a public address more", 20, &|network, round| {
            let [third, fourth] = round.to_be_bytes();
            let address = Ipv4Addr::new(198, 18, third + 1, fourth + 1);
            network.interfaces[usize::from(round)].public_address = Some(address);
        })
    }

    struct Guest(Child);

    impl Guest {
        fn new() -> Result<Self> {
            let script = "ip link set lo up; echo; exec sleep 1000";
            let mut child = Command::new("unshare")
                .args(["--net", "sh", "-c", script])
                .stdout(Stdio::piped())
                .spawn()?;
            child.stdout.as_mut().ok_or("no stdout")?.read_exact(&mut [0])?;
            Ok(Self(child))
        }

        fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
            let namespace = std::fs::File::open(format!("/proc/{}/ns/net", self.0.id()))?;
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| {
                    let kind = Some(LinkNameSpaceType::Network);
                    move_into_link_name_space(namespace.as_fd(), kind)?;
                    work()
                });
                thread.join().map_err(|_| "a thread panicked")?
            })
        }
    }

    impl Drop for Guest {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// From the first to the second, one stream, in Gbit/s.
    #[allow(clippy::cast_precision_loss)]
    fn rate([sender, receiver]: &[Guest; 2], to: Ipv4Addr) -> Result<f64> {
        let listener = receiver.run(|| Ok(TcpListener::bind((to, 0))?))?;
        let port = listener.local_addr()?.port();
        let receiving = std::thread::spawn(move || -> std::io::Result<u64> {
            let (mut stream, _) = listener.accept()?;
            let mut buffer = vec![0; 256 * 1024];
            let mut bytes = 0;
            loop {
                match stream.read(&mut buffer)? {
                    0 => return Ok(bytes),
                    length => bytes += u64::try_from(length).unwrap_or(0),
                }
            }
        });
        let patience = Duration::from_secs(10);
        let mut stream =
            sender.run(|| Ok(TcpStream::connect_timeout(&(to, port).into(), patience)?))?;
        let buffer = vec![0; 256 * 1024];
        let start = Instant::now();
        while start.elapsed() < ROUND {
            stream.write_all(&buffer)?;
        }
        drop(stream);
        let bytes = receiving.join().map_err(|_| "a thread panicked")??;
        Ok(bytes as f64 * 8.0 / start.elapsed().as_secs_f64() / 1e9)
    }

    /// Of this process and of those that it waited for.
    fn cpu_ms() -> u64 {
        const TICK_MS: u64 = 10;
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(4).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * TICK_MS
    }

    fn ip(arguments: &str) -> Result<()> {
        let status = Command::new("ip").args(arguments.split(' ')).status()?;
        if status.success() { Ok(()) } else { Err(format!("ip {arguments}").into()) }
    }

    fn network(interfaces: u32) -> Network {
        let groups = (0..GROUPS).map(|number| {
            let ingress = [22, 80, 443].map(tcp).into_iter();
            let peer = Peer::Group(group_id(number));
            let ingress = ingress.chain([Rule { traffic: Traffic::All, peer }]).collect();
            let all = Rule { traffic: Traffic::All, peer: anywhere() };
            SecurityGroup { id: group_id(number), ingress, egress: vec![all] }
        });
        let first = u32::from(Ipv4Addr::new(10, 0, 0, 4));
        let interfaces = (0..interfaces).map(|number| NetworkInterface {
            interface: InterfaceId(format!("eni-{number}")),
            private_address: (first + number).into(),
            public_address: None,
            groups: vec![group_id(number / 2 % GROUPS)],
            source_dest_check: true,
        });
        let block = ipnet::Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 16);
        Network {
            id: NetworkId("vpc-small".into()),
            blocks: vec![block],
            subnets: vec![Subnet { block, routes: Vec::new() }],
            interfaces: interfaces.collect(),
            groups: groups.collect(),
        }
    }

    fn interface(network: &Network, one: &NetworkInterface) -> Interface {
        let [.., third, fourth] = one.private_address.octets();
        Interface {
            interface: one.interface.clone(),
            network: network.id.clone(),
            mac: [2, 0, 0, 0, third, fourth],
            private_address: one.private_address,
            prefix_len: 16,
            gateway: Ipv4Addr::new(10, 0, 0, 1),
        }
    }

    fn group_id(number: u32) -> GroupId {
        GroupId(format!("sg-{number}"))
    }

    fn anywhere() -> Peer {
        Peer::Block(ipnet::Ipv4Net::default())
    }

    fn tcp(port: u16) -> Rule {
        Rule { traffic: Traffic::Tcp(port..=port), peer: anywhere() }
    }
}
