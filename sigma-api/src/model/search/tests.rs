use proptest::prelude::*;

use super::*;

fn one(text: &str) -> Wanted {
    let mut terms = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).terms;
    assert_eq!(terms.len(), 1, "{text}");
    terms.remove(0).wanted
}

fn refused(text: &str) -> String {
    Query::parse(text).unwrap_err().to_string()
}

#[test]
fn terms_stand_side_by_side() {
    let query = Query::parse("  relay -tag:edge \"two words\"\tPROVIDER:Acme ").unwrap();
    assert_eq!(query.to_string(), "relay -tag:edge \"two words\" provider:Acme");
    assert_eq!(query.terms.iter().map(|term| term.not).collect::<Vec<_>>(), [false, true, false, false]);
    assert_eq!(Query::parse("  "), Ok(Query::default()));
}

#[test]
fn each_term_is_understood_and_printed() {
    for (typed, printed) in [
        ("provider:none", "provider:none"),
        ("provider:\"none\"", "provider:\"none\""),
        ("provider:\"Two Words\"", "provider:\"Two Words\""),
        ("status:Deleted", "status:deleted"),
        ("tag:none", "tag:none"),
        ("country:hk", "country:HK"),
        ("ip:203.0.113.7/24", "ip:203.0.113.0/24"),
        ("ip:203.0.113.7", "ip:203.0.113.7"),
        ("ip:2001:DB8::/32", "ip:2001:db8::/32"),
        ("ip:::/0", "ip:::/0"),
        ("ip:0.0.0.0/0", "ip:0.0.0.0/0"),
        ("ip:::ffff:203.0.113.7", "ip:203.0.113.7"),
        ("ip:::ffff:203.0.113.7/128", "ip:203.0.113.7"),
        ("ip:::ffff:203.0.113.7/120", "ip:203.0.113.0/24"),
        ("had:10.0.0.0/8", "had:10.0.0.0/8"),
        ("seen:>1h", "seen:>1h"),
        ("seen:<=5M", "seen:<=5m"),
        ("seen:never", "seen:never"),
        ("expires:<14d", "expires:<14d"),
        ("expires:>4w", "expires:>28d"),
        ("expires:none", "expires:none"),
        ("expires:past", "expires:past"),
        ("expires:2028-02-29", "expires:2028-02-29"),
        ("expires:<=2026-12-31", "expires:<=2026-12-31"),
        ("agent:<1.2", "agent:<1.2"),
        ("agent:=1.02.3", "agent:1.2.3"),
        ("agent:none", "agent:none"),
        ("presence:late", "presence:late"),
        ("flag:less_than_bought", "flag:less_than_bought"),
        ("host:a", "host:a"),
        ("text:status:active", "\"status:active\""),
        ("text:-a", "\"-a\""),
        ("--a", "-\"-a\""),
        ("\"say \\\"hi\\\" \\\\o\"", "\"say \\\"hi\\\" \\\\o\""),
    ] {
        assert_eq!(Query::parse(typed).unwrap().to_string(), printed, "{typed}");
    }
}

#[test]
fn a_colon_alone_makes_no_term() {
    for text in [
        "2001:db8::1",
        "2001:db8::/32",
        "fe80::1",
        "fd::1",
        "::1",
        "https://panel.example/x?y=1",
        "203.0.113.7:22",
        "203.0.113.0/24",
        "10:30",
        ":a",
        "50%",
        "a_b",
        "a\\b",
    ] {
        assert_eq!(one(text), Wanted::Text(text.to_owned()));
        assert_eq!(Query::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn a_mistake_says_where_and_what_would_be_right() {
    for (text, sentence) in [
        ("relay stat:active", "at character 7: there is no term stat:, but agent, "),
        ("relay -stat:active", "at character 8: there is no term stat:"),
        ("relay status:gone", "at character 14: status: does not know gone; write status:provisioning, "),
        ("tag:", "at character 5: tag: needs a value right after it; write tag:edge"),
        ("tag: edge", "at character 5: tag: needs a value"),
        ("a \"b c", "at character 3: this quote is never closed"),
        ("a \"\"", "at character 3: there is nothing between the quotes"),
        ("\"a\"b", "at character 4: after a closing quote comes a space"),
        ("a\"b\"", "at character 2: a quote begins a phrase only"),
        ("a - b", "at character 3: a - stands right before"),
        ("ü seen:1h", "at character 8: seen: does not know 1h; write seen:>1h"),
        ("seen:>1y", "at character 6: seen: does not know >1y"),
        ("seen:>-1h", "at character 6: "),
        ("expires:<14h", "at character 9: "),
        ("expires:2026-02-30", "at character 9: "),
        ("country:HKG", "at character 9: "),
        ("ip:203.0.113.0/33", "at character 4: ip: does not know 203.0.113.0/33"),
        ("ip:203.0.113", "at character 4: "),
        ("agent:latest", "at character 7: "),
        ("flag:red", "at character 6: "),
        ("id:7", "at character 4: "),
        ("a\u{202e}b", "at character 2: this is a control or text direction character"),
    ] {
        assert!(refused(text).starts_with(sentence), "{text}: {}", refused(text));
    }
}

#[test]
fn a_query_is_bounded() {
    assert!(Query::parse(&"é".repeat(1000)).is_ok());
    assert_eq!(refused(&"é".repeat(1001)), "at character 1001: a search has at most 1000 characters");
    assert!(Query::parse(&"a ".repeat(64)).is_ok());
    assert_eq!(refused(&"a ".repeat(65)), "at character 129: a search has at most 64 terms");
}

#[test]
fn versions_are_compared_by_their_numbers_as_far_as_typed() {
    let holds = |typed: &str, said: &str| {
        let Wanted::Agent(Some((comparison, version))) = one(&format!("agent:{typed}")) else { panic!() };
        version.compare(said).map(|ordering| comparison.holds(ordering))
    };
    for (typed, said, expected) in [
        ("<1.2", "1.1.9", Some(true)),
        ("<1.10", "1.9", Some(true)),
        ("<1.2", "1.2.0", Some(false)),
        (">1.2", "1.2.9", Some(false)),
        ("<=1.2", "1.2.9", Some(true)),
        ("1.2", "1.2.9", Some(true)),
        ("1.2.0", "1.2", Some(true)),
        (">=1.2.3", "1.2.3-rc.1", Some(true)),
        (">=1.2.3", "v1.2.3", Some(true)),
        (">=0", "dev", None),
        (">=0", "", None),
    ] {
        assert_eq!(holds(typed, said), expected, "{said} {typed}");
    }
}

#[test]
fn networks_know_their_ends() {
    for (network, first, last) in [
        ("203.0.113.9/24", "203.0.113.0", "203.0.113.255"),
        ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
        ("203.0.113.9", "203.0.113.9", "203.0.113.9"),
        ("2001:db8::1/127", "2001:db8::", "2001:db8::1"),
        ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ] {
        let range = Network::parse(network).unwrap().range();
        assert_eq!((range.0.to_string(), range.1.to_string()), (first.to_owned(), last.to_owned()));
    }
}

fn any_wanted() -> impl Strategy<Value = Wanted> {
    let text = "[ -~é\u{3000}]{0,12}[!-~]";
    let name = || proptest::option::of(prop_oneof![text, Just("none".to_owned())]);
    let sign = || {
        prop_oneof![
            Just(Comparison::Less),
            Just(Comparison::AtMost),
            Just(Comparison::AtLeast),
            Just(Comparison::More)
        ]
    };
    let signed = |sign: Comparison, rest: String| {
        let (name, value) = rest.split_once(':').unwrap();
        one(&format!("{name}:{sign}{value}"))
    };
    prop_oneof![
        4 => text.prop_map(Wanted::Text),
        1 => name().prop_map(Wanted::Provider),
        1 => name().prop_map(Wanted::Tag),
        1 => name().prop_map(Wanted::Purpose),
        1 => text.prop_map(Wanted::Host),
        1 => text.prop_map(Wanted::Note),
        1 => text.prop_map(Wanted::Source),
        1 => (any::<u32>(), 0..=32_u8).prop_map(|(bits, length)| one(&format!("ip:{}/{length}", std::net::Ipv4Addr::from_bits(bits)))),
        1 => (any::<u128>(), 0..=128_u8).prop_map(|(bits, length)| one(&format!("had:{}/{length}", std::net::Ipv6Addr::from_bits(bits)))),
        1 => (sign(), "seen:[0-9]{1,6}[smhdw]").prop_map(move |(sign, rest)| signed(sign, rest)),
        1 => (sign(), "expires:[0-9]{1,4}[dw]").prop_map(move |(sign, rest)| signed(sign, rest)),
        1 => (sign(), "agent:[0-9]{1,4}(\\.[0-9]{1,9}){0,3}").prop_map(move |(sign, rest)| signed(sign, rest)),
        1 => any::<u128>().prop_map(|bits| Wanted::Id(Uuid::from_u128(bits))),
    ]
}

proptest! {
    // The same cases each time; PROPTEST_CASES and another seed find others.
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_printed_parses_to_the_same(
        terms in proptest::collection::vec((any::<bool>(), any_wanted()), 0..6)
    ) {
        let query = Query { terms: terms.into_iter().map(|(not, wanted)| Term { not, wanted }).collect() };
        prop_assert_eq!(Query::parse(&query.to_string()), Ok(query));
    }

    #[test]
    fn whatever_is_typed_is_understood_or_refused_at_a_place_in_it(text in "[ -~é:\"\\\\-]{0,40}") {
        match Query::parse(&text) {
            Ok(query) => prop_assert_eq!(Query::parse(&query.to_string()), Ok(query)),
            Err(mistake) => prop_assert!((1..=text.chars().count() + 1).contains(&mistake.at)),
        }
    }
}
