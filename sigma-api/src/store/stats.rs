//! The fleet in numbers.

use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QuerySelect, RelationDef};

use super::entity::{provider, vps};
use super::{Result, Store};
use crate::model::stats::Count;
use crate::model::vps::Status;

impl Store {
    /// How many providers there are.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_providers(&self) -> Result<u64> {
        Ok(provider::Entity::find().count(&self.read).await?)
    }

    /// How many machines have each status, deleted ones too; the largest first.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_by_status(&self) -> Result<Vec<Count>> {
        let rows: Vec<(String, i64)> = vps::Entity::find()
            .select_only()
            .column(vps::Column::Status)
            .column_as(vps::Column::Id.count(), "machines")
            .group_by(vps::Column::Status)
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(counts(rows))
    }

    /// How many living machines each country has; the largest first.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_by_country(&self) -> Result<Vec<Count>> {
        let rows: Vec<(String, i64)> = vps::Entity::find()
            .select_only()
            .column(vps::Column::Country)
            .column_as(vps::Column::Id.count(), "machines")
            .filter(vps::Column::Status.ne(Status::Deleted.name()))
            .group_by(vps::Column::Country)
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(counts(rows))
    }

    /// How many living machines each provider has; the largest first.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_by_provider(&self) -> Result<Vec<Count>> {
        let to_provider: RelationDef = vps::Entity::belongs_to(provider::Entity)
            .from(vps::Column::ProviderId)
            .to(provider::Column::Id)
            .into();
        let name = Func::coalesce([Expr::col((provider::Entity, provider::Column::Name)), Expr::value("")]);
        let rows: Vec<(String, i64)> = vps::Entity::find()
            .select_only()
            .column_as(Expr::expr(name.clone()), "label")
            .column_as(Expr::col((vps::Entity, vps::Column::Id)).count(), "machines")
            .join(JoinType::LeftJoin, to_provider)
            .filter(vps::Column::Status.ne(Status::Deleted.name()))
            .group_by(Expr::expr(name))
            .into_tuple()
            .all(&self.read)
            .await?;
        Ok(counts(rows))
    }
}

fn counts(rows: Vec<(String, i64)>) -> Vec<Count> {
    let mut counts: Vec<Count> = rows
        .into_iter()
        .map(|(label, count)| Count { label, count: u64::try_from(count).unwrap_or(0) })
        .collect();
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
    counts
}
