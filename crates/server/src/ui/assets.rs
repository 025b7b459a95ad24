//! The style sheets, scripts, icons and fonts of the pages, compiled into the binary.
//!
//! What the browser gets is what is in the tree. One hash over all of it stands in every address, so each file can be
//! cached for ever, and modules that import each other by relative path stay together.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

/// The style sheets, in the order in which they build on each other.
pub const STYLESHEETS: &[&str] = &[
    "css/tokens.css",
    "css/base.css",
    "css/button.css",
    "css/field.css",
    "css/notice.css",
    "css/menu.css",
    "css/dialog.css",
    "css/frame.css",
    "css/card.css",
    "css/message.css",
    "css/composer.css",
    "css/prose.css",
    "css/memories.css",
    "css/settings.css",
    "css/devices.css",
    "css/account.css",
    "css/api_keys.css",
];

static FOLDERS: [(&str, Dir<'_>); 4] = [
    ("css", include_dir!("$CARGO_MANIFEST_DIR/src/ui/css")),
    ("js", include_dir!("$CARGO_MANIFEST_DIR/src/ui/js")),
    ("icons", include_dir!("$CARGO_MANIFEST_DIR/src/ui/icons")),
    ("fonts", include_dir!("$CARGO_MANIFEST_DIR/src/ui/fonts")),
];

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for file in FOLDERS.iter().flat_map(|(_, folder)| folder.files()) {
        hasher.update(file.path().as_os_str().as_encoded_bytes());
        hasher.update(file.contents());
    }
    hasher
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
});

/// A file for the browser.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its contents.
    pub bytes: &'static [u8],
    /// The value of `Content-Type`.
    pub content_type: &'static str,
}

/// The hash of this build's files: the segment after `/assets/`. 12 hexadecimal digits.
pub fn hash() -> &'static str {
    &HASH
}

/// The file at `path` below `ui/`, such as `css/base.css`; none when there is no such file.
pub fn asset(path: &str) -> Option<Asset> {
    let (folder, name) = path.split_once('/')?;
    let (_, files) = FOLDERS.iter().find(|(known, _)| *known == folder)?;
    let content_type = content_type(name)?;
    Some(Asset {
        bytes: files.get_file(name)?.contents(),
        content_type,
    })
}

/// Where the browser fetches `path`.
pub fn asset_url(path: &str) -> String {
    format!("/assets/{}/{path}", hash())
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        "woff2" => Some("font/woff2"),
        "webmanifest" => Some("application/manifest+json"),
        "txt" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_sheet_exists_and_is_linked() {
        for path in STYLESHEETS {
            assert_eq!(
                asset(path).map(|found| found.content_type),
                Some("text/css; charset=utf-8"),
                "{path}"
            );
        }
        assert_eq!(
            FOLDERS[0].1.files().count(),
            STYLESHEETS.len(),
            "a file in css/ is not linked"
        );
    }

    /// Dark mode is written twice, for the device's setting and for the person's: both must say the same.
    #[test]
    fn both_dark_modes_are_the_same() {
        let source = asset("css/tokens.css")
            .and_then(|file| std::str::from_utf8(file.bytes).ok())
            .expect("the tokens");
        let tokens = |start: &str| -> Vec<&str> {
            let block = source
                .split(start)
                .nth(1)
                .and_then(|rest| rest.split('}').next())
                .expect("the block");
            block.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
        };
        let device = tokens(":root:not([data-theme=\"light\"]) {");
        assert!(device.len() > 25, "the tokens were read");
        assert_eq!(device, tokens(":root[data-theme=\"dark\"] {"));
    }

    #[test]
    fn only_files_of_the_tree_are_served() {
        for path in [
            "",
            "css",
            "css/",
            "css/none.css",
            "../mod.rs",
            "css/../mod.rs",
            "css//tokens.css",
            "/css/tokens.css",
        ] {
            assert!(asset(path).is_none(), "{path}");
        }
    }

    /// Modules find each other by relative path; a wrong one would break the page without a word on the server.
    #[test]
    fn every_import_leads_to_a_module() {
        let scripts = FOLDERS[1].1.files();
        let mut imports = 0;
        for file in scripts {
            let source = file.contents_utf8().expect("scripts are text");
            for line in source.lines().filter(|line| line.starts_with("import ")) {
                let name = line
                    .split('"')
                    .nth(1)
                    .and_then(|path| path.strip_prefix("./"))
                    .expect("a relative import");
                assert!(
                    asset(&format!("js/{name}")).is_some(),
                    "{}: {line}",
                    file.path().display()
                );
                imports += 1;
            }
        }
        assert!(imports > 5, "the imports were read");
    }

    /// The pages need nothing from other servers.
    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for file in FOLDERS.iter().take(3).flat_map(|(_, folder)| folder.files()) {
            let source = file
                .contents_utf8()
                .unwrap_or_default()
                .replace("http://www.w3.org/", "");
            assert!(
                !source.contains("http://") && !source.contains("https://"),
                "{}",
                file.path().display()
            );
        }
    }
}
