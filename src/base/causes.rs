//! An error with everything that led to it, for a log line.

use std::error::Error;

/// The error's own words and those of each of its causes, from the outermost in.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
