//! One language's words, from the Fluent files in `locales/`.

use std::sync::LazyLock;

pub use fluent_bundle::FluentValue;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use include_dir::{Dir, include_dir};

use super::locale::{LOCALES, Locale};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/ui/locales");
static TEXTS: LazyLock<Vec<Text>> = LazyLock::new(|| LOCALES.iter().map(Text::load).collect());

/// One language's messages. There is one of each for the life of the process: see [`Text::for_locale`].
pub struct Text {
    locale: &'static Locale,
    bundle: FluentBundle<FluentResource>,
}

impl Text {
    /// The words of `code`, or English when the language is not one of [`LOCALES`].
    pub fn for_locale(code: &str) -> &'static Text {
        TEXTS.iter().find(|text| text.locale.code == code).unwrap_or(&TEXTS[0])
    }

    /// The language these words are in.
    pub fn locale(&self) -> &'static Locale {
        self.locale
    }

    /// The message `key`. One that is missing here comes in English; one missing everywhere comes as its key.
    pub fn t(&self, key: &str) -> String {
        self.t_with(key, &[])
    }

    /// The message `key` with values put into its placeholders; numbers choose plural forms.
    pub fn t_with(&self, key: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        let args: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, value.clone())).collect();
        self.format(key, &args)
            .or_else(|| TEXTS[0].format(key, &args))
            .unwrap_or_else(|| {
                tracing::warn!(key, locale = self.locale.code, "no message for this key");
                key.to_owned()
            })
    }

    fn format(&self, key: &str, args: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let formatted = self.bundle.format_pattern(pattern, Some(args), &mut errors);
        Some(formatted.into_owned())
    }

    /// Files that do not parse are a mistake in the source tree, which the tests below find; what does parse is used.
    fn load(locale: &'static Locale) -> Text {
        let mut bundle = FluentBundle::new_concurrent(vec![locale.code.parse().unwrap_or_default()]);
        // Isolation marks would end up in titles, attributes and copied text; no placeholder of ours mixes directions.
        bundle.set_use_isolating(false);
        for source in sources(locale.code) {
            let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(partial, _)| partial);
            bundle.add_resource_overriding(resource);
        }
        Text { locale, bundle }
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Text({})", self.locale.code)
    }
}

/// The contents of every `.ftl` file of a language.
fn sources(code: &str) -> impl Iterator<Item = &'static str> {
    let folder = FILES.get_dir(code);
    folder
        .into_iter()
        .flat_map(|folder| folder.files())
        .filter_map(|file| file.contents_utf8())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fluent_syntax::ast::Entry;

    use super::*;
    use crate::ui::testing;

    fn keys(code: &str) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for source in sources(code) {
            let resource =
                fluent_syntax::parser::parse(source).unwrap_or_else(|(_, errors)| panic!("{code}: {errors:?}"));
            for entry in resource.body {
                if let Entry::Message(message) = entry {
                    assert!(
                        keys.insert(message.id.name.to_owned()),
                        "{code}: {} stands twice",
                        message.id.name
                    );
                }
            }
        }
        keys
    }

    /// UI-2: no text is missing in any language.
    #[test]
    fn every_language_has_the_same_keys() {
        let english = keys("en");
        assert!(english.len() > 100, "the English files were read");
        for locale in &LOCALES[1..] {
            let other = keys(locale.code);
            let difference: Vec<_> = english.symmetric_difference(&other).collect();
            assert!(difference.is_empty(), "{}: {difference:?}", locale.code);
        }
    }

    /// UI-2: every key that a template or a Rust file asks for exists.
    #[test]
    fn every_key_in_use_exists() {
        let known = keys("en");
        let used = testing::keys_in_use();
        assert!(used.len() > 80, "the sources were read");
        let missing: Vec<_> = used.iter().filter(|(key, _)| !known.contains(key.as_str())).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    /// Values and selectors of a translation are those of the English message, or it would print `{$n}`.
    #[test]
    fn translations_use_the_same_values() {
        for key in keys("en") {
            let [english, german] = ["en", "de"].map(|code| variables(code, &key));
            assert_eq!(english, german, "{key}");
        }
    }

    fn variables(code: &str, key: &str) -> BTreeSet<String> {
        let prefix = format!("{key} =");
        let source = sources(code)
            .find(|source| source.lines().any(|line| line.starts_with(&prefix)))
            .unwrap_or("");
        let lines = source.lines().skip_while(|line| !line.starts_with(&prefix));
        let message: Vec<&str> = lines
            .enumerate()
            .take_while(|(n, line)| *n == 0 || line.starts_with(' '))
            .map(|(_, line)| line)
            .collect();
        let words = message.join(" ");
        let names = words
            .split('$')
            .skip(1)
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        names.collect()
    }

    #[test]
    fn plurals_follow_the_number() {
        let text = Text::for_locale("en");
        assert_eq!(text.t_with("recalled-count", &[("n", 1.into())]), "Recalled 1 memory");
        assert_eq!(text.t_with("recalled-count", &[("n", 3.into())]), "Recalled 3 memories");
        let text = Text::for_locale("de");
        assert_eq!(
            text.t_with("recalled-count", &[("n", 1.into())]),
            "1 Erinnerung abgerufen"
        );
        assert_eq!(
            text.t_with("recalled-count", &[("n", 3.into())]),
            "3 Erinnerungen abgerufen"
        );
    }

    #[test]
    fn an_unknown_language_is_english_and_an_unknown_key_is_itself() {
        assert_eq!(Text::for_locale("tlh").locale().code, "en");
        assert_eq!(Text::for_locale("de").t("no-such-key"), "no-such-key");
    }
}
