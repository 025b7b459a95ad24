use uuid::Uuid;

/// The person whose data a query may touch.
///
/// Every finder of private data takes one, so that a query without an owner does not compile. Only authentication (and
/// work that Parlor does on a person's behalf, from a row that names its owner) makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner(Uuid);

impl Owner {
    #[must_use]
    pub fn new(user_id: Uuid) -> Self {
        Self(user_id)
    }

    #[must_use]
    pub fn id(self) -> Uuid {
        self.0
    }
}
