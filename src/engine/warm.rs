//! Warm throughput: what a table or a global index can take at once.
//!
//! DynamoDB: it begins as what is provisioned, or 12,000 reads and 4,000 writes on demand, and never goes down again
//! ("Understanding DynamoDB warm throughput in different scenarios" in the developer guide; captures of October 2026
//! in ack-api-quirks, DDB-TABLE-059 and 061, for the words).

use model::{
    ApiError,
    call::{BillingMode, ProvisionedThroughput, WarmThroughput},
};

const ON_DEMAND: Units = Units { reads: 12_000, writes: 4_000 };

/// Of both kinds, per second.
#[derive(Clone, Copy)]
struct Units {
    reads: i64,
    writes: i64,
}

/// What there is at least, by how it is billed.
fn floor(mode: BillingMode, provisioned: ProvisionedThroughput) -> Units {
    let units = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    match mode {
        BillingMode::PayPerRequest => ON_DEMAND,
        BillingMode::Provisioned => Units {
            reads: units(provisioned.read_capacity_units),
            writes: units(provisioned.write_capacity_units),
        },
    }
}

/// What there is, with what was reached or asked for before.
pub(crate) fn reached(
    before: Option<WarmThroughput>,
    mode: BillingMode,
    provisioned: ProvisionedThroughput,
) -> WarmThroughput {
    let Units { reads, writes } = floor(mode, provisioned);
    let asked = |units: fn(&WarmThroughput) -> Option<i64>| before.as_ref().and_then(units);
    WarmThroughput {
        read_units_per_second: asked(|warm| warm.read_units_per_second).max(Some(reads)),
        write_units_per_second: asked(|warm| warm.write_units_per_second).max(Some(writes)),
    }
}

/// Whether a new table or index may begin with what is asked for; `of` is `table` or `index NAME`.
pub(crate) fn check_first(
    wanted: Option<WarmThroughput>,
    mode: BillingMode,
    provisioned: ProvisionedThroughput,
    of: &str,
) -> Result<(), ApiError> {
    let least = floor(mode, provisioned);
    let Some((member, _)) = wanted.and_then(|wanted| first_below(wanted, least)) else { return Ok(()) };
    let than = match mode {
        BillingMode::PayPerRequest => {
            "initial throughput for OnDemand. See: https://docs.aws.amazon.com/amazondynamodb/latest/\
             developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
                .to_owned()
        }
        BillingMode::Provisioned => {
            format!("{} of ProvisionedThroughput", member.replace("UnitsPerSecond", "CapacityUnits"))
        }
    };
    Err(lower(member, of, &than))
}

/// What there is once more is asked for.
pub(crate) fn raise(
    current: WarmThroughput,
    wanted: WarmThroughput,
    of: &str,
) -> Result<WarmThroughput, ApiError> {
    let least = Units {
        reads: current.read_units_per_second.unwrap_or_default(),
        writes: current.write_units_per_second.unwrap_or_default(),
    };
    match first_below(wanted, least) {
        Some((member, _)) => {
            Err(lower(member, of, "current WarmThroughput, decreasing WarmThroughput is not supported"))
        }
        None => Ok(WarmThroughput {
            read_units_per_second: wanted.read_units_per_second.or(current.read_units_per_second),
            write_units_per_second: wanted.write_units_per_second.or(current.write_units_per_second),
        }),
    }
}

/// DynamoDB: reads are looked at first.
fn first_below(wanted: WarmThroughput, least: Units) -> Option<(&'static str, i64)> {
    let members = [
        ("ReadUnitsPerSecond", wanted.read_units_per_second, least.reads),
        ("WriteUnitsPerSecond", wanted.write_units_per_second, least.writes),
    ];
    members
        .into_iter()
        .find_map(|(member, wanted, least)| Some((member, wanted?)).filter(|(_, w)| *w < least))
}

fn lower(member: &str, of: &str, than: &str) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: Requested {member} for WarmThroughput for {of} is lower than {than}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: ProvisionedThroughput =
        ProvisionedThroughput { read_capacity_units: 0, write_capacity_units: 0 };
    const TEN: ProvisionedThroughput =
        ProvisionedThroughput { read_capacity_units: 10, write_capacity_units: 10 };

    fn warm(reads: impl Into<Option<i64>>, writes: impl Into<Option<i64>>) -> WarmThroughput {
        WarmThroughput { read_units_per_second: reads.into(), write_units_per_second: writes.into() }
    }

    #[test]
    fn it_never_goes_down() {
        let first = reached(None, BillingMode::Provisioned, TEN);
        assert_eq!(first, warm(10, 10));
        assert_eq!(reached(Some(first), BillingMode::Provisioned, NONE), warm(10, 10));
        let on_demand = reached(Some(warm(13_000, None)), BillingMode::PayPerRequest, NONE);
        assert_eq!(on_demand, warm(13_000, 4_000));
        assert_eq!(reached(Some(on_demand), BillingMode::Provisioned, TEN), on_demand);
    }

    #[test]
    fn less_than_there_is_cannot_be_asked_for() {
        let check = |refused: Result<_, ApiError>, expected: &str| {
            let prefix = "One or more parameter values were invalid: Requested ";
            let message = refused.err().map(|error| error.message).unwrap_or_default();
            assert_eq!(message.strip_prefix(prefix).unwrap_or_default(), expected);
        };
        let first = |wanted, mode, provisioned| check_first(Some(wanted), mode, provisioned, "table");
        check(first(warm(12_000, 4_000), BillingMode::PayPerRequest, NONE), "");
        check(
            first(warm(1, 1), BillingMode::PayPerRequest, NONE),
            "ReadUnitsPerSecond for WarmThroughput for table is lower than initial throughput for OnDemand. See: \
             https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html\
             #on-demand-capacity-mode-initial",
        );
        check(
            first(warm(10, 9), BillingMode::Provisioned, TEN),
            "WriteUnitsPerSecond for WarmThroughput for table is lower than WriteCapacityUnits of \
             ProvisionedThroughput",
        );
        check(first(warm(5_000, None), BillingMode::Provisioned, TEN), "");
        let current = warm(12_000, 4_000);
        check(
            raise(current, warm(None, 3_999), "index by-name").map(drop),
            "WriteUnitsPerSecond for WarmThroughput for index by-name is lower than current WarmThroughput, \
             decreasing WarmThroughput is not supported",
        );
        assert_eq!(raise(current, warm(14_000, None), "table").unwrap(), warm(14_000, 4_000));
    }
}
