//! Conditions, updates and projections.

use serde_json::{Map, Value, json};

use super::{super::tables::Table, Random, values::ATTRIBUTES};

/// What stands for names and values in the expressions of a request.
#[derive(Default)]
pub(super) struct Placeholders {
    names: Map<String, Value>,
    values: Map<String, Value>,
}

impl Placeholders {
    pub(super) fn name(&mut self, name: &str) -> String {
        let known =
            self.names.iter().find(|(_, known)| *known == name).map(|(placeholder, _)| placeholder.clone());
        known.unwrap_or_else(|| {
            let placeholder = format!("#n{}", self.names.len());
            self.names.insert(placeholder.clone(), name.into());
            placeholder
        })
    }

    pub(super) fn value(&mut self, value: Value) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    pub(super) fn write(self, request: &mut Value) {
        for (member, map) in
            [("ExpressionAttributeNames", self.names), ("ExpressionAttributeValues", self.values)]
        {
            if !map.is_empty() {
                request[member] = map.into();
            }
        }
    }
}

impl Random {
    pub(super) fn path(&self, table: &Table, with: &mut Placeholders) -> String {
        if self.happens(8) {
            return with.name(self.one(table.key).0);
        }
        let (name, _) = self.one(&ATTRIBUTES);
        self.path_within(name, with)
    }

    pub(super) fn path_within(&self, name: &str, with: &mut Placeholders) -> String {
        let attribute = with.name(name);
        let place = self.chance.below(4);
        match name {
            "l" if self.happens(60) => match self.chance.below(3) {
                0 => format!("{attribute}[{place}]"),
                1 => format!("{attribute}[{place}].{}", with.name("a")),
                _ => format!("{attribute}[{place}][{}]", self.chance.below(2)),
            },
            "m" if self.happens(60) => match self.chance.below(4) {
                0 => format!("{attribute}.{}", with.name("a")),
                1 => format!("{attribute}.{}[{place}]", with.name("l")),
                2 => format!("{attribute}.{}", with.name("k.with.dots")),
                _ => format!("{attribute}.{}.{}", with.name("b"), with.name("a")),
            },
            _ => attribute,
        }
    }

    pub(super) fn operand_value(&self, with: &mut Placeholders) -> String {
        let of = self.one(&["S", "N", "N", "B", "SS", "BOOL", "NULL", "L", "M"]);
        with.value(self.value(of, 2))
    }

    pub(super) fn comparison(&self, table: &Table, with: &mut Placeholders) -> String {
        let path = self.path(table, with);
        match self.chance.below(10) {
            0 => format!("attribute_exists({path})"),
            1 => format!("attribute_not_exists({path})"),
            2 => {
                let of = with.value(
                    json!({ "S": self.one(&["S", "N", "B", "SS", "NS", "BS", "L", "M", "BOOL", "NULL"]) }),
                );
                format!("attribute_type({path}, {of})")
            }
            3 => {
                let prefix = with.value(self.value(self.one(&["S", "B"]), 0));
                format!("begins_with({path}, {prefix})")
            }
            4 => {
                let part = self.operand_value(with);
                format!("contains({path}, {part})")
            }
            5 => {
                let (size, order) = (self.chance.below(4), self.one(&["<", "<=", ">", ">=", "=", "<>"]));
                let size = with.value(json!({ "N": size.to_string() }));
                format!("size({path}) {order} {size}")
            }
            6 => {
                let of = self.one(&["S", "N", "B"]);
                let (low, high) = (self.value(of, 0), self.value(of, 0));
                let (low, high) = (with.value(low), with.value(high));
                format!("{path} BETWEEN {low} AND {high}")
            }
            7 => {
                let list: Vec<String> =
                    (0..=self.chance.below(3)).map(|_| self.operand_value(with)).collect();
                format!("{path} IN ({})", list.join(", "))
            }
            8 => {
                let other = self.path(table, with);
                format!("{path} {} {other}", self.one(&["=", "<>", "<", ">"]))
            }
            _ => {
                let value = self.operand_value(with);
                format!("{path} {} {value}", self.one(&["=", "<>", "<", "<=", ">", ">="]))
            }
        }
    }

    pub(super) fn condition(&self, table: &Table, with: &mut Placeholders, levels: u32) -> String {
        if levels == 0 || self.happens(45) {
            return self.comparison(table, with);
        }
        let one = self.condition(table, with, levels - 1);
        match self.chance.below(5) {
            0 => format!("NOT {one}"),
            1 => format!("{one} AND {}", self.condition(table, with, levels - 1)),
            2 => format!("{one} OR {}", self.condition(table, with, levels - 1)),
            3 => {
                let (two, three) = (self.comparison(table, with), self.comparison(table, with));
                format!("({one} OR {two}) AND NOT ({two} AND {three})")
            }
            _ => {
                let more: Vec<String> = (0..3).map(|_| self.comparison(table, with)).collect();
                format!("{one} AND {}", more.join(" AND "))
            }
        }
    }

    pub(super) fn projection(&self, table: &Table, with: &mut Placeholders) -> String {
        let mut paths: Vec<String> = (0..=self.chance.below(4)).map(|_| self.path(table, with)).collect();
        paths.sort_unstable();
        paths.dedup();
        // In no order that anybody could guess.
        let middle = self.chance.below(paths.len() as u64) as usize;
        paths.rotate_left(middle);
        paths.join(", ")
    }

    pub(super) fn update_expression(&self, table: &Table, with: &mut Placeholders) -> String {
        let mut attributes: Vec<(&str, &str)> = ATTRIBUTES.to_vec();
        if self.happens(97) {
            let at = self.chance.below(attributes.len() as u64) as usize;
            attributes.rotate_left(at);
        } else {
            attributes.insert(0, (self.one(table.key).0, "S"));
        }
        let mut taken = attributes.into_iter();
        let mut actions = [const { Vec::new() }; 4];
        for _ in 0..=self.chance.below(4) {
            let Some((name, of)) = taken.next() else { break };
            let path = self.path_within(name, with);
            match self.chance.below(8) {
                0 => actions[1].push(path),
                1 if ["N", "SS", "NS", "BS"].contains(&of) => {
                    let value = with.value(self.value(of, 0));
                    actions[2].push(format!("{path} {value}"));
                }
                2 if ["SS", "NS", "BS"].contains(&of) => {
                    let value = with.value(self.value(of, 0));
                    actions[3].push(format!("{path} {value}"));
                }
                3 => {
                    let (other, value) = (self.path(table, with), with.value(self.value_for(name, of)));
                    actions[0].push(format!("{path} = if_not_exists({other}, {value})"));
                }
                4 if of == "N" => {
                    let (sign, value) = (self.one(&["+", "-"]), with.value(self.value("N", 0)));
                    actions[0].push(format!("{path} = {path} {sign} {value}"));
                }
                4 if of == "L" => {
                    let value = with.value(self.value("L", 2));
                    let whole = with.name(name);
                    actions[0].push(match self.happens(50) {
                        true => format!("{path} = list_append({whole}, {value})"),
                        false => format!("{path} = list_append({value}, {whole})"),
                    });
                }
                5 => {
                    let other = self.path(table, with);
                    actions[0].push(format!("{path} = {other}"));
                }
                _ => {
                    let value = with.value(self.value_for(name, of));
                    actions[0].push(format!("{path} = {value}"));
                }
            }
        }
        let clauses = ["SET", "REMOVE", "ADD", "DELETE"].into_iter().zip(actions);
        let clauses = clauses.filter(|(_, actions)| !actions.is_empty());
        clauses.map(|(word, actions)| format!("{word} {}", actions.join(", "))).collect::<Vec<_>>().join(" ")
    }
}
