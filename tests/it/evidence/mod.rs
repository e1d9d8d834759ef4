//! Signing evidence over HTTP: the methods, the log, the link from verified codes, kills, and the command line.

mod desk;
mod kills;
mod link;
mod log;
mod methods;
mod program;
mod verification;
