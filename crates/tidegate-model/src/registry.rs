//! The registry of admin actions: what a site declares that its operators may have done.

mod reconcile;

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

pub use self::reconcile::{Reconciled, Registered, SyncStep, reconcile};
use crate::{
    capability::action_of,
    declaration::SubjectDeclaration,
    fault::{FaultList, Faults, shown},
    nearest::unknown,
    pointer::Pointer,
};

/// Codename of the action that is an export of its subject.
pub const EXPORT: &str = "export";
/// What Django has of every model, by the name that the registry has for it: to see its records.
pub const VIEW: &str = "view";
/// Codenames that would be capabilities or permissions of their own.
const RESERVED: [&str; 2] = ["list", VIEW];
/// Actions of a registry: each is a checkbox for every role.
pub const ACTIONS_MAX: usize = 500;
/// Characters of a codename at most; Django's limit is 100 with what it adds.
const CODENAME_CHARACTERS_MAX: usize = 63;
/// Characters of a name at most: those of a permission's name in Django.
const NAME_CHARACTERS_MAX: usize = 255;
/// Characters of the question before an action at most.
const CONFIRM_CHARACTERS_MAX: usize = 500;

/// Where an action is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// By a service, which asks for the right to it.
    Server,
    /// In the browser: whoever sees the page can do it.
    Client,
}

impl Kind {
    /// Word in the database.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    /// The kind of that word.
    pub fn find(slug: &str) -> Option<Self> {
        [Self::Server, Self::Client].into_iter().find(|kind| kind.slug() == slug)
    }
}

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// One record.
    Row,
    /// Records that somebody has picked.
    Bulk,
    /// The subject as it is listed.
    List,
}

impl Reach {
    /// Word in the database.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Bulk => "bulk",
            Self::List => "list",
        }
    }

    /// The reach of that word.
    pub fn find(slug: &str) -> Option<Self> {
        [Self::Row, Self::Bulk, Self::List].into_iter().find(|reach| reach.slug() == slug)
    }
}

/// An action, as `[[actions]]` or `ADMIN_ACTIONS` declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminAction {
    /// Model that it belongs to: `user.User`.
    pub model: String,
    /// Stable name within the model: `export`.
    pub codename: String,
    /// Name that people read: `Export users`.
    pub name: String,
    /// Where it is done.
    pub kind: Kind,
    /// What it is done to.
    pub scope: Reach,
}

/// One `[[actions]]` of the configuration: an action, and who does it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionDeclaration {
    /// Model that it belongs to.
    pub model: String,
    /// Stable name within the model.
    pub codename: String,
    /// Name that people read.
    pub name: String,
    /// Where it is done.
    pub kind: Kind,
    /// What it is done to.
    pub scope: Reach,
    /// Address of the site that does it.
    #[serde(default)]
    pub webhook: Option<String>,
    /// File with the secret that requests to it are signed with.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// Whether that address may be one of the inside: a network that is not public.
    #[serde(default)]
    pub private: bool,
    /// What is asked before it is done.
    #[serde(default)]
    pub confirm: Option<String>,
    /// Whether whoever has it done must say why.
    #[serde(default)]
    pub reason: bool,
}

impl ActionDeclaration {
    /// What the registry knows of it.
    pub fn action(&self) -> AdminAction {
        AdminAction {
            model: self.model.clone(),
            codename: self.codename.clone(),
            name: self.name.clone(),
            kind: self.kind,
            scope: self.scope,
        }
    }
}

impl AdminAction {
    /// The application of its model: `user` of `user.User`.
    pub fn application(&self) -> &str {
        self.model.split_once('.').map_or("", |(application, _)| application)
    }

    /// The permission that it is in Django: `user.export`.
    pub fn permission(&self) -> String {
        format!("{}.{}", self.application(), self.codename)
    }

    /// The capability that it is on a site with these subjects; none if its model is no subject's.
    pub fn capability(&self, subjects: &[SubjectDeclaration]) -> Option<String> {
        let subject = subject_of(&self.model, subjects)?;
        Some(action_of(&subject.slug, &self.codename))
    }
}

/// The subject of a model.
pub fn subject_of<'a>(
    model: &str,
    subjects: &'a [SubjectDeclaration],
) -> Option<&'a SubjectDeclaration> {
    subjects.iter().find(|subject| subject.model.as_deref() == Some(model))
}

/// Checks what the configuration declares, with pointers such as `/actions/0/model`.
///
/// # Errors
///
/// All faults.
pub fn check_declared(
    declared: &[ActionDeclaration],
    subjects: &[SubjectDeclaration],
) -> Result<(), Faults> {
    let mut faults = FaultList::default();
    let actions: Vec<AdminAction> = declared.iter().map(ActionDeclaration::action).collect();
    let root = Pointer::at("/actions");
    check_into(&actions, subjects, &root, &mut faults);
    for (index, action) in declared.iter().enumerate() {
        action.check_webhook(&root.index(index), &mut faults);
    }
    faults.or(())
}

/// Checks actions that were pushed, with pointers that begin with `/actions`.
///
/// # Errors
///
/// All faults.
pub fn check(actions: &[AdminAction], subjects: &[SubjectDeclaration]) -> Result<(), Faults> {
    let mut faults = FaultList::default();
    check_into(actions, subjects, &Pointer::at("/actions"), &mut faults);
    faults.or(())
}

fn check_into(
    actions: &[AdminAction],
    subjects: &[SubjectDeclaration],
    root: &Pointer<'_>,
    faults: &mut FaultList,
) {
    if actions.len() > ACTIONS_MAX {
        faults.add(root, format!("there are more than {ACTIONS_MAX} actions"));
        return;
    }
    // Django's `has_perm("user.export")` names an application and a codename, and no model.
    let mut permissions: BTreeMap<String, &AdminAction> = BTreeMap::new();
    for (index, action) in actions.iter().enumerate() {
        let at = root.index(index);
        action.check(&at, faults);
        check_model(action, subjects, &at, faults);
        let Some(other) = permissions.insert(action.permission(), action) else { continue };
        let (permission, model) = (action.permission(), &action.model);
        let (permission, model) = (shown(&permission), shown(model));
        let detail = match other.model == action.model {
            true => format!("`{model}` has two actions `{}`", shown(&action.codename)),
            false => format!(
                "`{}` and `{model}` both have an action `{}`, and Django cannot tell them apart: \
                 both are the permission `{permission}`",
                shown(&other.model),
                shown(&action.codename),
            ),
        };
        faults.add(&at.member("codename"), detail);
    }
}

fn check_model(
    action: &AdminAction,
    subjects: &[SubjectDeclaration],
    at: &Pointer<'_>,
    faults: &mut FaultList,
) {
    let own = |subject: &&SubjectDeclaration| subject.model.as_ref() == Some(&action.model);
    let found: Vec<&SubjectDeclaration> = subjects.iter().filter(own).collect();
    match found.as_slice() {
        [] => {
            let models: Vec<&str> =
                subjects.iter().filter_map(|subject| subject.model.as_deref()).collect();
            faults.add(&at.member("model"), unknown("model of a subject", &action.model, &models));
        }
        [subject] => {
            let is_export = action.codename == EXPORT;
            if is_export && action.kind == Kind::Client && subject.can_hold_pii() {
                let detail = format!(
                    "`{}` is personal data: its export is made by the service, so `kind` must be \
                     `server`",
                    subject.slug
                );
                faults.add(&at.member("kind"), detail);
            }
        }
        [one, two, ..] => {
            let detail = format!("`{}` and `{}` have this model both", one.slug, two.slug);
            faults.add(&at.member("model"), detail);
        }
    }
}

impl AdminAction {
    fn check(&self, at: &Pointer<'_>, faults: &mut FaultList) {
        let codename = at.member("codename");
        let is_word = self.codename.len() <= CODENAME_CHARACTERS_MAX
            && self.codename.starts_with(|c: char| c.is_ascii_lowercase())
            && self.codename.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
        if !is_word {
            let detail = "a codename has small letters, digits and `_`, and begins with a letter";
            faults.add(&codename, detail);
        }
        if RESERVED.contains(&self.codename.as_str()) {
            let detail = format!("`{}` is a reserved word; choose another name", self.codename);
            faults.add(&codename, detail);
        }
        if !(1..=NAME_CHARACTERS_MAX).contains(&self.name.trim().chars().count()) {
            let detail = format!("a name has 1 to {NAME_CHARACTERS_MAX} characters");
            faults.add(&at.member("name"), detail);
        }
    }
}

impl ActionDeclaration {
    fn check_webhook(&self, at: &Pointer<'_>, faults: &mut FaultList) {
        if self.confirm.as_ref().is_some_and(|text| text.chars().count() > CONFIRM_CHARACTERS_MAX) {
            let detail = format!("a question has at most {CONFIRM_CHARACTERS_MAX} characters");
            faults.add(&at.member("confirm"), detail);
        }
        let is_done_elsewhere = self.codename != EXPORT && self.kind == Kind::Server;
        if !is_done_elsewhere {
            let is_given = [
                ("webhook", self.webhook.is_some()),
                ("secret_file", self.secret_file.is_some()),
                ("private", self.private),
                ("confirm", self.confirm.is_some()),
                ("reason", self.reason),
            ];
            for (name, _) in is_given.into_iter().filter(|(_, is_given)| *is_given) {
                let detail = "only a server action beside `export` is done by another site";
                faults.add(&at.member(name), detail);
            }
            return;
        }
        let Some(webhook) = &self.webhook else { return };
        if !webhook.starts_with("https://") && !webhook.starts_with("http://") {
            faults.add(&at.member("webhook"), "a webhook is an https address");
        }
        if self.secret_file.is_none() {
            let detail = "a webhook needs a secret to sign with: name its file";
            faults.add(&at.member("secret_file"), detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects() -> Vec<SubjectDeclaration> {
        let subject = |table: &str, model: &str, pii: bool| SubjectDeclaration {
            model: Some(model.to_owned()),
            pii,
            ..SubjectDeclaration::of_table("shop", table)
        };
        vec![
            subject("users", "user.User", true),
            subject("orders", "shop.Order", false),
            subject("payments", "shop.Payment", false),
        ]
    }

    fn action(model: &str, codename: &str) -> AdminAction {
        AdminAction {
            model: model.to_owned(),
            codename: codename.to_owned(),
            name: "Do it".to_owned(),
            kind: Kind::Server,
            scope: Reach::Bulk,
        }
    }

    fn faults(actions: &[AdminAction]) -> Vec<String> {
        let Err(Faults(found)) = check(actions, &subjects()) else { return Vec::new() };
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_declaration_of_the_specification_is_the_capability_of_its_subject() {
        let text = r#"[{"model": "user.User", "codename": "export", "name": "Export users",
            "kind": "server", "scope": "bulk"}]"#;
        let declared: Vec<AdminAction> = serde_json::from_str(text).unwrap();
        assert_eq!(faults(&declared), [""; 0]);
        assert_eq!(declared[0].permission(), "user.export");
        assert_eq!(declared[0].capability(&subjects()).as_deref(), Some("users.export"));
    }

    #[test]
    fn two_models_that_django_cannot_tell_apart_are_both_named() {
        let same = faults(&[action("shop.Order", "refund"), action("shop.Payment", "refund")]);
        assert_eq!(same.len(), 1);
        for named in ["/actions/1/codename", "`shop.Order`", "`shop.Payment`", "`shop.refund`"] {
            assert!(same[0].contains(named), "{same:?}");
        }
        let twice = faults(&[action("shop.Order", "refund"), action("shop.Order", "refund")]);
        assert_eq!(twice, ["/actions/1/codename: `shop.Order` has two actions `refund`"]);
        assert_eq!(faults(&[action("shop.Order", "push"), action("user.User", "push")]), [""; 0]);
    }

    #[test]
    fn a_browser_exports_nothing_personal() {
        let client = |model| AdminAction { kind: Kind::Client, ..action(model, "export") };
        let found = faults(&[client("user.User")]);
        assert!(found[0].starts_with("/actions/0/kind: `users` is personal data"), "{found:?}");
        assert_eq!(faults(&[client("shop.Order")]), [""; 0]);
    }

    #[test]
    fn a_model_that_is_no_subjects_and_a_word_that_is_none_are_told() {
        let unknown = faults(&[action("shop.Ordr", "refund")]);
        assert!(unknown[0].starts_with("/actions/0/model"), "{unknown:?}");
        assert!(unknown[0].contains("`shop.Order`"), "{unknown:?}");
        for codename in ["", "Export", "9lives", "list", "view", "a.b"] {
            let found = faults(&[action("shop.Order", codename)]);
            assert!(found[0].starts_with("/actions/0/codename"), "{codename}: {found:?}");
        }
    }

    #[test]
    fn what_a_webhook_needs_is_said_and_where_there_can_be_none() {
        let declared = |text: &str| -> Vec<String> {
            #[derive(Deserialize)]
            struct Document {
                actions: Vec<ActionDeclaration>,
            }
            let document: Document = toml::from_str(&format!("[[actions]]\n{text}")).unwrap();
            let checked = check_declared(&document.actions, &subjects());
            let Err(Faults(found)) = checked else { return Vec::new() };
            found.iter().map(|fault| fault.pointer.clone()).collect()
        };
        let refund = "model = 'shop.Order'\ncodename = 'refund'\nname = 'Refund'\n\
            kind = 'server'\nscope = 'row'\n";
        assert_eq!(declared(refund), [""; 0]);
        let bare = format!("{refund}webhook = 'ftp://x'");
        assert_eq!(declared(&bare), ["/actions/0/webhook", "/actions/0/secret_file"]);
        let export = refund.replace("refund", "export");
        let export = format!("{export}webhook = 'https://x'\nsecret_file = 'f'\nreason = true");
        let told = ["/actions/0/webhook", "/actions/0/secret_file", "/actions/0/reason"];
        assert_eq!(declared(&export), told);
    }
}
