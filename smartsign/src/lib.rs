//! The signing agent.
