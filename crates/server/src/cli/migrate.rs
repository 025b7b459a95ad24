//! `parlor migrate`

use parlor_db::Db;

use crate::app::connect_options;

pub(super) fn run() -> anyhow::Result<()> {
    let config = super::load()?;
    super::block_on(async {
        let db = Db::connect(&connect_options(&config)).await?;
        let ran = db.migrate().await?;
        db.close().await?;
        match ran.as_slice() {
            [] => super::print("The database is up to date."),
            ran => super::print(&format!("Migrated: {}", ran.join(", "))),
        }
    })
}
