//! Offline sessions: the official package recomputed, chains that break where they were changed, limits of time, packages.

mod chains;
mod fixtures;
mod limits;
mod packages;
mod packet;
