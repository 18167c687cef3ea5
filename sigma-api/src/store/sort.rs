//! In which order records are listed.

use sea_orm::sea_query::{Expr, ExprTrait, Func, IntoTableRef, Query, SimpleExpr};
use sea_orm::{ColumnTrait, Order, QueryOrder, Select};

use super::entity::vps::{Column, Entity};
use super::entity::{provider, vps_address, vps_report, vps_state, vps_tag};
use super::search::{judged, seen_with_reports};
use crate::model::time::Timestamp;
use crate::model::vps_filter::{Sort, SortBy};

/// Sorted as asked, and then by hostname, so that pages neither overlap nor leave anything out.
pub(super) fn sorted(records: Select<Entity>, now: Timestamp, sort: Sort) -> Select<Entity> {
    if sort.by == SortBy::Presence {
        return by_presence(records, now, sort.is_descending);
    }
    let order_key = key(sort.by);
    let order = if sort.is_descending { Order::Desc } else { Order::Asc };
    records
        .order_by(order_key.clone().is_null(), Order::Asc)
        .order_by(order_key, order)
        .order_by_asc(Column::Hostname)
        .order_by_asc(Column::Id)
}

/// By state, and among those of one by when they were heard: the later, the nearer to online.
fn by_presence(records: Select<Entity>, now: Timestamp, is_descending: bool) -> Select<Entity> {
    let last_seen = key(SortBy::LastSeen);
    let (states, times) = if is_descending { (Order::Desc, Order::Asc) } else { (Order::Asc, Order::Desc) };
    records
        .order_by(last_seen.clone().is_null(), Order::Asc)
        .order_by(state(now), states)
        .order_by(last_seen, times)
        .order_by_asc(Column::Hostname)
        .order_by_asc(Column::Id)
}

/// How far from online a machine is; NULL for one that was never heard.
fn state(now: Timestamp) -> SimpleExpr {
    let mine = Expr::col((vps_state::Entity, vps_state::Column::VpsId)).equals((Entity, Column::Id));
    let mut states = seen_with_reports();
    states.clear_selects().expr(judged(now)).and_where(mine);
    Expr::SubQuery(None, Box::new(states.into()))
}

/// What records are sorted by. What is empty is as absent as what is NULL; databases differ in where they sort that.
fn key(by: SortBy) -> SimpleExpr {
    let text = |column: Column| Expr::expr(Func::cust("NULLIF").args([column.into_expr(), Expr::value("")]));
    let of_state = |value: SimpleExpr| of_beat(value, false);
    match by {
        SortBy::Hostname => Column::Hostname.into_expr(),
        SortBy::Alias => text(Column::Alias),
        SortBy::ExpireDate => Column::ExpireDate.into_expr(),
        SortBy::CreatedAt => Column::CreatedAt.into_expr(),
        SortBy::Country => text(Column::Country),
        SortBy::City => text(Column::City),
        SortBy::Status => Column::Status.into_expr(),
        SortBy::Cost => Column::CostMonthly.into_expr().cast_as("DECIMAL"),
        SortBy::Provider => {
            let mine = provider::Column::Id.into_expr().equals(Column::ProviderId);
            let names =
                Query::select().column(provider::Column::Name).from(provider::Entity).and_where(mine).take();
            Expr::SubQuery(None, Box::new(names.into()))
        }
        SortBy::Address => {
            let (mine, key) = (vps_address::Column::VpsId, vps_address::Column::SortKey);
            let present = vps_address::Column::Present.eq(true);
            first_of(vps_address::Entity, mine.into_expr(), key.into_expr(), Some(present))
        }
        SortBy::Tag => {
            let (mine, tag) = (vps_tag::Column::VpsId, vps_tag::Column::Tag);
            first_of(vps_tag::Entity, mine.into_expr(), tag.into_expr(), None)
        }
        // By itself it is sorted elsewhere, after the state.
        SortBy::Presence | SortBy::LastSeen => of_state(vps_state::Column::LastSeen.into_expr()),
        SortBy::Uptime => of_state(vps_state::Column::UptimeSeconds.into_expr()),
        SortBy::Load => of_beat(share(vps_state::Column::Load1, vps_report::Column::CpuCores), true),
        SortBy::Memory => of_beat(share(vps_state::Column::RamUsedMb, vps_report::Column::RamMb), true),
        SortBy::Disk => of_beat(share(vps_state::Column::DiskUsedGb, vps_report::Column::DiskGb), true),
        SortBy::AgentVersion => of_report(vps_report::Column::AgentVersion),
        SortBy::Os => of_report(vps_report::Column::Os),
    }
}

/// A part of all; NULL where there is nothing of it.
fn share(used: vps_state::Column, all: vps_report::Column) -> SimpleExpr {
    let all = Expr::col((vps_report::Entity, all));
    let all = Expr::expr(Func::cust("NULLIF").args([all, Expr::value(0)]));
    Expr::col((vps_state::Entity, used)).mul(1.0).div(all)
}

/// The least `value` of a machine.
fn first_of(
    table: impl IntoTableRef,
    owner: SimpleExpr,
    value: SimpleExpr,
    only: Option<SimpleExpr>,
) -> SimpleExpr {
    let mut least = Query::select();
    least
        .expr(Func::min(value))
        .from(table)
        .and_where(owner.equals((Entity, Column::Id)))
        .and_where_option(only);
    Expr::SubQuery(None, Box::new(least.take().into()))
}

/// A value of a machine's last beat, and of its report where that is needed too.
fn of_beat(value: SimpleExpr, with_report: bool) -> SimpleExpr {
    let mut values = Query::select();
    let mine = Expr::col((vps_state::Entity, vps_state::Column::VpsId)).equals((Entity, Column::Id));
    values.expr(value).from(vps_state::Entity).and_where(mine);
    if with_report {
        let same = Expr::col((vps_report::Entity, vps_report::Column::VpsId));
        values.inner_join(vps_report::Entity, same.equals((vps_state::Entity, vps_state::Column::VpsId)));
    }
    Expr::SubQuery(None, Box::new(values.take().into()))
}

/// A value of a machine's report.
fn of_report(column: vps_report::Column) -> SimpleExpr {
    let mine = vps_report::Column::VpsId.into_expr().equals((Entity, Column::Id));
    let values = Query::select().column(column).from(vps_report::Entity).and_where(mine).take();
    Expr::SubQuery(None, Box::new(values.into()))
}
