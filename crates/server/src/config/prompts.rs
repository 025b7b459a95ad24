use serde::Deserialize;

/// What a system prompt may refer to, written in double braces: `{{date}}`.
pub(super) const PLACEHOLDERS: [&str; 2] = ["date", "name"];

/// `PARLOR_TIERS_*`: the two pipelines an answer can take.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// `PARLOR_TIERS_QUICK_*`: the everyday answer.
    pub quick: Tier,
    /// `PARLOR_TIERS_ENHANCED_*`: the thorough answer.
    pub enhanced: Tier,
}

/// One pipeline. `TIER` in a name below is `QUICK` or `ENHANCED`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// `PARLOR_TIERS_TIER_OPENAI_MODEL`.
    pub openai_model: String,
    /// `PARLOR_TIERS_TIER_LOCAL_MODEL`.
    pub local_model: String,
    /// `PARLOR_TIERS_TIER_SYSTEM`: may hold `{{date}}` and `{{name}}`, see [`Tier::system_prompt`].
    pub system: String,
    /// `PARLOR_TIERS_TIER_MAX_TOKENS`.
    pub max_tokens: u32,
    /// `PARLOR_TIERS_TIER_TEMPERATURE`: 0 to 2.
    pub temperature: f32,
    /// `PARLOR_TIERS_TIER_HISTORY_MESSAGES`: earlier messages that the model sees.
    pub history_messages: usize,
    /// `PARLOR_TIERS_TIER_UNITS`: message units that one answer costs.
    pub units: u32,
}

impl Tier {
    /// The system prompt with its placeholders filled in. One pass, so that a name which looks like a placeholder
    /// stays a name.
    pub fn system_prompt(&self, date: &str, name: &str) -> String {
        let mut filled = String::with_capacity(self.system.len());
        let mut rest = self.system.as_str();
        while let Some((before, placeholder, after)) = next_placeholder(rest) {
            filled.push_str(before);
            filled.push_str(if placeholder == "date" { date } else { name });
            rest = after;
        }
        filled + rest
    }
}

/// The first placeholder in a template that the program does not know.
pub(super) fn unknown_placeholder(template: &str) -> Option<&str> {
    let (_, placeholder, after) = next_placeholder(template)?;
    if PLACEHOLDERS.contains(&placeholder) {
        unknown_placeholder(after)
    } else {
        Some(placeholder)
    }
}

/// Text before the next `{{…}}`, the name inside, and the text after it.
fn next_placeholder(template: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = template.split_once("{{")?;
    let (name, after) = rest.split_once("}}")?;
    Some((before, name.trim(), after))
}
