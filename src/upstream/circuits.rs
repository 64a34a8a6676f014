//! The circuit breakers of a backend, one for each host that it talks to, with their metrics and log lines.
//!
//! AWS serves streams and vector search from hosts of their own, which fail and recover by themselves: each has a
//! breaker of its own, so that a stream that cannot be read takes no table away. Behind one URL all share one.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use backend::{Failure, FailureKind, Reply};
use base::{Chance, Clock, Condition, Instant};

use crate::{
    breaker::{Breaker, BreakerConfig, Change, Evidence, Position, Ticket},
    endpoint::{Endpoints, Service},
    metrics::Metrics,
    retry::is_service_error,
};

/// The breakers of a backend; none if they are off.
#[derive(Debug)]
pub(crate) struct Circuits {
    circuits: Vec<Circuit>,
    /// A host that took so long without an answer does not answer; less may be a caller in a hurry.
    patience: Duration,
    clock: Clock,
    chance: Chance,
    metrics: Metrics,
}

#[derive(Debug)]
struct Circuit {
    service: Service,
    host: String,
    cool_down: Duration,
    breaker: Mutex<Breaker>,
}

/// A request that a breaker let pass. It ends by [`Passage::ended`], or by being dropped.
#[derive(Debug)]
pub(crate) struct Passage<'a> {
    circuits: &'a Circuits,
    /// Where it passed, if there is a breaker.
    passed: Option<(&'a Circuit, Ticket)>,
    began: Instant,
}

impl Circuits {
    /// Closed breakers for all hosts. `timeout` is what a call is given.
    pub(crate) fn closed(
        config: Option<&BreakerConfig>,
        endpoints: &Endpoints,
        timeout: Duration,
        clock: Clock,
        chance: Chance,
        metrics: Metrics,
    ) -> Arc<Circuits> {
        let circuit = |config: &BreakerConfig, service: Service| {
            metrics.breaker_begins(service);
            Circuit {
                service,
                host: endpoints.host_of(service).to_owned(),
                cool_down: config.cool_down,
                breaker: Mutex::new(Breaker::closed(config.clone(), clock.now())),
            }
        };
        let circuits = config.map(|config| {
            let services = Service::ALL.into_iter().filter(|service| endpoints.sharing(*service) == *service);
            services.map(|service| circuit(config, service)).collect()
        });
        let circuits = circuits.unwrap_or_default();
        Arc::new(Circuits { circuits, patience: timeout / 2, clock, chance, metrics })
    }

    /// Lets a request pass, or says that it must fail at once.
    pub(crate) fn admit(&self, service: Service) -> Result<Passage<'_>, Failure> {
        let began = self.clock.now();
        let Some(circuit) = self.circuits.iter().find(|circuit| circuit.service == service) else {
            return Ok(Passage { circuits: self, passed: None, began });
        };
        match self.step(circuit, |breaker| breaker.admit(began)) {
            Some(ticket) => Ok(Passage { circuits: self, passed: Some((circuit, ticket)), began }),
            None => {
                self.metrics.breaker_refused(service);
                // Nothing was sent, which is all that a caller has to know.
                Err(Failure::new(FailureKind::Unreachable, "the upstream breaker is open"))
            }
        }
    }

    fn record(&self, circuit: &Circuit, ticket: Ticket, evidence: Evidence, cause: impl FnOnce() -> String) {
        let now = self.clock.now();
        let change = self.step(circuit, |breaker| breaker.record(ticket, evidence, now, &self.chance));
        let Circuit { service, host, cool_down, .. } = circuit;
        let service = service.word();
        match change {
            None => {}
            Some(Change::Opened { failures, requests }) => tracing::warn!(
                service,
                host,
                failures,
                requests,
                ?cool_down,
                cause = cause(),
                "upstream breaker opened, requests fail at once"
            ),
            // As often as it cools down, for as long as the outage lasts.
            Some(Change::Reopened) => {
                tracing::debug!(service, host, cause = cause(), "upstream breaker stays open");
            }
            Some(Change::Closed { after }) => {
                tracing::info!(service, host, ?after, "upstream breaker closed, the host answers again");
            }
        }
    }

    /// Does something to a breaker, and counts it if that moves it.
    fn step<T>(&self, circuit: &Circuit, step: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = circuit.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.position();
        let done = step(&mut breaker);
        if breaker.position() != before {
            // Still under the lock, so that the gauge shows the last move.
            self.metrics.breaker_moved(circuit.service, breaker.position());
        }
        done
    }
}

impl Condition for Circuits {
    fn trouble(&self) -> Option<String> {
        let is_closed = |circuit: &Circuit| {
            let breaker = circuit.breaker.lock().unwrap_or_else(PoisonError::into_inner);
            breaker.position() == Position::Closed
        };
        let open: Vec<&str> = self.circuits.iter().filter(|c| !is_closed(c)).map(|c| &*c.host).collect();
        (!open.is_empty())
            .then(|| format!("the upstream does not answer (breaker open): {}", open.join(", ")))
    }
}

impl Passage<'_> {
    /// Tells the breaker how the request ended.
    pub(crate) fn ended(mut self, result: &Result<Reply, Failure>) {
        let waited = self.circuits.clock.now().saturating_duration_since(self.began);
        let evidence = evidence(result, waited >= self.circuits.patience);
        if let (Some((circuit, ticket)), Some(evidence)) = (self.passed.take(), evidence) {
            self.circuits.record(circuit, ticket, evidence, || match result {
                Ok(reply) => format!("it answers {}", reply.status()),
                Err(failure) => failure.to_string(),
            });
        }
    }
}

impl Drop for Passage<'_> {
    /// Nobody waits for it any longer: a host that hangs must be noticed, also when all callers are in a hurry.
    fn drop(&mut self) {
        let waited = self.circuits.clock.now().saturating_duration_since(self.began);
        if let Some((circuit, ticket)) = self.passed.take()
            && waited >= self.circuits.patience
        {
            let cause = || format!("no answer until the caller left, after {waited:?}");
            self.circuits.record(circuit, ticket, Evidence::DoesNotAnswer, cause);
        }
    }
}

/// What the end of a request says of the host; `None` if nothing.
///
/// DynamoDB: what it refuses, throttling included, it refuses with 4xx: such a host answers.
fn evidence(result: &Result<Reply, Failure>, was_patient: bool) -> Option<Evidence> {
    match result {
        Ok(reply) if is_service_error(reply) && !is_throttled(reply) => Some(Evidence::DoesNotAnswer),
        Ok(_) => Some(Evidence::Answers),
        Err(failure) => match failure.kind {
            FailureKind::Unreachable | FailureKind::Lost => Some(Evidence::DoesNotAnswer),
            FailureKind::TimedOut => was_patient.then_some(Evidence::DoesNotAnswer),
            FailureKind::NoCredentials
            | FailureKind::Refused
            | FailureKind::Unavailable
            | FailureKind::Overloaded
            | FailureKind::Internal => None,
        },
    }
}

/// Gateways and other vendors' servers may throttle with 503.
fn is_throttled(reply: &Reply) -> bool {
    model::ErrorCode::in_body(reply.body()).is_some_and(model::ErrorCode::is_throttling)
}

#[cfg(test)]
mod tests {
    use backend::doubles::origin_reply;

    use super::*;

    #[test]
    fn only_who_does_not_answer_counts_as_failed() {
        use FailureKind::{
            Internal, Lost, NoCredentials, Overloaded, Refused, TimedOut, Unavailable, Unreachable,
        };
        let answered = |status, code: &str| Ok(origin_reply(status, format!("{{\"__type\":\"x#{code}\"}}")));
        let failed = |kind| Err(Failure::new(kind, ""));
        let (alive, dead) = (Some(Evidence::Answers), Some(Evidence::DoesNotAnswer));
        let cases = [
            (answered(200, ""), alive),
            (answered(400, "ValidationException"), alive),
            (answered(400, "ThrottlingException"), alive),
            (answered(400, "ProvisionedThroughputExceededException"), alive),
            (answered(429, ""), alive),
            (answered(501, ""), alive),
            (answered(500, "InternalServerError"), dead),
            (answered(503, "ServiceUnavailable"), dead),
            (answered(503, "ThrottlingException"), alive),
            (Ok(origin_reply(502, "<html>")), dead),
            (Ok(origin_reply(504, "")), dead),
            (failed(Unreachable), dead),
            (failed(Lost), dead),
            (failed(NoCredentials), None),
            (failed(Refused), None),
            (failed(Unavailable), None),
            (failed(Overloaded), None),
            (failed(Internal), None),
        ];
        for (result, expected) in cases {
            for was_patient in [false, true] {
                assert_eq!(evidence(&result, was_patient), expected, "{result:?}");
            }
        }
        assert_eq!(evidence(&failed(TimedOut), true), dead);
        assert_eq!(evidence(&failed(TimedOut), false), None);
    }

    /// Breakers that the first failure opens, of a backend whose calls may take ten seconds.
    fn circuits(origin: crate::Origin) -> (Arc<Circuits>, Clock) {
        let breaker =
            BreakerConfig { failure_share: 0.5, requests_min: 1, cool_down: Duration::from_secs(5) };
        let config = crate::Config {
            origin,
            region: "eu-west-1".to_owned(),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            attempts: 1,
            breaker: Some(breaker.clone()),
            hedge: None,
        };
        let endpoints = Endpoints::of(&config).unwrap();
        let clock = Clock::start();
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let parts = (clock.clone(), Chance::seeded(1), metrics);
        (Circuits::closed(Some(&breaker), &endpoints, config.timeout, parts.0, parts.1, parts.2), clock)
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_of_their_own_have_breakers_of_their_own() {
        let lost = Err(Failure::new(FailureKind::Lost, ""));
        let (aws, _) = circuits(crate::Origin::Aws);
        aws.admit(Service::Streams).unwrap().ended(&lost);
        let refused = aws.admit(Service::Streams).unwrap_err();
        assert_eq!(refused.kind, FailureKind::Unreachable);
        assert!(aws.admit(Service::Tables).is_ok() && aws.admit(Service::Search).is_ok());
        let host = "streams.dynamodb.eu-west-1.amazonaws.com";
        assert_eq!(aws.trouble(), Some(format!("the upstream does not answer (breaker open): {host}")));

        let (shared, _) = circuits(crate::Origin::Url("http://127.0.0.1:8000".to_owned()));
        assert_eq!(shared.circuits.len(), 1);
        assert_eq!(shared.trouble(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_leaves_says_something_only_if_it_was_patient() {
        let (circuits, clock) = circuits(crate::Origin::Url("http://127.0.0.1:8000".to_owned()));
        let passage = circuits.admit(Service::Tables).unwrap();
        clock.sleep(Duration::from_secs(4)).await;
        drop(passage);
        assert_eq!(circuits.trouble(), None);
        let passage = circuits.admit(Service::Tables).unwrap();
        clock.sleep(Duration::from_secs(6)).await;
        drop(passage);
        assert!(circuits.trouble().is_some());
    }
}
