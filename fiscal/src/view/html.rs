//! A receipt as a page of HTML.

use super::code::Code;
use super::sheet::{Block, Sheet};
use super::words::link_parts;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::fmt::Write;

/// How it looks. It is constant, so that a policy of content can allow it by its hash.
const STYLE: &str = include_str!("page.css");

pub(super) fn page(sheet: &Sheet) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="uk" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="format-detection" content="telephone=no";
                title { (sheet.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    @for block in &sheet.blocks { (one(sheet, block)) }
                }
            }
        }
    };
    page.into_string()
}

fn one(sheet: &Sheet, block: &Block) -> Markup {
    let link = sheet.link.as_deref().unwrap_or_default();
    html! {
        @match block {
            Block::Heading(text) => h2 { (text) },
            Block::Centred(text) => p.centred { (text) },
            Block::Line(text) => p { (text) },
            Block::Flow(facts) => p { @for fact in facts { span.fact { (fact) } " " } },
            Block::Pair(pair) => div.pair.strong[pair.is_strong] {
                span.label { (pair.label) }
                " "
                span.value { (pair.value) }
                @if sheet.mark_columns > 0 { " " span.mark { (pair.mark) } }
            },
            Block::Rule => hr;,
            Block::Code => a.code href=(link) { (drawing(&Code::of(link))) },
            Block::Link => p.link { a href=(link) { @for part in link_parts(link) { (part) wbr; } } },
        }
    }
}

/// The QR code as a drawing, black on white whatever the page's colours are: scanners want it so.
fn drawing(code: &Code) -> Markup {
    let mut path = String::new();
    for (y, x, length) in code.runs() {
        write!(path, "M{x} {y}h{length}v1h-{length}z").expect("a string takes everything");
    }
    let side = code.modules();
    html! {
        svg viewBox={ "0 0 " (side) " " (side) } role="img" aria-label="QR-код чека" shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}
