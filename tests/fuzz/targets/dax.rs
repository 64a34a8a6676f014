//! What a DAX client may send: any bytes, as a request that comes in in pieces, and as what stands in one. What is
//! understood is written and understood as the same again.
#![no_main]

use std::sync::LazyLock;

use expr::{Tree, Trees};
use libfuzzer_sys::fuzz_target;
use minicbor::Decoder;
use model::{KeyAttribute, KeySchema, KeyType};

use dax_wire::{Budget, Extent, Limits, Preamble, Writer, expression, item, key, lex_decimal, value};

const LIMITS: Limits = Limits { bytes: 1 << 14, levels: 100 };

static SCHEMAS: LazyLock<Vec<KeySchema>> = LazyLock::new(|| {
    let types = [KeyType::S, KeyType::N, KeyType::B];
    let attribute = |name: &str, key_type| KeyAttribute { name: name.to_owned(), key_type };
    let sorts = |key_type| vec![attribute("s", key_type)];
    let sorts: Vec<_> = std::iter::once(Vec::new()).chain(types.map(sorts)).collect();
    let partitions = types.into_iter().map(|key_type| vec![attribute("p", key_type)]);
    let schemas = |partition: Vec<_>| {
        sorts.iter().map(move |sort| KeySchema { partition: partition.clone(), sort: sort.clone() }).collect()
    };
    partitions.flat_map::<Vec<_>, _>(schemas).collect()
});

/// A connection begins in pieces as it does at once.
fn preamble(bytes: &[u8]) {
    let at_once = Preamble::read(bytes);
    let in_pieces = (0..bytes.len()).map(|end| Preamble::read(&bytes[..end])).find(|read| *read != Ok(None));
    assert_eq!(in_pieces.unwrap_or_else(|| at_once.clone()), at_once);
}

/// Where a request of so many values ends is the same in pieces as at once.
fn request(values: usize, bytes: &[u8]) {
    let at_once = Extent::new(LIMITS).of(values, bytes);
    let mut extent = Extent::new(LIMITS);
    let ends = (0..bytes.len()).step_by(7).chain([bytes.len()]);
    let in_pieces = ends.map(|end| extent.of(values, &bytes[..end])).find(|found| *found != Ok(None));
    assert_eq!(in_pieces.unwrap_or(Ok(None)), at_once);
}

fn values(bytes: &[u8]) {
    let mut decoder = Decoder::new(bytes);
    let Ok(read) = value::decode(&mut decoder, &mut Budget::of_request()) else { return };
    assert_eq!(Extent::new(LIMITS).of(1, bytes), Ok(Some(decoder.position())));
    let mut writer = Writer::new();
    value::encode(&read, &mut writer);
    assert_eq!(value::decode(&mut Decoder::new(&writer.into_bytes()), &mut Budget::of_request()), Ok(read));
}

fn keys(schema: &KeySchema, bytes: &[u8]) {
    if let Ok(read) = key::decode(schema, bytes) {
        let written = key::encode(schema, &read).expect("it suits its schema");
        assert_eq!(key::decode(schema, &written), Ok(read));
    }
    if let Ok(read) = key::decode_compound(bytes) {
        assert_eq!(key::decode_compound(&key::encode_compound(&read)), Ok(read));
    }
    if let Ok(read) = lex_decimal::decode(bytes) {
        assert_eq!(lex_decimal::decode(&lex_decimal::encode(&read)), Ok(read));
    }
}

fn items(bytes: &[u8]) {
    if let Ok(names) = item::decode_names(bytes) {
        let bytes_of_names: usize = names.iter().map(|name| 1 + name.len()).sum();
        assert!(bytes_of_names < bytes.len());
    }
    let Ok((list, values)) = item::split_list(bytes) else { return };
    let names = ["a", "b", "c"];
    for known in 0..=names.len() {
        if let Ok(read) = item::decode(values, &names[..known], &mut Budget::of_request()) {
            let written = item::Values::of(&read, &SCHEMAS[0]);
            assert_eq!(item::split_list(&written.numbered(list)), Ok((list, &written.bytes[..])));
            assert_eq!(item::decode(&written.bytes, &written.names, &mut Budget::of_request()), Ok(read));
        }
    }
    let _ = item::decode_changed(values, &names);
}

/// Text is made of any tree; whether it makes sense is found when it is bound.
fn expressions(bytes: &[u8]) {
    let trees = |condition: Option<Tree>, update: Option<Tree>, projection: Option<Tree>| {
        let _ = Trees { condition, update, projection, ..Trees::default() }.print().expressions().bind();
    };
    if let Ok(tree) = expression::decode_condition(bytes, &mut Budget::of_request()) {
        assert_eq!(expression::decode_condition(&expression::encode_condition(&tree), &mut Budget::of_request()).as_ref(), Ok(&tree));
        trees(Some(tree), None, None);
    }
    if let Ok(tree) = expression::decode_update(bytes, &mut Budget::of_request()) {
        assert_eq!(expression::decode_update(&expression::encode_update(&tree), &mut Budget::of_request()).as_ref(), Ok(&tree));
        trees(None, Some(tree), None);
    }
    if let Ok(tree) = expression::decode_projection(bytes) {
        assert_eq!(expression::decode_projection(&expression::encode_projection(&tree)).as_ref(), Ok(&tree));
        trees(None, None, Some(tree));
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    let which = usize::from(*kind) / 5;
    match kind % 5 {
        0 => {
            preamble(bytes);
            request(which, bytes);
        }
        1 => values(bytes),
        2 => keys(&SCHEMAS[which % SCHEMAS.len()], bytes),
        3 => items(bytes),
        _ => expressions(bytes),
    }
});
