use proptest::prelude::*;

use serde_json::{Value, json};

use super::*;
use crate::model::mark::{Mark, MarkKind};
use crate::model::provider::Provider;
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::model::vps_change::VpsChange;

fn machine() -> Row {
    let mut row = vps_row(&Vps::blank(Timestamp::from_ms(1), uuid::Uuid::from_u128(7)), None);
    row.insert("hostname".to_owned(), json!("debian (2)"));
    row.insert("source".to_owned(), json!("agent"));
    row.insert("reported_hostname".to_owned(), json!("debian"));
    row
}

#[test]
fn what_keeps_a_file_from_being_read_is_said() {
    for (data, sentence) in [
        (json!("hostname,colour\n"), "data: line 1: there is no column \"colour\", but id, hostname, alias"),
        (json!("hostname,hostname\n"), "data: line 1: the column hostname is there twice"),
        (json!(["a"]), "data: is the text of a CSV file"),
    ] {
        let error = read(&MACHINES, Format::Csv, data).unwrap_err().to_string();
        assert!(error.starts_with(sentence), "{error}");
    }
    for data in [json!("{"), json!({}), json!("5")] {
        assert!(read(&MACHINES, Format::Json, data).unwrap_err().to_string().starts_with("data: is "));
    }
    let many = format!("hostname\n{}", "a\n".repeat(10_001));
    assert_eq!(
        read(&MACHINES, Format::Csv, json!(many)).unwrap_err().to_string(),
        "data: has more than 10000 lines"
    );
    let lines =
        read(&MACHINES, Format::Json, json!([{"hostname": "a", "presence": "online"}, {"colour": 1}, 5]))
            .unwrap();
    let refused: Vec<String> = lines
        .iter()
        .map(|line| line.row.as_ref().err().map(ToString::to_string).unwrap_or_default())
        .collect();
    assert_eq!(refused, ["", "colour: is no member that can be imported", "data: is an object"]);
}

#[test]
fn every_member_of_a_record_may_stand_in_a_file() {
    let (now, id) = (Timestamp::from_ms(1), uuid::Uuid::from_u128(7));
    let mark = |kind| Mark { kind, other_id: None, other_hostname: None, detail: String::new(), since: now };
    let vps = Vps {
        marks: vec![mark(MarkKind::Conflict)],
        refused_reports: Some(1),
        refused_at: Some(now),
        reported_hostname: Some("debian".to_owned()),
        ..Vps::blank(now, id)
    };
    for (table, record) in [(&MACHINES, json!(vps)), (&PROVIDERS, json!(Provider::blank(now, id)))] {
        let unknown: Vec<&String> =
            record.as_object().unwrap().keys().filter(|name| !table.knows(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
    assert!(MACHINES.knows("suggestion") && MACHINES.knows("marks") && !MACHINES.knows("colour"));
}

#[test]
fn what_spreadsheets_write_is_read() {
    let file = "\u{feff}hostname;tags;monitoring_enabled\r\na;\"x;y\";TRUE\r\n";
    let lines = read(&MACHINES, Format::Csv, json!(file)).unwrap();
    let row = lines[0].row.clone().unwrap();
    assert_eq!(Value::from(row), json!({"hostname": "a", "tags": ["x", "y"], "monitoring_enabled": true}));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_imports_again_and_is_equal(
        alias in "['=+@a\" ,;\u{ff1d}-]{0,6}",
        notes in "['=+@a\\r\\n\\t\",;\\\\-]{0,12}",
        tags in proptest::collection::btree_set("[a=;\\\\ '\"-]{0,3}[a=;\\\\']", 0..4),
        label in "[a=;\\\\ '-]{0,4}",
        cores in proptest::option::of(1_u32..9),
        tb in proptest::option::of(0.0..1e9_f64),
        money in proptest::option::of("[0-9]{1,4}(\\.[0-9]{1,2})?"),
    ) {
        let mut row = machine();
        for (name, value) in [
            ("alias", json!(alias)),
            ("notes", json!(notes)),
            ("tags", json!(tags)),
            ("ip_addresses", json!([{"ip": "203.0.113.7", "label": label}, {"ip": "2001:db8::1", "label": ""}])),
            ("cpu_cores", json!(cores)),
            ("bandwidth_tb", json!(tb)),
            ("cost_monthly", json!(money)),
        ] {
            row.insert(name.to_owned(), value);
        }
        for format in [Format::Csv, Format::Json] {
            let file = write(&MACHINES, format, std::slice::from_ref(&row));
            let lines = read(&MACHINES, format, json!(file)).unwrap();
            prop_assert_eq!(lines.len(), 1);
            let again = lines[0].row.clone().unwrap();
            let mut read = row.clone();
            read.remove("created_at");
            prop_assert_eq!(&again, &read, "{}", file);
            prop_assert!(change_of::<VpsChange>(again, Ok).is_ok());
            if format == Format::Csv {
                // As spreadsheets of one country or another read it.
                for divider in [b',', b';', b'\t'] {
                    let mut reader = ::csv::ReaderBuilder::new();
                    let mut rows = reader.delimiter(divider).flexible(true).from_reader(file.as_bytes());
                    for row in rows.records() {
                        let is_formula = |cell: &&str| {
                            cell.trim_start_matches(['\t', '\r', '\n']).starts_with(['=', '+', '-', '@', '\u{ff1d}'])
                        };
                        let wrong = row.unwrap().iter().find(is_formula).map(str::to_owned);
                        prop_assert_eq!(wrong, None, "{}", file);
                    }
                }
            }
        }
    }
}
