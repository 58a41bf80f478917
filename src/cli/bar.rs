//! Progress on a terminal: a bar on standard error, nothing elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::ambient::Stopwatch;
use crate::kernel::progress::{Progress, Stop};

/// A bar that follows the stages of a long work, and keeps how long each took.
pub(super) struct Bar {
    bar: ProgressBar,
    watch: Stopwatch,
    stages: Vec<(String, u128)>,
}

impl Bar {
    pub fn new() -> Bar {
        let bar = ProgressBar::new_spinner();
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar { bar, watch: Stopwatch::default(), stages: Vec::new() }
    }

    /// The stages with the milliseconds each took; a stage that came twice is summed.
    pub fn stages(&mut self) -> Vec<(String, u128)> {
        self.lap();
        std::mem::take(&mut self.stages)
    }

    fn lap(&mut self) {
        let lap = self.watch.lap();
        if let Some(last) = self.stages.last_mut() {
            last.1 += lap;
        }
    }
}

impl Progress for Bar {
    fn stage(&mut self, name: &str, total: Option<u64>) -> Result<(), Stop> {
        self.lap();
        self.stages.push((name.to_string(), 0));
        let template = if total.is_some() {
            "{msg} {wide_bar} {pos}/{len}"
        } else {
            "{spinner} {msg} {human_pos} ({elapsed})"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(total.unwrap_or(0));
        self.bar.set_position(0);
        self.bar.set_message(name.to_string());
        Ok(())
    }

    fn advance(&mut self, steps: u64) -> Result<(), Stop> {
        self.bar.inc(steps);
        Ok(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
