//! What a sync changes: the registry as it is against the registry as it is declared.

use serde::Serialize;

use super::AdminAction;

/// An action as the control state knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// What was declared.
    #[serde(flatten)]
    pub action: AdminAction,
    /// The capability that it is.
    pub capability: String,
    /// Who declared it: the configuration, or a site that pushes its own.
    pub origin: String,
    /// Whether it is not declared any more: its capability stays with roles and grants nothing.
    pub is_retired: bool,
}

/// One thing that a sync does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum SyncStep {
    /// It is new.
    Add(Registered),
    /// Its name, its kind, its scope or its capability is another one.
    Change {
        /// As it was.
        was: Registered,
        /// As it is now.
        now: Registered,
    },
    /// It is declared again: whoever held its capability may do it again.
    Revive(Registered),
    /// It is not declared any more.
    Retire(Registered),
}

impl SyncStep {
    /// Word for people and for the log.
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Change { .. } => "change",
            Self::Revive(_) => "revive",
            Self::Retire(_) => "retire",
        }
    }

    /// The action as it is from then on.
    pub fn action(&self) -> &Registered {
        match self {
            Self::Add(now) | Self::Revive(now) | Self::Retire(now) => now,
            Self::Change { now, .. } => now,
        }
    }
}

/// What a sync comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// What is to be done, in the order of the declaration; what is retired comes last.
    pub steps: Vec<SyncStep>,
    /// Actions that are as they were.
    pub unchanged: usize,
}

/// What makes the registry of one origin what is declared. Nothing is ever taken out.
pub fn reconcile(registered: &[Registered], declared: &[Registered]) -> Reconciled {
    let is_same = |one: &Registered, two: &Registered| {
        one.action.model == two.action.model && one.action.codename == two.action.codename
    };
    let mut reconciled = Reconciled::default();
    for now in declared {
        let now = now.clone();
        match registered.iter().find(|was| is_same(was, &now)) {
            None => reconciled.steps.push(SyncStep::Add(now)),
            Some(was) if was.is_retired => reconciled.steps.push(SyncStep::Revive(now)),
            Some(was) if *was == now => reconciled.unchanged += 1,
            Some(was) => reconciled.steps.push(SyncStep::Change { was: was.clone(), now }),
        }
    }
    let is_gone = |was: &&Registered| !declared.iter().any(|now| is_same(was, now));
    for was in registered.iter().filter(is_gone) {
        match was.is_retired {
            true => reconciled.unchanged += 1,
            false => {
                let retired = Registered { is_retired: true, ..was.clone() };
                reconciled.steps.push(SyncStep::Retire(retired));
            }
        }
    }
    reconciled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Kind, Reach};

    fn registered(codename: &str, name: &str, is_retired: bool) -> Registered {
        Registered {
            action: AdminAction {
                model: "user.User".to_owned(),
                codename: codename.to_owned(),
                name: name.to_owned(),
                kind: Kind::Server,
                scope: Reach::Bulk,
            },
            capability: format!("users.{codename}"),
            origin: "configuration".to_owned(),
            is_retired,
        }
    }

    #[test]
    fn a_sync_adds_changes_retires_and_revives_and_then_has_nothing_to_do() {
        let was = [
            registered("export", "Export", false),
            registered("push", "Push", false),
            registered("ban", "Ban", true),
            registered("old", "Old", true),
        ];
        let declared = [
            registered("export", "Export users", false),
            registered("ban", "Ban", false),
            registered("greet", "Greet", false),
        ];
        let done = reconcile(&was, &declared);
        let words: Vec<(&str, &str)> = done
            .steps
            .iter()
            .map(|step| (step.slug(), step.action().action.codename.as_str()))
            .collect();
        let expected =
            [("change", "export"), ("revive", "ban"), ("add", "greet"), ("retire", "push")];
        assert_eq!(words, expected);
        assert_eq!(done.unchanged, 1, "what was retired stays so");
        let after: Vec<Registered> = [
            declared.to_vec(),
            vec![registered("push", "Push", true), registered("old", "Old", true)],
        ]
        .concat();
        let again = reconcile(&after, &declared);
        assert_eq!((again.steps.len(), again.unchanged), (0, 5));
    }
}
