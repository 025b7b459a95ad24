//! Templates of the operator: `LOCALE/KIND.subject.txt`, `LOCALE/KIND.txt` and `LOCALE/KIND.html` in
//! `mail.templates_dir`, each instead of the built-in one. `{{name}}` is a placeholder; there are no loops or
//! conditions, so that a template cannot fail while a mail is on its way.

use std::{collections::BTreeMap, path::Path};

use super::{Mail, letter::Letter, letter::Rendered, samples};
use crate::ui::supported;

const LARGEST: u64 = 256 * 1024;

/// What every template may use, besides the fields of its mail.
const COMMON: [&str; 9] = [
    "name",
    "greeting",
    "body",
    "button_label",
    "button_url",
    "why",
    "subject",
    "server",
    "locale",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Subject,
    Text,
    Html,
}

/// The operator's templates, read once.
#[derive(Debug, Default)]
pub struct Templates(BTreeMap<(String, String, Part), String>);

impl Templates {
    /// Reads a folder; an empty path is none.
    ///
    /// # Errors
    /// A sentence for everything in it that cannot be used.
    pub fn load(folder: &str) -> Result<Self, Vec<String>> {
        if folder.is_empty() {
            return Ok(Self::default());
        }
        let (mut found, mut problems) = (Self::default(), Vec::new());
        let locales = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return Err(vec![format!("cannot read the folder {folder}: {error}")]),
        };
        for locale in locales.flatten() {
            found.read_locale(&locale.path(), &mut problems);
        }
        if problems.is_empty() { Ok(found) } else { Err(problems) }
    }

    fn read_locale(&mut self, folder: &Path, problems: &mut Vec<String>) {
        let code = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let files = match std::fs::read_dir(folder) {
            Ok(files) if supported(code).is_some() => files,
            _ => return problems.push(format!("`{code}` is no folder of a language: write en or de")),
        };
        for file in files.flatten() {
            match read(&file.path()) {
                Ok((kind, part, template)) => {
                    self.0.insert((code.to_owned(), kind, part), template);
                }
                Err(problem) => problems.push(format!("{code}/{}: {problem}", file.file_name().display())),
            }
        }
    }

    /// What was written anew replaces what is built in.
    pub(super) fn apply(&self, mail: &Mail, name: &str, letter: &Letter, mut built_in: Rendered) -> Rendered {
        let part = |part| {
            let key = (letter.locale.code.to_owned(), mail.kind().to_owned(), part);
            self.0.get(&key)
        };
        let values = values(mail, name, letter);
        if let Some(template) = part(Part::Subject) {
            built_in.subject = fill(template.trim(), &values, str::to_owned);
        }
        if let Some(template) = part(Part::Text) {
            let body = ("body".to_owned(), letter.paragraphs.join("\n\n"));
            built_in.text = fill(template, &with(&values, body), str::to_owned);
        }
        if let Some(template) = part(Part::Html) {
            let paragraph = |text: &String| format!("<p>{}</p>", escaped(text));
            let body: String = letter.paragraphs.iter().map(paragraph).collect();
            // Replaced last and as it is: it is HTML already.
            let (before, after) = ("{{body}}", "\u{0}body\u{0}");
            let filled = fill(&normalised(template).replace(before, after), &values, escaped);
            built_in.html = filled.replace(after, &body);
        }
        built_in
    }
}

type Values = BTreeMap<String, String>;

fn with(values: &Values, (key, value): (String, String)) -> Values {
    let mut values = values.clone();
    values.insert(key, value);
    values
}

fn values(mail: &Mail, name: &str, letter: &Letter) -> Values {
    let mut values = fields(mail);
    let button = letter.button.as_ref();
    let common = [
        name,
        &letter.greeting,
        "",
        button.map_or("", |button| &button.label),
        button.map_or("", |button| &button.url),
        &letter.why,
        &letter.subject,
        &letter.server,
        letter.locale.code,
    ];
    for (key, value) in COMMON.into_iter().zip(common) {
        // An API key has a name of its own.
        values.entry(key.to_owned()).or_insert_with(|| value.to_owned());
    }
    values
}

/// The fields of a mail by their names.
fn fields(mail: &Mail) -> Values {
    let serde_json::Value::Object(fields) = serde_json::to_value(mail).unwrap_or_default() else {
        return Values::new();
    };
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    let wanted = fields.iter().filter(|(key, _)| *key != "kind");
    wanted.map(|(key, value)| (key.clone(), text(value))).collect()
}

fn read(path: &Path) -> Result<(String, Part, String), String> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (kind, part) = if let Some(kind) = name.strip_suffix(".subject.txt") {
        (kind, Part::Subject)
    } else if let Some(kind) = name.strip_suffix(".txt") {
        (kind, Part::Text)
    } else if let Some(kind) = name.strip_suffix(".html") {
        (kind, Part::Html)
    } else {
        return Err("is no template: its name must end in .subject.txt, .txt or .html".to_owned());
    };
    let samples = samples::all();
    let Some((_, sample)) = samples.iter().find(|(_, mail)| mail.kind() == kind) else {
        return Err(format!("there is no mail `{kind}`"));
    };
    if std::fs::metadata(path).is_ok_and(|file| file.len() > LARGEST) {
        return Err(format!("is larger than {LARGEST} bytes"));
    }
    let template = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    check(&template, sample)?;
    Ok((kind.to_owned(), part, template))
}

fn check(template: &str, sample: &Mail) -> Result<(), String> {
    let fields = fields(sample);
    for rest in template.split("{{").skip(1) {
        let Some((name, _)) = rest.split_once("}}") else {
            return Err("a {{ has no }}".to_owned());
        };
        let name = name.trim();
        if !COMMON.contains(&name) && !fields.contains_key(name) {
            let known: Vec<&str> = COMMON.into_iter().chain(fields.keys().map(String::as_str)).collect();
            return Err(format!("unknown placeholder `{name}`: there are {}", known.join(", ")));
        }
    }
    Ok(())
}

/// Placeholders without spaces inside.
fn normalised(template: &str) -> String {
    let mut parts = template.split("{{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        out.extend(["{{", name.trim(), "}}", rest]);
    }
    out
}

fn fill(template: &str, values: &Values, encode: impl Fn(&str) -> String) -> String {
    let mut parts = template.split("{{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        out.push_str(&encode(values.get(name.trim()).map_or("", String::as_str)));
        out.push_str(rest);
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Contents, letter};

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn load(files: &[(&str, &str)]) -> Result<Templates, Vec<String>> {
        Templates::load(folder(files).path().to_str().unwrap())
    }

    #[test]
    fn mail_2_an_operator_writes_a_mail_anew() {
        let templates = load(&[
            ("de/welcome.subject.txt", "Servus {{ name }}\n"),
            (
                "de/welcome.html",
                "<h1>{{greeting}}</h1>{{ body }}<a href=\"{{link}}\">{{name}}</a>",
            ),
        ])
        .unwrap();
        let contents = Contents {
            name: "Mira <i>{{link}}".to_owned(),
            mail: Mail::Welcome {
                link: "https://parlor.example/?a=1&b=2".to_owned(),
            },
        };
        let render = |locale| letter::render("https://parlor.example", locale, &contents, &templates).unwrap();
        let german = render("de");
        assert_eq!(german.subject, "Servus Mira <i>{{link}}", "values are not templates");
        assert!(
            german.html.starts_with("<h1>Hallo,</h1><p>deine Adresse"),
            "{}",
            german.html
        );
        assert!(
            german
                .html
                .contains("<a href=\"https://parlor.example/?a=1&amp;b=2\">Mira &lt;i&gt;")
        );
        let english = render("en");
        assert_eq!(english.subject, "Your account is ready", "built in");
        assert!(german.text.contains("https://parlor.example/?a=1&b=2"), "built in");
    }

    #[test]
    fn mail_2_what_cannot_be_used_is_named() {
        let problems = load(&[
            ("de/welcome.html", "{{link}} {{code}}"),
            ("de/welcom.html", ""),
            ("de/notes.md", ""),
            ("en/welcome.txt", "{{link"),
            ("fr/welcome.txt", ""),
        ])
        .unwrap_err();
        let all = problems.join("\n");
        assert_eq!(problems.len(), 5, "{all}");
        for said in [
            "unknown placeholder `code`",
            "no mail `welcom`",
            "notes.md",
            "no }}",
            "`fr`",
        ] {
            assert!(all.contains(said), "{said} in {all}");
        }
        assert!(Templates::load("/nowhere/at/all").is_err());
        assert!(Templates::load("").is_ok());
    }
}
