//! What `Select` asks of the projections beside it.

use super::{Projecting, Select};

/// What is wrong with it, if anything.
///
/// DynamoDB: a projection that is not wanted is said before an index that is missed, and for a Scan too it
/// is "Querying" (conformance suite after May 2026).
pub(super) fn fault(select: Option<Select>, projecting: &Projecting<'_>, has_index: bool) -> Option<String> {
    let select = select?;
    let projection = match (projecting.expression, projecting.attributes) {
        (Some(_), _) => Some("ProjectionExpression"),
        (None, Some(_)) => Some("AttributesToGet"),
        (None, None) => None,
    };
    match (select, projection) {
        (Select::SpecificAttributes, None) => Some(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get \
             SPECIFIC_ATTRIBUTES"
                .to_owned(),
        ),
        (Select::SpecificAttributes, Some(_)) => None,
        (_, Some(projection)) => {
            let wanted = if select == Select::Count { "only the Count" } else { select.as_str() };
            Some(format!("Cannot specify the {projection} when choosing to get {wanted}"))
        }
        (Select::AllProjectedAttributes, None) if !has_index => {
            Some("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName".to_owned())
        }
        (_, None) => None,
    }
}
