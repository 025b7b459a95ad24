//! The life of an account, decided without a database.

/// Where an account stands. Stored by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Made, and its address is not confirmed yet.
    Pending,
    Active,
    /// Switched off by the operator; nothing is lost.
    Locked,
    /// Its person asked for its end; it may still come back.
    DeletionPending,
    /// Only the trail is left.
    Deleted,
}

impl Status {
    const ALL: [Self; 5] = [
        Self::Pending,
        Self::Active,
        Self::Locked,
        Self::DeletionPending,
        Self::Deleted,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Locked => "locked",
            Self::DeletionPending => "deletion_pending",
            Self::Deleted => "deleted",
        }
    }

    /// The status of that name. An unknown one is locked: what we do not understand opens nothing.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == name)
            .unwrap_or(Self::Locked)
    }

    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use Status::{Active, Deleted, DeletionPending, Locked, Pending};
        matches!(
            (self, next),
            (Pending, Active | Locked | DeletionPending)
                | (Active, Locked | DeletionPending)
                | (Locked, Pending | Active | DeletionPending)
                | (DeletionPending, Active | Deleted)
        )
    }

    /// Whether somebody may be signed in to such an account; every step to one where nobody may ends its sessions.
    #[must_use]
    pub fn admits(self) -> bool {
        matches!(self, Self::Pending | Self::Active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_12_an_account_lives_step_by_step() {
        let allowed: Vec<String> = Status::ALL
            .into_iter()
            .flat_map(|from| Status::ALL.map(|to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| format!("{} > {}", from.as_str(), to.as_str()))
            .collect();
        assert_eq!(
            allowed,
            [
                "pending > active",
                "pending > locked",
                "pending > deletion_pending",
                "active > locked",
                "active > deletion_pending",
                "locked > pending",
                "locked > active",
                "locked > deletion_pending",
                "deletion_pending > active",
                "deletion_pending > deleted",
            ]
        );
    }

    #[test]
    fn acc_12_names_are_read_back_and_unknown_ones_open_nothing() {
        for status in Status::ALL {
            assert_eq!(Status::from_name(status.as_str()), status);
        }
        assert!(!Status::from_name("superuser").admits());
        assert!(Status::ALL.into_iter().filter(|status| status.admits()).count() == 2);
    }
}
