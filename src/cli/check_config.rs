//! `countersign check-config`.

use super::ConfigArguments;
use countersign::config;
use countersign::secrets::Secrets;

/// Prints the effective configuration, or says everything that is wrong with it.
pub(super) fn check_config(arguments: &ConfigArguments) -> Result<(), String> {
    let config = config::load(&arguments.sources(true), false).map_err(|error| error.to_string())?;
    Secrets::read(&config)?;
    let text = toml::to_string_pretty(&config)
        .map_err(|error| format!("the configuration cannot be printed: {error}"))?;
    println!("{text}");
    Ok(())
}
