//! Every form of a view: it can be opened, and it says what the text says.

use crate::samples::{self, Sample};
use fiscal::document::{Document, Kind, Receipt, Row, Total};
use fiscal::view::{Appearance, DOTS_TALL_MAX, Error, Scale, Subject, View, Width};
use fiscal::{FiscalNumber, Money};
use std::num::NonZeroU8;
use std::process::Command;

const WIDTHS: [Width; 3] = [Width::PAPER_58_MM, Width::MIDDLE, Width::PAPER_80_MM];

/// A picture in shades of grey of eight bits, row by row.
fn decoded(png: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().expect("a picture");
    let mut dots = vec![0; reader.output_buffer_size().expect("a small picture")];
    let info = reader.next_frame(&mut dots).expect("its rows");
    assert_eq!(
        (info.color_type, info.bit_depth),
        (png::ColorType::Grayscale, png::BitDepth::Eight)
    );
    let (width, height) = (
        info.width.try_into().expect("a width"),
        info.height.try_into().expect("a height"),
    );
    (width, height, dots)
}

/// What a scanner reads in a picture.
fn scanned(png: &[u8]) -> Vec<String> {
    let (width, height, dots) = decoded(png);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| dots[y * width + x]);
    let grids = image.detect_grids();
    grids
        .iter()
        .map(|grid| grid.decode().expect("a code").1)
        .collect()
}

#[test]
fn a_qr_code_says_the_link() {
    let mut seen = 0;
    for (name, sample) in samples::all() {
        let view = sample.view();
        let Some(code) = view.code() else {
            assert_eq!(view.link(), None, "{name}");
            continue;
        };
        seen += 1;
        assert_eq!(Some(code.payload()), view.link(), "{name}");
        for dots in [1, 4, 7] {
            let dots = NonZeroU8::new(dots).expect("dots");
            assert_eq!(
                scanned(&code.png(dots)),
                [code.payload()],
                "{name} of {dots} dots a module"
            );
        }
        let drawn = code.drawn();
        assert_eq!(drawn.lines().count(), code.modules(), "{name}");
        assert!(
            drawn
                .lines()
                .all(|line| line.chars().count() == 2 * code.modules()),
            "{name}"
        );
    }
    assert!(seen >= 10, "{seen} links");
}

#[test]
fn a_picture_is_as_wide_as_the_paper_and_its_code_can_be_scanned() {
    for (name, sample) in samples::all() {
        let view = sample.view();
        for width in WIDTHS {
            for (scale, times) in [(Scale::ONE, 1), (Scale::TWO, 2)] {
                let png = view.png(width, scale).expect("a picture");
                let (across, down, dots) = decoded(&png);
                assert_eq!(across, usize::from(width.columns()) * 12 * times, "{name}");
                let lines = view.text(width).lines().count();
                let text = (lines * 24 + 24) * times;
                assert!(down >= text, "{name}: {down} dots for {lines} lines");
                assert_eq!(
                    down == text,
                    view.link().is_none(),
                    "{name}: what is taller has a code"
                );
                assert!(dots.contains(&0) && dots.contains(&255), "{name}: ink on paper");
                let link: Vec<String> = view.link().map(str::to_owned).into_iter().collect();
                assert_eq!(scanned(&png), link, "{name} at {width:?}");
            }
        }
    }
}

#[test]
fn a_receipt_longer_than_pictures_are_is_refused_as_a_picture_alone() {
    let rows = vec![
        Row {
            name: Some("Хліб".into()),
            cost: Some(Money::from_units(2825)),
            ..Row::default()
        };
        1500
    ];
    let receipt = Receipt {
        rows,
        total: Some(Total::of(Money::from_units(2825))),
        ..Receipt::default()
    };
    let document = samples::document(Kind::sale(receipt));
    let view = view(&document, None, "");
    let lines = view.text(Width::PAPER_58_MM).lines().count();
    assert_eq!(
        view.png(Width::PAPER_58_MM, Scale::ONE),
        Err(Error::TooTall(lines * 24 + 24)),
        "more than {DOTS_TALL_MAX}"
    );
    let pdf = view.pdf(Width::PAPER_58_MM);
    let Some(text) = read_pdf(&pdf) else { return };
    assert_eq!(text.matches("Хліб").count(), 1500, "no row is lost between pages");
    assert_eq!(text.matches('\u{c}').count(), 2, "pages");
}

#[test]
fn a_pdf_is_read_back_as_the_printed_text() {
    for (name, sample) in samples::all() {
        let view = sample.view();
        for width in WIDTHS {
            let pdf = view.pdf(width);
            assert!(pdf.starts_with(b"%PDF-1.") && pdf.ends_with(b"%%EOF"), "{name}");
            let Some(text) = read_pdf(&pdf) else { return };
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&text), words(&view.text(width)), "{name} at {width:?}");
        }
    }
}

/// What `pdftotext` reads, line by line; nothing, with a message, where it is not installed.
fn read_pdf(pdf: &[u8]) -> Option<String> {
    let file = std::env::temp_dir().join(format!("fiscal-view-{}-{:p}.pdf", std::process::id(), pdf));
    std::fs::write(&file, pdf).expect("a file");
    let output = Command::new("pdftotext")
        .args(["-layout", "-enc", "UTF-8"])
        .arg(&file)
        .arg("-")
        .output();
    std::fs::remove_file(&file).expect("the file");
    match output {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && errors.is_empty(),
                "pdftotext: {errors}"
            );
            Some(String::from_utf8(output.stdout).expect("UTF-8"))
        }
        Err(error) => {
            println!("skipped: pdftotext (poppler-utils) does not run: {error}");
            None
        }
    }
}

#[test]
fn html_escapes_whatever_a_document_or_a_footer_says() {
    let hostile = r#"<script>alert("1")</script> & 'x' </style><img src=x onerror=y>"#;
    let mut document = samples::document(samples::sale());
    document.head.seller.organisation = hostile.into();
    document.head.seller.point = hostile.into();
    document.head.cashier = Some(hostile.into());
    document.head.notes.comment = Some(hostile.into());
    document.head.notes.logo_url = Some("https://example.com/logo.png".into());
    if let Kind::Sale { receipt, .. } = &mut document.kind {
        receipt.rows[0].name = Some(hostile.into());
        receipt.rows[0].unit_name = Some(hostile.into());
        receipt.rows[0].barcode = Some(hostile.into());
        receipt.payments[0].name = hostile.into();
        receipt.taxes[0].name = hostile.into();
    }
    let number = FiscalNumber::new(r#"1"><script>&sm=0"#).expect("a number");
    let html = view(&document, Some(&number), hostile).html();
    assert_eq!(html.matches("<script").count(), 0);
    assert_eq!(html.matches("<img").count(), 0);
    assert_eq!(
        html.matches("&lt;script&gt;alert(").count(),
        10,
        "every place says it, as text"
    );
    let href = "href=\"https://cabinet.tax.gov.ua/cashregs/check?id=1%22%3E%3Cscript%3E%26sm%3D0&amp;date=";
    assert_eq!(html.matches(href).count(), 2, "the link and the code");
    assert_eq!(
        html.matches("http").count(),
        2 + 1,
        "nothing is fetched: the links, and one as text"
    );
}

#[test]
fn html_says_what_the_text_says() {
    for (name, sample) in samples::all() {
        let view = sample.view();
        let html = view.html();
        let text: String = view.text(Width::PAPER_80_MM);
        let body = html.split_once("<main>").expect("a body").1;
        for word in text
            .split_whitespace()
            .filter(|word| !word.contains(['-', '&', '=', '/']))
        {
            assert!(body.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    for (name, sample) in samples::all() {
        let (first, second) = (sample.view(), sample.view());
        assert_eq!(first.html(), second.html(), "{name}");
        assert_eq!(first.pdf(Width::MIDDLE), second.pdf(Width::MIDDLE), "{name}");
        assert_eq!(
            first.png(Width::MIDDLE, Scale::ONE),
            second.png(Width::MIDDLE, Scale::ONE),
            "{name}"
        );
    }
}

#[test]
fn what_does_not_count_is_not_called_fiscal() {
    let text = |sample: &Sample| sample.view().text(Width::PAPER_80_MM);
    for (name, sample) in samples::all() {
        let text = text(&sample);
        let is_called_fiscal = text.lines().any(|line| line.trim() == "ФІСКАЛЬНИЙ ЧЕК");
        let counts = [
            "sale",
            "sale-offline",
            "sale-discount",
            "prepayment",
            "currency",
            "fuel",
        ]
        .contains(&name);
        assert_eq!(is_called_fiscal, counts, "{name}:\n{text}");
        let tests = text.matches("ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ДОКУМЕНТ").count();
        assert_eq!(tests, if name == "sale-test" { 2 } else { 0 }, "{name}");
    }
    let mut document = samples::document(samples::sale());
    (document.head.marks.revoked, document.head.marks.storned) = (true, true);
    let text = view(&document, Some(&samples::number("1")), "").text(Width::MIDDLE);
    assert!(
        text.contains("ВІДКЛИКАНО") && text.contains("СТОРНОВАНО"),
        "{text}"
    );
}

#[test]
fn who_pays_no_vat_is_named_by_the_taxpayer_s_code() {
    for number in [None, Some("0".to_owned())] {
        let mut document = samples::document(samples::sale());
        document.head.seller.vat_number = number;
        let text = view(&document, None, "").text(Width::MIDDLE);
        assert!(text.contains("ІД 34554363") && !text.contains("ПН "), "{text}");
    }
}

fn view(document: &Document, fiscal_number: Option<&FiscalNumber>, footer: &str) -> View {
    let appearance = Appearance {
        software: "Countersign",
        footer,
        ..Appearance::default()
    };
    let subject = Subject::Registered {
        document,
        fiscal_number,
    };
    View::new(subject, &appearance)
}
