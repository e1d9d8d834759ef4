//! `countersign dev`.

use super::ConfigArguments;
use super::signals::terminated;
use clap::Args;
use countersign::config::{self, Log};
use countersign::dev::{DevFile, DevSms, Options, start_dev};
use countersign::telemetry::start_logging;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct Arguments {
    /// Where everything is kept; may exist.
    #[arg(long, value_name = "DIR", default_value = "data/dev")]
    data: PathBuf,
    /// By which way messages reach the stand-in operator: its own API, SMPP, or another operator's API.
    #[arg(long, value_enum, default_value = "sandbox")]
    sms: Way,
    #[command(flatten)]
    config: ConfigArguments,
}

/// The ways, as they are written.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Way {
    Sandbox,
    Smpp,
    Kavenegar,
    Smsru,
    Turbosms,
    Twilio,
}

impl From<Way> for DevSms {
    fn from(way: Way) -> Self {
        match way {
            Way::Sandbox => Self::Sandbox,
            Way::Smpp => Self::Smpp,
            Way::Kavenegar => Self::Kavenegar,
            Way::Smsru => Self::SmsRu,
            Way::Turbosms => Self::TurboSms,
            Way::Twilio => Self::Twilio,
        }
    }
}

/// Runs the whole world until it is told to stop.
pub(super) fn dev(arguments: &Arguments) -> Result<(), String> {
    let sources = arguments.config.sources(false);
    start_logging(&log_options(&sources))?;
    super::runtime()?.block_on(async {
        let terminated = terminated();
        let options = Options {
            data: arguments.data.clone(),
            sources,
            sms: arguments.sms.into(),
        };
        let dev = start_dev(&options).await?;
        let text = welcome(&dev.file, &arguments.data);
        // Where stdout is for machines it holds log lines alone.
        if std::io::stdout().is_terminal() {
            println!("{text}");
        } else {
            eprintln!("{text}");
        }
        dev.run(terminated).await
    })
}

/// Logging starts before the configuration is checked; what is wrong with it is said a moment later.
fn log_options(sources: &config::Sources) -> Log {
    let unchecked = config::load_unchecked(sources);
    unchecked.map(|config| config.log).unwrap_or_default()
}

fn welcome(file: &DevFile, data: &Path) -> String {
    let DevFile {
        public,
        admin,
        sms,
        fiscal,
        agent,
        agent_api_key,
        admin_key,
        cashdesk,
        partners,
        integrations,
        ..
    } = file;
    let mut text = format!(
        "\nCountersign runs, with stand-ins for the world outside. Nothing leaves this machine.\n\n\
         \x20 partners        {public}    (description: {public}/docs)\n\
         \x20 administrators  {admin}    (description: {admin}/docs, metrics: {admin}/metrics)\n\
         \x20 SMS stand-in    {sms}\n\
         \x20 fiscal server   {fiscal}    (stand-in; documents: {fiscal}/fs/doc, what it accepted: {fiscal}/control/state)\n\
         \x20 signing agent   {agent}    (its keys: {agent}/api/v1/keys with the key {agent_api_key})\n\
         \x20 admin key       {admin_key}\n\
         \x20 cash desks      {public}/api/v2    (description: {public}/api/v2/openapi.json)\n\
         \x20 demo shop       api_token {}, registers {:?}; {} with the password {}\n",
        cashdesk.api_token, cashdesk.registers, cashdesk.email, cashdesk.password
    );
    for partner in partners {
        let _ = writeln!(
            text,
            "  partner         {}: InvokerCode {}, key {}, contract types {:?}",
            partner.name, partner.invoker_code, partner.key, partner.contract_types
        );
    }
    for integration in integrations {
        let _ = writeln!(
            text,
            "  integration     {}: key {}",
            integration.name, integration.key
        );
    }
    let _ = write!(
        text,
        "\nThe same is in {}. Try:\n\n{}",
        data.join("dev.json").display(),
        curls(file)
    );
    text
}

/// A sale, whose answer holds the receipt.
fn sale(file: &DevFile) -> String {
    let register = file.cashdesk.registers.first().copied().unwrap_or_default();
    let line = r#"{"name":"Сир","amount":1,"price":12.5,"cost":12.5,"letters":"А"}"#;
    let body = format!(
        r#"{{"num_fiscal":{register},"action_type":"Z_SALE","total_sum":12.5,"products":[{line}],"payments":[{{"code":0,"name":"ГОТІВКА","sum":12.5}}],"no_pdf":true}}"#
    );
    format!(
        "curl -s '{}/api/v2/check/sale?api_token={}' -H 'developer-id: demo' -H 'Content-Type: application/json' \\\n  -d '{body}'\n",
        file.public, file.cashdesk.api_token
    )
}

/// Five calls, ready to paste.
fn curls(file: &DevFile) -> String {
    let partner = &file.partners[0];
    let inputs = format!(
        r#""CcmsCode":1001,"ContactCcmsCode":2001,"ContractTypeId":7,"InvokerCode":"{}""#,
        partner.invoker_code
    );
    let post = |path: &str, body: &str| {
        format!(
            "curl -s {}{path} -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' \\\n  -d '{{{body}}}'\n",
            file.public, partner.key
        )
    };
    let read = format!("curl -s '{}/messages?to=%2B989120000001'\n", file.sms);
    let verify = format!(r#"{inputs},"Otp":"<the code in the message>""#);
    let record = file.integrations.first().map_or(String::new(), |integration| {
        format!(
            "curl -si {}/api/v0/AddContractESignInfo -H 'Authorization: Bearer {}' \\\n  -d '{{\"ClientIntegrationId\":\"nz2UG1\",\"ContractId\":313527,\"SignDate\":\"01.01.2024\"}}'\n",
            file.public, integration.key
        )
    });
    format!(
        "{}\n{read}\n{}\n{record}\n{}",
        post("/api/v1/contract-otp/send", &inputs),
        post("/api/v1/contract-otp/verify", &verify),
        sale(file)
    )
}
