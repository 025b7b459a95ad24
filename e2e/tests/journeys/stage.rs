//! What one journey plays on: a scripted model server, a Parlor that uses it, and a browser for each person.

use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context, Result};
use parlor_e2e::driver::Driver;
use parlor_e2e::server::Parlor;
use parlor_e2e::upstream::Upstream;

use crate::browser::{Browser, Window};

pub struct Stage {
    pub upstream: Upstream,
    pub parlor: Parlor,
    driver: Driver,
    windows: Mutex<Vec<Browser>>,
}

impl Stage {
    async fn set(rules: &[(&str, &str)]) -> Result<Self> {
        let upstream = Upstream::start(rules).await?;
        let settings = [
            ("OPENAI_BASE_URL", upstream.url()),
            ("OPENAI_API_KEY", "scripted"),
            // Journeys share one address: the limit on new accounts would stop them, and is tested elsewhere.
            ("PARLOR_RATE_LIMITS", "off"),
        ];
        let parlor = Parlor::start(&settings).await?;
        Ok(Self {
            upstream,
            parlor,
            driver: Driver::start().await?,
            windows: Mutex::default(),
        })
    }

    /// Opens a window for somebody new. It closes when the journey ends.
    pub async fn window(&self, window: Window) -> Result<Browser> {
        let browser = Browser::open(&self.driver, self.parlor.url(), window).await?;
        self.windows
            .lock()
            .expect("no journey panics in here")
            .push(browser.clone());
        Ok(browser)
    }

    fn take_windows(&self) -> Vec<Browser> {
        std::mem::take(&mut self.windows.lock().expect("no journey panics in here"))
    }
}

/// Plays a journey; when it fails, leaves pictures, pages and the server's log in `target/e2e/NAME`. Windows are closed
/// either way: a browser whose driver is killed first lives on.
pub async fn play(
    name: &str,
    rules: &[(&str, &str)],
    journey: impl AsyncFnOnce(&mut Stage) -> Result<()>,
) -> Result<()> {
    let mut stage = Stage::set(rules).await?;
    let outcome = journey(&mut stage).await;
    let windows = stage.take_windows();
    let kept = if outcome.is_err() {
        keep_evidence(name, &stage, &windows).await
    } else {
        Ok(PathBuf::new())
    };
    for window in windows {
        window.close().await.ok();
    }
    outcome.with_context(|| format!("journey {name}; evidence: {kept:?}"))
}

async fn keep_evidence(name: &str, stage: &Stage, windows: &[Browser]) -> Result<PathBuf> {
    let folder = evidence_folder()?.join(name);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("parlor.log"), stage.parlor.log())?;
    std::fs::write(
        folder.join("prompts.json"),
        serde_json::to_vec_pretty(&stage.upstream.requests())?,
    )?;
    for (index, window) in windows.iter().enumerate() {
        let (picture, source) = window.evidence().await;
        std::fs::write(folder.join(format!("window-{index}.png")), picture)?;
        std::fs::write(folder.join(format!("window-{index}.html")), source)?;
    }
    Ok(folder)
}

/// `e2e/` in the target folder: test programs live in `target/debug/deps`.
fn evidence_folder() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    Ok(here
        .ancestors()
        .nth(3)
        .context("the test program is not in a target folder")?
        .join("e2e"))
}
