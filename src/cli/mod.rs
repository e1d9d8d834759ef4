//! The command line: what the program can be asked to do.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is where the program speaks to people

mod administration;
mod check_config;
#[cfg(feature = "dev")]
mod dev;
mod evidence;
mod import;
mod licence;
mod probe;
mod register;
mod serve;
mod signals;

use clap::{Args, Parser, Subcommand};
use countersign::config::Sources;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Countersign: one-time passwords, signing evidence and fiscal receipts in one durable gateway.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(ConfigArguments),
    /// Run gateway, stand-ins and demo data in one process, to try out.
    #[cfg(feature = "dev")]
    Dev(dev::Arguments),
    /// Check the configuration, and print what is in force, secrets masked.
    CheckConfig(ConfigArguments),
    /// Import a file of JSON lines into a running gateway.
    Import(import::Arguments),
    /// Licences of signing agents: issue, verify, revoke.
    Licence(licence::Arguments),
    /// Registers by hand: resync, offline, online, resolve, close-shift, state, audit.
    Register(register::Arguments),
    /// Export and check signing evidence.
    #[command(subcommand)]
    Evidence(evidence::Evidence),
    /// Audit the evidence log of a running gateway.
    Audit(evidence::Audit),
    /// Ask a running gateway whether it is ready (for container health checks).
    Probe(probe::Arguments),
}

/// Where the configuration comes from.
#[derive(Args, Clone, Default)]
struct ConfigArguments {
    /// The configuration file [default: config/countersign.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// An option, `section.key=value`; may be given several times.
    #[arg(long, value_name = "OPTION=VALUE", value_parser = option)]
    set: Vec<(String, String)>,
    /// The partners' listener, `address:port`.
    #[arg(long, value_name = "ADDR")]
    public: Option<SocketAddr>,
    /// The administrators' listener, `address:port`.
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
}

/// The file that is read where it is there and none is named.
const DEFAULT_FILE: &str = "config/countersign.toml";

impl ConfigArguments {
    fn sources(&self, default_file: bool) -> Sources {
        let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|path| default_file && Path::exists(path));
        let quoted = |address: SocketAddr| format!("\"{address}\"");
        let public = self
            .public
            .map(|address| ("public.address".to_owned(), quoted(address)));
        let admin = self
            .admin
            .map(|address| ("admin.address".to_owned(), quoted(address)));
        Sources {
            file: self.config.clone().or_else(default),
            environment: std::env::vars().collect(),
            flags: self.set.iter().cloned().chain(public).chain(admin).collect(),
        }
    }
}

fn option(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("must be OPTION=VALUE, say otp.brand=Agah")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Parses, does, and says in a line what went wrong.
pub(crate) fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(arguments) => serve::serve(&arguments),
        #[cfg(feature = "dev")]
        Command::Dev(arguments) => dev::dev(&arguments),
        Command::CheckConfig(arguments) => check_config::check_config(&arguments),
        Command::Import(arguments) => import::import(&arguments),
        Command::Licence(arguments) => licence::licence(&arguments),
        Command::Register(arguments) => register::register(&arguments),
        Command::Evidence(command) => evidence::evidence(&command),
        Command::Audit(arguments) => evidence::audit(&arguments),
        Command::Probe(arguments) => probe::probe(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("countersign: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The runtime of every command.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime could not be started: {error}"))
}
