use super::*;

fn line(id: u128, mark: &str, made: i64) -> Line {
    Line {
        id: Uuid::from_u128(id),
        mark: mark.to_owned(),
        html: format!("<tr>{mark}"),
        hostname: format!("m{id}"),
        made: Timestamp::from_ms(made),
        has_reported: true,
    }
}

fn shown(lines: Vec<Line>) -> Arc<Shown> {
    Arc::new(Shown { looked: Instant::now(), changes: 0, lines, sum: json!({"sum": "x"}) })
}

fn told(have: &str) -> Told {
    Told::of(&[("have".to_owned(), have.to_owned()), ("since".to_owned(), "100".to_owned())])
}

/// What the events named `name` say.
fn said(events: &str, name: &str) -> Vec<Value> {
    let of =
        |event: &str| event.split_once(&format!("event: {name}\ndata: ")).map(|(_, data)| data.to_owned());
    events.split("\n\n").filter_map(of).map(|data| serde_json::from_str(&data).unwrap()).collect()
}

#[test]
fn a_page_is_told_what_it_does_not_show_and_nothing_else() {
    let mut told = told("aaaaaaaabbbbbbbb");
    let both = shown(vec![line(1, "aaaaaaaa", 0), line(2, "bbbbbbbb", 0)]);
    let first = told.news(&both);
    assert!(said(&first, "rows").is_empty(), "{first}");
    assert_eq!(said(&first, "sum"), [json!({"sum": "x"})]);
    assert_eq!(told.news(&both), "");
    let other = told.news(&shown(vec![line(1, "aaaaaaaa", 0), line(2, "cccccccc", 0)]));
    let rows = &said(&other, "rows")[0];
    assert_eq!((rows["rows"].as_array().unwrap().len(), &rows["order"]), (1, &Value::Null), "{other}");
    assert_eq!(rows["rows"][0]["html"], "<tr>cccccccc");
    assert!(said(&other, "sum").is_empty(), "it is the same");
}

#[test]
fn a_page_is_told_who_came_went_and_moved() {
    let mut told = told("aaaaaaaabbbbbbbb");
    told.news(&shown(vec![line(1, "aaaaaaaa", 0), line(2, "bbbbbbbb", 0)]));
    let moved = told.news(&shown(vec![line(2, "bbbbbbbb", 0), line(1, "aaaaaaaa", 0)]));
    let rows = &said(&moved, "rows")[0];
    assert_eq!(rows["rows"], json!([]));
    assert_eq!(rows["order"], json!([Uuid::from_u128(2), Uuid::from_u128(1)]));
    let came = told.news(&shown(vec![line(3, "dddddddd", 200), line(4, "eeeeeeee", 50)]));
    let rows = &said(&came, "rows")[0];
    assert_eq!(rows["order"].as_array().unwrap().len(), 2, "the others are gone");
    assert_eq!(rows["rows"][0]["first"], "m3 has reported for the first time.");
    assert_eq!(rows["rows"][1]["first"], Value::Null, "it was there before the page");
}

#[test]
fn a_page_that_comes_back_gets_what_changed_meanwhile() {
    let mut told = told("aaaaaaaabbbbbbbb");
    let news =
        told.news(&shown(vec![line(1, "cccccccc", 0), line(3, "dddddddd", 200), line(2, "bbbbbbbb", 0)]));
    let rows = &said(&news, "rows")[0];
    let sent: Vec<&Value> = rows["rows"].as_array().unwrap().iter().map(|row| &row["html"]).collect();
    assert_eq!(sent, ["<tr>cccccccc", "<tr>dddddddd"]);
    assert_eq!(rows["order"].as_array().unwrap().len(), 3);
}
