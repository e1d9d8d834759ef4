//! What a client is told.

use std::time::Duration;
use zeroize::Zeroizing;

/// What is bound to an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Connections that carry messages one way and receipts the other.
    Transceiver,
    /// Connections for messages, and one beside them for receipts: for operators of before SMPP 3.4.
    TransmitterAndReceiver,
}

/// An operator's account and the limits towards it.
#[derive(Clone)]
pub struct Settings {
    /// A short name, for logs.
    pub name: String,
    /// Where the operator listens.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The account; at most 15 characters of ASCII.
    pub system_id: String,
    /// Its password; at most 8.
    pub password: Zeroizing<String>,
    /// The kind of system, where the operator asks for one; at most 12.
    pub system_type: String,
    /// What messages come from; at most 20.
    pub source: String,
    /// Its type of number: 0 unknown, 1 international, 5 alphanumeric.
    pub source_ton: u8,
    /// Its numbering plan: 0 unknown, 1 ISDN.
    pub source_npi: u8,
    /// What is bound.
    pub mode: Mode,
    /// Connections that messages go out by, each a bind of its own.
    pub binds: usize,
    /// Messages that may wait for their answers on one bind.
    pub window: usize,
    /// After so long without a word from the operator it is asked whether it is there.
    pub enquire_link: Duration,
    /// How long the answers to a bind and to that question may take, and a write.
    pub response: Duration,
    /// The pause before a connection is tried again; doubled each time,
    pub reconnect_min: Duration,
    /// up to this.
    pub reconnect_max: Duration,
    /// The operator answers with hexadecimal ids and names messages by decimal ones in receipts.
    pub hexadecimal_ids: bool,
}

impl Settings {
    /// What of it the protocol has no room for (SMPP 3.4, 4.1.5, 5.2): the option's name and the most that it may have.
    ///
    /// # Errors
    /// A sentence that names the option and quotes nothing.
    pub fn check(&self) -> Result<(), String> {
        for (option, value, max) in [
            ("system_id", self.system_id.as_str(), 15),
            ("password", self.password.as_str(), 8),
            ("system_type", self.system_type.as_str(), 12),
            ("source", self.source.as_str(), 20),
        ] {
            if value.len() > max || !value.is_ascii() || value.contains('\0') {
                return Err(format!("{option}: at most {max} characters of ASCII"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn settings() -> Settings {
        Settings {
            name: "test".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 1,
            system_id: "esme".to_owned(),
            password: Zeroizing::new("password".to_owned()),
            system_type: String::new(),
            source: "1000".to_owned(),
            source_ton: 0,
            source_npi: 1,
            mode: Mode::Transceiver,
            binds: 1,
            window: 4,
            enquire_link: Duration::from_secs(30),
            response: Duration::from_secs(5),
            reconnect_min: Duration::from_millis(10),
            reconnect_max: Duration::from_millis(100),
            hexadecimal_ids: false,
        }
    }

    #[test]
    fn what_does_not_fit_the_protocol_is_named_and_not_quoted() {
        assert_eq!(settings().check(), Ok(()));
        let long = Settings {
            password: Zeroizing::new("secretive".to_owned()),
            ..settings()
        };
        assert_eq!(
            long.check(),
            Err("password: at most 8 characters of ASCII".to_owned())
        );
        let foreign = Settings {
            source: "آگاه".to_owned(),
            ..settings()
        };
        assert!(foreign.check().is_err_and(|error| error.starts_with("source:")));
    }
}
