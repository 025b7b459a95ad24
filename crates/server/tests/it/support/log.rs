//! What all tests of this process make Parlor log.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};

use parlor_server::telemetry::logs;
use tracing_subscriber::{Layer, filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt};

static SINK: OnceLock<Sink> = OnceLock::new();

/// Starts collecting; again is without effect.
pub fn collect() {
    SINK.get_or_init(|| {
        let sink = Sink::default();
        let layer = logs::layer(true, sink.clone()).with_filter(LevelFilter::INFO);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
        sink
    });
}

/// All lines so far.
pub fn text() -> String {
    String::from_utf8(SINK.get().unwrap().0.lock().unwrap().clone()).unwrap()
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Sink {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
