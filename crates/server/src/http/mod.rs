//! What every handler shares: errors, authentication, input and output.

pub mod auth;
pub mod cookies;
pub mod create;
pub mod credentials;
pub mod csrf;
pub mod edge;
pub mod error;
pub mod extract;
pub mod form;
pub mod headers;
pub mod openapi;
pub mod page;
pub mod pagination;
pub mod sse;
pub mod step_up;

pub use create::Create;
pub use error::{Code, Error, FieldError, Result};
pub use extract::{Json, Path, Query};
pub use form::Form;
pub use pagination::{Page, PageQuery};
pub use step_up::StepUp;
