//! The tasks of upkeep as people see them: what each does, how often, and when it last did.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub words: &'static str,
    /// Time between two looks.
    pub pause: Duration,
}

/// A task, and the last time that this process has done it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRun {
    /// The task.
    pub task: Task,
    /// When it was last done, in microseconds since 1970; none if it was not yet.
    pub last_run: Option<i64>,
    /// Whether it failed then.
    pub has_failed: bool,
}

/// When each task was last done by this process, and whether it failed.
#[derive(Debug, Default)]
pub(crate) struct TaskLog(Mutex<BTreeMap<&'static str, (i64, bool)>>);

impl TaskLog {
    pub(crate) fn note(&self, name: &'static str, at: i64, has_failed: bool) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.insert(name, (at, has_failed));
    }

    pub(crate) fn runs(&self, tasks: &[Task]) -> Vec<TaskRun> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let run = |task: &Task| {
            let last = log.get(task.name);
            TaskRun {
                task: *task,
                last_run: last.map(|(at, _)| *at),
                has_failed: last.is_some_and(|(_, has_failed)| *has_failed),
            }
        };
        tasks.iter().map(run).collect()
    }
}
