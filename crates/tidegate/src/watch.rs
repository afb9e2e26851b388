//! Shows a running export: a bar on a terminal, JSON lines for scripts, nothing in a pipe.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tidegate_pipeline::{Checkpoint, Progress, Verdict};

use crate::signal::Signal;

/// Steps of the bar.
const STEPS: u64 = 1000;
/// Least time between two JSON lines.
const LINE_PAUSE: Duration = Duration::from_millis(250);

/// Whoever watches an export from the command line.
pub struct Watch {
    signal: Signal,
    face: Face,
    started: Instant,
}

enum Face {
    Bar(ProgressBar),
    Lines(Mutex<Option<Instant>>),
    Nothing,
}

impl Watch {
    /// Chooses what to show.
    pub fn new(signal: Signal, is_json: bool) -> Self {
        let face = match (is_json, std::io::stderr().is_terminal()) {
            (true, _) => Face::Lines(Mutex::new(None)),
            (false, true) => Face::Bar(bar()),
            (false, false) => Face::Nothing,
        };
        Self { signal, face, started: Instant::now() }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate needs few digits")]
    fn describe(&self, progress: Progress) -> String {
        let seconds = self.elapsed().as_secs_f64().max(0.001);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rows/s fit")]
        let rate = (progress.rows as f64 / seconds) as u64;
        format!(
            "{} rows  {}  {}/s",
            HumanCount(progress.rows),
            HumanBytes(progress.bytes),
            HumanCount(rate)
        )
    }
}

impl Checkpoint for Watch {
    fn verdict(&self) -> Verdict {
        if self.signal.is_raised() { Verdict::Cancelled } else { Verdict::Go }
    }

    fn progress(&self, progress: Progress) {
        match &self.face {
            Face::Bar(bar) => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "< 1")]
                #[expect(clippy::cast_precision_loss, reason = "a thousand is exact")]
                bar.set_position((progress.share() * STEPS as f64) as u64);
                bar.set_message(self.describe(progress));
            }
            Face::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.is_none_or(|at| at.elapsed() >= LINE_PAUSE) {
                    *last = Some(Instant::now());
                    eprintln!("{}", line(progress));
                }
            }
            Face::Nothing => {}
        }
    }
}

fn line(progress: Progress) -> serde_json::Value {
    serde_json::json!({ "progress": {
        "share": progress.share(), "rows": progress.rows, "bytes": progress.bytes,
    }})
}

fn bar() -> ProgressBar {
    /// Redraws in a second.
    const REDRAWS: u8 = 10;
    let bar =
        ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr_with_hz(REDRAWS));
    let style = ProgressStyle::with_template("{bar:30.cyan} {percent:>3}%  {msg}  ETA {eta}")
        .expect("the template is a constant")
        .progress_chars("━╸─");
    bar.set_style(style);
    bar
}
