//! `parlor openapi`

pub(super) fn run() -> anyhow::Result<()> {
    super::print(&crate::router::document().to_pretty_json()?)
}
