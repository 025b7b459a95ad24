//! Which model answers: a configured OpenAI-compatible server, or the one inside this process.

use std::{sync::Arc, time::Duration};

use parlor_llm::{ChatModel, OpenAi, OpenAiConfig};
use tokio::sync::watch;

use crate::{
    app::App,
    config::{Config, Tier},
    http::{Code, Error, Result},
};

/// The state of the in-process model.
#[derive(Clone)]
pub enum LocalModel {
    /// A provider is configured, or this binary was built without it.
    Unused,
    /// Its weights are not on this machine.
    Missing,
    Loading,
    Ready(Arc<dyn ChatModel>),
    Failed(String),
}

pub struct Models {
    provider: Option<Arc<dyn ChatModel>>,
    local: watch::Sender<LocalModel>,
}

impl Models {
    /// # Errors
    /// When the configured provider cannot be used at all.
    pub fn new(config: &Config, instead: Option<Arc<dyn ChatModel>>) -> anyhow::Result<Self> {
        let provider = match instead {
            Some(model) => Some(model),
            None if config.providers.openai.is_on() => Some(open_ai(config)?),
            None => None,
        };
        let local = watch::Sender::new(if provider.is_some() {
            LocalModel::Unused
        } else {
            LocalModel::Missing
        });
        Ok(Self { provider, local })
    }

    /// Whether answers come from the small model inside this process.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.provider.is_none()
    }

    #[must_use]
    pub fn local(&self) -> LocalModel {
        self.local.borrow().clone()
    }

    /// The model that answers, and its name there.
    ///
    /// # Errors
    /// `unavailable`, saying what to do, when there is none.
    pub(super) async fn route(
        &self,
        app: &App,
        tier: &Tier,
        wanted: Option<&str>,
    ) -> Result<(Arc<dyn ChatModel>, String)> {
        if let Some(provider) = &self.provider {
            return Ok((provider.clone(), wanted.unwrap_or(&tier.openai_model).to_owned()));
        }
        let mut changes = self.local.subscribe();
        let settled = changes.wait_for(|local| !matches!(local, LocalModel::Loading));
        let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
        match settled.ok().and_then(Result::ok).map(|local| local.clone()) {
            Some(LocalModel::Ready(model)) => Ok((model, tier.local_model.clone())),
            _ => Err(unavailable(app)),
        }
    }
}

fn unavailable(app: &App) -> Error {
    let why = match app.models.local() {
        LocalModel::Missing => "its weights are not on this machine: run `parlor models pull`",
        LocalModel::Unused => "this binary was built without it",
        LocalModel::Failed(_) => "it could not be loaded",
        _ => "it is still being loaded",
    };
    let detail = format!("No model can answer. Set OPENAI_API_KEY or OPENAI_BASE_URL, or use the local model ({why}).");
    Error::new(Code::Unavailable, detail)
}

fn open_ai(config: &Config) -> anyhow::Result<Arc<dyn ChatModel>> {
    let openai = &config.providers.openai;
    let seconds = Duration::from_secs;
    Ok(Arc::new(OpenAi::new(OpenAiConfig {
        base_url: openai.endpoint().to_owned(),
        api_key: openai.api_key.is_set().then(|| openai.api_key.expose().to_owned()),
        connect_timeout: seconds(openai.connect_timeout_s),
        first_token_timeout: seconds(openai.first_token_timeout_s),
        idle_timeout: seconds(openai.idle_timeout_s),
    })?))
}

/// Loads the in-process model in the background, when it is the one that answers.
pub(super) fn load(app: &App) {
    if !app.models.is_local() {
        return;
    }
    #[cfg(feature = "local-llm")]
    load_local(app);
    #[cfg(not(feature = "local-llm"))]
    app.models.local.send_replace(LocalModel::Unused);
}

#[cfg(feature = "local-llm")]
fn load_local(app: &App) {
    let store = parlor_llm::models::Store::new(&app.config.models.dir);
    let Some(spec) = parlor_llm::models::find(&app.config.tiers.quick.local_model) else {
        return;
    };
    if store.status(spec) != parlor_llm::models::Status::Present {
        tracing::warn!(
            model = spec.id,
            "the local model's weights are missing; `parlor models pull` fetches them"
        );
        return;
    }
    let path = store.path(spec, spec.files[0].name);
    app.models.local.send_replace(LocalModel::Loading);
    let loading = app.clone();
    app.spawn(async move {
        let models = &loading.config.models;
        let (threads, at_once) = (u32::try_from(models.threads).unwrap_or(2), models.max_concurrent);
        let loaded = tokio::task::spawn_blocking(move || parlor_llm::Local::load(&path, threads, at_once)).await;
        let state = match loaded {
            Ok(Ok(model)) => LocalModel::Ready(Arc::new(model)),
            Ok(Err(error)) => LocalModel::Failed(error.to_string()),
            Err(error) => LocalModel::Failed(error.to_string()),
        };
        if let LocalModel::Failed(error) = &state {
            tracing::error!(error, "the local model could not be loaded");
        }
        loading.models.local.send_replace(state);
    });
}
