//! HTML forms: the session's token first, then the fields.

use axum::extract::{FromRef, FromRequest, Request};
use serde::de::DeserializeOwned;

use super::{
    auth::Identity,
    csrf,
    error::{Code, Error, Result},
    extract::read_body,
};
use crate::app::App;

/// The fields of a posted HTML form. A signed-in person's form must carry the session's `csrf_token`.
pub struct Form<T>(pub T);

impl<S, T> FromRequest<S> for Form<T>
where
    S: Send + Sync,
    App: FromRef<S>,
    T: DeserializeOwned,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let app = App::from_ref(state);
        let identity = request.extensions().get::<Identity>().cloned();
        let bytes = read_body(request, state).await?;
        let unreadable = |e| Error::new(Code::MalformedRequest, format!("The form could not be read: {e}."));
        let mut pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&bytes).map_err(unreadable)?;
        if pairs.iter().any(|(_, value)| value.contains('\0')) {
            return Err(Error::new(
                Code::MalformedRequest,
                "Text cannot contain the character U+0000.",
            ));
        }
        let token = pairs
            .iter()
            .position(|(name, _)| name == "csrf_token")
            .map(|at| pairs.remove(at).1);
        if let Some(session_id) = identity.as_ref().and_then(Identity::cookie_session_id) {
            csrf::check_token(&app, session_id, token.as_deref().unwrap_or_default())?;
        }
        // A browser sends an empty field where a person left it out.
        let fields = serde_urlencoded::to_string(&pairs).map_err(Error::internal)?;
        serde_urlencoded::from_str(&fields).map(Self).map_err(unreadable)
    }
}
