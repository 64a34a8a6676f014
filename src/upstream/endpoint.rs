//! Which host answers what.

use http::{Uri, uri::InvalidUri};
use model::{Api, Target};

use crate::config::{Config, Origin};

/// The hosts of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    data: Uri,
    streams: Uri,
    search: Uri,
}

/// What has a host of its own on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Everything but the others.
    Tables,
    Streams,
    /// Vector search.
    Search,
}

impl Service {
    pub(crate) const ALL: [Service; 3] = [Service::Tables, Service::Streams, Service::Search];

    /// The label of metrics and the word in logs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Service::Tables => "dynamodb",
            Service::Streams => "streams",
            Service::Search => "search",
        }
    }

    fn of(target: &Target) -> Service {
        match (target.api(), target.word()) {
            (Api::Streams, _) => Service::Streams,
            (Api::DynamoDb, "SearchVectors") => Service::Search,
            (Api::DynamoDb, _) => Service::Tables,
        }
    }
}

/// A host of AWS DynamoDB, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsHost<'a> {
    /// As in `eu-west-1`.
    pub region: &'a str,
    /// What follows the region, as in `amazonaws.com`.
    suffix: &'a str,
}

impl<'a> AwsHost<'a> {
    /// Recognises `dynamodb.REGION.…` and the account endpoints `ACCOUNT.ddb.REGION.…`, with the DNS suffixes of
    /// AWS; `None` for any other host.
    pub fn of(host: &'a str) -> Option<AwsHost<'a>> {
        let rest = match host.strip_prefix("dynamodb.") {
            Some(rest) => rest,
            None => {
                let (account, rest) = host.split_once(".ddb.")?;
                account.bytes().all(|byte| byte.is_ascii_digit()).then_some(rest)?
            }
        };
        let (region, suffix) = rest.split_once('.')?;
        ["amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn"]
            .contains(&suffix)
            .then_some(AwsHost { region, suffix })
    }
}

impl Endpoints {
    /// The hosts that a configuration means.
    ///
    /// # Errors
    /// When the configured URL is none.
    pub(crate) fn of(config: &Config) -> Result<Endpoints, InvalidUri> {
        match &config.origin {
            Origin::Aws => {
                let suffix = match config.region.starts_with("cn-") {
                    true => "amazonaws.com.cn",
                    false => "amazonaws.com",
                };
                let host = AwsHost { region: &config.region, suffix };
                Endpoints::of_aws(format!("https://dynamodb.{}.{suffix}/", host.region).parse()?, &host)
            }
            Origin::Url(url) => {
                let data: Uri = format!("{}/", url.trim_end_matches('/')).parse()?;
                match data.host().and_then(AwsHost::of) {
                    Some(host) => Endpoints::of_aws(data.clone(), &host),
                    None => Ok(Endpoints { streams: data.clone(), search: data.clone(), data }),
                }
            }
        }
    }

    /// DynamoDB: Streams and vector search have hosts of their own, and no account endpoints.
    fn of_aws(data: Uri, host: &AwsHost<'_>) -> Result<Endpoints, InvalidUri> {
        let AwsHost { region, suffix } = host;
        let streams = match *suffix {
            "api.aws" | "api.amazonwebservices.com.cn" => "streams-dynamodb",
            _ => "streams.dynamodb",
        };
        Ok(Endpoints {
            data,
            streams: format!("https://{streams}.{region}.{suffix}/").parse()?,
            search: format!("https://search-dynamodb.{region}.{suffix}/").parse()?,
        })
    }

    /// Whom a call asks, and where to send it.
    pub(crate) fn for_target(&self, target: &Target) -> (Service, &Uri) {
        let service = self.sharing(Service::of(target));
        (service, self.uri(service))
    }

    /// The service that stands for all on the same host.
    pub(crate) fn sharing(&self, service: Service) -> Service {
        if self.uri(service) == &self.data { Service::Tables } else { service }
    }

    /// The host of a service.
    pub(crate) fn host_of(&self, service: Service) -> &str {
        self.uri(service).authority().map_or("", |authority| authority.as_str())
    }

    fn uri(&self, service: Service) -> &Uri {
        match service {
            Service::Tables => &self.data,
            Service::Streams => &self.streams,
            Service::Search => &self.search,
        }
    }

    /// The host that is shown to people.
    pub fn host(&self) -> &str {
        self.host_of(Service::Tables)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn hosts(origin: Origin, region: &str) -> [String; 3] {
        let second = Duration::from_secs(1);
        let region = region.to_owned();
        let config = Config {
            origin,
            region,
            connect_timeout: second,
            timeout: second,
            attempts: 1,
            breaker: None,
            hedge: None,
        };
        let endpoints = Endpoints::of(&config).unwrap();
        [
            "DynamoDB_20120810.GetItem",
            "DynamoDBStreams_20120810.GetRecords",
            "DynamoDB_20120810.SearchVectors",
        ]
        .map(|target| endpoints.for_target(&Target::parse(target).unwrap()).1.to_string())
    }

    #[test]
    fn every_service_has_its_host() {
        let url = |url: &str| Origin::Url(url.to_owned());
        let of = |data: &str, streams: &str, search: &str| [data, streams, search].map(str::to_owned);
        let cases = [
            (
                Origin::Aws,
                "eu-west-1",
                of(
                    "https://dynamodb.eu-west-1.amazonaws.com/",
                    "https://streams.dynamodb.eu-west-1.amazonaws.com/",
                    "https://search-dynamodb.eu-west-1.amazonaws.com/",
                ),
            ),
            (
                url("https://123456789012.ddb.us-east-2.amazonaws.com"),
                "us-east-2",
                of(
                    "https://123456789012.ddb.us-east-2.amazonaws.com/",
                    "https://streams.dynamodb.us-east-2.amazonaws.com/",
                    "https://search-dynamodb.us-east-2.amazonaws.com/",
                ),
            ),
            (
                url("https://dynamodb.cn-north-1.amazonaws.com.cn/"),
                "cn-north-1",
                of(
                    "https://dynamodb.cn-north-1.amazonaws.com.cn/",
                    "https://streams.dynamodb.cn-north-1.amazonaws.com.cn/",
                    "https://search-dynamodb.cn-north-1.amazonaws.com.cn/",
                ),
            ),
            (
                url("http://127.0.0.1:8001"),
                "us-east-1",
                of("http://127.0.0.1:8001/", "http://127.0.0.1:8001/", "http://127.0.0.1:8001/"),
            ),
        ];
        for (origin, region, expected) in cases {
            assert_eq!(hosts(origin, region), expected);
        }
    }

    #[test]
    fn only_hosts_of_aws_are_taken_apart() {
        for host in
            ["localhost", "dynamodb.example.com", "evil.ddb.eu-west-1.amazonaws.com", "x.amazonaws.com"]
        {
            assert_eq!(AwsHost::of(host), None, "{host}");
        }
    }
}
