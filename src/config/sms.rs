//! How messages go out: which operators, in which order, and what stands before them.

use super::ConfigSecret;
use serde::{Deserialize, Serialize};
use sms::routing::Route;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How messages go out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sms {
    /// Which sender.
    pub sender: SmsSenderKind,
    /// Seconds that a message may take to be handed over, all operators together; after them the outcome is unknown.
    pub timeout_seconds: u64,
    /// Parts that a message may have.
    pub parts_max: u32,
    /// Digits that numbers may begin with, country code first; none allows all.
    pub allowed_prefixes: Vec<String>,
    /// Where operators send their reports: this gateway's public base URL, as they see it.
    pub receipts_url: String,
    /// Which operators for which numbers.
    pub routes: Vec<Route>,
    /// Operators by SMPP, by name.
    pub smpp: BTreeMap<String, SmppAccount>,
    /// When an operator rests.
    pub breaker: Breaker,
    /// What partners may spend.
    pub spending: Spending,
    /// When a range of numbers is suspicious.
    pub traffic: Traffic,
    /// The webhook.
    pub webhook: Webhook,
    /// The sandbox.
    pub sandbox: SandboxSender,
    /// Kavenegar.
    pub kavenegar: HttpAccount,
    /// sms.ru.
    pub smsru: HttpAccount,
    /// TurboSMS.
    pub turbosms: HttpAccount,
    /// Twilio.
    pub twilio: Twilio,
}

/// Which sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsSenderKind {
    /// The administrator's own URL.
    Webhook,
    /// Operators, by routes.
    Operators,
    /// The stand-in operator; `countersign dev` only.
    Sandbox,
}

/// The administrator's own URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Where messages are POSTed.
    pub url: String,
    /// `whsec_` and base64 of 24 to 64 bytes: the key of the Standard Webhooks signature.
    pub secret: ConfigSecret,
}

/// The stand-in operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxSender {
    /// Its base URL.
    pub url: String,
}

/// When an operator rests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// Failures in a row; 0: it never rests.
    pub failures_max: u32,
    /// Seconds of rest, before one message tries.
    pub rest_seconds: u32,
}

/// What partners may spend in a day (UTC).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spending {
    /// Of every partner, in units of price.
    pub daily_max: u64,
    /// What is granted at once, at least; up to a hundredth of `daily_max` to those who spend fast.
    pub margin: u64,
    /// Of single partners, by invoker code.
    pub partners: BTreeMap<Uuid, u64>,
    /// What a part costs.
    pub prices: Vec<Price>,
}

/// What a part costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Digits that a number begins with.
    pub prefix: String,
    /// Units.
    pub part: u64,
}

/// When a range of numbers is suspicious.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// What happens then.
    pub mode: TrafficMode,
    /// Digits that make a range.
    pub range_digits: u32,
    /// Fewer messages in an hour say nothing.
    pub sent_min: u32,
    /// Of a hundred sent, so many must have been verified.
    pub verified_percent_min: u32,
}

/// What happens to messages to a suspicious range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrafficMode {
    /// They are counted and logged, and go.
    Record,
    /// They are refused.
    Refuse,
}

/// An account with an operator by HTTP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpAccount {
    /// Where its API is.
    pub url: String,
    /// The key, `api_id` or token.
    pub key: ConfigSecret,
    /// What messages come from.
    pub sender: String,
    /// The key that its reports are signed with, where it signs them.
    pub receipt_key: ConfigSecret,
    /// What the URL of its reports must carry as `token`, where it does not sign them.
    pub receipt_token: ConfigSecret,
}

/// An account with Twilio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Twilio {
    /// Where its API is.
    pub url: String,
    /// The account's SID.
    pub account: String,
    /// Its token.
    pub key: ConfigSecret,
    /// The number that messages come from, or a messaging service's SID.
    pub sender: String,
}

/// What is bound to an operator by SMPP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmppMode {
    /// Connections both ways.
    Transceiver,
    /// Connections for messages, and one for receipts.
    TransmitterAndReceiver,
}

/// An account with an operator by SMPP 3.4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmppAccount {
    /// Where it listens.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The account.
    pub system_id: String,
    /// Its password.
    pub password: ConfigSecret,
    /// The kind of system.
    pub system_type: String,
    /// What messages come from.
    pub source: String,
    /// Its type of number.
    pub source_ton: u8,
    /// Its numbering plan.
    pub source_npi: u8,
    /// What is bound.
    pub mode: SmppMode,
    /// Connections for messages.
    pub binds: usize,
    /// Messages that may wait for their answers on each.
    pub window: usize,
    /// Seconds of silence after which the operator is asked whether it is there.
    pub enquire_link_seconds: u32,
    /// Seconds that its answers to binds and to that question may take.
    pub response_seconds: u32,
    /// The longest pause before a connection is tried again, in seconds.
    pub reconnect_max_seconds: u32,
    /// It answers with hexadecimal ids and names messages by decimal ones in receipts.
    pub hexadecimal_ids: bool,
}

impl Default for Sms {
    fn default() -> Self {
        let at = |url: &str| HttpAccount {
            url: url.to_owned(),
            ..HttpAccount::default()
        };
        Self {
            sender: SmsSenderKind::Webhook,
            timeout_seconds: 10,
            parts_max: 3,
            allowed_prefixes: Vec::new(),
            receipts_url: String::new(),
            routes: Vec::new(),
            smpp: BTreeMap::new(),
            breaker: Breaker::default(),
            spending: Spending::default(),
            traffic: Traffic::default(),
            webhook: Webhook::default(),
            sandbox: SandboxSender::default(),
            kavenegar: at("https://api.kavenegar.com"),
            smsru: at("https://sms.ru"),
            turbosms: at("https://api.turbosms.ua"),
            twilio: Twilio::default(),
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures_max: 5,
            rest_seconds: 30,
        }
    }
}

impl Default for Spending {
    fn default() -> Self {
        Self {
            daily_max: 100_000,
            margin: 100,
            partners: BTreeMap::new(),
            prices: Vec::new(),
        }
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            mode: TrafficMode::Record,
            range_digits: 6,
            sent_min: 50,
            verified_percent_min: 10,
        }
    }
}

impl Default for Twilio {
    fn default() -> Self {
        Self {
            url: "https://api.twilio.com".to_owned(),
            account: String::new(),
            key: ConfigSecret::default(),
            sender: String::new(),
        }
    }
}

impl Default for SmppAccount {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 2_775,
            system_id: String::new(),
            password: ConfigSecret::default(),
            system_type: String::new(),
            source: String::new(),
            source_ton: 1,
            source_npi: 1,
            mode: SmppMode::Transceiver,
            binds: 1,
            window: 64,
            enquire_link_seconds: 30,
            response_seconds: 5,
            reconnect_max_seconds: 30,
            hexadecimal_ids: false,
        }
    }
}
