//! W3C Trace Context, level 1: <https://www.w3.org/TR/trace-context-1/>, section 3.2.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries it.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// `00-` + 32 digits of trace id + `-` + 16 digits of parent id + `-` + 2 digits of flags.
const LENGTH: usize = 55;

/// The only flag of version 00; the others must be passed on as zero.
const SAMPLED: u8 = 1;

/// Where a request stands in a distributed trace. Each request is a span of its own: a child of the caller's where it
/// sent a valid `traceparent`, else the first of a new trace.
///
/// The ids join log lines and protect nothing, so they come from a fast generator, not from a secure one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: NonZeroU128,
    parent: Option<NonZeroU64>,
    span: NonZeroU64,
    sampled: bool,
}

impl TraceContext {
    /// The trace's id, 32 lower hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// This request's span, 16 lower hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span)
    }

    /// The caller's span, if it sent one.
    #[must_use]
    pub fn parent_span_id(&self) -> Option<String> {
        self.parent.map(|parent| format!("{parent:016x}"))
    }

    /// Whether the caller recorded its part. A trace that begins here is not sampled: nothing here records spans.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// The `traceparent` of outbound calls: this request's span is their parent.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.bytes()).expect("digits and hyphens are a valid header value")
    }

    /// The context of the request with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let only = values.next().filter(|_| values.next().is_none());
        only.and_then(|value| parse(value.as_bytes()))
            .unwrap_or_else(Self::begin)
    }

    fn bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [b'-'; LENGTH];
        write_hexadecimal(0, &mut bytes[..2]);
        write_hexadecimal(self.trace.get(), &mut bytes[3..35]);
        write_hexadecimal(u128::from(self.span.get()), &mut bytes[36..52]);
        write_hexadecimal(u128::from(self.sampled), &mut bytes[53..]);
        bytes
    }

    fn begin() -> Self {
        let trace = NonZeroU128::new(fastrand::u128(1..)).unwrap_or(NonZeroU128::MIN);
        Self {
            trace,
            parent: None,
            span: new_span(),
            sampled: false,
        }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        formatter.write_str(std::str::from_utf8(&bytes).expect("digits and hyphens are text"))
    }
}

/// The last digits of a number, as many as there is room for. Each request has some of these, and `write!` takes ten times as long.
fn write_hexadecimal(number: u128, digits: &mut [u8]) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        let [low, ..] = rest.to_le_bytes();
        *digit = b"0123456789abcdef"[usize::from(low & 0xf)];
        rest >>= 4;
    }
}

fn new_span() -> NonZeroU64 {
    NonZeroU64::new(fastrand::u64(1..)).unwrap_or(NonZeroU64::MIN)
}

/// Version 00 exactly, lower case only, neither id zero; anything else restarts the trace (section 3.2.2.3).
fn parse(value: &[u8]) -> Option<TraceContext> {
    if value.len() != LENGTH || !value.starts_with(b"00-") || value[35] != b'-' || value[52] != b'-' {
        return None;
    }
    let trace = NonZeroU128::new(hexadecimal(&value[3..35])?)?;
    let parent = NonZeroU64::new(u64::try_from(hexadecimal(&value[36..52])?).ok()?)?;
    let flags = u8::try_from(hexadecimal(&value[53..55])?).ok()?;
    Some(TraceContext {
        trace,
        parent: Some(parent),
        span: new_span(),
        sampled: flags & SAMPLED != 0,
    })
}

/// At most 32 lower hexadecimal digits.
fn hexadecimal(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(values: &[&str]) -> TraceContext {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).unwrap());
        }
        TraceContext::of(&headers)
    }

    #[test]
    fn a_valid_parent_is_continued_in_a_span_of_our_own() {
        let context = of(&[VALID]);
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.parent_span_id().as_deref(), Some("00f067aa0ba902b7"));
        assert_ne!(context.span_id(), "00f067aa0ba902b7");
        assert!(context.is_sampled());
        let outbound = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", context.span_id());
        assert_eq!(context.header_value(), outbound.as_str());
    }

    #[test]
    fn unknown_flags_are_not_passed_on() {
        let context = of(&["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe"]);
        assert!(context.parent_span_id().is_some() && !context.is_sampled());
        assert!(context.to_string().ends_with("-00"));
    }

    #[test]
    fn anything_else_begins_a_new_trace() {
        for values in [
            &[][..],
            &[""],
            &["01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
            &["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
            &["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"],
            &["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-00"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01"],
            &[VALID, VALID],
        ] {
            let context = of(values);
            assert_eq!(context.parent_span_id(), None, "for {values:?}");
            assert_ne!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
            assert!(!context.is_sampled());
        }
    }
}
