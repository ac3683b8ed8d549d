//! `dvs cert`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};

use super::{
    output::{Format, Streams, joined, or_dash},
    table::{Cell, Colour},
};
use crate::tls::{Authority, Certificate, Issued, Role, Validity, Wish};

/// Where the authority is unless told otherwise.
const DIRECTORY: &str = "/etc/dvs/pki";

/// What to do with certificates.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a private authority: ca.pem for everybody, ca.key for nobody else.
    ///
    /// It is made once, at a place that is kept safe: whoever has ca.key can be anybody.
    Init(Init),
    /// Make a certificate NAME.pem and its key NAME.key.
    #[command(after_help = "Examples:
  dvs cert issue m1 --role manager --address 192.0.2.10 --address m1.example
  dvs cert issue h1 --role host --out /root/h1
  dvs cert issue alice --role admin --days 30")]
    Issue(Issue),
    /// Show whose a certificate is, and for how long.
    Show(Show),
}

#[derive(Args, Debug)]
pub(super) struct Init {
    /// Directory of the authority.
    #[arg(long, default_value = DIRECTORY, value_name = "DIR")]
    dir: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct Issue {
    /// Name of the owner; of a host, the one it runs with (dvs run --host).
    name: String,

    /// What the owner is: host (an agent, which gets and reports what is its own), manager, admin (may do everything),
    /// viewer (may read everything).
    #[arg(long)]
    role: Role,

    /// IP address or host name of a manager, as in the URLs that lead to it; can be given several times.
    #[arg(long, value_delimiter = ',', value_name = "IP|NAME")]
    address: Vec<String>,

    /// Days for which it is good.
    #[arg(long, default_value_t = 365, value_name = "N")]
    days: u32,

    /// Directory of the authority.
    #[arg(long, default_value = DIRECTORY, value_name = "DIR")]
    dir: PathBuf,

    /// Directory of the new files [default: that of the authority].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct Show {
    /// The certificate.
    file: PathBuf,
}

/// Runs a command.
pub(super) fn run(command: Command, format: Format, streams: &mut Streams<'_>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(Init { dir }) => made("authority", &Authority::create(&dir)?, format, streams),
        Command::Issue(options) => issue(options, format, streams),
        Command::Show(Show { file }) => show(&file, format, streams),
    }
}

fn issue(options: Issue, format: Format, streams: &mut Streams<'_>) -> anyhow::Result<ExitCode> {
    let Issue { name, role, address: addresses, days, dir, out } = options;
    let wish = Wish { name, role, addresses, days };
    let issued = Authority::open(&dir)?.issue(&wish, &out.unwrap_or(dir))?;
    made("certificate", &issued, format, streams)
}

fn made(what: &str, files: &Issued, format: Format, streams: &mut Streams<'_>) -> anyhow::Result<ExitCode> {
    if !streams.structured(format, files)? {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        writeln!(streams.output, "{what} {certificate} created, with its key {key}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(file: &Path, format: Format, streams: &mut Streams<'_>) -> anyhow::Result<ExitCode> {
    let certificate = Certificate::of_file(file)?;
    if !streams.structured(format, &certificate)? {
        let role = if certificate.authority { Some("authority") } else { certificate.role.map(Role::name) };
        let (validity, colour) = match certificate.validity {
            Validity::Valid => ("valid", Colour::Green),
            Validity::NotYet => ("not valid yet", Colour::Red),
            Validity::Expired => ("expired", Colour::Red),
        };
        let pairs = [
            ("name", Cell::from(certificate.name)),
            ("role", Cell::from(or_dash(role))),
            ("addresses", Cell::from(joined(&certificate.addresses))),
            ("issuer", Cell::from(certificate.issuer)),
            ("from", Cell::from(certificate.valid_from)),
            ("until", Cell::from(certificate.valid_until)),
            ("validity", Cell::coloured(validity, colour)),
        ];
        streams.pairs(pairs.map(|(name, value)| (name.to_owned(), value)))?;
    }
    Ok(ExitCode::SUCCESS)
}
