//! What a notice says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Notice;
use crate::{
    features::sessions::Client,
    ui::{Banner, FluentValue, Text},
};

/// A notice in a language. Its sentence is `notice-KIND`, with the strings of its data in it.
pub(super) fn banner(text: &Text, notice: &Notice) -> Banner {
    let data: Value = serde_json::from_str(&notice.data).unwrap_or_default();
    let mut values: BTreeMap<&str, String> = data
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?.to_owned())))
        .collect();
    if notice.kind == "new-device" {
        values.insert("device", device(text, &data));
        values.entry("ip").or_insert_with(|| text.t("address-unknown"));
    }
    let values: Vec<(&str, FluentValue<'_>)> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str().into()))
        .collect();
    Banner {
        id: notice.id.to_string(),
        text: text.t_with(&format!("notice-{}", notice.kind), &values),
        link: link(&notice.kind).map(|(path, key)| (path, text.t(key))),
    }
}

fn device(text: &Text, data: &Value) -> String {
    let agent = data["user_agent"].as_str();
    Client::parse(agent).name(text)
}

/// Where the person can see more, or do something about it.
fn link(kind: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        "new-device" | "session-ended-for-safety" => Some(("/sessions", "notice-see-devices")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use parlor_db::Timestamp;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn ses_4_a_new_device_is_named_in_the_readers_language() {
        let notice = |data: Value| Notice {
            id: Uuid::nil(),
            user_id: Uuid::nil(),
            kind: "new-device".to_owned(),
            data: data.to_string(),
            created_at: Timestamp::from_micros(0),
            seen_at: None,
        };
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let known = notice(json!({ "user_agent": agent, "ip": "203.0.113.7" }));
        let said = |code, notice: &Notice| banner(Text::for_locale(code), notice).text;
        assert!(said("en", &known).contains("Firefox on Linux") && said("en", &known).contains("203.0.113.7"));
        assert!(said("de", &known).contains("Firefox unter Linux"));
        let unknown = said("en", &notice(json!({ "user_agent": null, "ip": null })));
        assert!(!unknown.contains('{') && !unknown.contains("null"), "{unknown}");
    }
}
