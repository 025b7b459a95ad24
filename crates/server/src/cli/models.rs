//! `parlor models pull`, `parlor models list`

use std::io::{IsTerminal, Write};

use anyhow::bail;
use parlor_llm::models::{Progress, Spec, Status, Store, catalog, find};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Fetch the weights of local models and check them by their checksum; what is there already stays.
    Pull {
        /// Only this model.
        model: Option<String>,
    },
    /// List the local models and whether their weights are here.
    List,
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    let config = crate::config::Config::load()?.config;
    let store = Store::new(&config.models.dir);
    match command {
        Command::Pull { model } => pull(&store, model.as_deref()),
        Command::List => list(&store),
    }
}

fn list(store: &Store) -> anyhow::Result<()> {
    let line = |spec: &Spec| {
        let status = match store.status(spec) {
            Status::Present => "present",
            Status::Missing => "missing",
            Status::Damaged => "damaged",
        };
        format!("{:<26} {:>5} MB  {status}", spec.id, spec.bytes() / 1_000_000)
    };
    let lines: Vec<String> = catalog().iter().map(line).collect();
    super::print(&format!("{}\n\nin {}", lines.join("\n"), store.dir().display()))
}

fn pull(store: &Store, model: Option<&str>) -> anyhow::Result<()> {
    let wanted: Vec<&'static Spec> = match model {
        None => catalog().iter().collect(),
        Some(id) => match find(id) {
            Some(spec) => vec![spec],
            None => bail!("there is no model {id}; `parlor models list` names them"),
        },
    };
    super::block_on(async {
        for spec in wanted {
            if store.status(spec) == Status::Present {
                super::print(&format!("{}: here already", spec.id))?;
                continue;
            }
            let mut shown = Shown::default();
            store.pull(spec, &mut |progress| shown.show(spec, &progress)).await?;
            shown.end();
            super::print(&format!("{}: fetched and checked", spec.id))?;
        }
        Ok(())
    })
}

/// A line that is written over on a terminal, and one line per tenth elsewhere.
#[derive(Default)]
struct Shown {
    last: Option<(String, u64)>,
}

impl Shown {
    fn show(&mut self, spec: &Spec, progress: &Progress) {
        let percent = (progress.done * 100).checked_div(progress.total).unwrap_or(0).min(100);
        let terminal = std::io::stderr().is_terminal();
        let step = if terminal { percent } else { percent / 10 };
        let now = (format!("{:?}", progress.phase), step);
        if self.last.as_ref() == Some(&now) {
            return;
        }
        let text = format!(
            "{}: {} {percent:>3} % of {} MB",
            spec.id,
            now.0.to_lowercase(),
            progress.total / 1_000_000
        );
        self.last = Some(now);
        let mut err = std::io::stderr();
        let _ = if terminal {
            write!(err, "\r{text}\x1b[K")
        } else {
            writeln!(err, "{text}")
        };
        let _ = err.flush();
    }

    fn end(&self) {
        if self.last.is_some() && std::io::stderr().is_terminal() {
            let _ = writeln!(std::io::stderr());
        }
    }
}
