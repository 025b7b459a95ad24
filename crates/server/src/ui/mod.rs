//! What every page shares: words ([`Text`]), the frame ([`Page`]), files the browser fetches ([`assets`]), Markdown and dates.
//!
//! A feature's `views.rs` holds plain owned data and its `*.html` templates; its handlers fill the data and call `render()`.

pub mod assets;
pub mod dates;
mod error_view;
mod icon;
mod locale;
pub mod markdown;
mod page;
mod text;

#[cfg(test)]
pub mod testing;

pub use error_view::{ConfirmView, ErrorView};
pub use locale::{LOCALES, Locale, negotiate, supported};
pub use page::{Banner, Notice, NoticeKind, Page, Theme, Viewer};
pub use text::{FluentValue, Text};
