//! What a tax office is to a test: the stand-in fiscal server, and a cashier whose key it takes.

use chrono::{TimeZone, Utc};
use dstu::cms::{Identification, Packaging, Template};
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Certificate, Curve, Entropy, HashAlgorithm, LocalSigner, PrivateKey};
use fiscal::document::Seller;
use fiscal::{CashDeskNumber, RegisterNumber};
use sandbox::fiscal::{Company, Operator, Server, Unit};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const TAX_NUMBER: &str = "0000000017";
pub const REGISTER: u64 = 4_000_000_001;
/// The seed of the one senior cashier.
pub const SENIOR: u8 = 4;
/// The stand-in's registers are numbered from the first.
pub const REGISTERS: u64 = 3;

/// A cashier's invented key, which the stand-in takes for an operator's.
pub struct Cashier {
    signer: LocalSigner,
    template: Template,
    certificate: Certificate,
}

impl Cashier {
    /// Of this seed, under an invented authority, with this taxpayer's number.
    pub fn new(seed: u8, tax_number: &str) -> Self {
        let entropy = Entropy::new([1; 32]);
        let year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
        let validity = Validity {
            not_before: year(2020),
            not_after: year(2099),
        };
        let holder = |common_name: &str, number: &str| Holder {
            common_name: common_name.to_owned(),
            taxpayer_number: number.to_owned(),
            ..Holder::default()
        };
        let key = |seed| PrivateKey::generate(Curve::M257, &Entropy::new([seed; 32])).unwrap();
        let hash = HashAlgorithm::Gost34311;
        let authority = holder("Вигаданий центр сертифікації", "");
        let authority = Authority::self_signed(key(255), &authority, validity, hash, &entropy).unwrap();
        let (own, person) = (key(seed), holder("Вигаданенко Вигадана", tax_number));
        let certificate = authority
            .issue(own.public_key(), &person, Purpose::Signing, validity, &entropy)
            .unwrap();
        let signer = LocalSigner::new(own, certificate.clone()).unwrap();
        let template = Template::new(&signer, Identification::KeyId).unwrap();
        Self {
            signer,
            template,
            certificate,
        }
    }

    /// By which the tax service knows the key.
    pub fn subject_key_id(&self) -> String {
        hex(self.certificate.subject_key_id().unwrap())
    }

    pub fn sign(&self, content: &[u8]) -> Arc<[u8]> {
        let signed = self.template.sign(
            &self.signer,
            content,
            Packaging::Attached,
            None,
            &Entropy::new([7; 32]),
        );
        signed.unwrap().into()
    }
}

/// The stand-in as it runs.
pub struct StandIn {
    pub server: Arc<Server>,
    pub url: String,
    task: JoinHandle<std::io::Result<()>>,
    stop: oneshot::Sender<()>,
    _folder: tempfile::TempDir,
}

impl StandIn {
    pub async fn start() -> Self {
        Self::start_with(REGISTERS, |_| ()).await
    }

    /// With so many registers, and other settings.
    pub async fn start_with(registers: u64, change: impl FnOnce(&mut sandbox::fiscal::Settings)) -> Self {
        Self::start_by(Arc::new(sandbox::fiscal::SystemClock), registers, change).await
    }

    /// The same by this clock.
    pub async fn start_by(
        clock: Arc<dyn sandbox::fiscal::Clock>,
        registers: u64,
        change: impl FnOnce(&mut sandbox::fiscal::Settings),
    ) -> Self {
        let register = |index: u64| sandbox::fiscal::Register {
            number: RegisterNumber::new(REGISTER + index).unwrap(),
            cash_desk: CashDeskNumber::new(1 + index).unwrap(),
            name: format!("Каса {}", 1 + index),
        };
        let seller = seller();
        let unit = Unit {
            id: 1,
            name: seller.point,
            address: seller.address,
            registers: (0..registers).map(register).collect(),
        };
        let company = Company {
            tax_number: TAX_NUMBER.to_owned(),
            vat_number: None,
            name: seller.organisation,
            units: vec![unit],
            operators: vec![Operator {
                subject_key_id: Cashier::new(SENIOR, TAX_NUMBER).subject_key_id(),
                chief: true,
            }],
        };
        let mut settings = sandbox::fiscal::Settings {
            register_unknown_operators: true,
            companies: vec![company],
            ..sandbox::fiscal::Settings::default()
        };
        change(&mut settings);
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(Server::open_with_clock(settings, folder.path(), clock).unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = Arc::clone(&server);
        let task = tokio::spawn(async move {
            let stopped = async move {
                let _ = stopped.await;
            };
            running.serve(listener, None, stopped).await
        });
        Self {
            server,
            url,
            task,
            stop,
            _folder: folder,
        }
    }

    pub async fn close(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }

    /// Without waiting for what it still answers.
    pub fn abort(self) {
        self.task.abort();
    }
}

pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

pub fn seller() -> Seller {
    Seller {
        tax_number: TAX_NUMBER.to_owned(),
        vat_number: None,
        organisation: "ТОВ «Неіснуюча крамниця»".to_owned(),
        point: "Крамниця № 1".to_owned(),
        address: Some("м. Львів, вул. Вигадана, 1".to_owned()),
    }
}
