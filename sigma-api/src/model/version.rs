//! Versions of a record: two people who edit it at once must not undo each other's work unseen.

/// Which versions of a record a caller takes for the current one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    any_of: Option<Vec<i64>>,
    same_as: Option<i64>,
}

impl Expected {
    /// One of these.
    pub(crate) fn one_of(versions: Vec<i64>) -> Self {
        Self { any_of: Some(versions), same_as: None }
    }

    /// These, and that one too if the caller named it beside them.
    pub(crate) fn and(self, version: Option<i64>) -> Self {
        Self { same_as: version.or(self.same_as), ..self }
    }

    /// The one that the caller named by itself.
    pub(crate) fn named(&self) -> Option<i64> {
        self.same_as
    }

    /// Whether the caller may change a record of this version.
    pub(crate) fn allows(&self, version: i64) -> bool {
        self.any_of.as_ref().is_none_or(|all| all.contains(&version))
            && self.same_as.is_none_or(|one| one == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_allowed_by_all_that_was_said() {
        let header = || Expected::one_of(vec![2, 5]);
        for (expected, version, allowed) in [
            (Expected::default(), 1, true),
            (header(), 2, true),
            (header(), 3, false),
            (header().and(Some(5)), 5, true),
            (header().and(Some(5)), 2, false),
            (Expected::default().and(Some(4)), 4, true),
            (Expected::default().and(Some(4)), 5, false),
            (Expected::one_of(Vec::new()), 1, false),
        ] {
            assert_eq!(expected.allows(version), allowed, "{expected:?} {version}");
        }
    }
}
