//! Bodies of requests: any bytes behind the number of an operation. Neither of the two readers may panic, what is
//! refused has words that are JSON and of bounded length, and what both understand they understand alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::{
    OPERATIONS,
    call::{Request, admit},
};

/// Ten violations, each of which quotes a value and the way to it.
const ERROR_BYTES_MAX: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((number, body)) = data.split_first() else { return };
    let operation = &OPERATIONS[usize::from(*number) % OPERATIONS.len()];
    let decoded = Request::decode(operation, body);
    match (admit(operation, body), decoded) {
        (Err(error), _) => {
            let answer = error.to_json();
            assert!(answer.len() < ERROR_BYTES_MAX, "{} bytes of error", answer.len());
            assert!(serde_json::from_slice::<serde_json::Value>(&answer).is_ok());
            assert!(error.code.status() < 500, "{error}");
        }
        (Ok(Request::GetItem(admitted)), Ok(Request::GetItem(decoded))) => {
            assert_eq!(admitted.key, decoded.key);
            assert_eq!(admitted.table_name, decoded.table_name);
        }
        (Ok(Request::PutItem(admitted)), Ok(Request::PutItem(decoded))) => {
            assert_eq!(admitted.item.attributes, decoded.item.attributes);
        }
        _ => {}
    }
});
