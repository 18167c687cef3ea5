//! Pages of lists, and reading their parameters.

use super::text::Invalid;

/// Entries of a page unless the client asks for another number.
const DEFAULT_PER_PAGE: u64 = 25;
const MAX_PER_PAGE: u64 = 100;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    /// From 1.
    pub(crate) page: u64,
    /// 1 to 100.
    pub(crate) per_page: u64,
}

impl Default for Paging {
    fn default() -> Self {
        Self { page: 1, per_page: DEFAULT_PER_PAGE }
    }
}

impl Paging {
    /// How many entries come before the page.
    pub(crate) fn offset(self) -> u64 {
        self.page.saturating_sub(1).saturating_mul(self.per_page)
    }

    /// Takes in a parameter, if it is about paging.
    ///
    /// # Errors
    /// A value that is no number from 1 on.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Invalid> {
        match name {
            "page" => self.page = page(name, value)?,
            "per_page" => self.per_page = per_page(name, value)?,
            _ => {}
        }
        Ok(())
    }
}

/// The number of a page.
///
/// # Errors
/// What is no number from 1 on.
pub(super) fn page(name: &str, value: &str) -> Result<u64, Invalid> {
    let number = value.parse::<u32>().ok().filter(|number| *number > 0).map(u64::from);
    number.ok_or_else(|| Invalid::new(name, format!("is a number from 1 to {}", u32::MAX)))
}

/// How many entries a page has. Clients of older hubs ask for more than there may be, or for none.
///
/// # Errors
/// What is no number.
pub(super) fn per_page(name: &str, value: &str) -> Result<u64, Invalid> {
    let number = value.parse::<u64>().ok().map(|number| number.clamp(1, MAX_PER_PAGE));
    number.ok_or_else(|| Invalid::new(name, format!("is a number from 1 to {MAX_PER_PAGE}")))
}

/// The parameters that are among `known`, without those that are empty: these ask for nothing. Others are ignored.
///
/// # Errors
/// A parameter that is given twice.
pub(crate) fn known_parameters<'a>(
    parameters: &'a [(String, String)],
    known: &[&str],
) -> Result<Vec<(&'a str, &'a str)>, Invalid> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for (name, value) in parameters.iter().filter(|(name, _)| known.contains(&name.as_str())) {
        if found.iter().any(|(earlier, _)| earlier == name) {
            return Err(Invalid::new(name, "is given twice"));
        }
        found.push((name, value));
    }
    found.retain(|(_, value)| !value.is_empty());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_from_one_and_bounded() {
        let mut paging = Paging::default();
        assert_eq!((paging.page, paging.per_page, paging.offset()), (1, 25, 0));
        for (asked, given) in [("200", 100), ("0", 1), ("7", 7)] {
            paging.set("per_page", asked).unwrap();
            assert_eq!(paging.per_page, given);
        }
        paging.set("page", "3").unwrap();
        assert_eq!(paging.offset(), 14);
        for page in ["0", "-1", "x", "99999999999"] {
            assert_eq!(paging.set("page", page).unwrap_err().field, "page", "{page}");
        }
    }

    #[test]
    fn unknown_and_empty_parameters_ask_for_nothing() {
        let pairs =
            [("q", "a"), ("_", "1"), ("page", ""), ("_", "2")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(known_parameters(&pairs, &["q", "page"]).unwrap(), [("q", "a")]);
        let twice = [("q", "a"), ("q", "")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(known_parameters(&twice, &["q"]).unwrap_err().field, "q");
    }
}
