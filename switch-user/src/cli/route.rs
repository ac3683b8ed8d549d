//! `dvs route`.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use ipnet::IpNet;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    output::joined,
    record::{self, Named, Remove},
    session::{Session, Writing},
    value::fields,
};
use crate::model::{Kind, Object, Scope, ValidRoute, Validated, validate_as};

/// What to do with routes.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a static route.
    ///
    /// Example: dvs route add default --router r1 --via 10.0.10.254
    Add(Add),
    /// Let a route lead elsewhere.
    ///
    /// Example: dvs route set default --router r1 --via 10.0.10.253,10.0.10.254
    Set(Add),
    /// Show a static route.
    Show(Key),
    /// List all routes, those to the subnets of networks among them.
    ///
    /// Example: dvs route list --router r1
    List(Filter),
    /// Remove a static route.
    Remove(RemoveRoute),
}

/// Names a route.
#[derive(Args, Debug)]
pub(super) struct Key {
    /// Destinations, such as 10.0.0.0/8; `default` is 0.0.0.0/0, or `::/0` if --via is IPv6.
    prefix: String,

    /// Router that has the route.
    #[arg(long, value_name = "NAME")]
    router: String,
}

#[derive(Args, Debug)]
pub(super) struct Add {
    #[command(flatten)]
    key: Key,

    #[command(flatten)]
    flags: Flags,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug)]
pub(super) struct RemoveRoute {
    #[command(flatten)]
    key: Key,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
struct Flags {
    /// Next hops, among which flows are spread: addresses in networks of the router.
    #[arg(long, value_name = "IP,...", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<String>,

    /// Drop packets.
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    blackhole: bool,

    /// Drop packets, and tell their senders.
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unreachable: bool,
}

#[derive(Args, Debug)]
pub(super) struct Filter {
    /// Only routes of this router.
    #[arg(long, value_name = "NAME")]
    router: Option<String>,
}

impl Key {
    /// The prefix, of which `default` is a short form.
    fn prefix(&self, via: &[String]) -> String {
        match (self.prefix.as_str(), via.first()) {
            ("default", Some(hop)) if hop.contains(':') => "::/0".into(),
            ("default", _) => "0.0.0.0/0".into(),
            (prefix, _) => prefix.into(),
        }
    }

    /// The name of the route.
    fn name(&self, via: &[String]) -> String {
        format!("{}/{}", self.router, self.prefix(via))
    }
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    const KIND: Kind = Kind::Route;
    match command {
        Command::Add(Add { key, flags, writing }) => {
            let mut route = fields(&flags)?;
            route.insert("prefix".into(), key.prefix(&flags.via).into());
            route.insert("router".into(), key.router.into());
            let route = Value::Object(route);
            session.change(writing, async |client| client.create(KIND, &route, false).await).await
        }
        Command::Set(Add { key, flags, writing }) => {
            record::set(session, KIND, elsewhere(fields(&flags)?), (&key.name(&flags.via), false, writing))
                .await
        }
        Command::Show(key) => record::show(session, KIND, &Named { name: key.name(&[]) }).await,
        Command::List(filter) => list(&filter, session).await,
        Command::Remove(RemoveRoute { key, writing }) => {
            record::remove(session, KIND, &Remove { name: key.name(&[]), writing }).await
        }
    }
}

/// A route that leads elsewhere no longer leads where it did.
fn elsewhere(mut fields: Map<String, Value>) -> Map<String, Value> {
    if !fields.is_empty() {
        for name in ["via", "blackhole", "unreachable"] {
            fields.entry(name).or_insert(Value::Null);
        }
    }
    fields
}

/// The columns of a route besides prefix and router.
type Target = [String; 3];

async fn list(filter: &Filter, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    if let Some(router) = &filter.router {
        // An unknown router is refused in the words of the agent.
        session.client.show(Kind::Router, router).await?;
    }
    let wanted = |router: &str| filter.router.as_deref().is_none_or(|wanted| wanted == router);
    let mut objects = session.client.list(Kind::Route).await?.objects;
    objects.retain(|document| matches!(&document.object, Object::Route(route) if wanted(&route.router)));
    if session.structured(&objects)? {
        return Ok(ExitCode::SUCCESS);
    }
    let desired = session.desired().await?;
    let valid =
        validate_as(&desired, &[], Scope::Cluster).map_err(|problems| anyhow::anyhow!(joined(&problems)))?;
    let rows = rows(&valid).into_iter().filter(|((router, _), _)| wanted(router));
    let rows = rows.map(|((router, prefix), target)| {
        [prefix.to_string(), router.to_owned()].into_iter().chain(target).collect::<Vec<String>>()
    });
    session.streams.table(&["PREFIX", "ROUTER", "TYPE", "VIA", "NETWORK"], rows, "there are no routes")?;
    Ok(ExitCode::SUCCESS)
}

/// The routes of all routers by router and prefix.
fn rows(valid: &Validated) -> BTreeMap<(&str, IpNet), Target> {
    let mut rows = BTreeMap::new();
    for (name, network) in &valid.networks {
        let Some(router) = &network.router else { continue };
        for subnet in network.subnets.iter().filter(|subnet| subnet.gateway.is_some()) {
            rows.insert((router.as_str(), subnet.prefix), ["connected".into(), "-".into(), name.clone()]);
        }
    }
    for (name, router) in &valid.routers {
        let routes = router.routes.iter();
        rows.extend(routes.map(|(prefix, route)| ((name.as_str(), *prefix), target(route))));
    }
    rows
}

fn target(route: &ValidRoute) -> Target {
    match route {
        ValidRoute::Via(hops) => {
            let addresses: Vec<_> = hops.iter().map(|hop| hop.address).collect();
            let networks: BTreeSet<&str> = hops.iter().map(|hop| hop.network.as_str()).collect();
            let networks: Vec<&str> = networks.into_iter().collect();
            ["static".into(), joined(&addresses), joined(&networks)]
        }
        ValidRoute::Blackhole => ["blackhole".into(), "-".into(), "-".into()],
        ValidRoute::Unreachable => ["unreachable".into(), "-".into(), "-".into()],
    }
}
