//! The search language as SQL: each term becomes one condition on a record.

use std::net::IpAddr;
use std::time::Duration;

use sea_orm::sea_query::{
    Alias, BinOper, CaseStatement, Expr, ExprTrait, Func, IntoCondition, Query as Select, SelectStatement,
    SimpleExpr,
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::Result;
use super::address::sort_key;
use super::entity::{provider, vps, vps_address, vps_mark, vps_report, vps_state, vps_tag};
use crate::model::delivery::{TENTHS_OF_CORES, TENTHS_OF_SIZES};
use crate::model::presence::{
    DEFAULT_INTERVAL, GRACE, LATE_INTERVALS, OFFLINE_AT_LEAST_AFTER, ONLINE_INTERVALS, Presence,
};
use crate::model::search::{Comparison, Expiry, Flag, Network, Query, Term, Version, Wanted};
use crate::model::time::Timestamp;
use crate::model::vps::Status;

/// Versions of agents that are told apart. An honest fleet has a handful; a statement has room for this many in each of
/// its terms.
const MAX_VERSIONS: u64 = 400;
/// Stands before a character that LIKE would take for more than itself.
const ESCAPE: char = '!';

/// What a query needs beside itself to become a condition.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) now: Timestamp,
    /// Versions that agents report.
    versions: Vec<String>,
}

impl Context {
    /// What a condition without a query needs.
    pub(super) const fn at(now: Timestamp) -> Self {
        Self { now, versions: Vec::new() }
    }

    /// What `query` needs to become a condition.
    ///
    /// # Errors
    /// As every read.
    pub(super) async fn of(
        database: &impl ConnectionTrait,
        now: Timestamp,
        query: Option<&Query>,
    ) -> Result<Self> {
        if !query.is_some_and(Query::looks_at_versions) {
            return Ok(Self::at(now));
        }
        let versions: Vec<Option<String>> = vps_report::Entity::find()
            .select_only()
            .column(vps_report::Column::AgentVersion)
            .filter(vps_report::Column::AgentVersion.is_not_null())
            .distinct()
            .limit(MAX_VERSIONS)
            .into_tuple()
            .all(database)
            .await?;
        if u64::try_from(versions.len()).unwrap_or(u64::MAX) == MAX_VERSIONS {
            log::warn!(
                "agents report more than {MAX_VERSIONS} versions; a search by version misses some of them"
            );
        }
        Ok(Self { now, versions: versions.into_iter().flatten().collect() })
    }
}

/// The machines for which every term holds.
pub(super) fn condition(context: &Context, query: &Query) -> Condition {
    query.terms.iter().fold(Condition::all(), |all, term| all.add(term_condition(context, term)))
}

fn term_condition(context: &Context, term: &Term) -> Condition {
    let wanted = wanted(context, &term.wanted);
    if term.not { wanted.not() } else { wanted }
}

/// None of these is ever NULL, so that `NOT` turns it around for every machine.
fn wanted(context: &Context, wanted: &Wanted) -> Condition {
    let now = context.now;
    match wanted {
        Wanted::Text(text) => any_text(text),
        Wanted::Provider(None) => vps::Column::ProviderId.is_null().into_condition(),
        Wanted::Provider(Some(name)) => by_provider(same(provider::Column::Name, name)),
        Wanted::Status(status) => vps::Column::Status.eq(status.name()).into_condition(),
        Wanted::Tag(None) => among(tagged()).not(),
        Wanted::Tag(Some(tag)) => among(tagged().and_where(same(vps_tag::Column::Tag, tag)).take()),
        Wanted::Country(country) => {
            vps::Column::Country.eq(country.as_deref().unwrap_or_default()).into_condition()
        }
        Wanted::Ip(network) => {
            among(addressed(*network).and_where(vps_address::Column::Present.eq(true)).take())
        }
        Wanted::Had(network) => among(addressed(*network)),
        Wanted::Seen(None) => among(seen()).not(),
        Wanted::Seen(Some((comparison, age))) => {
            // The older, the smaller: the comparison of times is that of ages turned around.
            let then = now.ms().saturating_sub(age.ms());
            among(
                seen()
                    .and_where(compared(Expr::col(vps_state::Column::LastSeen), turned(*comparison), then))
                    .take(),
            )
        }
        Wanted::Expires(expiry) => expires(now, expiry),
        Wanted::Agent(None) => {
            among(reported().and_where(vps_report::Column::AgentVersion.is_not_null()).take()).not()
        }
        Wanted::Agent(Some((comparison, version))) => {
            let versions = matching(&context.versions, *comparison, version);
            among(reported().and_where(vps_report::Column::AgentVersion.is_in(versions)).take())
        }
        Wanted::Presence(presence) => present(now, *presence),
        Wanted::Flag(flag) => flagged(*flag),
        Wanted::Host(text) => contains(vps::Column::Hostname, text)
            .or(contains_or_null(vps::Column::ReportedHostname, text))
            .into_condition(),
        Wanted::Alias(text) => contains(vps::Column::Alias, text).into_condition(),
        Wanted::Note(text) => contains(vps::Column::Notes, text).into_condition(),
        Wanted::Purpose(purpose) => {
            same(vps::Column::Purpose, purpose.as_deref().unwrap_or_default()).into_condition()
        }
        Wanted::Source(source) => same(vps::Column::Source, source).into_condition(),
        Wanted::Id(id) => vps::Column::Id.eq(*id).into_condition(),
    }
}

/// Everything that free text is looked for in. An address or a network also finds what is written another way.
fn any_text(text: &str) -> Condition {
    let tags = tagged().and_where(contains(vps_tag::Column::Tag, text)).take();
    let of_present = || addresses().and_where(vps_address::Column::Present.eq(true)).take();
    let network = Network::parse(text)
        .map(|network| among(addressed(network).and_where(vps_address::Column::Present.eq(true)).take()));
    Condition::any()
        .add(contains(vps::Column::Hostname, text))
        .add(contains_or_null(vps::Column::ReportedHostname, text))
        .add(contains(vps::Column::Alias, text))
        .add(contains(vps::Column::Notes, text))
        .add(by_provider(contains(provider::Column::Name, text)))
        .add(among(tags))
        .add(among(of_present().and_where(contains(vps_address::Column::Ip, text)).take()))
        .add_option(network)
}

fn by_provider(condition: SimpleExpr) -> Condition {
    let providers =
        Select::select().column(provider::Column::Id).from(provider::Entity).and_where(condition).take();
    Condition::all()
        .add(vps::Column::ProviderId.is_not_null())
        .add(vps::Column::ProviderId.in_subquery(providers))
}

fn expires(now: Timestamp, expiry: &Expiry) -> Condition {
    let day = || Expr::col(vps::Column::ExpireDate);
    let today = now.day_plus(0);
    let known = Condition::all().add(vps::Column::ExpireDate.is_not_null());
    match expiry {
        Expiry::None => vps::Column::ExpireDate.is_null().into_condition(),
        Expiry::Past => known.add(day().lt(today)),
        Expiry::In(comparison, days) => {
            known.add(day().gte(today)).add(compared(day(), *comparison, now.day_plus(*days)))
        }
        Expiry::On(comparison, on) => known.add(compared(day(), *comparison, on.as_str())),
    }
}

/// As [`Presence::at`] judges.
pub(super) fn present(now: Timestamp, presence: Presence) -> Condition {
    let among_seen = |condition: SimpleExpr| among(seen_with_reports().and_where(condition).take());
    match presence {
        Presence::Online => among_seen(is_online(now)),
        Presence::Late => among_seen(is_not_offline(now).and(is_online(now).not())),
        Presence::Offline => among_seen(is_not_offline(now).not()),
        Presence::Never => among(seen()).not(),
    }
}

/// The presence of a machine by what is stored beside its record: its place in [`Presence::ALL`], which is how far from
/// online it is.
pub(super) fn judged(now: Timestamp) -> SimpleExpr {
    CaseStatement::new()
        .case(Expr::col((vps_state::Entity, vps_state::Column::LastSeen)).is_null(), Expr::value(3))
        .case(is_online(now), Expr::value(0))
        .case(is_not_offline(now), Expr::value(1))
        .finally(Expr::value(2))
        .into()
}

/// Among [`seen_with_reports`]: online at `now`.
fn is_online(now: Timestamp) -> SimpleExpr {
    silent_for_at_most(now, ONLINE_INTERVALS, ms(GRACE))
}

/// Among [`seen_with_reports`]: online or late at `now`.
fn is_not_offline(now: Timestamp) -> SimpleExpr {
    let soon = vps_state::Column::LastSeen.gte(now.ms().saturating_sub(ms(OFFLINE_AT_LEAST_AFTER)));
    is_online(now).or(silent_for_at_most(now, LATE_INTERVALS, 0)).or(soon)
}

/// The sums of [`Presence::at`], as an expression of the interval of each machine.
fn silent_for_at_most(now: Timestamp, intervals: u32, grace_ms: i64) -> SimpleExpr {
    let interval_seconds = Func::coalesce([
        Expr::col((vps_report::Entity, vps_report::Column::IntervalSeconds)),
        Expr::value(ms(DEFAULT_INTERVAL) / 1000),
    ]);
    let allowed = Expr::expr(interval_seconds).mul(i64::from(intervals) * 1000).add(grace_ms);
    Expr::col((vps_state::Entity, vps_state::Column::LastSeen)).add(allowed).gte(now.ms())
}

/// As records show them: a mark with a machine that is deleted is hidden.
pub(super) fn flagged(flag: Flag) -> Condition {
    if flag != Flag::LessThanBought {
        return among(marked().and_where(vps_mark::Column::Kind.eq(flag.name())).take());
    }
    // Nobody marks it: it is what the record and the report say together, as `Bought::is_more_than` judges.
    let less = |measured: vps_report::Column, bought: vps::Column, tenths: u32| {
        let measured = Expr::col((vps_report::Entity, measured)).mul(10_i64);
        measured.lt(Expr::col((vps::Entity, bought)).mul(i64::from(tenths)))
    };
    let bought = Condition::any()
        .add(vps::Column::CpuCores.is_not_null())
        .add(vps::Column::RamMb.is_not_null())
        .add(vps::Column::DiskGb.is_not_null());
    let any = Condition::any()
        .add(less(vps_report::Column::CpuCores, vps::Column::CpuCores, TENTHS_OF_CORES))
        .add(less(vps_report::Column::RamMb, vps::Column::RamMb, TENTHS_OF_SIZES))
        .add(less(vps_report::Column::DiskGb, vps::Column::DiskGb, TENTHS_OF_SIZES));
    let less = reported()
        .and_where(vps_report::Column::VpsId.into_expr().equals((vps::Entity, vps::Column::Id)))
        .cond_where(any)
        .take();
    Condition::all().add(bought).add(among(less))
}

/// Machines with an open mark. One with a machine that is deleted is none.
pub(super) fn marked() -> SelectStatement {
    // Of the few that have a mark each is looked up: a list of all that live would cost more than all else.
    let other = Alias::new("other");
    let of_other = |column: vps::Column| Expr::col((other.clone(), column));
    let living = Select::select()
        .expr(of_other(vps::Column::Id))
        .from_as(vps::Entity, other.clone())
        .and_where(of_other(vps::Column::Id).equals((vps_mark::Entity, vps_mark::Column::OtherId)))
        .and_where(of_other(vps::Column::Status).ne(Status::Deleted.name()))
        .take();
    let counts = vps_mark::Column::OtherId.is_null().or(vps_mark::Column::OtherId.in_subquery(living));
    Select::select()
        .column(vps_mark::Column::VpsId)
        .from(vps_mark::Entity)
        .and_where(vps_mark::Column::ResolvedAt.is_null())
        .and_where(counts)
        .take()
}

fn matching<'a>(versions: &'a [String], comparison: Comparison, version: &Version) -> Vec<&'a str> {
    let holds = |said: &&String| version.compare(said).is_some_and(|ordering| comparison.holds(ordering));
    versions.iter().filter(holds).map(String::as_str).collect()
}

/// Whether the record is one of those that `ids` finds.
pub(super) fn among(ids: SelectStatement) -> Condition {
    vps::Column::Id.in_subquery(ids).into_condition()
}

fn tagged() -> SelectStatement {
    Select::select().column(vps_tag::Column::VpsId).from(vps_tag::Entity).take()
}

fn reported() -> SelectStatement {
    Select::select().column(vps_report::Column::VpsId).from(vps_report::Entity).take()
}

fn seen() -> SelectStatement {
    Select::select().column((vps_state::Entity, vps_state::Column::VpsId)).from(vps_state::Entity).take()
}

/// Machines that were heard, with what they reported.
pub(super) fn seen_with_reports() -> SelectStatement {
    let of_the_same = Expr::col((vps_report::Entity, vps_report::Column::VpsId))
        .equals((vps_state::Entity, vps_state::Column::VpsId));
    seen().left_join(vps_report::Entity, of_the_same).take()
}

fn addresses() -> SelectStatement {
    Select::select().column(vps_address::Column::VpsId).from(vps_address::Entity).take()
}

fn addressed(network: Network) -> SelectStatement {
    let (first, last) = network.range();
    let mut addresses = addresses();
    addresses.and_where(vps_address::Column::SortKey.between(sort_key(first), sort_key(last)));
    if first.is_ipv6() {
        // IPv4 addresses are kept as mapped ones, and are no part of a network of IPv6.
        let all_v4 = [IpAddr::from([0; 4]), IpAddr::from([255; 4])].map(sort_key);
        let [first_v4, last_v4] = all_v4;
        addresses.and_where(vps_address::Column::SortKey.not_between(first_v4, last_v4));
    }
    addresses
}

/// Equal but for the case of ASCII letters.
pub(super) fn same(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    lower(Expr::col(column.as_column_ref())).eq(lower(Expr::val(text)))
}

/// `text` occurs in it, in any case of ASCII letters.
fn contains(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    like(lower(Expr::col(column.as_column_ref())), text)
}

fn contains_or_null(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    let filled = Func::coalesce([Expr::col(column.as_column_ref()), Expr::value("")]);
    like(lower(Expr::expr(filled)), text)
}

/// Both sides are lowered by the database: what one does to letters beyond ASCII, it does to both.
fn like(value: SimpleExpr, text: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    let escaped = lower(Expr::val(pattern)).binary(BinOper::Escape, Expr::Constant(ESCAPE.into()));
    value.binary(BinOper::Like, escaped)
}

fn lower(text: Expr) -> SimpleExpr {
    Expr::expr(Func::lower(text))
}

fn compared(column: Expr, comparison: Comparison, value: impl Into<sea_orm::Value>) -> SimpleExpr {
    let value = Expr::val(value);
    match comparison {
        Comparison::Less => column.lt(value),
        Comparison::AtMost => column.lte(value),
        Comparison::Equal => column.eq(value),
        Comparison::AtLeast => column.gte(value),
        Comparison::More => column.gt(value),
    }
}

const fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::More,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::Equal => Comparison::Equal,
        Comparison::AtLeast => Comparison::AtMost,
        Comparison::More => Comparison::Less,
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
