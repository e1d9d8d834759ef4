//! The stand-in fiscal server, with an invented shop and its two registers.

use super::{base_url, bind};
use fiscal::document::Seller;
use fiscal::{CashDeskNumber, RegisterNumber};
use sandbox::fiscal::{Company, Register, Server, Settings, Unit};
use std::net::SocketAddr;
use std::path::Path;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The demo registers' fiscal numbers; their local numbers are 1 and 2.
pub(super) const REGISTERS: [u64; 2] = [4_000_000_001, 4_000_000_002];
/// The demo shop's taxpayer number: ten digits that are nobody's.
pub(super) const TAX_NUMBER: &str = "0000000017";

/// The stand-in, as it runs.
pub(super) struct FiscalStandIn {
    pub(super) url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl FiscalStandIn {
    /// Opens its journal in `fiscal` below `data`, and serves on a free port of the loopback.
    pub(super) async fn start(data: &Path) -> Result<Self, String> {
        let folder = data.join("fiscal");
        let settings = settings()?;
        // Opening makes a key at the first start and reads the journal at any other.
        let opened = tokio::task::spawn_blocking(move || Server::open(settings, &folder)).await;
        let server = opened
            .map_err(|error| format!("the stand-in fiscal server could not be opened: {error}"))?
            .map_err(|error| format!("the stand-in fiscal server: {error}"))?;
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let url = base_url(&listener)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let shutdown = async move {
                let _ = stopped.await; // told, or forgotten: both mean stop
            };
            server.serve(listener, None, shutdown).await
        });
        Ok(Self { url, stop, task })
    }

    pub(super) async fn stop(self) -> Result<(), String> {
        let _ = self.stop.send(()); // gone already is stopped already
        let ended = self.task.await;
        ended
            .map_err(|error| error.to_string())
            .and_then(|ended| ended.map_err(|error| error.to_string()))
            .map_err(|error| format!("the stand-in fiscal server ended badly: {error}"))
    }
}

/// The demo shop, as the stand-in has it registered and its documents must say.
pub(super) fn seller() -> Seller {
    Seller {
        tax_number: TAX_NUMBER.to_owned(),
        vat_number: Some("000000000017".to_owned()),
        organisation: "ТОВ «Неіснуюча крамниця»".to_owned(),
        point: "Крамниця № 1".to_owned(),
        address: Some("м. Львів, вул. Вигадана, 1".to_owned()),
    }
}

/// Whoever signs with a certificate of the shop's code becomes one of its cashiers: there is no form to file here.
fn settings() -> Result<Settings, String> {
    let register = |(number, cash_desk): (u64, u64)| {
        Ok(Register {
            number: RegisterNumber::new(number).map_err(|fault| format!("{number}: {fault}"))?,
            cash_desk: CashDeskNumber::new(cash_desk).map_err(|fault| format!("{cash_desk}: {fault}"))?,
            name: format!("Каса {cash_desk}"),
        })
    };
    let registers = REGISTERS
        .into_iter()
        .zip(1..)
        .map(register)
        .collect::<Result<_, String>>()?;
    let seller = seller();
    let shop = Unit {
        id: 1,
        name: seller.point,
        address: seller.address,
        registers,
    };
    let company = Company {
        tax_number: seller.tax_number,
        vat_number: seller.vat_number,
        name: seller.organisation,
        units: vec![shop],
        operators: Vec::new(),
    };
    Ok(Settings {
        register_unknown_operators: true,
        companies: vec![company],
        ..Settings::default()
    })
}
