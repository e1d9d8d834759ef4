//! The program `sandbox-fiscal`: a stand-in for the tax service's fiscal server.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is where the program speaks to people

use clap::Parser;
use sandbox::fiscal::{Server, Settings};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for the tax service's fiscal server: checks documents as it does, and remembers what it accepted.
///
/// POST documents to /fs/doc, commands to /fs/cmd, offline packages to /fs/pck. On the control address: POST /control arms a fault,
/// DELETE /control disarms all, GET /control/state tells what was accepted, GET /control/certificate gives the server's certificate.
/// Nothing is registered with anybody.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Where documents come in, `address:port`.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8609")]
    listen: SocketAddr,
    /// Where faults are armed. It asks nobody who they are: keep it on loopback.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8610")]
    control: SocketAddr,
    /// Where journal and key are kept; made when it is not there.
    #[arg(long, value_name = "DIR", default_value = "sandbox-fiscal")]
    folder: PathBuf,
    /// Who is registered, and how the server behaves: a TOML file.
    #[arg(long, value_name = "FILE")]
    settings: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox-fiscal: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(&arguments.settings)
        .map_err(|error| format!("{}: {error}", arguments.settings.display()))?;
    let server = Server::open(Settings::from_toml(&text)?, &arguments.folder)?;
    let listener = TcpListener::bind(arguments.listen).await?;
    let control = TcpListener::bind(arguments.control).await?;
    // In this form, for programs that start this one on ports of the system's choice.
    println!("fiscal http://{}/fs", listener.local_addr()?);
    println!("control http://{}/control", control.local_addr()?);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server.serve(listener, Some(control), shutdown).await?;
    Ok(())
}
