//! When a call may be sent again: only where that is safe, only so often, and not by all at once.

use std::time::Duration;

use backend::{Failure, FailureKind, Reply};
use base::Chance;

use crate::budget::Budget;

/// The first pause; each further one may be twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// A pause is never longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Retries that may be spent at once, when the origin is in trouble.
const BUDGET: u32 = 100;

/// A success earns a tenth of a retry: in the long run at most every eleventh request is one.
const COST: u32 = 10;

/// How many retries are left, so that a struggling origin is not asked several times as much.
#[derive(Debug)]
pub(crate) struct RetryBudget(Budget);

/// What may be done with a call that went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Safety {
    /// Asking twice changes nothing.
    Repeatable,
    /// It may be sent again only if no byte of it was sent.
    Once,
}

impl RetryBudget {
    pub(crate) fn full() -> RetryBudget {
        RetryBudget(Budget::full(1, COST, BUDGET))
    }

    pub(crate) fn earn(&self) {
        self.0.earn();
    }

    /// How long to wait before the next attempt; `None` if there must not be one.
    pub(crate) fn pause(
        &self,
        result: &Result<Reply, Failure>,
        safety: Safety,
        attempt: u32,
        attempts: u32,
        chance: &Chance,
    ) -> Option<Duration> {
        let may_repeat = attempt < attempts && is_worth_repeating(result, safety);
        (may_repeat && self.0.spend()).then(|| {
            let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(10)).min(LONGEST_PAUSE);
            longest.mul_f64(chance.fraction())
        })
    }
}

fn is_worth_repeating(result: &Result<Reply, Failure>, safety: Safety) -> bool {
    match result {
        // Throttling is the client's to know of: its SDK slows down.
        Ok(reply) => safety == Safety::Repeatable && is_service_error(reply),
        Err(failure) => match failure.kind {
            FailureKind::Unreachable => true,
            FailureKind::Lost => safety == Safety::Repeatable,
            // The time is used up, or asking again would end the same way.
            FailureKind::TimedOut
            | FailureKind::NoCredentials
            | FailureKind::Refused
            | FailureKind::Overloaded
            | FailureKind::Unavailable
            | FailureKind::Internal => false,
        },
    }
}

/// Whether somebody answered that the service cannot. What is beyond it (501, 505) is an answer like others.
pub(crate) fn is_service_error(reply: &Reply) -> bool {
    matches!(reply.status().as_u16(), 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use backend::doubles::origin_reply;

    use super::*;

    #[test]
    fn only_what_is_safe_is_sent_again() {
        use FailureKind::{Lost, TimedOut, Unreachable};
        let failed = |kind| Err(Failure::new(kind, ""));
        let cases = [
            (Ok(origin_reply(200, "{}")), [false, false]),
            (Ok(origin_reply(400, "{}")), [false, false]),
            (Ok(origin_reply(500, "{}")), [true, false]),
            (Ok(origin_reply(503, "")), [true, false]),
            (failed(Unreachable), [true, true]),
            (failed(Lost), [true, false]),
            (failed(TimedOut), [false, false]),
        ];
        for (result, expected) in cases {
            let found = [Safety::Repeatable, Safety::Once].map(|safety| is_worth_repeating(&result, safety));
            assert_eq!(found, expected, "{result:?}");
        }
    }

    #[test]
    fn the_budget_ends_and_is_earned_again() {
        let budget = RetryBudget::full();
        let chance = Chance::seeded(1);
        let lost = Err(Failure::new(FailureKind::Lost, ""));
        let retries =
            (0..1000).filter(|_| budget.pause(&lost, Safety::Repeatable, 1, 3, &chance).is_some()).count();
        assert_eq!(retries, BUDGET as usize);
        (0..COST).for_each(|_| budget.earn());
        assert!(budget.pause(&lost, Safety::Repeatable, 1, 3, &chance).is_some());
        assert!(budget.pause(&lost, Safety::Repeatable, 1, 3, &chance).is_none());
    }

    #[test]
    fn attempts_are_counted() {
        let budget = RetryBudget::full();
        let lost = Err(Failure::new(FailureKind::Lost, ""));
        let pause = |attempt| budget.pause(&lost, Safety::Repeatable, attempt, 3, &Chance::seeded(7));
        assert!(pause(1).is_some() && pause(2).is_some() && pause(3).is_none());
    }
}
