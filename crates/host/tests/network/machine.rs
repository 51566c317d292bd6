//! A machine for one test: namespaces of its own for network, mounts and processes, which end
//! with the test whatever becomes of it. Guests are namespaces with a process that sleeps.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use host::linux::network::LinuxNetworks;
use host::{
    GroupId, Interface, InterfaceId, Network, NetworkId, NetworkInterface, Networks, Peer, Route,
    RouteTarget, Rule, SecurityGroup, Subnet, Traffic,
};

const INSIDE: &str = "HOST_TEST_MACHINE";
pub const TAG: &str = "test";

/// Long: whoever is let through waits much less.
const PATIENCE: Duration = Duration::from_secs(10);
/// Short: whoever is not let through waits it out.
const IMPATIENCE: Duration = Duration::from_millis(400);

/// Runs the test in a machine of its own.
pub fn in_a_machine(name: &str, test: impl FnOnce(&mut Machine)) {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        return test(&mut Machine { networks: open(), runtime: runtime() });
    }
    if let Some(lack) = open().lacks() {
        eprintln!("SKIPPED {name}: {lack}");
        return;
    }
    let output = Command::new("timeout")
        .args(["-k", "5", "100", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"])
        .args(["--mount-proc", "sh", "-c"])
        .arg("mkdir -p /run/netns && mount -t tmpfs none /run/netns && \"$@\"")
        .arg("sh")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}", text.join("\n"));
}

pub fn open() -> LinuxNetworks {
    LinuxNetworks::open(TAG, "198.18.0.0/16".parse().unwrap()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

pub struct Machine {
    pub networks: LinuxNetworks,
    pub runtime: tokio::runtime::Runtime,
}

impl Machine {
    /// As a process that knows nothing of what was before.
    pub fn restart(&mut self) {
        // All its tasks end, and their sockets with them.
        self.runtime = runtime();
        self.networks = open();
    }

    pub fn ensure(&self, network: &Network) {
        self.runtime.block_on(self.networks.ensure_network(network)).unwrap();
    }

    /// A guest with the interface as its `eth0`.
    pub fn guest(&self, network: &Network, id: &str) -> Guest {
        let guest = Guest::new();
        self.networks.plug(&interface(network, id), guest.pid(), "eth0", None).unwrap();
        guest
    }
}

/// The interface as its network says.
pub fn interface(network: &Network, id: &str) -> Interface {
    let id = InterfaceId(id.into());
    let found = network.interfaces.iter().find(|one| one.interface == id).unwrap();
    let mut subnets = network.subnets.iter().map(|subnet| subnet.block);
    let subnet = subnets.find(|block| block.contains(&found.private_address)).unwrap();
    let [.., third, fourth] = found.private_address.octets();
    Interface {
        interface: id,
        network: network.id.clone(),
        mac: [0x02, 0, 0, 0, third, fourth],
        private_address: found.private_address,
        prefix_len: subnet.prefix_len(),
        gateway: subnet.hosts().next().unwrap(),
    }
}

/// A namespace, as long as it lives.
pub struct Guest(Child);

impl Guest {
    pub fn new() -> Self {
        let mut child = Command::new("unshare")
            .args(["--net", "sh", "-c", "ip link set lo up; echo; exec sleep 1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut byte = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
        Self(child)
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let namespace = std::fs::File::open(format!("/proc/{}/ns/net", self.pid())).unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), kind).unwrap();
                work()
            });
            thread.join().unwrap()
        })
    }

    /// `ip`, in the guest.
    pub fn ip(&self, arguments: &str) {
        self.inside(|| ip(arguments));
    }

    /// Answers everybody on the port with the address that they come from.
    pub fn serve(&self, port: u16) {
        let listener = self.inside(|| TcpListener::bind(("0.0.0.0", port)).unwrap());
        std::thread::spawn(move || serve(&listener));
    }

    /// The address that a server sees us come from; `None` when nobody answers.
    pub fn ask(&self, address: &str, port: u16) -> Option<String> {
        self.inside(|| ask(address, port, PATIENCE))
    }

    pub fn is_refused(&self, address: &str, port: u16) -> bool {
        self.inside(|| ask(address, port, IMPATIENCE)).is_none()
    }

    pub fn connect(&self, address: &str, port: u16) -> TcpStream {
        self.inside(|| connect(address, port, PATIENCE).unwrap())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Says to each line where it comes from, until there are no more.
fn serve(listener: &TcpListener) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        std::thread::spawn(move || {
            let from = stream.peer_addr().unwrap().ip().to_string();
            let mut byte = [0];
            while stream.read(&mut byte).is_ok_and(|length| length == 1) {
                stream.write_all(format!("{from}\n").as_bytes()).unwrap();
            }
        });
    }
}

pub fn connect(address: &str, port: u16, patience: Duration) -> Option<TcpStream> {
    let address = SocketAddr::V4(SocketAddrV4::new(address.parse().unwrap(), port));
    let stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).unwrap();
    Some(stream)
}

/// One line on a connection that is open.
pub fn say(mut stream: &TcpStream) -> Option<String> {
    stream.write_all(b"?").ok()?;
    let mut heard = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).ok()? == 1 && byte[0] != b'\n' {
        heard.push(byte[0]);
    }
    (!heard.is_empty()).then(|| String::from_utf8(heard).unwrap())
}

pub fn ask(address: &str, port: u16, patience: Duration) -> Option<String> {
    say(&connect(address, port, patience)?)
}

/// From the machine itself.
pub fn machine_asks(address: &str, port: u16) -> Option<String> {
    ask(address, port, PATIENCE)
}

pub fn machine_is_refused(address: &str, port: u16) -> bool {
    ask(address, port, IMPATIENCE).is_none()
}

pub fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

/// What it writes.
pub fn command(line: &str) -> String {
    let mut words = line.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// 10.0.0.0/16 with the subnets 10.0.1.0/24 and 10.0.2.0/24, and one group, `sg-open`.
pub fn network(id: &str) -> Network {
    let subnet = |block: &str| Subnet { block: block.parse().unwrap(), routes: Vec::new() };
    Network {
        id: NetworkId(id.into()),
        blocks: vec!["10.0.0.0/16".parse().unwrap()],
        subnets: vec![subnet("10.0.1.0/24"), subnet("10.0.2.0/24")],
        interfaces: Vec::new(),
        groups: vec![group("sg-open", vec![all()], vec![all()])],
    }
}

pub fn with(mut network: Network, id: &str, address: &str, groups: &[&str]) -> Network {
    network.interfaces.push(NetworkInterface {
        interface: InterfaceId(id.into()),
        private_address: address.parse().unwrap(),
        public_address: None,
        groups: groups.iter().map(|group| GroupId((*group).into())).collect(),
        source_dest_check: true,
    });
    network
}

pub fn with_public(mut network: Network, address: &str) -> Network {
    network.interfaces.last_mut().unwrap().public_address = Some(address.parse().unwrap());
    network
}

pub fn with_route(mut network: Network, subnet: usize, to: &str, target: RouteTarget) -> Network {
    let destination = to.parse().unwrap();
    network.subnets[subnet].routes.push(Route { destination, target });
    network
}

pub fn group(id: &str, ingress: Vec<Rule>, egress: Vec<Rule>) -> SecurityGroup {
    SecurityGroup { id: GroupId(id.into()), ingress, egress }
}

pub fn all() -> Rule {
    Rule { traffic: Traffic::All, peer: anywhere() }
}

pub fn tcp(port: u16, peer: Peer) -> Rule {
    Rule { traffic: Traffic::Tcp(port..=port), peer }
}

pub fn anywhere() -> Peer {
    Peer::Block("0.0.0.0/0".parse().unwrap())
}

pub fn members(group: &str) -> Peer {
    Peer::Group(GroupId(group.into()))
}

pub fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}
