use proptest::prelude::*;

use super::*;

fn machine(id: u128, hostname: &str) -> Row {
    let mut row = MACHINES.defaults();
    row.insert("id".to_owned(), json!(uuid::Uuid::from_u128(id)));
    row.insert("hostname".to_owned(), json!(hostname));
    row
}

fn actions(existing: &[Row], has_agent: bool, csv: &str) -> Vec<(Action, String)> {
    let existing: Vec<Existing> =
        existing.iter().map(|row| Existing { row: row.clone(), has_agent }).collect();
    let lines = read(&MACHINES, Format::Csv, &json!(csv)).unwrap();
    let plan = plan(&MACHINES, lines, &existing, |_| Ok(()));
    plan.lines
        .into_iter()
        .map(|line| (line.action, line.error.unwrap_or_else(|| line.changes.to_text())))
        .collect()
}

#[test]
fn a_line_is_about_the_record_of_its_id_or_of_its_name() {
    let known = [machine(1, "a"), machine(2, "b")];
    let one = uuid::Uuid::from_u128(1);
    for (csv, expected) in [
        ("hostname,alias\na,\n", (Action::Same, "{}")),
        ("hostname,alias\na,x\n", (Action::Change, "{\"alias\":[\"\",\"x\"]}")),
        (&format!("id,hostname\n{one},c\n"), (Action::Change, "{\"hostname\":[\"a\",\"c\"]}")),
        (&format!("id,city\n{one},x\n"), (Action::Change, "{\"city\":[\"\",\"x\"]}")),
        (
            &format!("id,hostname\n{one},b\n"),
            (Action::Refuse, "hostname: b is what another record is called"),
        ),
        ("alias\nx\n", (Action::Refuse, "hostname: is missing")),
        ("hostname\n\"\"\n", (Action::Refuse, "hostname: is empty")),
        (
            "hostname,status\na,deleted\n",
            (Action::Refuse, "status: a record is deleted and restored by its own calls, not by an import"),
        ),
        ("hostname,country\na,HKG\n", (Action::Refuse, "country: is 2 letters, or empty")),
        ("hostname,ssh_port\na,\n", (Action::Refuse, "ssh_port: is a number from 1 to 65535")),
        ("hostname,city\na\n", (Action::Refuse, "data: has 1 cells, and the heading 2")),
    ] {
        assert_eq!(actions(&known, false, csv), [(expected.0, expected.1.to_owned())], "{csv}");
    }
    let swapped = format!("id,hostname\n{one},b\n{},a\n", uuid::Uuid::from_u128(2));
    assert!(actions(&known, false, &swapped).iter().all(|(action, _)| *action == Action::Change));
    let twice = actions(&known, false, "hostname\na\nnew\na\nnew\n");
    assert_eq!(
        twice.iter().map(|(action, _)| *action).collect::<Vec<_>>(),
        [Action::Same, Action::Create, Action::Refuse, Action::Refuse]
    );
}

#[test]
fn an_agent_says_which_addresses_there_are_and_a_file_what_they_are_called() {
    let mut known = machine(1, "a");
    known.insert("ip_addresses".to_owned(), json!([{"ip": "203.0.113.7", "label": ""}]));
    let file = "hostname,ip_addresses\na,203.0.113.7 anycast;203.0.113.9\n";
    let changes = |has_agent| actions(std::slice::from_ref(&known), has_agent, file).remove(0).1;
    let labelled = |ip: &str, label: &str| json!({"ip": ip, "label": label}).to_string();
    let (from, to) = (labelled("203.0.113.7", ""), labelled("203.0.113.7", "anycast"));
    assert_eq!(changes(true), format!("{{\"ip_addresses\":[[{from}],[{to}]]}}"));
    assert_eq!(
        changes(false),
        format!("{{\"ip_addresses\":[[{from}],[{to},{}]]}}", labelled("203.0.113.9", ""))
    );
}

#[test]
fn what_keeps_a_file_from_being_read_is_said() {
    for (data, sentence) in [
        (json!("hostname,colour\n"), "data: line 1: there is no column \"colour\", but id, hostname, alias"),
        (json!("hostname,hostname\n"), "data: line 1: the column hostname is there twice"),
        (json!(["a"]), "data: is the text of a CSV file"),
    ] {
        let error = read(&MACHINES, Format::Csv, &data).unwrap_err().to_string();
        assert!(error.starts_with(sentence), "{error}");
    }
    for data in [json!("{"), json!({}), json!("5")] {
        assert!(read(&MACHINES, Format::Json, &data).unwrap_err().to_string().starts_with("data: is "));
    }
    let many = format!("hostname\n{}", "a\n".repeat(10_001));
    assert_eq!(
        read(&MACHINES, Format::Csv, &json!(many)).unwrap_err().to_string(),
        "data: has more than 10000 lines"
    );
    let lines =
        read(&MACHINES, Format::Json, &json!([{"hostname": "a", "presence": "online"}, {"colour": 1}, 5]))
            .unwrap();
    let refused: Vec<String> = lines
        .iter()
        .map(|line| line.row.as_ref().err().map(ToString::to_string).unwrap_or_default())
        .collect();
    assert_eq!(refused, ["", "colour: is no member that can be imported", "data: is an object"]);
}

#[test]
fn what_spreadsheets_write_is_read() {
    let file = "\u{feff}hostname;tags;monitoring_enabled\r\na;\"x;y\";TRUE\r\n";
    let lines = read(&MACHINES, Format::Csv, &json!(file)).unwrap();
    let row = MACHINES.check_row(lines[0].row.as_ref().unwrap()).unwrap();
    assert_eq!(Value::from(row), json!({"hostname": "a", "tags": ["x", "y"], "monitoring_enabled": true}));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_imports_again_and_is_equal(
        alias in "['=+@a\" ,;-]{0,6}",
        notes in "['=+@a\\r\\n\\t\",;\\\\-]{0,12}",
        tags in proptest::collection::btree_set("[a=;\\\\ '\"-]{0,3}[a=;\\\\']", 0..4),
        label in "[a=;\\\\ '-]{0,4}",
        cores in proptest::option::of(1_u32..9),
        tb in proptest::option::of(0.0..1e9_f64),
        money in proptest::option::of("[0-9]{1,4}(\\.[0-9]{1,2})?"),
    ) {
        let mut row = machine(7, "debian (2)");
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
            let lines = read(&MACHINES, format, &json!(file)).unwrap();
            prop_assert_eq!(lines.len(), 1);
            let again = MACHINES.check_row(lines[0].row.as_ref().unwrap()).unwrap();
            prop_assert_eq!(&again, &row, "{}", file);
            if format == Format::Csv {
                let mut cells = ::csv::ReaderBuilder::new().from_reader(file.as_bytes());
                for cell in cells.records().next().unwrap().unwrap().iter() {
                    prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{:?}", cell);
                }
            }
        }
    }
}
