//! An application of the AWS SDK for Rust, which knows nothing of what it talks to: endpoint, region and credentials
//! come from the environment. It prints which of its tests have passed, and fails if one has not.

mod behaviours;
mod shop;

use std::process::ExitCode;

use shop::Shop;

/// Runs the tests one after another, whatever becomes of the others: `tests!(shop, one, another)`.
macro_rules! tests {
    ($shop:ident, $($test:ident),+ $(,)?) => {
        [$((stringify!($test), tokio::spawn(behaviours::$test($shop.clone())).await)),+]
    };
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let shop = Shop::from_env();
    shop.create_table(shop::ORDERS).await;
    let ended = tests!(
        shop,
        tables,
        attribute_types,
        conditions,
        updates,
        queries,
        scans,
        batches,
        transactions,
        errors,
    );
    shop.delete_table(shop::ORDERS).await;
    for (name, ending) in &ended {
        // What went wrong is on stderr already.
        println!("{} {name}", if ending.is_ok() { "ok" } else { "FAILED" });
    }
    let failed = ended.iter().any(|(_, ending)| ending.is_err());
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
