//! The Debian packages that the tasks need, each with its reason.

use std::path::Path;

use super::Part;
use crate::shell;

/// How to see that a package's content is there, however it came.
#[derive(Clone, Copy)]
pub(crate) enum Probe {
    /// A program that can be found.
    Program(&'static str),
    /// A file or directory.
    File(&'static str),
}

impl Probe {
    fn holds(self) -> bool {
        match self {
            Self::Program(name) => shell::find(name).is_some(),
            Self::File(path) => Path::new(path).exists(),
        }
    }
}

/// A package and what it is for.
pub(crate) struct Package {
    /// Debian's name for it.
    pub(crate) name: &'static str,
    /// Why it is needed.
    pub(crate) why: &'static str,
    parts: &'static [Part],
    probe: Probe,
}

impl Package {
    /// Whether one of these parts needs the package and it is not there.
    pub(crate) fn is_missing_for(&self, parts: &[Part]) -> bool {
        self.parts.iter().any(|part| parts.contains(part)) && !self.probe.holds()
    }

    /// What a machine without Debian's packages has to provide.
    pub(crate) const fn provides(&self) -> &'static str {
        match self.probe {
            Probe::Program(name) | Probe::File(name) => name,
        }
    }
}

const fn package(name: &'static str, probe: Probe, parts: &'static [Part], why: &'static str) -> Package {
    Package { name, why, parts, probe }
}

/// The compiler for BPF, when no rustup nightly does it.
pub(crate) const BPF_COMPILER: &[Package] = &[
    package("rustc-web", Probe::File("/usr/bin/rustc"), &[Part::Build], "a compiler with a BPF target"),
    package("cargo-web", Probe::File("/usr/bin/cargo"), &[Part::Build], "the cargo of that compiler"),
    package(
        "libstd-rust-web-dev-bpf",
        Probe::File("/usr/lib/rustlib/bpfel-unknown-none/lib"),
        &[Part::Build],
        "the core library for BPF, prebuilt",
    ),
];

/// What `cargo install bpf-linker` links with.
pub(crate) const LLVM: Package = package(
    "llvm-22-dev",
    Probe::File("/usr/lib/llvm-22/include/llvm-c"),
    &[Part::Build],
    "LLVM, which bpf-linker is made of",
);

/// Everything else.
pub(crate) const TOOLS: &[Package] = &[
    package(
        "make",
        Probe::Program("make"),
        &[Part::Compile, Part::Build],
        "builds jemalloc, the memory allocator",
    ),
    package("iproute2", Probe::Program("ip"), &[Part::Run, Part::Test], "network namespaces and veth pairs"),
    package("iputils-ping", Probe::Program("ping"), &[Part::Run, Part::Test], "the first thing to try"),
    package("curl", Probe::Program("curl"), &[Part::Run, Part::Test], "a client of web servers"),
    package("tcpdump", Probe::Program("tcpdump"), &[Part::Run], "looking at frames"),
    package("ethtool", Probe::Program("ethtool"), &[Part::Test, Part::Bench], "offload settings of devices"),
    package("iperf3", Probe::Program("iperf3"), &[Part::Test, Part::Bench], "TCP and UDP streams"),
    package(
        "etcd-server",
        Probe::Program("etcd"),
        &[Part::Cluster, Part::Test, Part::Bench],
        "the store that several managers share",
    ),
    package("etcd-client", Probe::Program("etcdctl"), &[Part::Test, Part::Bench], "looking into that store"),
    package("faketime", Probe::Program("faketime"), &[Part::Test], "wall clocks that are wrong"),
    package("hping3", Probe::Program("hping3"), &[Part::Test], "floods, and packets of any kind"),
    package(
        "netcat-openbsd",
        Probe::Program("nc.openbsd"),
        &[Part::Test],
        "asks for one port after the other",
    ),
    package(
        "qemu-system-x86",
        Probe::Program("qemu-system-x86_64"),
        &[Part::Kernels],
        "boots other kernels in emulation",
    ),
    package(
        "qemu-system-common",
        Probe::File("/usr/lib/qemu/virtiofsd"),
        &[Part::Kernels],
        "virtiofsd, which shows the machine's files to a VM",
    ),
    package(
        "busybox-static",
        Probe::File("/bin/busybox"),
        &[Part::Test, Part::Kernels],
        "a DHCP client and server, and the first programs in a VM",
    ),
    package("kmod", Probe::Program("depmod"), &[Part::Kernels], "the modules of those kernels"),
    package("xz-utils", Probe::Program("xz"), &[Part::Kernels], "unpacks kernels and modules"),
    package("nginx-light", Probe::Program("nginx"), &[Part::Bench], "server for short connections"),
    package("wrk", Probe::Program("wrk"), &[Part::Bench], "client for short connections"),
    package("sockperf", Probe::Program("sockperf"), &[Part::Bench], "request/response latency"),
    package("openvswitch-switch", Probe::Program("ovs-vswitchd"), &[Part::Bench], "a peer to compare with"),
    package("nftables", Probe::Program("nft"), &[Part::Bench], "a firewall to compare with"),
    package("util-linux", Probe::Program("taskset"), &[Part::Bench], "pins processes to CPUs"),
];
