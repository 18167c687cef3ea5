//! Columns of the fleet: what each is called, and by what it is sorted.

use axum::http::HeaderMap;

use crate::http::client::Client;
use crate::http::cookies;
use crate::model::vps_filter::Sort;

/// A column that a person may choose. The name comes always, and first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Presence,
    Provider,
    Addresses,
    Load,
    Memory,
    Disk,
    Uptime,
    Seen,
    Expires,
    Tags,
    Place,
    Status,
    Agent,
    System,
    Cost,
}

/// Rows of a page, at first and as a person may choose.
pub(super) const PER_PAGE: [u64; 4] = [50, 100, 200, 500];

impl Column {
    pub(super) const ALL: [Self; 15] = [
        Self::Presence,
        Self::Provider,
        Self::Addresses,
        Self::Load,
        Self::Memory,
        Self::Disk,
        Self::Uptime,
        Self::Seen,
        Self::Expires,
        Self::Tags,
        Self::Place,
        Self::Status,
        Self::Agent,
        Self::System,
        Self::Cost,
    ];
    const AT_FIRST: usize = 10;

    /// Its heading, and by what the list is sorted when it is clicked.
    const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Presence => ("Presence", "presence"),
            Self::Provider => ("Provider", "provider"),
            Self::Addresses => ("Addresses", "address"),
            Self::Load => ("Load", "-load"),
            Self::Memory => ("Memory", "-memory"),
            Self::Disk => ("Disk", "-disk"),
            Self::Uptime => ("Up", "-uptime"),
            Self::Seen => ("Last seen", "-last_seen"),
            Self::Expires => ("Expires", "expire_date"),
            Self::Tags => ("Tags", "tag"),
            Self::Place => ("Place", "country"),
            Self::Status => ("Status", "status"),
            Self::Agent => ("Agent", "agent"),
            Self::System => ("System", "os"),
            Self::Cost => ("Cost", "-cost"),
        }
    }

    /// Its heading.
    pub(super) const fn title(self) -> &'static str {
        self.parts().0
    }

    /// How the list is sorted when a person first asks for it.
    pub(super) const fn sort(self) -> &'static str {
        self.parts().1
    }

    /// Its name in forms and cookies.
    pub(super) fn key(self) -> String {
        format!("{self:?}").to_ascii_lowercase()
    }

    /// Whether it holds numbers, which stand to the right.
    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Load | Self::Uptime | Self::Seen | Self::Expires | Self::Cost)
    }
}

/// How a person wants to see the fleet: kept by the browser.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub(super) columns: Vec<Column>,
    pub(super) per_page: u64,
    pub(super) sort: Sort,
}

impl Default for View {
    fn default() -> Self {
        let columns = Column::ALL.into_iter().take(Column::AT_FIRST).collect();
        Self { columns, per_page: 50, sort: Sort::default() }
    }
}

impl View {
    /// What the browser has kept. What is not understood is as it is at first.
    pub(super) fn of(headers: &HeaderMap, client: Client) -> Self {
        cookies::view(headers, client).map(Self::parse).unwrap_or_default()
    }

    /// From what [`View::to_text`] made; anything else is as it is at first.
    pub(super) fn parse(text: &str) -> Self {
        let at_first = Self::default();
        let mut parts = text.split('/');
        let named = parts.next().unwrap_or_default();
        // Each column once, however often it is named.
        let columns = at_first.clone().with_columns(named.split('.')).columns;
        let per_page = parts.next().and_then(|number| number.parse().ok());
        let sort = parts.next().and_then(|name| Sort::named(name).ok());
        Self {
            columns: if columns.is_empty() { at_first.columns } else { columns },
            per_page: per_page.filter(|number| PER_PAGE.contains(number)).unwrap_or(at_first.per_page),
            sort: sort.unwrap_or(at_first.sort),
        }
    }

    /// With the columns of these keys, in the order of the table.
    pub(super) fn with_columns<'a>(self, keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: Vec<&str> = keys.collect();
        let columns: Vec<Column> =
            Column::ALL.into_iter().filter(|column| keys.contains(&&*column.key())).collect();
        Self { columns, ..self }
    }

    /// As the browser keeps it.
    pub(super) fn to_text(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| column.key()).collect();
        format!("{}/{}/{}", columns.join("."), self.per_page, self.sort.name())
    }

    /// Whether it shows that column.
    pub(super) fn has(&self, column: &Column) -> bool {
        self.columns.contains(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::vps_filter::SortBy;

    #[test]
    fn a_view_is_kept_as_it_was_chosen() {
        let view = View {
            columns: vec![Column::Provider, Column::Cost],
            per_page: 500,
            sort: Sort { by: SortBy::Load, is_descending: true },
        };
        assert_eq!(View::parse(&view.to_text()), view);
    }

    #[test]
    fn what_is_not_understood_is_as_at_first() {
        for text in ["", "//", "nothing/7/age", "<script>/-1/--load"] {
            assert_eq!(View::parse(text), View::default(), "{text}");
        }
    }

    #[test]
    fn a_column_is_shown_once_however_often_it_is_named() {
        let text = format!("{}/50/hostname", ["cost"; 900].join("."));
        assert_eq!(View::parse(&text).columns, [Column::Cost]);
    }

    #[test]
    fn every_column_can_be_sorted_by() {
        for column in Column::ALL {
            assert_eq!(
                Sort::named(column.sort()).map(Sort::name).as_deref(),
                Ok(column.sort()),
                "{column:?}"
            );
        }
    }
}
