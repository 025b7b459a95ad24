//! Which browser, on which system: enough to recognise one's own device in a list, and no more.
//!
//! Browsers freeze most of what they say about themselves, so a short table of names that do not change is right for
//! longer than a large one of versions that do.

use serde::Serialize;
use utoipa::ToSchema;

use crate::ui::Text;

/// What somebody uses, as far as it says so itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Client {
    /// `Firefox`, `Chrome`, … or the name of the program.
    #[schema(value_type = Option<String>)]
    pub browser: Option<&'static str>,
    /// `Windows`, `macOS`, `Linux`, `Android`, `iOS`, …
    #[schema(value_type = Option<String>)]
    pub os: Option<&'static str>,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Desktop,
    Mobile,
    Tablet,
    Bot,
    /// A program, not a browser.
    Api,
    Unknown,
}

impl Kind {
    /// As the API writes it, and as icons and words are named.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Bot => "bot",
            Self::Api => "api",
            Self::Unknown => "unknown",
        }
    }
}

/// Names of programs; the first that occurs counts.
const PROGRAMS: [(&str, &str); 22] = [
    ("curl/", "curl"),
    ("wget/", "Wget"),
    ("httpie/", "HTTPie"),
    ("python-requests/", "Python Requests"),
    ("python-httpx/", "HTTPX"),
    ("aiohttp/", "aiohttp"),
    ("python-urllib", "Python"),
    ("okhttp/", "OkHttp"),
    ("postmanruntime/", "Postman"),
    ("insomnia/", "Insomnia"),
    ("bruno", "Bruno"),
    ("go-http-client/", "Go"),
    ("reqwest/", "reqwest"),
    ("axios/", "axios"),
    ("node-fetch", "Node.js"),
    ("undici", "Node.js"),
    ("node", "Node.js"),
    ("deno/", "Deno"),
    ("java/", "Java"),
    ("apache-httpclient", "Java"),
    ("dart/", "Dart"),
    ("cfnetwork/", "Apple CFNetwork"),
];

const BOTS: [&str; 4] = ["bot", "crawler", "spider", "slurp"];

/// Those who also call themselves Chrome or Safari come before these.
const BROWSERS: [(&str, &str); 22] = [
    ("edg/", "Edge"),
    ("edga/", "Edge"),
    ("edgios/", "Edge"),
    ("opr/", "Opera"),
    ("opt/", "Opera"),
    ("opera", "Opera"),
    ("vivaldi/", "Vivaldi"),
    ("yabrowser/", "Yandex Browser"),
    ("samsungbrowser/", "Samsung Internet"),
    ("duckduckgo/", "DuckDuckGo"),
    ("ddg/", "DuckDuckGo"),
    ("brave/", "Brave"),
    ("ucbrowser/", "UC Browser"),
    ("electron/", "Electron"),
    ("fxios/", "Firefox"),
    ("firefox/", "Firefox"),
    ("crios/", "Chrome"),
    ("chromium/", "Chromium"),
    ("chrome/", "Chrome"),
    ("trident/", "Internet Explorer"),
    ("msie ", "Internet Explorer"),
    ("safari/", "Safari"),
];

/// Android calls itself Linux, and an iPhone "like Mac OS X": the narrower name comes first.
const SYSTEMS: [(&str, &str); 11] = [
    ("windows phone", "Windows Phone"),
    ("windows", "Windows"),
    ("iphone", "iOS"),
    ("ipod", "iOS"),
    ("ipad", "iPadOS"),
    ("android", "Android"),
    ("cros ", "ChromeOS"),
    ("mac os x", "macOS"),
    ("macintosh", "macOS"),
    ("linux", "Linux"),
    ("freebsd", "FreeBSD"),
];

fn first(text: &str, table: &[(&str, &'static str)]) -> Option<&'static str> {
    table
        .iter()
        .find(|(mark, _)| text.contains(mark))
        .map(|(_, name)| *name)
}

impl Client {
    #[must_use]
    pub fn parse(user_agent: Option<&str>) -> Self {
        let text = user_agent.unwrap_or_default().to_ascii_lowercase();
        let os = first(&text, &SYSTEMS);
        let is_bot = BOTS.iter().any(|mark| text.contains(mark));
        // Browsers say "Mozilla" since there are browsers; hardly anything else does.
        if !text.starts_with("mozilla/") && !text.starts_with("opera/") && !is_bot {
            let program = first(&text, &PROGRAMS);
            let kind = if program.is_some() { Kind::Api } else { Kind::Unknown };
            return Self {
                browser: program,
                os,
                kind,
            };
        }
        let browser = first(&text, &BROWSERS);
        let kind = if is_bot { Kind::Bot } else { form(&text, os) };
        Self { browser, os, kind }
    }
}

impl Client {
    /// "Firefox on Linux", or as much of it as is known, in the language of `text`.
    #[must_use]
    pub fn name(&self, text: &Text) -> String {
        match (self.browser, self.os) {
            (Some(browser), Some(os)) => text.t_with("device-name", &[("browser", browser.into()), ("os", os.into())]),
            (Some(only), None) | (None, Some(only)) => only.to_owned(),
            (None, None) => text.t("device-unknown"),
        }
    }
}

fn form(text: &str, os: Option<&str>) -> Kind {
    let mobile = text.contains("mobile");
    match os {
        Some("iPadOS") => Kind::Tablet,
        Some("iOS" | "Windows Phone") => Kind::Mobile,
        Some("Android") if mobile => Kind::Mobile,
        Some("Android") => Kind::Tablet,
        Some(_) => Kind::Desktop,
        None if mobile => Kind::Mobile,
        None if text.contains("tablet") => Kind::Tablet,
        None => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ses_2_devices_are_told_by_browser_system_and_kind() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, browser, os, kind) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
                Some("Firefox"),
                Some("Linux"),
                Kind::Desktop,
            ),
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/141.0.0.0 Safari/537.36"),
                Some("Chrome"),
                Some("Windows"),
                Kind::Desktop,
            ),
            (
                format!(
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"
                ),
                Some("Edge"),
                Some("Windows"),
                Kind::Desktop,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.4 Safari/605.1.15"
                    .to_owned(),
                Some("Safari"),
                Some("macOS"),
                Kind::Desktop,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.4 Mobile/15E148 Safari/604.1"
                    .to_owned(),
                Some("Safari"),
                Some("iOS"),
                Kind::Mobile,
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 CriOS/141.0.0.0 Mobile/15E148 Safari/604.1"
                    .to_owned(),
                Some("Chrome"),
                Some("iPadOS"),
                Kind::Tablet,
            ),
            (
                format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/141.0.0.0 Mobile Safari/537.36"),
                Some("Chrome"),
                Some("Android"),
                Kind::Mobile,
            ),
            (
                format!(
                    "Mozilla/5.0 (Linux; Android 14; SM-X910) {webkit} SamsungBrowser/28.0 Chrome/130.0.0.0 Safari/537.36"
                ),
                Some("Samsung Internet"),
                Some("Android"),
                Kind::Tablet,
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".to_owned(),
                None,
                None,
                Kind::Bot,
            ),
            ("curl/8.14.1".to_owned(), Some("curl"), None, Kind::Api),
            (
                "python-requests/2.32.3".to_owned(),
                Some("Python Requests"),
                None,
                Kind::Api,
            ),
            ("okhttp/4.12.0".to_owned(), Some("OkHttp"), None, Kind::Api),
            ("PostmanRuntime/7.43.0".to_owned(), Some("Postman"), None, Kind::Api),
            ("node".to_owned(), Some("Node.js"), None, Kind::Api),
            ("something else".to_owned(), None, None, Kind::Unknown),
            (String::new(), None, None, Kind::Unknown),
        ] {
            let client = Client { browser, os, kind };
            assert_eq!(Client::parse(Some(&agent)), client, "{agent}");
        }
        assert_eq!(Client::parse(None).kind, Kind::Unknown);
    }
}
