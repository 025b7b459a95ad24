//! Dates as people say them. The server speaks in the zone it is given; scripts then show the reader's own.

use jiff::civil::Date;
use jiff::{Timestamp, Unit, Zoned};

use super::text::{FluentValue, Text};

/// A moment as a `<time>` element shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// RFC 3339, for `datetime`.
    pub iso: String,
    /// Short, near today: `14:05`, `yesterday`, `3 Nov`, `3 Nov 2024`.
    pub label: String,
    /// In full, for the tooltip.
    pub full: String,
}

impl When {
    /// `at` as seen from `now`, whose time zone is used.
    pub fn new(text: &Text, at: Timestamp, now: &Zoned) -> When {
        let local = at.to_zoned(now.time_zone().clone());
        let day = local.date();
        let label = match days_between(day, now.date()) {
            0 => clock(&local),
            1 => text.t("date-yesterday-short"),
            _ => short_date(text, day, now.date()),
        };
        let full = text.t_with(
            "date-full",
            &[("date", long_date(text, day).into()), ("time", clock(&local).into())],
        );
        When {
            iso: at.to_string(),
            label,
            full,
        }
    }
}

/// The heading under which a list shows what happened at `at`: today, yesterday, this week, this month, or the month.
pub fn group_label(text: &Text, at: Timestamp, now: &Zoned) -> String {
    let (day, today) = (at.to_zoned(now.time_zone().clone()).date(), now.date());
    match days_between(day, today) {
        ..=0 => text.t("date-today"),
        1 => text.t("date-yesterday"),
        2..=6 => text.t("date-week"),
        7..=29 => text.t("date-month"),
        _ => month_label(text, day),
    }
}

fn days_between(day: Date, today: Date) -> i64 {
    today
        .since((Unit::Day, day))
        .map_or(0, |span| i64::from(span.get_days()))
}

fn clock(local: &Zoned) -> String {
    local.strftime("%H:%M").to_string()
}

fn short_date(text: &Text, day: Date, today: Date) -> String {
    let key = if day.year() == today.year() {
        "date-short"
    } else {
        "date-short-year"
    };
    text.t_with(
        key,
        &[
            ("day", number(day.day())),
            ("month", text.t(&format!("month-short-{}", day.month())).into()),
            ("year", year(day)),
        ],
    )
}

fn long_date(text: &Text, day: Date) -> String {
    text.t_with(
        "date-long",
        &[
            ("day", number(day.day())),
            ("month", month(text, day).into()),
            ("year", year(day)),
        ],
    )
}

fn month_label(text: &Text, day: Date) -> String {
    text.t_with(
        "date-month-year",
        &[("month", month(text, day).into()), ("year", year(day))],
    )
}

fn month(text: &Text, day: Date) -> String {
    text.t(&format!("month-{}", day.month()))
}

/// Text, because a number would be grouped in thousands in some languages.
fn year(day: Date) -> FluentValue<'static> {
    day.year().to_string().into()
}

fn number(value: i8) -> FluentValue<'static> {
    value.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-20T09:30:00+00:00[UTC]".parse().expect("a moment")
    }

    fn at(moment: &str) -> Timestamp {
        moment.parse().expect("a moment")
    }

    #[test]
    fn groups_by_nearness() {
        let text = Text::for_locale("en");
        let label = |moment: &str| group_label(text, at(moment), &now());
        assert_eq!(label("2026-11-20T00:00:00Z"), "Today");
        assert_eq!(label("2026-11-19T23:59:59Z"), "Yesterday");
        assert_eq!(label("2026-11-15T12:00:00Z"), "Earlier this week");
        assert_eq!(label("2026-11-01T12:00:00Z"), "In the last 30 days");
        assert_eq!(label("2026-09-30T12:00:00Z"), "September 2026");
        assert_eq!(label("2026-11-20T12:00:00Z"), "Today", "a clock that runs ahead");
    }

    #[test]
    fn the_day_is_that_of_the_zone() {
        let berlin: Zoned = "2026-11-20T10:30:00+01:00[Europe/Berlin]".parse().expect("a moment");
        assert_eq!(
            group_label(Text::for_locale("de"), at("2026-11-19T23:30:00Z"), &berlin),
            "Heute"
        );
    }

    #[test]
    fn moments_get_longer_with_age() {
        let shown = |code, moment: &str| When::new(Text::for_locale(code), at(moment), &now());
        assert_eq!(shown("en", "2026-11-20T08:05:00Z").label, "08:05");
        assert_eq!(shown("en", "2026-11-19T08:05:00Z").label, "yesterday");
        assert_eq!(shown("en", "2026-03-03T08:05:00Z").label, "3 Mar");
        assert_eq!(shown("de", "2024-03-03T08:05:00Z").label, "3. März 2024");
        assert_eq!(shown("de", "2024-03-03T08:05:00Z").full, "3. März 2024, 08:05");
        assert_eq!(shown("en", "2024-03-03T08:05:00Z").iso, "2024-03-03T08:05:00Z");
    }
}
