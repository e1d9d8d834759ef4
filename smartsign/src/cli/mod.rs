//! The command line: what the program can be asked to do.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is where the program speaks to people

mod ask;
mod serve;

use clap::{Args, Parser, Subcommand};
use smartsign::config::{self, Config};
use smartsign::{instance, run};
use std::path::PathBuf;
use std::process::ExitCode;

/// SmartSign: keeps the customers' signature keys on your server, and signs what the gateway asks for.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the agent.
    Serve(ConfigArguments),
    /// Check the configuration, and print what is in force, secrets masked.
    CheckConfig(ConfigArguments),
    /// Print the public key of this instance, for which a licence is issued. The agent must not be running.
    Identity(ConfigArguments),
    /// Ask a running agent whether it is alive or ready (for container health checks).
    Probe(ask::Probe),
    /// Put a licence in force at a running agent.
    InstallLicence(ask::InstallLicence),
    /// Register a cashier through a running agent, and print the user's token, once.
    RegisterCashier(ask::RegisterCashier),
}

/// Where the configuration comes from.
#[derive(Args, Clone, Default)]
struct ConfigArguments {
    /// The configuration file [default: config/smartsign.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The file that is read where it is there and none is named.
const DEFAULT_FILE: &str = "config/smartsign.toml";

impl ConfigArguments {
    fn load(&self) -> Result<Config, String> {
        let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists());
        let file = self.config.clone().or_else(default);
        config::load(file.as_deref(), std::env::vars()).map_err(|error| error.to_string())
    }
}

/// Parses, does, and says in a line what went wrong.
pub(crate) fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(arguments) => arguments.load().and_then(|config| serve::serve(&config)),
        Command::CheckConfig(arguments) => arguments.load().and_then(|config| print(&config)),
        Command::Identity(arguments) => arguments.load().and_then(|config| identity(&config)),
        Command::Probe(arguments) => arguments.ask(),
        Command::InstallLicence(arguments) => arguments.ask(),
        Command::RegisterCashier(arguments) => arguments.ask(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("smartsign: {message}");
            ExitCode::FAILURE
        }
    }
}

fn print(config: &Config) -> Result<(), String> {
    let text = toml::to_string_pretty(config);
    println!(
        "{}",
        text.map_err(|error| format!("the configuration cannot be printed: {error}"))?
    );
    Ok(())
}

fn identity(config: &Config) -> Result<(), String> {
    let vault = run::open_vault(config)
        .map_err(|error| format!("{error} (a running agent tells it at GET /api/v1/identity)"))?;
    let instance = instance::open(&vault).map_err(|error| error.to_string())?;
    println!("{}", instance.public_key());
    Ok(())
}

/// The runtime of every command.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime could not be started: {error}"))
}
