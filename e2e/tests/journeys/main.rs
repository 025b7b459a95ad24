//! Journeys through the built server in a real browser. Answers come from a scripted model server, so that what a page
//! must show is known beforehand. `scripts/test` runs them; they need chromium, chromedriver and a built `parlor`.

mod browser;
mod crash;
mod devices;
mod hygiene;
mod identity;
mod languages;
mod memory;
mod no_script;
mod pages;
mod passkey;
mod stage;
