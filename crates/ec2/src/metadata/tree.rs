//! The paths: leaves with a text each, and the lists of what lies below a path.

use std::collections::BTreeMap;

use super::{Facts, InterfaceFacts};

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Text(String),
    Bytes(Vec<u8>),
    /// The role's credentials, which are made when they are asked for.
    Credentials,
    Missing,
}

/// Of a path behind the version: `meta-data/instance-id`.
pub(super) fn find(facts: &Facts, path: &str) -> Found {
    let path = path.trim_start_matches('/');
    if path.trim_end_matches('/') == "user-data" {
        return facts.user_data.clone().map_or(Found::Missing, Found::Bytes);
    }
    let role = facts.profile.as_ref().and_then(|profile| profile.role_name());
    if role.is_some() && path.strip_prefix(CREDENTIALS) == role {
        return Found::Credentials;
    }
    let leaves = leaves(facts);
    if let Some(text) = leaves.get(path.trim_end_matches('/')) {
        return Found::Text(text.clone());
    }
    list(&leaves, path.trim_end_matches('/')).map_or(Found::Missing, Found::Text)
}

const CREDENTIALS: &str = "meta-data/iam/security-credentials/";

/// One name a line, folders with a slash behind.
fn list(leaves: &BTreeMap<String, String>, path: &str) -> Option<String> {
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let mut names: Vec<String> = Vec::new();
    for leaf in leaves.keys().filter_map(|leaf| leaf.strip_prefix(&prefix)) {
        let name = match leaf.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => leaf.to_owned(),
        };
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    // The list of keys alone says what each is called.
    if path == "meta-data/public-keys" {
        let named = |name: &String| {
            let index = name.trim_end_matches('/');
            let key = leaves.get(&format!("{KEY_NAMES}{index}"));
            key.map(|key| format!("{index}={key}"))
        };
        names = names.iter().filter_map(named).collect();
    }
    names.retain(|name| !name.starts_with(HIDDEN));
    (!names.is_empty()).then(|| names.join("\n"))
}

/// For ourselves; shown in no list.
const HIDDEN: &str = ".";
const KEY_NAMES: &str = "meta-data/.key-names/";

fn leaves(facts: &Facts) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    let mut put = |path: &str, text: String| {
        leaves.insert(format!("meta-data/{path}"), text);
    };
    instance(facts, &mut put);
    for interface in &facts.interfaces {
        self::interface(facts, interface, &mut put);
    }
    for (index, (name, key)) in facts.public_keys.iter().enumerate() {
        put(&format!("public-keys/{index}/openssh-key"), key.clone());
        put(&format!(".key-names/{index}"), name.clone());
    }
    for (name, device) in &facts.block_devices {
        put(&format!("block-device-mapping/{name}"), device.clone());
    }
    for (key, value) in facts.tags.iter().flatten() {
        put(&format!("tags/instance/{key}"), value.clone());
    }
    if let Some(profile) = &facts.profile {
        put("iam/info", info(facts, &profile.arn, &profile.id));
        if let Some(role) = profile.role_name() {
            put(&format!("iam/security-credentials/{role}"), String::new());
        }
    }
    if let Some(user) = &facts.login_user {
        put("haneul/login-user", user.clone());
    }
    leaves.insert("dynamic/instance-identity/document".into(), document(facts));
    if facts.user_data.is_some() {
        leaves.insert("user-data".into(), String::new());
    }
    leaves
}

fn instance(facts: &Facts, put: &mut impl FnMut(&str, String)) {
    let zone = facts.zone.name(&facts.region);
    put("ami-id", facts.image_id.clone());
    put("ami-launch-index", facts.launch_index.to_string());
    put("ami-manifest-path", "(unknown)".into());
    put("hostname", facts.private_dns_name.clone());
    put("instance-action", "none".into());
    put("instance-id", facts.instance_id.clone());
    put("instance-life-cycle", "on-demand".into());
    put("instance-type", facts.instance_type.clone());
    put("local-hostname", facts.private_dns_name.clone());
    put("placement/availability-zone", zone);
    put("placement/availability-zone-id", facts.zone.id(&facts.region));
    put("placement/region", facts.region.to_string());
    put("profile", "default-hvm".into());
    put("reservation-id", facts.reservation_id.clone());
    put("security-groups", facts.security_groups.join("\n"));
    put("services/domain", "amazonaws.com".into());
    put("services/partition", "aws".into());
    let Some(first) = facts.interfaces.first() else { return };
    put("local-ipv4", first.private_address.to_string());
    put("mac", first.mac.clone());
    if let Some(address) = first.public_address {
        put("public-ipv4", address.to_string());
    }
    if let Some(name) = &first.public_dns_name {
        put("public-hostname", name.clone());
    }
}

fn interface(facts: &Facts, interface: &InterfaceFacts, put: &mut impl FnMut(&str, String)) {
    let mut put = |name: &str, text: String| {
        put(&format!("network/interfaces/macs/{}/{name}", interface.mac), text);
    };
    let private = interface.private_address.to_string();
    put("device-number", interface.device_number.to_string());
    put("interface-id", interface.id.clone());
    put("local-hostname", interface.private_dns_name.clone());
    put("local-ipv4s", private.clone());
    put("mac", interface.mac.clone());
    put("owner-id", facts.account.to_string());
    put("security-group-ids", interface.security_group_ids.join("\n"));
    put("security-groups", interface.security_groups.join("\n"));
    put("subnet-id", interface.subnet_id.clone());
    put("subnet-ipv4-cidr-block", interface.subnet_block.to_string());
    put("vpc-id", interface.vpc_id.clone());
    let blocks: Vec<String> = interface.vpc_blocks.iter().map(ToString::to_string).collect();
    put("vpc-ipv4-cidr-block", blocks.first().cloned().unwrap_or_default());
    put("vpc-ipv4-cidr-blocks", blocks.join("\n"));
    if let Some(address) = interface.public_address {
        put("public-ipv4s", address.to_string());
        put(&format!("ipv4-associations/{address}"), private);
    }
    if let Some(name) = &interface.public_dns_name {
        put("public-hostname", name.clone());
    }
}

fn info(facts: &Facts, arn: &str, id: &str) -> String {
    let fields = [
        ("Code", "Success".into()),
        ("LastUpdated", facts.launched_at.to_iso8601()),
        ("InstanceProfileArn", arn.into()),
        ("InstanceProfileId", id.into()),
    ];
    object(&fields)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html>
fn document(facts: &Facts) -> String {
    let first = facts.interfaces.first();
    let address = first.map(|first| first.private_address.to_string()).unwrap_or_default();
    let fields = [
        ("accountId", facts.account.to_string()),
        ("architecture", "x86_64".into()),
        ("availabilityZone", facts.zone.name(&facts.region)),
        ("imageId", facts.image_id.clone()),
        ("instanceId", facts.instance_id.clone()),
        ("instanceType", facts.instance_type.clone()),
        ("pendingTime", facts.launched_at.to_iso8601()),
        ("privateIp", address),
        ("region", facts.region.to_string()),
        ("version", "2017-09-30".into()),
    ];
    object(&fields)
}

/// JSON of texts, laid out as the service lays it out.
pub(super) fn object(fields: &[(&str, String)]) -> String {
    let line = |(name, text): &(&str, String)| {
        format!("  \"{name}\" : {}", serde_json::Value::from(text.as_str()))
    };
    format!("{{\n{}\n}}", fields.iter().map(line).collect::<Vec<_>>().join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::facts;
    use super::*;

    #[test]
    fn leaves_and_lists_are_found() {
        let check = |path: &str, expected: &str| {
            assert_eq!(find(&facts(), path), Found::Text(expected.into()), "{path}");
        };
        check("meta-data/instance-id", "i-1");
        check("/meta-data/placement/availability-zone", "ap-northeast-2a");
        check("meta-data/placement/", "availability-zone\navailability-zone-id\nregion");
        check("", "dynamic/\nmeta-data/\nuser-data");
        check("meta-data/public-keys/", "0=my-key");
        check("meta-data/public-keys/0/", "openssh-key");
        check("meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA my-key");
        check("meta-data/network/interfaces/macs/", "06:00:00:00:00:01/");
        check("meta-data/network/interfaces/macs/06:00:00:00:00:01/subnet-id", "subnet-1");
        check("meta-data/iam/security-credentials/", "web");
        check("meta-data/tags/instance/Name", "web 1");
        check("meta-data/public-ipv4", "198.18.0.9");
        assert_eq!(find(&facts(), "meta-data/iam/security-credentials/web"), Found::Credentials);
        assert_eq!(find(&facts(), "user-data"), Found::Bytes(b"#!/bin/sh\n".to_vec()));
        for missing in ["meta-data/spot", "meta-datas", "meta-data/public-keys/1", "x"] {
            assert_eq!(find(&facts(), missing), Found::Missing, "{missing}");
        }
        let Found::Text(all) = find(&facts(), "meta-data/") else { panic!("a list") };
        assert!(!all.contains(HIDDEN), "{all}");
    }

    #[test]
    fn documents_are_json() {
        let Found::Text(text) = find(&facts(), "dynamic/instance-identity/document") else {
            panic!("there");
        };
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["instanceId"], "i-1");
        assert_eq!(document["region"], "ap-northeast-2");
    }
}
