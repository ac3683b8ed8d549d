//! The firewall of the kernel's router: nftables with connection tracking.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{super::lab::Lab, kernel, rules};
use crate::bench::process::poll;

/// A firewall in the host's namespace.
pub(super) struct Nft {
    /// What the kernel calls the rule that is changed.
    handle: String,
}

impl Nft {
    /// Routes, and filters what is forwarded.
    pub(super) fn start(lab: &Lab, count: u32) -> Result<Self> {
        kernel::route(lab)?;
        let file = rules::write(lab, count, "nft")?;
        lab.host.quick(&["nft", "-f", &file])?;
        let list = lab.host.quick(&["nft", "-a", "list", "chain", "inet", rules::POLICY, "forward"])?;
        let handle = handle(&list, rules::changed(count))
            .with_context(|| format!("nft does not list {count} rules with their handles"))?;
        Ok(Self { handle })
    }

    /// Replaces a rule by one for other ports; how long that takes.
    pub(super) fn change(&self, lab: &Lab, port: &str) -> Result<Duration> {
        let words = ["nft", "replace", "rule", "inet", rules::POLICY, "forward", "handle", &self.handle];
        let start = Instant::now();
        lab.host.quick(&[&words[..], &["tcp", "dport", port, "drop"]].concat())?;
        Ok(start.elapsed())
    }

    /// Waits until connections are tracked, which nobody notices who gets through anyway.
    pub(super) fn wait_for_tracking(lab: &Lab) -> Result<()> {
        let count = ["sysctl", "-n", "net.netfilter.nf_conntrack_count"];
        let tracks = poll(Duration::from_secs(5), || Ok(lab.host.quick(&count)?.trim() != "0"))?;
        anyhow::ensure!(tracks, "the kernel does not track connections in {}", lab.host.name());
        Ok(())
    }
}

/// Handle of a rule, counted from 1 behind the one for known connections.
fn handle(list: &str, number: u32) -> Option<String> {
    let rules = list.lines().skip_while(|line| !line.contains("ct state"));
    let line = rules.skip(1).nth(usize::try_from(number).ok()?.checked_sub(1)?)?;
    line.split_once("# handle ").map(|(_, handle)| handle.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_counted_behind_the_one_for_known_connections() {
        let list = "table inet bench {\n\tchain forward { # handle 17\n\t\ttype filter hook forward priority filter; policy drop;\n\
                    \t\tct state established,related accept # handle 18\n\t\tip saddr 11.0.0.0/8 drop # handle 19\n\
                    \t\ttcp dport 10026 drop # handle 20\n\t}\n}\n";
        assert_eq!(handle(list, 1).as_deref(), Some("19"));
        assert_eq!(handle(list, 2).as_deref(), Some("20"));
        assert_eq!(handle(list, 3), None);
    }
}
