//! Items as JSON: what is read comes back as it was once it is written, however it was written first.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::json::{is_settled_form, item_from_slice, item_to_json};

fuzz_target!(|data: &[u8]| {
    let Ok(item) = item_from_slice(data) else { return };
    let mut written = Vec::new();
    item_to_json(&item, &mut written);
    assert_eq!(item_from_slice(&written).expect("what was written can be read"), item);
    let mut again = Vec::new();
    item_to_json(&item_from_slice(&written).expect("as above"), &mut again);
    assert_eq!(again, written);
    let _ = str::from_utf8(data).map(is_settled_form);
});
