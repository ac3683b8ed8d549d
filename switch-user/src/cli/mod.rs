//! The `dvs` command: one file a noun. All of it but `run` is a client of the API.

mod apply;
mod cert;
mod completion;
mod connection;
mod diff;
mod drops;
mod export;
mod fdb;
mod flow;
mod group;
mod history;
mod host;
mod log;
mod man;
mod manager;
mod moves;
mod neigh;
mod network;
mod openapi;
mod output;
mod policy;
mod port;
mod record;
mod route;
mod router;
mod rule;
pub mod run;
mod session;
mod stats;
mod status;
mod store;
mod switch;
mod table;
mod uplink;
mod value;

#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use self::{
    output::{Format, Streams},
    session::Session,
};

/// Heading of the options that all commands have.
const COMMON: &str = "Common options";
/// Exit code of a command that was refused or failed.
const FAILED: u8 = 1;

/// A virtual switch for the VMs and containers of Linux hosts.
///
/// The agent (dvs run) forwards frames in the kernel; all other commands ask it through its socket, or a manager of
/// many hosts (dvs manager) with --server. Nouns come first, then verbs: dvs network add, dvs port list.
#[derive(Debug, Parser)]
#[command(name = "dvs", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    connection: connection::Options,

    /// Form of the output.
    #[arg(short, long, global = true, help_heading = COMMON, default_value = "table", value_name = "FORMAT")]
    output: Format,

    #[command(subcommand)]
    command: Command,
}

// A variant without a comment has the text of its options.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent of this host in the foreground.
    Run(run::Options),
    Manager(manager::Options),
    /// Certificates: who may connect to a manager.
    #[command(subcommand)]
    Cert(cert::Command),
    #[command(flatten)]
    Ask(Box<Question>),
    /// The store: copies of it, and the way back from them.
    #[command(subcommand)]
    Store(store::Command),
    Completion(completion::Options),
    Man(man::Options),
    /// Print the description of the API.
    #[command(hide = true)]
    Openapi,
}

impl Command {
    /// Exit code if it is refused or fails.
    fn failure(&self) -> u8 {
        match self {
            Self::Ask(question) if matches!(**question, Question::Diff(_)) => diff::FAILED,
            Self::Ask(_)
            | Self::Run(_)
            | Self::Manager(_)
            | Self::Cert(_)
            | Self::Store(_)
            | Self::Completion(_)
            | Self::Man(_)
            | Self::Openapi => FAILED,
        }
    }
}

/// What is answered by the agent, or a manager.
#[derive(Debug, Subcommand)]
enum Question {
    /// Routers: they connect networks.
    #[command(subcommand)]
    Router(router::Command),
    /// Networks: broadcast domains, each with a VLAN.
    #[command(subcommand)]
    Network(network::Command),
    /// Hosts: who forwards frames, in a cluster.
    #[command(subcommand)]
    Host(host::Command),
    /// Ports: where VMs and containers plug in.
    #[command(subcommand)]
    Port(port::Command),
    /// Uplinks: devices that lead out of the host.
    #[command(subcommand)]
    Uplink(uplink::Command),
    /// Routes: where routers send packets that are for none of their networks.
    #[command(subcommand)]
    Route(route::Command),
    /// Groups: ports and addresses that policies and rules mean.
    #[command(subcommand)]
    Group(group::Command),
    /// Policies: rule sets of the firewall.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Rules: what policies say about packets.
    #[command(subcommand)]
    Rule(rule::Command),
    /// Settings of the whole switch.
    #[command(subcommand)]
    Switch(switch::Command),
    /// The forwarding database: which station is at which port.
    Fdb(fdb::Options),
    /// Flows: the connections that are routed.
    Flow(flow::Options),
    /// Neighbours: whose an IP address is.
    Neigh(neigh::Options),
    /// Show the counters of ports and uplinks.
    Stats(stats::Options),
    /// Show how many frames were dropped, and why.
    Drops(drops::Options),
    Log(log::Options),
    /// Show the state of the host, its ports and its tables; of a cluster, that of its hosts.
    Status,
    Apply(apply::Options),
    Diff(diff::Options),
    /// Print all objects in the form that apply reads.
    Export,
    History(history::Options),
    Rollback(history::RollbackOptions),
}

/// Runs the command of this process.
pub fn main() -> ExitCode {
    let mut streams = Streams {
        input: &mut io::stdin(),
        output: &mut io::stdout(),
        errors: &mut io::stderr(),
        interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
        colour: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    execute(std::env::args_os(), &mut streams)
}

/// Runs a command line.
fn execute(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> ExitCode {
    let (cli, matches) = match parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, streams),
    };
    let failed = cli.command.failure();
    let outcome =
        dispatch(cli, &matches, streams).and_then(|code| Ok(streams.output.flush().map(|()| code)?));
    outcome.unwrap_or_else(|error| failure(&error, failed, streams))
}

/// What a command line says, and where each word of it comes from.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<(Cli, ArgMatches), clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    connection::Options::check(&matches)?;
    Ok((cli, matches))
}

fn dispatch(cli: Cli, matches: &ArgMatches, streams: &mut Streams<'_>) -> anyhow::Result<ExitCode> {
    let connection = cli.connection;
    match cli.command {
        // The agent makes its own runtime, after it has entered its namespace.
        Command::Run(options) => run::run(&options, &connection).map(|()| ExitCode::SUCCESS),
        Command::Manager(options) => {
            let socket = connection.named_socket(matches);
            manager::run(&options, connection.manager()?, socket).map(|()| ExitCode::SUCCESS)
        }
        Command::Cert(command) => cert::run(command, cli.output, streams),
        Command::Ask(question) => {
            let client = connection.client(matches)?;
            let session = Session { client, format: cli.output, streams };
            runtime()?.block_on(ask(*question, session))
        }
        Command::Store(store::Command::Backup { file }) => {
            let client = connection.client(matches)?;
            let mut session = Session { client, format: cli.output, streams };
            runtime()?.block_on(store::backup(&file, &mut session))
        }
        Command::Store(store::Command::Restore { file, state_dir }) => {
            store::restore(&file, &state_dir, streams)
        }
        Command::Completion(options) => completion::run(&options, Cli::command(), streams),
        Command::Man(options) => man::run(&options, Cli::command()),
        Command::Openapi => openapi::run(streams),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn ask(question: Question, mut session: Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let session = &mut session;
    match question {
        Question::Router(command) => router::run(command, session).await,
        Question::Network(command) => network::run(command, session).await,
        Question::Host(command) => host::run(command, session).await,
        Question::Port(command) => port::run(command, session).await,
        Question::Uplink(command) => uplink::run(command, session).await,
        Question::Route(command) => route::run(command, session).await,
        Question::Group(command) => group::run(command, session).await,
        Question::Policy(command) => policy::run(command, session).await,
        Question::Rule(command) => rule::run(command, session).await,
        Question::Switch(command) => switch::run(command, session).await,
        Question::Fdb(options) => fdb::run(options, session).await,
        Question::Flow(options) => flow::run(options, session).await,
        Question::Neigh(options) => neigh::run(options, session).await,
        Question::Stats(options) => stats::run(&options, session).await,
        Question::Drops(options) => drops::run(&options, session).await,
        Question::Log(options) => log::run(&options, session).await,
        Question::Status => status::run(session).await,
        Question::Apply(options) => apply::run(&options, session).await,
        Question::Diff(options) => diff::run(&options, session).await,
        Question::Export => export::run(session).await,
        Question::History(options) => history::run(&options, session).await,
        Question::Rollback(options) => history::rollback(&options, session).await,
    }
}

/// Answers a command line that cannot be understood, or that asks for help.
fn usage(error: &clap::Error, streams: &mut Streams<'_>) -> ExitCode {
    let text = error.render();
    let text = if streams.colour { text.ansi().to_string() } else { text.to_string() };
    let stream = if error.use_stderr() { &mut *streams.errors } else { &mut *streams.output };
    // Whoever does not listen does not want to know.
    stream.write_all(text.as_bytes()).ok();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn failure(error: &anyhow::Error, code: u8, streams: &mut Streams<'_>) -> ExitCode {
    let broken_pipe = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(broken_pipe) {
        // The reader has seen enough, as in `dvs port list | head`.
        return ExitCode::SUCCESS;
    }
    for line in format!("{error:#}").lines() {
        writeln!(streams.errors, "error: {line}").ok();
    }
    ExitCode::from(code)
}
