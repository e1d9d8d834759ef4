//! Facts about a customer's one-time passwords.
