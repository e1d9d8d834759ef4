//! The stand-in operator of `countersign dev`, and the ways by which messages reach it.

use super::{base_url, bind};
use sandbox::sms::smsc::{self, Smsc};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// By which way messages reach the stand-in operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DevSms {
    /// By its own API.
    #[default]
    Sandbox,
    /// By SMPP 3.4, receipts included.
    Smpp,
    /// As Kavenegar takes them.
    Kavenegar,
    /// As sms.ru takes them.
    SmsRu,
    /// As TurboSMS takes them.
    TurboSms,
    /// As Twilio takes them.
    Twilio,
}

/// A stand-in that runs: its own API, others' faces, and an SMSC over the same messages.
pub(super) struct SmsStandIn {
    /// Base URL of its HTTP side.
    pub(super) url: String,
    smpp_port: u16,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// The account at the stand-in SMSC.
const SYSTEM_ID: &str = "countersign";
const PASSWORD: &str = "dev";

impl SmsStandIn {
    pub(super) async fn start() -> Result<Self, String> {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let (http, smpp) = (bind(free)?, bind(free)?);
        let url = base_url(&http)?;
        let smpp_port = smpp
            .local_addr()
            .map_err(|error| format!("a listener has no address: {error}"))?
            .port();
        let (stop, stopped) = watch::channel(false);
        let told = |mut stopped: watch::Receiver<bool>| async move {
            let _ = stopped.wait_for(|stopped| *stopped).await; // told, or forgotten: both mean stop
        };
        let messages = Arc::default();
        let settings = smsc::Settings {
            system_id: SYSTEM_ID.to_owned(),
            password: PASSWORD.to_owned(),
            ..smsc::Settings::default()
        };
        let smsc = Smsc::new(settings, Arc::clone(&messages));
        let (http_stopped, smpp_stopped) = (told(stopped.clone()), told(stopped));
        let tasks = vec![
            tokio::spawn(sandbox::sms::serve_over(http, messages, http_stopped)),
            tokio::spawn(async move { smsc.serve(smpp, smpp_stopped).await }),
        ];
        Ok(Self {
            url,
            smpp_port,
            stop,
            tasks,
        })
    }

    /// The settings that send messages there.
    pub(super) fn settings(&self, way: DevSms) -> Vec<(&'static str, String)> {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let url = quoted(&self.url);
        let route = |name: &str| format!("[{{ prefix = \"\", operators = [{{ operator = \"{name}\" }}] }}]");
        let by = |name: &str| vec![("sms.sender", quoted("operators")), ("sms.routes", route(name))];
        let with = |name, mut more: Vec<(&'static str, String)>| {
            more.splice(0..0, by(name));
            more
        };
        match way {
            DevSms::Sandbox => vec![("sms.sender", quoted("sandbox")), ("sms.sandbox.url", url)],
            DevSms::Smpp => {
                let account = format!(
                    "{{ main = {{ host = \"127.0.0.1\", port = {}, system_id = \"{SYSTEM_ID}\", password = \"{PASSWORD}\", source = \"1000\" }} }}",
                    self.smpp_port
                );
                with("main", vec![("sms.smpp", account)])
            }
            DevSms::Kavenegar => with(
                "kavenegar",
                vec![("sms.kavenegar.url", url), ("sms.kavenegar.key", quoted("dev"))],
            ),
            DevSms::SmsRu => with(
                "smsru",
                vec![("sms.smsru.url", url), ("sms.smsru.key", quoted("dev"))],
            ),
            DevSms::TurboSms => with(
                "turbosms",
                vec![
                    ("sms.turbosms.url", url),
                    ("sms.turbosms.key", quoted("dev")),
                    ("sms.turbosms.sender", quoted("Dev")),
                ],
            ),
            DevSms::Twilio => with(
                "twilio",
                vec![
                    ("sms.twilio.url", url),
                    ("sms.twilio.key", quoted("dev")),
                    ("sms.twilio.account", quoted("ACdev")),
                    ("sms.twilio.sender", quoted("+15005550006")),
                ],
            ),
        }
    }

    pub(super) async fn stop(self) -> Result<(), String> {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await
                .map_err(|error| format!("the stand-in operator ended badly: {error}"))?;
        }
        Ok(())
    }
}
