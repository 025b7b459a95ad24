//! One browser window, as one person uses it: what is typed, clicked and seen.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use parlor_e2e::driver::{Driver, find_browser};
use parlor_e2e::process::http_client;
use serde_json::{Value, json};

/// How long a page may take to show what is waited for. Generous: the machine may be busy, and a wait ends early.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a window is like.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The language the browser asks for.
    pub language: &'static str,
    /// Whether pages may run scripts.
    pub scripts: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            language: "en",
            scripts: true,
        }
    }
}

/// A window with a profile of its own.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    driver_url: String,
    site: String,
}

impl Browser {
    pub async fn open(driver: &Driver, site: String, window: Window) -> Result<Self> {
        let capabilities = capabilities(window)?
            .as_object()
            .cloned()
            .context("capabilities are an object")?;
        // The driver listens on this machine, in plain HTTP.
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder
            .capabilities(capabilities)
            .connect(driver.url())
            .await
            .context("opening a browser")?;
        Ok(Self {
            client,
            driver_url: driver.url().to_owned(),
            site,
        })
    }

    pub async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }

    /// The same window, which reaches the site by its name: browsers make no passkeys for an IP address.
    pub fn by_name(&self) -> Self {
        Self {
            site: self.site.replace("127.0.0.1", "localhost"),
            ..self.clone()
        }
    }

    /// Gives the window a device that keeps passkeys and finds its owner's finger on it.
    pub async fn give_authenticator(&self) -> Result<()> {
        let session = self.client.session_id().await?.context("no session")?;
        let url = format!("{}/session/{session}/webauthn/authenticator", self.driver_url);
        let device = json!({
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserConsenting": true,
            "isUserVerified": true,
        });
        http_client()?
            .post(url)
            .json(&device)
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    /// Opens a page of the site under test.
    pub async fn goto(&self, path: &str) -> Result<()> {
        self.goto_address(&format!("{}{path}", self.site)).await
    }

    /// Opens any address.
    pub async fn goto_address(&self, address: &str) -> Result<()> {
        Ok(self.client.goto(address).await?)
    }

    pub async fn reload(&self) -> Result<()> {
        Ok(self.client.refresh().await?)
    }

    /// The path of the page, without host and query.
    pub async fn path(&self) -> Result<String> {
        Ok(self.client.current_url().await?.path().to_owned())
    }

    /// Writes into a field, in place of what it held.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let field = self
            .client
            .find(Locator::Css(css))
            .await
            .with_context(|| format!("the field {css}"))?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    pub async fn click(&self, css: &str) -> Result<()> {
        let element = self
            .client
            .find(Locator::Css(css))
            .await
            .with_context(|| format!("the element {css}"))?;
        Ok(element.click().await?)
    }

    /// The visible text of the last element that matches, once there is one.
    pub async fn wait_for_text(&self, css: &str) -> Result<String> {
        self.wait(css, async || self.last_text(css).await).await
    }

    /// Waits until the last element that matches shows `wanted` and returns its whole visible text.
    pub async fn wait_until_shown(&self, css: &str, wanted: &str) -> Result<String> {
        let what = format!("{css} showing {wanted:?}");
        self.wait(&what, async || {
            Ok(self.last_text(css).await?.filter(|text| text.contains(wanted)))
        })
        .await
    }

    /// Waits until the page's path satisfies `is_there`.
    pub async fn wait_for_path(&self, is_there: impl Fn(&str) -> bool) -> Result<String> {
        self.wait("another page", async || {
            Ok(Some(self.path().await?).filter(|path| is_there(path)))
        })
        .await
    }

    /// Waits until a field holds exactly this.
    pub async fn wait_for_value(&self, css: &str, wanted: &str) -> Result<()> {
        let what = format!("{css} holding {wanted:?}");
        self.wait(&what, async || {
            let field = self.client.find(Locator::Css(css)).await?;
            Ok(field.prop("value").await?.filter(|value| value == wanted).map(|_| ()))
        })
        .await
    }

    /// Whether any element matches now.
    pub async fn has(&self, css: &str) -> Result<bool> {
        Ok(!self.client.find_all(Locator::Css(css)).await?.is_empty())
    }

    /// The visible text of the last element that matches, if there is one now. Streaming pages replace elements: one
    /// that is gone by the time it is read counts as not there.
    pub async fn last_text(&self, css: &str) -> Result<Option<String>> {
        let Some(element) = self.client.find_all(Locator::Css(css)).await?.pop() else {
            return Ok(None);
        };
        match element.text().await {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.is_stale_element_reference() || error.is_no_such_element() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The whole text of the last element that matches, also what a closed disclosure hides.
    pub async fn whole_text(&self, css: &str) -> Result<String> {
        let whole = async || match self.client.find_all(Locator::Css(css)).await?.pop() {
            Some(element) => Ok(element.prop("textContent").await?),
            None => Ok(None),
        };
        self.wait(css, whole).await
    }

    /// An attribute of the first element that matches.
    pub async fn attribute(&self, css: &str, name: &str) -> Result<Option<String>> {
        let element = self
            .client
            .find(Locator::Css(css))
            .await
            .with_context(|| format!("the element {css}"))?;
        Ok(element.attr(name).await?)
    }

    /// Everything the browser logged since this was last asked, warnings and errors only: failed loads, script errors
    /// and violations of the content security policy among them.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let session = self.client.session_id().await?.context("no session")?;
        let url = format!("{}/session/{session}/se/log", self.driver_url);
        let log: Value = http_client()?
            .post(url)
            .json(&json!({ "type": "browser" }))
            .send()
            .await?
            .json()
            .await?;
        let entries = log["value"].as_array().context("the browser gave no log")?;
        let serious = entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        Ok(serious.map(|entry| entry["message"].to_string()).collect())
    }

    /// A picture of the window and the page's source, for whoever looks at a failed journey.
    pub async fn evidence(&self) -> (Vec<u8>, String) {
        (
            self.client.screenshot().await.unwrap_or_default(),
            self.client.source().await.unwrap_or_default(),
        )
    }

    async fn wait<T>(&self, what: &str, look: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if start.elapsed() > PATIENCE {
                let path = self.path().await?;
                bail!("waited {PATIENCE:?} for {what} on {path}");
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

fn capabilities(window: Window) -> Result<Value> {
    let language = window.language;
    let arguments = [
        "--headless=new".to_owned(),
        // Containers forbid the sandbox's system calls and give little shared memory.
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--window-size=1280,900".to_owned(),
        format!("--lang={language}"),
    ];
    let scripts = if window.scripts { 1 } else { 2 };
    let preferences = json!({
        "intl.accept_languages": language,
        "profile.managed_default_content_settings.javascript": scripts,
    });
    Ok(json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "binary": find_browser()?, "args": arguments, "prefs": preferences },
        "goog:loggingPrefs": { "browser": "ALL" },
    }))
}
