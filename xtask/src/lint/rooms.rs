//! The architecture's invariants: which room may name which crate and which other room.
//!
//! Files are read as tokens, so that comments count for nothing and macros hide nothing.

use std::str::FromStr as _;

use anyhow::{Result, anyhow, bail};
use proc_macro2::{TokenStream, TokenTree};

use super::source::{self, Source};

/// Where a rule applies, and what may not be named there.
struct Rule {
    /// Paths that begin so are under the rule ...
    within: &'static str,
    /// ... except those that begin so.
    except: &'static [&'static str],
    names: Names,
    /// The rule in words.
    because: &'static str,
}

enum Names {
    /// A crate: the identifier may not be there at all.
    Crates(&'static [&'static str]),
    /// A module: it may be no part of a path (`crate::name`, `use crate::{name}`), but a variable is free.
    Modules(&'static [&'static str]),
}

const RULES: &[Rule] = &[
    Rule {
        within: "switch-common/",
        except: &[],
        names: Names::Crates(&["switch_ebpf", "switch_user", "aya", "aya_ebpf", "rtnetlink", "tokio"]),
        because: "the contract depends on nothing of ours and on no runtime",
    },
    Rule {
        within: "switch-ebpf/",
        except: &["switch-ebpf/src/hook/", "switch-ebpf/src/main.rs", "switch-ebpf/src/bench"],
        names: Names::Crates(&["aya_ebpf"]),
        because: "the pipeline runs on the host too; only the hooks know the kernel's contexts",
    },
    Rule {
        within: "switch-user/",
        except: &["switch-user/src/agent/dataplane/"],
        names: Names::Crates(&["aya"]),
        because: "maps and programs are reached through the trait Dataplane only",
    },
    Rule {
        within: "switch-user/",
        except: &["switch-user/src/netlink/"],
        names: Names::Crates(&["rtnetlink", "netlink_packet_route"]),
        because: "links are reached through the room netlink only",
    },
    Rule {
        within: "switch-user/",
        except: &["switch-user/src/tls/"],
        names: Names::Crates(&["rcgen", "rustls", "tokio_rustls", "x509_parser"]),
        because: "certificates are read, made and asked for in the room tls only",
    },
    Rule {
        within: "switch-user/src/manager/",
        except: &[],
        names: Names::Modules(&["agent", "dataplane", "member", "netlink"]),
        because: "the manager knows no datapath, so that it can run anywhere",
    },
    Rule {
        within: "switch-user/src/agent/",
        except: &[],
        names: Names::Modules(&["client", "manager", "member"]),
        because: "the agent is told what to do, and does not ask where that comes from",
    },
    Rule {
        within: "switch-user/src/model/",
        except: &[],
        names: Names::Crates(&["tokio", "nix", "libc", "axum", "redb"]),
        because: "the model does no I/O",
    },
    Rule {
        within: "switch-user/src/model/",
        except: &[],
        names: Names::Modules(&["fs", "process", "env", "agent", "manager", "netlink", "cli"]),
        because: "the model does no I/O and knows no other room",
    },
];

/// Fails with a line for each place that breaks a rule.
pub(crate) fn check() -> Result<()> {
    let mut broken = Vec::new();
    for source in source::all()? {
        broken.extend(violations(&source)?);
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("{}", broken.join("\n"))
}

fn violations(source: &Source) -> Result<Vec<String>> {
    let tokens = TokenStream::from_str(&source.text).map_err(|error| anyhow!("{}: {error}", source.path))?;
    let mut words = Vec::new();
    flatten(tokens, &mut words);
    let rules = RULES.iter().filter(|rule| rule.covers(&source.path));
    Ok(rules.flat_map(|rule| rule.violations(&source.path, &words)).collect())
}

impl Rule {
    fn covers(&self, path: &str) -> bool {
        path.starts_with(self.within) && !self.except.iter().any(|prefix| path.starts_with(prefix))
    }

    fn violations(&self, path: &str, words: &[Word]) -> Vec<String> {
        let named = words.iter().filter(|word| match self.names {
            Names::Crates(names) => names.contains(&word.text.as_str()),
            Names::Modules(names) => word.in_path && names.contains(&word.text.as_str()),
        });
        named
            .map(|word| {
                format!("{path}:{}: {} is not to be named here: {}", word.line, word.text, self.because)
            })
            .collect()
    }
}

/// An identifier, and whether it is a later part of a path or stands in a `use`.
struct Word {
    text: String,
    line: usize,
    in_path: bool,
}

fn flatten(tokens: TokenStream, words: &mut Vec<Word>) {
    let mut walk = Walk { words, in_use: false, colons: 0 };
    walk.stream(tokens);
}

struct Walk<'a> {
    words: &'a mut Vec<Word>,
    in_use: bool,
    colons: usize,
}

impl Walk<'_> {
    fn stream(&mut self, tokens: TokenStream) {
        for token in tokens {
            self.token(token);
        }
    }

    fn token(&mut self, token: TokenTree) {
        match token {
            TokenTree::Group(group) => {
                self.colons = 0;
                self.stream(group.stream());
                self.colons = 0;
            }
            TokenTree::Ident(ident) => self.word(&ident),
            TokenTree::Punct(punct) => {
                self.colons = if punct.as_char() == ':' { self.colons + 1 } else { 0 };
                self.in_use &= punct.as_char() != ';';
            }
            TokenTree::Literal(_) => self.colons = 0,
        }
    }

    fn word(&mut self, ident: &proc_macro2::Ident) {
        let text = ident.to_string();
        self.in_use |= text == "use";
        let in_path = self.in_use || self.colons == 2;
        self.words.push(Word { text, line: ident.span().start().line, in_path });
        self.colons = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(path: &str, text: &str) -> Vec<String> {
        violations(&Source { path: path.into(), text: text.into() })
            .unwrap_or_else(|error| vec![error.to_string()])
    }

    #[test]
    fn a_crate_is_found_wherever_it_is_named() {
        let found = broken("switch-user/src/agent/plan.rs", "//! aya\nfn f() { go!(aya::Ebpf::load()) }\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("switch-user/src/agent/plan.rs:2: aya "), "{found:?}");
        assert!(broken("switch-user/src/agent/dataplane/bpf.rs", "use aya::Ebpf;").is_empty());
    }

    #[test]
    fn a_module_is_found_in_paths_and_a_variable_is_free() {
        let manager = "switch-user/src/manager/mod.rs";
        assert_eq!(broken(manager, "use crate::{model, agent::plan};").len(), 1);
        assert_eq!(broken(manager, "fn f() { crate::netlink::links() }").len(), 1);
        assert!(broken(manager, "fn f(agent: u8) -> u8 { let x: u8 = agent; x }").is_empty());
    }
}
