//! From the configuration to operators, the router over them, and the guards before them.

use super::http::Http;
use super::router::{Operator, Router, RouterMetrics};
use super::smpp::{Events, Smpp, SmppMetrics};
use super::webhook::Webhook;
use crate::config::{Config, ConfigSecret, HttpAccount, SmppAccount, SmppMode, SmsSenderKind, TrafficMode};
use crate::outbound;
use actors::clock::Clock;
use actors::directory::Directory;
use actors::guards;
use actors::ids::InvokerCode;
use actors::machines::otp::signing_text;
use actors::ports::SmsSender;
use actors::secret::Otp;
use sms::breaker::Rule;
use sms::operators::{Kavenegar, SmsRu, TurboSms, Twilio};
use sms::routing::Routes;
use sms::traffic;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Where reports of operators arrive, below the gateway's public base URL.
pub const RECEIPTS_PATH: &str = "/api/v1/sms/receipts";
/// The pause before a lost bind is tried again, doubled up to the setting: half a second is a restart of a small SMSC.
const RECONNECT_MIN: Duration = Duration::from_millis(500);

/// What sends, and what has to be done beside it.
pub struct Sending {
    /// Who sends.
    pub sender: Arc<dyn SmsSender>,
    /// Operators by name, for their reports; none where the sender is no router.
    pub router: Option<Arc<Router>>,
    /// What operators by SMPP say.
    pub events: Vec<Events>,
}

impl Sending {
    /// A sender by itself: a test's, or a benchmark's.
    pub fn by(sender: Arc<dyn SmsSender>) -> Self {
        Self {
            sender,
            router: None,
            events: Vec::new(),
        }
    }
}

/// The configured sender; begins to bind where operators are by SMPP.
///
/// # Errors
/// A sentence that names the option.
pub fn sending(
    config: &Config,
    clock: &Arc<dyn Clock>,
    metrics: &prometheus::Registry,
) -> Result<Sending, String> {
    let client = outbound::client()?;
    match config.sms.sender {
        SmsSenderKind::Webhook => {
            let webhook = &config.sms.webhook;
            let secret = resolved("sms.webhook.secret", &webhook.secret)?;
            let sender = Webhook::new(client, &webhook.url, &secret, Arc::clone(clock))?;
            Ok(Sending::by(Arc::new(sender)))
        }
        SmsSenderKind::Operators => operators(config, client, clock, metrics),
        #[cfg(feature = "dev")]
        SmsSenderKind::Sandbox => {
            let sender = super::sandbox::Sandbox::new(client, &config.sms.sandbox.url)?;
            Ok(Sending::by(Arc::new(sender)))
        }
        #[cfg(not(feature = "dev"))]
        SmsSenderKind::Sandbox => Err("sms.sender: this program was built without the sandbox".to_owned()),
    }
}

fn resolved(option: &str, secret: &ConfigSecret) -> Result<Zeroizing<String>, String> {
    let secret = secret.resolve().map_err(|error| format!("{option}: {error}"))?;
    Ok(Zeroizing::new(secret.expose().to_owned()))
}

/// Those that a route names, and no others.
fn operators(
    config: &Config,
    client: reqwest::Client,
    clock: &Arc<dyn Clock>,
    metrics: &prometheus::Registry,
) -> Result<Sending, String> {
    let counted = |error: prometheus::Error| format!("metrics: {error}");
    let router_metrics = RouterMetrics::new(metrics).map_err(counted)?;
    let smpp_metrics = SmppMetrics::new(metrics).map_err(counted)?;
    let candidates = config.sms.routes.iter().flat_map(|route| &route.operators);
    let names: BTreeSet<&str> = candidates.map(|candidate| candidate.operator.as_str()).collect();
    let (mut operators, mut events): (Vec<Arc<dyn Operator>>, _) = (Vec::new(), Vec::new());
    for name in names {
        if let Some(account) = config.sms.smpp.get(name) {
            let (operator, said) = Smpp::start(smpp_settings(name, account)?, smpp_metrics.clone());
            operators.push(Arc::new(operator));
            events.push(said);
        } else {
            operators.push(Arc::new(Http::new(client.clone(), http_operator(config, name)?)));
        }
    }
    let breaker = &config.sms.breaker;
    let rule = Rule {
        failures_max: breaker.failures_max,
        rest_ms: i64::from(breaker.rest_seconds) * 1_000,
    };
    let routes = Routes::new(config.sms.routes.clone());
    let router = Arc::new(Router::new(
        operators,
        routes,
        rule,
        Arc::clone(clock),
        router_metrics,
    ));
    Ok(Sending {
        sender: Arc::clone(&router) as _,
        router: Some(router),
        events,
    })
}

fn base(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

fn http_operator(config: &Config, name: &str) -> Result<Arc<dyn sms::operators::HttpOperator>, String> {
    let sms = &config.sms;
    let key = |account: &HttpAccount| resolved(&format!("sms.{name}.key"), &account.key);
    let receipt_token =
        |account: &HttpAccount| resolved(&format!("sms.{name}.receipt_token"), &account.receipt_token);
    Ok(match name {
        "kavenegar" => Arc::new(Kavenegar {
            base: base(&sms.kavenegar.url),
            key: key(&sms.kavenegar)?,
            sender: sms.kavenegar.sender.clone(),
        }),
        "smsru" => Arc::new(SmsRu {
            base: base(&sms.smsru.url),
            api_id: key(&sms.smsru)?,
            sender: sms.smsru.sender.clone(),
            token: receipt_token(&sms.smsru)?,
        }),
        "turbosms" => Arc::new(TurboSms {
            base: base(&sms.turbosms.url),
            token: key(&sms.turbosms)?,
            sender: sms.turbosms.sender.clone(),
            receipt_key: resolved("sms.turbosms.receipt_key", &sms.turbosms.receipt_key)?,
            receipt_token: receipt_token(&sms.turbosms)?,
        }),
        "twilio" => Arc::new(Twilio {
            base: base(&sms.twilio.url),
            account: sms.twilio.account.clone(),
            token: resolved("sms.twilio.key", &sms.twilio.key)?,
            sender: sms.twilio.sender.clone(),
            receipts_url: match base(&sms.receipts_url).as_str() {
                "" => String::new(),
                url => format!("{url}{RECEIPTS_PATH}/twilio"),
            },
        }),
        _ => return Err(format!("sms.routes: there is no operator {name}")),
    })
}

fn smpp_settings(name: &str, account: &SmppAccount) -> Result<smpp::Settings, String> {
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    let settings = smpp::Settings {
        name: name.to_owned(),
        host: account.host.clone(),
        port: account.port,
        system_id: account.system_id.clone(),
        password: resolved("sms.smpp.password", &account.password)?,
        system_type: account.system_type.clone(),
        source: account.source.clone(),
        source_ton: account.source_ton,
        source_npi: account.source_npi,
        mode: match account.mode {
            SmppMode::Transceiver => smpp::Mode::Transceiver,
            SmppMode::TransmitterAndReceiver => smpp::Mode::TransmitterAndReceiver,
        },
        binds: account.binds,
        window: account.window,
        enquire_link: seconds(account.enquire_link_seconds),
        response: seconds(account.response_seconds),
        reconnect_min: RECONNECT_MIN,
        reconnect_max: seconds(account.reconnect_max_seconds).max(RECONNECT_MIN),
        hexadecimal_ids: account.hexadecimal_ids,
    };
    settings
        .check()
        .map_err(|error| format!("sms.smpp.{name}.{error}"))?;
    Ok(settings)
}

/// What stands before operators, as configured.
pub fn guard_settings(config: &Config) -> guards::Settings {
    let (spending, traffic) = (&config.sms.spending, &config.sms.traffic);
    guards::Settings {
        allowed_prefixes: config.sms.allowed_prefixes.clone(),
        parts_max: config.sms.parts_max,
        prices: spending
            .prices
            .iter()
            .map(|price| (price.prefix.clone(), price.part))
            .collect(),
        daily_max: spending.daily_max,
        daily_max_of: spending
            .partners
            .iter()
            .map(|(code, max)| (InvokerCode(*code), *max))
            .collect(),
        margin: spending.margin,
        rule: traffic::Rule {
            sent_min: traffic.sent_min,
            verified_percent_min: traffic.verified_percent_min,
        },
        range_digits: usize::try_from(traffic.range_digits).unwrap_or(usize::MAX),
        refuses_suspicious: traffic.mode == TrafficMode::Refuse,
    }
}

/// Characters of a name that a template is measured with: longer ones are rare, and their messages may have as many parts as are allowed.
const NAME_CHARACTERS: usize = 40;

/// Every contract type's message must fit into the parts that are allowed, whoever of an ordinary name it goes to.
///
/// # Errors
/// A sentence that names the contract type, and what to do.
pub fn check_templates(config: &Config, directory: &Directory) -> Result<(), String> {
    let (snapshot, name) = (directory.snapshot(), "\u{628}".repeat(NAME_CHARACTERS));
    let allowed = config.sms.parts_max;
    for (id, record) in snapshot.contract_types() {
        let digits = record.otp.code_length.unwrap_or(config.otp.code_length);
        let code = Otp::typed(&"0".repeat(usize::from(digits)));
        let text = signing_text(&config.otp.brand, &name, &record.title, &code);
        let parts = sms::segment::count(text.expose());
        if parts > allowed {
            return Err(format!(
                "contract type {id}: its message would need {parts} parts, and sms.parts_max allows {allowed}; shorten its title or otp.brand"
            ));
        }
    }
    Ok(())
}
