//! Bytes as tests write them down.

/// # Panics
/// If these are no bytes. Spaces mean nothing.
pub fn unhex(hex: &str) -> Vec<u8> {
    let hex = hex.replace(' ', "");
    assert!(hex.len().is_multiple_of(2), "{hex}");
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("it is hexadecimal");
    (0..hex.len()).step_by(2).map(byte).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
