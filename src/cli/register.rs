//! `countersign register …`: what a person may do with a register by hand, by the administrators' listener of a running gateway. Each use is
//! kept in the register's audit under the name of `--operator`.

use super::administration::AdminArguments;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show how a register stands.
    State(One),
    /// Ask the tax service where it stands, and follow it; of one that is offline: look now whether it is back.
    Resync(One),
    /// Take it offline, where it stays until it is taken online.
    Offline(One),
    /// Let it come back online as soon as the tax service can be reached.
    Online(One),
    /// Unblock one that waits for a person.
    Resolve(Resolve),
    /// Close its shift, with the key of a senior cashier or of the one named.
    CloseShift(CloseShift),
    /// What was done with it by hand.
    Audit(One),
}

#[derive(Args)]
struct One {
    /// Its fiscal number.
    register: u64,
    #[command(flatten)]
    admin: AdminArguments,
}

#[derive(Args)]
struct Resolve {
    #[command(flatten)]
    one: One,
    /// The tax service has the document in doubt, under this fiscal number.
    #[arg(long, value_name = "NUMBER", conflicts_with = "not_issued")]
    issued: Option<String>,
    /// The tax service does not have the document in doubt.
    #[arg(long)]
    not_issued: bool,
}

#[derive(Args)]
struct CloseShift {
    #[command(flatten)]
    one: One,
    /// The cashier whose key closes [default: a senior cashier of the account].
    #[arg(long, value_name = "UUID")]
    cashier: Option<Uuid>,
}

impl One {
    async fn call(&self, method: Method, tool: &str, body: Option<Value>) -> Result<(), String> {
        let path = format!("/admin/v1/registers/{}/{tool}", self.register);
        let answer = self.admin.call(method, &path, body.as_ref()).await?;
        println!("{answer:#}");
        Ok(())
    }
}

/// Does what was asked, and prints how the register stands then.
pub(super) fn register(arguments: &Arguments) -> Result<(), String> {
    super::runtime()?.block_on(async {
        match &arguments.command {
            Command::State(one) => one.call(Method::GET, "state", None).await,
            Command::Audit(one) => one.call(Method::GET, "audit", None).await,
            Command::Resync(one) => one.call(Method::POST, "resync", None).await,
            Command::Offline(one) => one.call(Method::POST, "offline", None).await,
            Command::Online(one) => one.call(Method::POST, "online", None).await,
            Command::Resolve(resolve) => {
                let body = match (&resolve.issued, resolve.not_issued) {
                    (Some(number), _) => json!({ "issued": true, "fiscal_number": number }),
                    (None, true) => json!({ "issued": false }),
                    (None, false) => json!({}),
                };
                resolve.one.call(Method::POST, "resolve", Some(body)).await
            }
            Command::CloseShift(close) => {
                let body = match close.cashier {
                    Some(cashier) => json!({ "cashier": cashier }),
                    None => json!({}),
                };
                close.one.call(Method::POST, "close-shift", Some(body)).await
            }
        }
    })
}
