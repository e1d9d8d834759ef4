//! What a registered document is to a till: the flat object of a sale's answer.

use super::CashDesk;
use super::fault::Fault;
use super::fields::Fields;
use super::render::{self, Wanted};
use actors::ids::OperationId;
use actors::machines::register::{DocumentFacts, DocumentKind, Done};
use fiscal::view::Width;
use fiscal::{Money, RegisterNumber};
use serde_json::{Map, Value, json};

/// How wide the views of an answer are, and which are left out.
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    text: Option<Width>,
    pdf: Option<Width>,
    has_qr: bool,
}

impl Widths {
    /// By `no_text_print`, `no_pdf`, `no_qr`, `print_width`, `pdf_width`.
    ///
    /// # Errors
    /// A width out of bounds, a flag that is none.
    pub fn of(fields: &Fields) -> Result<Self, Fault> {
        let width = |name, default: Width| match fields.natural(name)? {
            None | Some(0) => Ok(default),
            Some(columns) => {
                let width = u16::try_from(columns)
                    .ok()
                    .and_then(|columns| Width::new(columns).ok());
                let expected = format!("від {} до {} символів", Width::LEAST, Width::MOST);
                width.ok_or_else(|| fields.wrong(name, &expected))
            }
        };
        let is_left_out = |name| fields.flag(name).map(|flag| flag == Some(true));
        let text = width("print_width", Width::PAPER_58_MM)?;
        let pdf = width("pdf_width", Width::MIDDLE)?;
        Ok(Self {
            text: (!is_left_out("no_text_print")?).then_some(text),
            pdf: (!is_left_out("no_pdf")?).then_some(pdf),
            has_qr: !is_left_out("no_qr")?,
        })
    }

    pub fn wanted(self) -> Wanted {
        Wanted {
            text: self.text,
            pdf: self.pdf,
            has_qr: self.has_qr,
        }
    }
}

/// The answer of an operation that was done, with the caller's own number; without views where none are wanted.
pub async fn done(
    face: &CashDesk,
    register: RegisterNumber,
    operation: OperationId,
    reference: Option<u64>,
    done: &Done,
    widths: Option<Widths>,
) -> Result<Map<String, Value>, Fault> {
    let facts = &done.document;
    let mut fields = facts_of(face, register, facts);
    fields.insert("operation_id".to_owned(), json!(operation));
    fields.insert("code".to_owned(), json!("registered"));
    fields.insert("cash_in_box".to_owned(), money(done.drawer));
    fields.insert("local_number".to_owned(), json!(reference));
    if let Some(widths) = widths {
        let document = render::document(&face.registers, facts).await?;
        let number = facts.fiscal_number.clone();
        // The drawer's balance belongs on reports; a receipt says nothing of it.
        let drawer = (facts.kind == DocumentKind::ZReport).then_some(done.drawer);
        let views = face
            .renderer
            .views(document, number, drawer, widths.wanted())
            .await?;
        // Buyers who have no page of ours find the receipt at the tax cabinet.
        if face.receipts_url.is_none() {
            fields.insert("link".to_owned(), json!(views.get("qr_data")));
        }
        fields.extend(views);
    }
    Ok(fields)
}

/// What is known of a document without drawing it.
pub fn facts_of(face: &CashDesk, register: RegisterNumber, facts: &DocumentFacts) -> Map<String, Value> {
    let link = face
        .receipts_url
        .as_ref()
        .map(|base| format!("{base}/check/{}", facts.uid));
    let fields = json!({
        "uuid": facts.uid,
        "id": facts.uid,
        "num_fiscal": register,
        "ORDERNUM": facts.fiscal_number,
        "order_num": facts.fiscal_number,
        "ORDERDATE": facts.issued.format("%d.%m.%Y").to_string(),
        "ORDERTIME": facts.issued.format("%H:%M:%S").to_string(),
        "type_": type_of(facts.kind),
        "link": link,
        "is_offline": facts.is_offline,
        "is_test": facts.is_testing,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The word that lists of receipts have for a document.
pub fn type_of(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Sale => "Z_SALE",
        DocumentKind::Return => "Z_RETURN",
        DocumentKind::ServiceIn => "SERVICE_INPUT",
        DocumentKind::ServiceOut => "SERVICE_OUTPUT",
        DocumentKind::CashWithdrawal => "CASH_WITHDRAWAL",
        DocumentKind::Storno => "STORNO",
        DocumentKind::ZReport => "Z_REPORT",
        DocumentKind::OpenShift => "OPEN_SHIFT",
        DocumentKind::CloseShift => "CLOSE_SHIFT",
        DocumentKind::OfflineBegin => "OFFLINE_BEGIN",
        DocumentKind::OfflineEnd => "OFFLINE_END",
    }
}

/// A sum as a JSON number with a point, exact to the kopeck.
pub fn money(sum: Money) -> Value {
    let number: serde_json::Number = sum.to_string().parse().expect("a sum is a JSON number");
    Value::Number(number)
}
