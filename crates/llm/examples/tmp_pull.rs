use std::io::Write;
use parlor_llm::models::{Store, catalog};
#[tokio::main]
async fn main() {
    let store = Store::new(std::env::args().nth(1).unwrap());
    for spec in catalog() {
        let start = std::time::Instant::now();
        let mut last = None;
        let mut n = 0;
        let r = store.pull(spec, &mut |p| { n += 1; if last != Some(p.phase) || n % 5 == 0 { writeln!(std::io::stdout(), "{:?} {p:?}", start.elapsed()).unwrap(); last = Some(p.phase); } }).await;
        writeln!(std::io::stdout(), "{} {r:?} {:?} {:?}", spec.id, start.elapsed(), store.status(spec)).unwrap();
    }
}
