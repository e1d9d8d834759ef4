//! `countersign licence …`: licences of signing agents, by the administrators' listener of a running gateway.

use super::administration::AdminArguments;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Issue a licence, and print its token (for `smartsign install-licence`).
    Issue(Issue),
    /// Say what a token is worth; fails where its agent cannot enrol with it.
    Verify(Verify),
    /// Revoke a licence; its agent signs nothing more.
    Revoke(Revoke),
    /// Print the gateway's public key (for `gateway.public_keys` of the agent).
    GatewayKey(GatewayKey),
}

#[derive(Args)]
struct Issue {
    /// The agent's id.
    #[arg(long, value_name = "UUID")]
    agent: Uuid,
    /// The instance's public key, as `smartsign identity` prints it.
    #[arg(long, value_name = "KEY")]
    public_key: String,
    /// Keys that may be active at once.
    #[arg(long, value_name = "NUMBER")]
    keys_max: u32,
    /// The last moment (RFC 3339, say 2027-11-30T21:59:59Z).
    #[arg(long, value_name = "TIME")]
    expires: String,
    /// The first moment [default: now].
    #[arg(long, value_name = "TIME")]
    not_before: Option<String>,
    #[command(flatten)]
    admin: AdminArguments,
}

#[derive(Args)]
struct Verify {
    /// The token, or a file that holds it.
    token: String,
    #[command(flatten)]
    admin: AdminArguments,
}

#[derive(Args)]
struct Revoke {
    /// The agent's id.
    #[arg(long, value_name = "UUID")]
    agent: Uuid,
    /// The licence's id.
    #[arg(long, value_name = "UUID")]
    licence: Uuid,
    #[command(flatten)]
    admin: AdminArguments,
}

#[derive(Args)]
struct GatewayKey {
    #[command(flatten)]
    admin: AdminArguments,
}

/// Does what was asked.
pub(super) fn licence(arguments: &Arguments) -> Result<(), String> {
    super::runtime()?.block_on(async {
        match &arguments.command {
            Command::Issue(issue) => issue.run().await,
            Command::Verify(verify) => verify.run().await,
            Command::Revoke(revoke) => revoke.run().await,
            Command::GatewayKey(GatewayKey { admin }) => {
                let answer = admin.call(Method::GET, "/admin/v1/gateway-key", None).await?;
                println!("{}", text(&answer, "public_key")?);
                Ok(())
            }
        }
    })
}

impl Issue {
    async fn run(&self) -> Result<(), String> {
        let mut terms =
            json!({ "public_key": self.public_key, "keys_max": self.keys_max, "expires": self.expires });
        if let Some(not_before) = &self.not_before {
            terms["not_before"] = json!(not_before);
        }
        let path = format!("/admin/v1/agents/{}/licences", self.agent);
        let issued = self.admin.call(Method::POST, &path, Some(&terms)).await?;
        eprintln!(
            "licence {}, until {}",
            text(&issued, "id")?,
            text(&issued, "expires")?
        );
        // Alone on stdout, to be put into a file.
        println!("{}", text(&issued, "token")?);
        Ok(())
    }
}

impl Verify {
    async fn run(&self) -> Result<(), String> {
        let token = match Path::new(&self.token).is_file() {
            true => std::fs::read_to_string(&self.token)
                .map_err(|error| format!("{}: cannot be read: {error}", self.token))?,
            false => self.token.clone(),
        };
        let body = json!({ "token": token.trim() });
        let answer = self
            .admin
            .call(Method::POST, "/admin/v1/licences/verify", Some(&body))
            .await?;
        println!("{answer:#}");
        if answer["holds"] == json!(true) {
            Ok(())
        } else {
            Err("an agent cannot enrol with it".to_owned())
        }
    }
}

impl Revoke {
    async fn run(&self) -> Result<(), String> {
        let path = format!("/admin/v1/agents/{}/licences/{}", self.agent, self.licence);
        self.admin.call(Method::DELETE, &path, None).await?;
        println!("revoked");
        Ok(())
    }
}

fn text<'a>(answer: &'a Value, field: &str) -> Result<&'a str, String> {
    answer[field]
        .as_str()
        .ok_or_else(|| "an answer that is none".to_owned())
}
