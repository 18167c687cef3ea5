use super::*;

fn read(json: &str) -> Result<VpsChange, String> {
    let change: VpsChange = serde_json::from_str(json).map_err(|error| error.to_string())?;
    change.checked().map_err(|invalid| invalid.to_string())
}

#[test]
fn absent_stays_and_null_clears_what_may_be_unknown() {
    assert_eq!(read("{}"), Ok(VpsChange::default()));
    for member in
        "provider_id cpu_cores ram_mb disk_gb bandwidth_tb cost_monthly purchase_date expire_date".split(' ')
    {
        assert_ne!(read(&format!("{{\"{member}\":null}}")), Ok(VpsChange::default()), "{member}");
    }
    for member in "hostname alias ssh_port country city dc_name currency status purpose vpn_protocol tags \
        monitoring_enabled node_exporter_port notes ip_addresses source"
        .split_whitespace()
    {
        assert!(read(&format!("{{\"{member}\":null}}")).is_err(), "{member}");
    }
}

#[test]
fn members_become_what_is_stored() {
    let change = read(
        r#"{"country":"hk","currency":"usd","tags":["b","a ","b"],"cost_monthly":4.90,"notes":"a\r\nb","id":7,"presence":{}}"#,
    );
    let change = change.unwrap();
    assert_eq!((change.country.as_deref(), change.currency.as_deref()), (Some("HK"), Some("USD")));
    assert_eq!(change.tags, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(change.cost_monthly, Some(Some("4.90".to_owned())));
    assert_eq!(change.notes.as_deref(), Some("a\nb"));
}

#[test]
fn the_member_that_breaks_a_rule_is_named() {
    for (json, named) in [
        (r#"{"hostname":""}"#, "hostname: "),
        (r#"{"hostname":"a b"}"#, "hostname: "),
        (r#"{"hostname":"a (1)"}"#, "hostname: "),
        (r#"{"hostname":"a (x)"}"#, "hostname: "),
        (r#"{"alias":"a\nb"}"#, "alias: "),
        (r#"{"ssh_port":0}"#, "ssh_port: "),
        (r#"{"node_exporter_port":0}"#, "node_exporter_port: "),
        (r#"{"country":"UK"}"#, "country: "),
        (r#"{"currency":"€"}"#, "currency: "),
        (r#"{"cpu_cores":0}"#, "cpu_cores: "),
        (r#"{"ram_mb":4294967296}"#, "ram_mb: "),
        (r#"{"disk_gb":4294967296}"#, "disk_gb: "),
        (r#"{"bandwidth_tb":-1}"#, "bandwidth_tb: "),
        (r#"{"cost_monthly":-1}"#, "cost_monthly: "),
        (r#"{"cost_monthly":"free"}"#, "cost_monthly: "),
        (r#"{"cost_monthly":[1]}"#, "cost_monthly: "),
        (r#"{"purchase_date":"2026-02-30"}"#, "purchase_date: "),
        (r#"{"expire_date":""}"#, "expire_date: "),
        (r#"{"tags":["a,b"]}"#, "tags[0]: "),
        (r#"{"add_tags":[""]}"#, "add_tags[0]: "),
        (r#"{"source":""}"#, "source: "),
        (r#"{"version":0}"#, "version: "),
        (r#"{"ip_addresses":[{"ip":"0.0.0.0"}]}"#, "ip_addresses[0].ip: "),
        (r#"{"ip_addresses":[{"ip":"10.0.0.1"},{"ip":"10.0.0.1","label":"x"}]}"#, "ip_addresses[1].ip: "),
        (r#"{"ip_addresses":[{"ip":"10.0.0.1","label":"a\nb"}]}"#, "ip_addresses[0].label: "),
    ] {
        let refused = read(json).expect_err(json);
        assert!(refused.starts_with(named), "{json}: {refused}");
    }
}

#[test]
fn a_record_may_be_called_as_the_hub_calls_it() {
    for name in ["debian", "debian (2)", "a.b-c_d (17)"] {
        assert_eq!(check_record_name(name), Ok(()), "{name}");
    }
}
