//! A configuration file: the options of a command as TOML.

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;
use toml::Value;

use super::Arguments;
use crate::failure::{Failure, Result};

/// Most bytes of a configuration.
const MOST: u64 = 1 << 20;

/// The command line once more, after what the configuration says: the last word counts.
#[derive(Parser)]
#[command(name = "vcn rank", args_override_self = true, disable_help_flag = true)]
struct Again {
    #[command(flatten)]
    arguments: Arguments,
}

/// What the command line says, and for the rest what a configuration says.
pub fn complete(given: Arguments) -> Result<Arguments> {
    let Some(path) = given.config.clone() else { return Ok(given) };
    let name = path.display().to_string();
    let failed = |reason: String| Failure::Usage(format!("{name}: {reason}"));
    let mut line: Vec<OsString> = vec!["vcn rank".into()];
    for (key, value) in read(&path)? {
        match (key.as_str(), value) {
            // The command line names others.
            ("inputs", _) if !given.inputs.is_empty() => {}
            ("inputs", Value::Array(inputs)) => {
                for input in inputs {
                    line.push(
                        text(&input).ok_or_else(|| failed("inputs: expected names".to_owned()))?.into(),
                    );
                }
            }
            ("config", _) => return Err(failed("a configuration cannot name another".to_owned())),
            (_, Value::Boolean(false)) => {}
            (_, Value::Boolean(true)) => line.push(format!("--{key}").into()),
            (_, value) => {
                let value =
                    text(&value).ok_or_else(|| failed(format!("{key}: expected a text or a number")))?;
                line.push(format!("--{key}={value}").into());
            }
        }
    }
    line.extend(std::env::args_os().skip_while(|word| word != "rank").skip(1));
    let again = Again::try_parse_from(line).map_err(|error| failed(error.to_string()))?;
    Ok(again.arguments)
}

fn read(path: &Path) -> Result<toml::Table> {
    use std::io::Read;
    let name = path.display().to_string();
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(Failure::io(&name, "read"))?;
    file.take(MOST).read_to_string(&mut text).map_err(Failure::io(&name, "read"))?;
    text.parse().map_err(|error: toml::de::Error| Failure::Usage(format!("{name}: {error}")))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}
