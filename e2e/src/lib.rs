//! What journeys through a running Parlor need: the server as a process, a browser's driver, a scripted model server,
//! and a small client of the HTTP interface.
//!
//! Nothing here links the product: everything goes over HTTP, as a person's browser or program would.

pub mod client;
pub mod driver;
pub mod github;
pub mod mailbox;
pub mod process;
pub mod server;
pub mod sse;
pub mod upstream;
