//! `linac report`: what a running node's cache does for each table, a line each.

use serde_json::{Value, json};

use crate::{
    Failed,
    cli::Report,
    operate::{ANSWER_PATIENCE, node_address, on_this_thread, print},
};

const COLUMNS: [&str; 6] = ["TABLE", "READS", "HIT RATIO", "DISAGREED", "STREAM", "ADVICE"];

/// `linac report`.
///
/// # Errors
/// When the node cannot be reached, or refuses.
pub fn report(args: &Report) -> Result<(), Failed> {
    let node = node_address(&args.node)?;
    let answer = on_this_thread(admin_door::act(node, "report", &json!({}), ANSWER_PATIENCE))?;
    print(&lines(&answer))
}

/// What the node told, in columns as wide as what they hold; the last one is as long as it is.
fn lines(answer: &Value) -> String {
    let tables = answer["tables"].as_array().into_iter().flatten().map(cells);
    let rows: Vec<[String; 6]> = std::iter::once(COLUMNS.map(str::to_owned)).chain(tables).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..COLUMNS.len() - 1).map(width).collect();
    let line = |row: &[String; 6]| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  "));
        padded.chain([row[COLUMNS.len() - 1].clone(), "\n".to_owned()]).collect::<String>()
    };
    rows.iter().map(line).collect()
}

/// What is told of a table.
fn cells(table: &Value) -> [String; 6] {
    let text = |name: &str| table[name].as_str().unwrap_or("-").to_owned();
    let ratio = table["hit_ratio"].as_f64().unwrap_or_default();
    [
        text("table"),
        table["reads"].to_string(),
        format!("{:.1} %", 100.0 * ratio),
        format!("{} of {}", table["disagreed"], table["compared"]),
        text("stream"),
        text("advice"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_a_line_and_each_column_its_place() {
        let table = |name: &str, stream: Option<&str>| {
            json!({
                "table": name, "reads": 12_000, "hit_ratio": 0.987_6, "strong_reads": 1, "writes": 2,
                "compared": 40, "disagreed": 3, "stream": stream, "advice": "cache this table",
            })
        };
        let told = lines(&json!({ "tables": [table("Music", Some("starting")), table("Customers", None)] }));
        let expected = "\
            TABLE      READS  HIT RATIO  DISAGREED  STREAM    ADVICE\n\
            Music      12000  98.8 %     3 of 40    starting  cache this table\n\
            Customers  12000  98.8 %     3 of 40    -         cache this table\n";
        assert_eq!(told, expected);
        assert_eq!(lines(&json!({ "tables": [] })).lines().count(), 1);
    }
}
