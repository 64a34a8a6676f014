//! Defaults that depend on the machine or on other keys.

use std::path::Path;

use base::units::print_bytes;
use upstream::AwsHost;

use super::{
    keys::OPERATIONS,
    parse::{self, RulesPreset},
    place::Place,
    raw::{Layers, Source, Sources, Written},
};

const MIB: u64 = 1 << 20;
/// The cache's budget where the memory limit cannot be told.
const BUDGET_UNKNOWN: u64 = 512 * MIB;
/// The region of AWS SDKs' examples, for services that do not care.
const REGION_OF_NO_MATTER: &str = "us-east-1";

/// Fills in what nobody wrote. Without a region for AWS the key stays unset, which is reported later.
pub(super) fn derive(layers: &mut Layers, sources: &Sources) {
    if layers.value("cache.bytes_max").is_none() {
        let (bytes, how) = budget(sources.memory_limit);
        layers.set("cache.bytes_max", print_bytes(bytes), Source::Found(how));
    }
    if layers.value("cache.settle").is_none() {
        let (settle, how) = match layers.value("upstream.url") {
            Some(_) => ("2s", "there is an upstream"),
            // It answers no read without what it acknowledged.
            None => ("0s", "the bundled engine has no replicas"),
        };
        layers.set("cache.settle", settle.to_owned(), Source::Found(how.to_owned()));
    }
    if layers.value("dax.state_dir").is_none()
        && let Some(directory) = dax_directory(layers)
    {
        layers.set("dax.state_dir", directory, Source::Found("within engine.data_dir".to_owned()));
    }
    if layers.value("upstream.region").is_none() {
        let url = layers.value("upstream.url").map_or("", |url| url.text.trim());
        if let Some((region, source)) = region(url, &sources.variables) {
            layers.set("upstream.region", region, source);
        }
    }
    let preset = layers.value("cache.preset").map(|preset| parse::preset(preset.text.trim()));
    if preset == Some(Ok(RulesPreset::Dax)) {
        derive_dax(layers);
    }
}

/// The directory of the DAX door within that of the bundled engine, if there is one of each.
fn dax_directory(layers: &Layers) -> Option<String> {
    let is_set = |path: &str| layers.value(path).is_some();
    let is_open = is_set("dax.listen") || is_set("dax.tls_listen");
    let is_in_memory = layers.value("engine.in_memory").is_some_and(|claim| claim.text.trim() == "true");
    if !is_open || is_in_memory || is_set("upstream.url") {
        return None;
    }
    let of_engine = Path::new(layers.value("engine.data_dir")?.text.trim());
    of_engine.join("dax").to_str().map(str::to_owned)
}

/// What DAX does where nobody says otherwise.
///
/// DAX: items and results live for their TTL, five minutes each; results of queries and of scans are kept, and
/// no write ends them; the absence of an item is kept as long as an item. A TTL of 0 keeps items until a write
/// or want of room ends them, and results not at all (developer guide, "DAX: How it works").
fn derive_dax(layers: &mut Layers) {
    let as_dax = || Source::Found("as DAX has it".to_owned());
    let scan = Place::of_operation("Scan");
    if layers.rule(&scan, "cache").is_none() {
        layers.set_rule(scan, "cache", "on".to_owned(), as_dax());
    }
    if !is_written(layers.value("cache.coherence")) {
        layers.set("cache.coherence", "ttl".to_owned(), as_dax());
    }
    for operation in OPERATIONS {
        let (alias, zero) = match operation {
            "GetItem" | "BatchGetItem" => ("cache.record_ttl_millis", "forever"),
            _ => ("cache.query_ttl_millis", "off"),
        };
        let place = Place::of_operation(operation);
        let millis = layers.value(alias).map(|written| written.text.trim().to_owned());
        if let Some(text) = millis.filter(|text| parse::millis(text).is_ok())
            && layers.rule(&place, "ttl").is_none()
        {
            let ttl = if text == "0" { zero.to_owned() } else { format!("{text}ms") };
            layers.set_rule(place, "ttl", ttl, Source::Found(alias.to_owned()));
        }
    }
    derive_negative_ttls(layers);
}

/// Where a TTL is written, absence lives as long, unless its own TTL is written there or for more than that.
fn derive_negative_ttls(layers: &mut Layers) {
    let source = || Source::Found("as long as ttl".to_owned());
    if is_written(layers.value("cache.negative_ttl")) {
        return;
    }
    let ttl = layers.value("cache.ttl").map(|written| written.text.clone());
    layers.set("cache.negative_ttl", ttl.unwrap_or_default(), source());
    let is_said = |place: &Place| {
        let sections = place.path();
        sections.iter().any(|section| is_written(layers.rule(section, "negative_ttl")))
    };
    let ttls = layers.rules().iter().filter(|(place, _)| !is_said(place));
    let ttls: Vec<(Place, String)> =
        ttls.filter_map(|(place, written)| Some((place.clone(), written.get("ttl")?.text.clone()))).collect();
    for (place, ttl) in ttls {
        layers.set_rule(place, "negative_ttl", ttl, source());
    }
}

fn is_written(written: Option<&Written>) -> bool {
    written.is_some_and(|written| !matches!(written.source, Source::Default | Source::Found(_)))
}

/// The other half of the memory is for requests under way, connections and the allocator.
fn budget(memory_limit: Option<u64>) -> (u64, String) {
    match memory_limit {
        Some(limit) => {
            let half = (limit / 2 / MIB).max(1) * MIB;
            (half, format!("half the memory limit, {}", print_bytes(limit / MIB * MIB)))
        }
        None => (BUDGET_UNKNOWN, "the memory limit is unknown".to_owned()),
    }
}

fn region(url: &str, variables: &[(String, String)]) -> Option<(String, Source)> {
    let host = parse::upstream_host(url).unwrap_or_default();
    if let Some(AwsHost { region, .. }) = AwsHost::of(&host) {
        return Some((region.to_owned(), Source::Found("the host in upstream.url".to_owned())));
    }
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        // Like the SDKs, which take an empty variable as none.
        let set = variables.iter().find(|(variable, value)| variable == name && !value.is_empty());
        if let Some((_, region)) = set {
            return Some((region.clone(), Source::Variable(name.to_owned())));
        }
    }
    let is_aws = parse::upstream(url).is_ok_and(|origin| parse::is_aws(&origin));
    (!is_aws).then(|| (REGION_OF_NO_MATTER.to_owned(), Source::Found("the origin is not AWS".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_found_in_host_then_environment() {
        let check = |url: &str, variables: &[(&str, &str)], expected: Option<(&str, &str)>| {
            let variables: Vec<_> =
                variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let found = region(url, &variables).map(|(region, source)| (region, source.to_string()));
            assert_eq!(
                found,
                expected.map(|(region, source)| (region.to_owned(), source.to_owned())),
                "{url}"
            );
        };
        let eu = [("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "eu-north-1")];
        let host = "https://DYNAMODB.eu-west-1.amazonaws.com";
        check(host, &eu, Some(("eu-west-1", "default: the host in upstream.url")));
        check("aws", &eu, Some(("eu-north-1", "env AWS_DEFAULT_REGION")));
        let vpc_endpoint = "https://vpce-0a1b.dynamodb.eu-west-1.vpce.amazonaws.com";
        check(vpc_endpoint, &[], None);
        check(vpc_endpoint, &eu, Some(("eu-north-1", "env AWS_DEFAULT_REGION")));
        check("http://127.0.0.1:8001", &eu, Some(("eu-north-1", "env AWS_DEFAULT_REGION")));
        check("aws", &[], None);
        check("http://127.0.0.1:8001", &[], Some(("us-east-1", "default: the origin is not AWS")));
    }

    #[test]
    fn the_budget_is_half_the_memory() {
        assert_eq!(budget(Some(1 << 30)).0, 512 * MIB);
        assert_eq!(budget(Some((3 << 20) + 5)).0, MIB);
        assert_eq!(budget(Some(1)).0, MIB);
        assert_eq!(budget(None).0, BUDGET_UNKNOWN);
    }
}
