//! What a request may be made into.
//!
//! A byte on the wire can be a whole value, and a value of three bytes a map with room for eleven attributes: what is
//! decoded takes up to hundreds of times the memory of what came in. So it is counted while it is made, and an end is
//! made as soon as it is too much.

use model::{
    AttributeValue,
    limits::{ITEM_BYTES_MAX, REQUEST_BODY_BYTES_MAX},
};

use super::Malformed;

/// Of all values of a request together. The same request in JSON takes no less, so that honest ones are far below:
/// this is a list of five million values, or one of three hundred thousand maps.
const MEMORY_BYTES_MAX: usize = 16 * REQUEST_BODY_BYTES_MAX;
/// DynamoDB: of all values of an expression together (developer guide, "Quotas in Amazon DynamoDB", on expression
/// parameters).
const EXPRESSION_VALUES_BYTES_MAX: usize = 2 << 20;
/// What the allocator adds to a string, about.
const ALLOCATION: usize = 16;
/// Lists begin with room for so many values.
const FIRST_VALUES: usize = 4;
/// A map takes its memory by nodes of up to eleven attributes, and at least five where it has more than one node.
const NODE_ATTRIBUTES: usize = 11;
const NODE_ATTRIBUTES_MIN: usize = 5;
/// DynamoDB: of a list or a map without its contents, each of which adds a byte; see `AttributeValue::size`.
const CONTAINER_SIZE: usize = 3;

/// How much may still be made of a request.
#[derive(Debug)]
pub struct Budget {
    /// Of what is being decoded, as DynamoDB counts sizes, and what is to be said beyond.
    part: Option<(usize, Malformed)>,
    memory: usize,
}

impl Budget {
    /// For everything in one request.
    pub fn of_request() -> Budget {
        Budget { part: None, memory: MEMORY_BYTES_MAX }
    }

    /// What is decoded from now on is the next item.
    pub(crate) fn begin_item(&mut self) {
        self.part = Some((ITEM_BYTES_MAX, Malformed::ItemTooLarge));
    }

    /// What is decoded from now on are the values of the next expression.
    pub(crate) fn begin_expression(&mut self) {
        self.part = Some((EXPRESSION_VALUES_BYTES_MAX, Malformed::TooMuch));
    }

    /// A value that has none in it.
    pub(crate) fn leaf(&mut self, value: &AttributeValue) -> Result<(), Malformed> {
        let size = value.size();
        self.spend(size, size_of::<AttributeValue>() + ALLOCATION + size)
    }

    /// A list or a map, as yet empty.
    pub(crate) fn container(&mut self) -> Result<(), Malformed> {
        self.spend(CONTAINER_SIZE, size_of::<AttributeValue>())
    }

    /// That there is an element number `at` in a list.
    pub(crate) fn element(&mut self, at: usize) -> Result<(), Malformed> {
        let room = if at == 0 { ALLOCATION + FIRST_VALUES * size_of::<AttributeValue>() } else { 0 };
        self.spend(1, room)
    }

    /// The name of attribute number `at` of a map within an item.
    pub(crate) fn inner_name(&mut self, at: usize, name: &str) -> Result<(), Malformed> {
        self.spend(1, 0)?;
        self.name(at, name)
    }

    /// The name of attribute number `at` of an item.
    pub(crate) fn name(&mut self, at: usize, name: &str) -> Result<(), Malformed> {
        let attribute = size_of::<String>() + size_of::<AttributeValue>();
        let is_in_new_node = at == 0 || (at >= NODE_ATTRIBUTES && at.is_multiple_of(NODE_ATTRIBUTES_MIN));
        let node = if is_in_new_node { NODE_ATTRIBUTES * attribute } else { 0 };
        self.spend(name.len(), node + ALLOCATION + name.len())
    }

    /// A set, as yet empty.
    pub(crate) fn set<T>(&mut self) -> Result<(), Malformed> {
        self.spend(0, size_of::<AttributeValue>() + ALLOCATION + FIRST_VALUES * size_of::<T>())
    }

    /// An element of a set, which has this size.
    pub(crate) fn member<T>(&mut self, size: usize) -> Result<(), Malformed> {
        self.spend(size, size_of::<T>() + ALLOCATION + size)
    }

    fn spend(&mut self, size: usize, memory: usize) -> Result<(), Malformed> {
        if let Some((left, beyond)) = &mut self.part {
            *left = left.checked_sub(size).ok_or(*beyond)?;
        }
        self.memory = self.memory.checked_sub(memory).ok_or(Malformed::TooMuch)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use minicbor::Decoder;

    use super::*;
    use crate::{item, value};

    fn decode(bytes: &[u8], budget: &mut Budget) -> Result<AttributeValue, Malformed> {
        value::decode(&mut Decoder::new(bytes), budget)
    }

    /// A list of `count` values, each of which has these bytes.
    fn list(count: usize, each: &[u8]) -> Vec<u8> {
        [&[0x9f], &*each.repeat(count), &[0xff]].concat()
    }

    #[test]
    fn an_item_is_too_large_as_soon_as_dynamodb_would_say_so_and_no_sooner() {
        let texts: [&[u8]; 8] =
            [b"\xf6", b"\x60", b"\x62ab", b"\x42ab", b"\x01", b"\xa0", b"\xa1\x61a\x01", b"\x82\x80\xf5"];
        for each in texts {
            let one = decode(each, &mut Budget::of_request()).unwrap().size() + 1;
            // With the name `l` of the attribute, and the list itself.
            let most = (ITEM_BYTES_MAX - 4) / one;
            let decode = |count| item::decode(&list(count, each), &["l"], &mut Budget::of_request());
            assert!(decode(most).is_ok(), "{each:02x?}");
            assert_eq!(decode(most + 1), Err(Malformed::ItemTooLarge), "{each:02x?}");
        }
        let set = [&[0xd9, 0x0c, 0xf9], &*list(ITEM_BYTES_MAX, b"\x61a")].concat();
        assert_eq!(item::decode(&set, &["s"], &mut Budget::of_request()), Err(Malformed::ItemTooLarge));
        let large = |bytes: usize| [&[0x5a], &u32::to_be_bytes(bytes as u32)[..], &vec![7; bytes]].concat();
        let decode = |bytes| item::decode(&large(bytes), &["b"], &mut Budget::of_request()).map(drop);
        assert_eq!(decode(ITEM_BYTES_MAX - 1), Ok(()));
        assert_eq!(decode(ITEM_BYTES_MAX), Err(Malformed::ItemTooLarge));
    }

    #[test]
    fn all_of_a_request_takes_bounded_memory() {
        for each in [&b"\xf6"[..], b"\x60", b"\xa1\x60\xf6", b"\x81\xf6", b"\xd9\x0c\xf9\x81\x60"] {
            let mut budget = Budget { part: None, memory: 16 << 14 };
            let refused = decode(&list((1 << 14) / each.len(), each), &mut budget).map(drop);
            assert_eq!(refused, Err(Malformed::TooMuch), "{each:02x?}");
        }
        // Many items that are small enough each.
        let (mut budget, each) = (Budget { part: None, memory: 1 << 20 }, list(1000, b"\xf6"));
        let fitting = (0..).take_while(|_| item::decode(&each, &["l"], &mut budget).is_ok()).count();
        assert!((10..22).contains(&fitting), "{fitting}");
    }

    #[test]
    fn what_honest_clients_send_is_far_below() {
        // A batch of 25 whole items, which are lists of points.
        let (mut budget, point) = (Budget::of_request(), b"\xa2\x63lat\x18\x31\x63lon\x18\x08");
        for _ in 0..25 {
            item::decode(&list(10_000, point), &["path"], &mut budget).unwrap();
        }
    }
}
