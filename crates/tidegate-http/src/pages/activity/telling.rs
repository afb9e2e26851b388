//! How entries of the activity log are told: one table of words for every action, and what of its
//! details is worth a line.

mod vocabulary;

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_model::{
    action::Action,
    audit::{Entry, Outcome},
};

use crate::pages::{scope_words, words};

/// How an action is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Telling {
    /// Its icon.
    pub(super) icon: &'static str,
    /// What was done.
    pub(super) done: &'static str,
    /// What was not allowed.
    pub(super) refused: &'static str,
}

/// The words of an action.
pub(super) fn telling(action: Action) -> Telling {
    vocabulary::telling(action)
}

/// Names by the numbers of operators, as far as whoever looks may know them.
pub(super) type People = BTreeMap<i64, String>;

/// The action that an entry names; none if this version knows none of that word.
pub(super) fn action_of(slug: &str) -> Option<Action> {
    Action::ALL.iter().copied().find(|action| action.slug() == slug)
}

/// What of an entry is worth the second line, beside the export and the subject.
pub(super) fn details(entry: &Entry, people: &People) -> Vec<String> {
    if entry.outcome == Outcome::Denied {
        return vec![refusal(&entry.details["refused"])];
    }
    let said = Said { details: &entry.details, people, actor: entry.operator };
    match action_of(&entry.action) {
        Some(action) => said.of(action).into_iter().flatten().collect(),
        None => Vec::new(),
    }
}

/// Why something was refused.
fn refusal(reason: &Value) -> String {
    let capability = ["missing", "invisible"].map(|why| reason[why]["capability"].as_str());
    match capability.into_iter().flatten().next() {
        Some(capability) => format!("Capability {capability} is missing, nothing was done"),
        None => match reason.as_str() {
            Some("unproven") => "What was shown is not right, nothing was done".to_owned(),
            _ => "Nothing was done".to_owned(),
        },
    }
}

/// What an entry knows beside its columns.
struct Said<'a> {
    details: &'a Value,
    people: &'a People,
    actor: Option<i64>,
}

impl Said<'_> {
    fn of(&self, action: Action) -> Vec<Option<String>> {
        match action {
            #[rustfmt::skip]
            Action::ExportCreate | Action::ExportRerun | Action::ExportPreview
            | Action::ExportEstimate => vec![self.scope(), self.format(), self.text("reason")],
            #[rustfmt::skip]
            Action::ScheduleCreate | Action::ScheduleChange | Action::ScheduleResume
            | Action::ScheduleRun | Action::ScheduleDelete | Action::ScheduleReassign
            | Action::SchedulePause | Action::ScheduleFire | Action::ScheduleMiss
            | Action::ScheduleFail | Action::ScheduleHold => self.of_schedule(),
            Action::ClientExport => vec![self.scope(), self.format(), self.count("rows", "row")],
            Action::VolumeReach => vec![self.count("rows_seen", "row"), self.ceiling()],
            Action::ExportCancel => vec![self.text("status").map(|it| format!("while {it}"))],
            Action::DownloadLink => vec![self.link()],
            Action::DownloadStart => vec![self.bearer()],
            Action::DownloadFinish => vec![self.sending()],
            Action::JobClaim => vec![self.attempt(), self.text("host")],
            Action::JobPublish => vec![self.count("rows", "row")],
            Action::JobFail | Action::JobRetry | Action::JobHandBack => {
                vec![self.attempt(), self.failure()]
            }
            Action::ArtifactFault => vec![self.text("fault")],
            Action::ActivityArchive => vec![self.range(), self.text("file")],
            Action::ArtifactQuarantine => vec![self.count("files", "file")],
            #[rustfmt::skip]
            Action::ActivityExport | Action::QuarantineRelease | Action::QuarantineDelete
            | Action::Backup => vec![self.text("file"), self.count("rows", "row")],
            Action::OperatorAdd => vec![self.text("email"), self.role()],
            Action::OperatorChange => vec![self.person("operator_changed"), self.role_or_let_in()],
            Action::OperatorDisable | Action::OperatorInvite | Action::OperatorPassword => {
                vec![self.person("operator_changed")]
            }
            #[rustfmt::skip]
            Action::SessionStart | Action::SessionEnd | Action::SecondFactorAsk
            | Action::SecondFactorShow | Action::SecondFactorOffer | Action::SecondFactorEnrol
            | Action::SecondFactorRemove | Action::SecondFactorReset => {
                vec![self.person("owner"), self.ended()]
            }
            Action::RecoveryCodeUse => vec![self.person("owner"), self.codes()],
            Action::RoleChange | Action::RoleRemove => {
                vec![self.role(), self.capabilities(), self.limits()]
            }
            #[rustfmt::skip]
            Action::ActionSync | Action::ActionRun | Action::ActionFinish | Action::GrantRenew
            | Action::GrantLapse | Action::HandOver => self.of_registry(),
            Action::TokenCreate => vec![self.text("name"), self.scopes()],
            Action::TokenRevoke => vec![self.person("owner"), self.number("token")],
            Action::SettingChange => vec![self.revoked()],
            #[rustfmt::skip]
            Action::EgressPause | Action::EgressResume | Action::PauseView | Action::ApprovalView
            | Action::ApprovalGrant | Action::ApprovalDeny | Action::ApprovalReview
            | Action::ApprovalBreak | Action::ApprovalLapse | Action::ApprovalVoid
            | Action::ApprovalRulesChange | Action::BudgetView
            | Action::BudgetChange => self.of_governance(),
            Action::KeyRotate => vec![self.text("key").map(|key| format!("key {key}"))],
            #[rustfmt::skip]
            Action::NoticeRead | Action::SubscriptionChange | Action::WebhookAdd
            | Action::WebhookChange | Action::WebhookRotate | Action::WebhookRemove
            | Action::WebhookTest | Action::WebhookDisable | Action::TemplateChange
            | Action::TemplateTest | Action::DeliveryRepeat | Action::DeliveryEnd => self.notices(),
            #[rustfmt::skip]
            Action::ExportView | Action::RowsView | Action::ArtifactDelete | Action::JobCancel
            | Action::JobRescue | Action::JobExpire | Action::ArtifactPurge
            | Action::CheckpointKeep | Action::StreamHold | Action::StoreClaim
            | Action::StoreAdopt | Action::QuarantineView | Action::ActivityView
            | Action::OperatorView | Action::SessionView | Action::SecondFactorView
            | Action::RoleView | Action::TokenView | Action::SettingView | Action::NoticeView
            | Action::DeliveryView | Action::DeliveryKeep | Action::ScheduleView => Vec::new(),
        }
    }

    /// What is said of pauses and approvals: why, in the words of whoever did it, or the program's.
    fn of_governance(&self) -> Vec<Option<String>> {
        let cancelled = self.count("cancelled", "export");
        vec![self.text("note"), self.text("reason"), self.text("detail"), cancelled]
    }

    /// What is said of schedules: each entry knows some of it.
    fn of_schedule(&self) -> Vec<Option<String>> {
        vec![
            self.schedule(),
            self.scope(),
            self.format(),
            self.person("to"),
            self.text("fire_at"),
            self.missed(),
            self.text("reason"),
            self.text("detail"),
        ]
    }

    /// What is said of notices: each entry knows some of it.
    fn notices(&self) -> Vec<Option<String>> {
        vec![
            self.count("notices", "notice"),
            self.text("family"),
            self.ways(),
            self.number("webhook"),
            self.text("host"),
            self.number("delivery"),
            self.text("channel"),
            self.text("topic"),
            self.text("reason"),
            self.text("error"),
        ]
    }

    fn ways(&self) -> Option<String> {
        self.details["by_mail"].as_bool()?;
        let is_so = |name: &str| self.details[name] == true;
        Some(match (is_so("in_inbox"), is_so("by_mail")) {
            (true, true) => "in the pages and by mail".to_owned(),
            (true, false) => "in the pages".to_owned(),
            (false, true) => "by mail".to_owned(),
            (false, false) => "not at all".to_owned(),
        })
    }

    /// Of the registry of actions, and of what other sites say: each knows some of these.
    fn of_registry(&self) -> Vec<Option<String>> {
        vec![
            self.person("owner"),
            self.text("step"),
            self.text("name"),
            self.text("capability"),
            self.scope(),
            self.count("records", "record"),
            self.text("outcome"),
            self.number("status"),
            self.granted(),
            self.count("capabilities_lapsed", "capability"),
            self.text("purpose"),
            self.text("reason"),
        ]
    }

    fn text(&self, name: &str) -> Option<String> {
        self.details[name].as_str().map(str::to_owned)
    }

    fn whole(&self, name: &str) -> Option<i64> {
        self.details[name].as_i64()
    }

    fn count(&self, name: &str, thing: &str) -> Option<String> {
        self.whole(name).map(|number| words::plural(number, thing))
    }

    fn number(&self, name: &str) -> Option<String> {
        self.whole(name).map(|number| format!("{name} {number}"))
    }

    fn schedule(&self) -> Option<String> {
        self.whole("schedule").map(|number| format!("schedule #{number}"))
    }

    fn missed(&self) -> Option<String> {
        let missed = self.whole("missed").filter(|missed| *missed > 0)?;
        Some(format!("{} missed", words::plural(missed, "time")))
    }

    fn format(&self) -> Option<String> {
        self.text("format").map(|format| words::format_label(&format))
    }

    fn scope(&self) -> Option<String> {
        self.details.get("scope").map(scope_words::of)
    }

    fn ceiling(&self) -> Option<String> {
        self.whole("view_rows_max").map(|most| format!("{} an hour allowed", words::count(most)))
    }

    fn attempt(&self) -> Option<String> {
        self.number("attempt")
    }

    fn failure(&self) -> Option<String> {
        self.text("detail").or_else(|| self.text("reason"))
    }

    fn range(&self) -> Option<String> {
        let ends = [self.whole("from")?, self.whole("to")?].map(words::count);
        Some(format!("entries {} to {}", ends[0], ends[1]))
    }

    fn link(&self) -> Option<String> {
        match self.details["revoked"].is_null() {
            false => Some("taken back".to_owned()),
            true => {
                let life = self.whole("life_seconds").map(words::span)?;
                let whose = self.bearer().map(|it| format!("{it}, ")).unwrap_or_default();
                Some(format!("{whose}for {life}"))
            }
        }
    }

    fn bearer(&self) -> Option<String> {
        (self.details["is_bearer"] == true).then(|| "by a link that needs no sign-in".to_owned())
    }

    fn sending(&self) -> Option<String> {
        Some(match (self.details["is_whole"] == true, self.text("reason")) {
            (true, _) => "to its end".to_owned(),
            (false, Some(reason)) => format!("broken off: {}", reason.replace('_', " ")),
            (false, None) => "a part of it".to_owned(),
        })
    }

    /// Whoever it was done to, unless it is whoever did it.
    fn person(&self, name: &str) -> Option<String> {
        let id = self.whole(name).filter(|id| Some(*id) != self.actor)?;
        let known = self.people.get(&id).cloned();
        Some(known.unwrap_or_else(|| format!("operator {id}")))
    }

    fn role(&self) -> Option<String> {
        self.text("role").map(|role| format!("role {role}"))
    }

    fn role_or_let_in(&self) -> Option<String> {
        let is_let_in = self.details["enabled"] == true;
        self.role().or_else(|| is_let_in.then(|| "let in again".to_owned()))
    }

    fn ended(&self) -> Option<String> {
        let ended = self.whole("sessions_ended").or_else(|| self.whole("sessions"));
        ended.filter(|ended| *ended > 0).map(|it| format!("{} ended", words::plural(it, "session")))
    }

    fn codes(&self) -> Option<String> {
        self.whole("left").map(|left| format!("{left} left"))
    }

    fn capabilities(&self) -> Option<String> {
        let held = i64::try_from(self.details["capabilities"].as_array()?.len()).ok()?;
        Some(match held {
            1 => "1 capability".to_owned(),
            held => format!("{held} capabilities"),
        })
    }

    fn limits(&self) -> Option<String> {
        let limited = self.details["limited_subjects"].as_array()?;
        let limited: Vec<&str> = limited.iter().filter_map(Value::as_str).collect();
        (!limited.is_empty()).then(|| format!("rows of {} limited", limited.join(", ")))
    }

    fn granted(&self) -> Option<String> {
        let names = |name: &str| -> Option<Vec<&str>> {
            let list = self.details[name].as_array()?.iter().filter_map(Value::as_str).collect();
            Some(list)
        };
        let (added, taken) = (names("added")?, names("taken")?);
        let part = |word: &str, list: &[&str]| match list {
            [] => None,
            list => Some(format!("{word} {}", list.join(", "))),
        };
        let parts = [part("added", &added), part("taken away", &taken)];
        let said: Vec<String> = parts.into_iter().flatten().collect();
        Some(if said.is_empty() { "as before".to_owned() } else { said.join("; ") })
    }

    fn scopes(&self) -> Option<String> {
        match self.details["scopes"].as_array() {
            Some(scopes) => {
                let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
                Some(format!("for {}", scopes.join(", ")))
            }
            None => Some("for all that the role may".to_owned()),
        }
    }

    fn revoked(&self) -> Option<String> {
        let revoked = self.whole("bearer_links_revoked").filter(|revoked| *revoked > 0)?;
        Some(format!("{} taken back", words::plural(revoked, "link")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;
    use tidegate_model::audit::FIRST_HASH;

    use super::*;
    use crate::pages::icons;

    #[test]
    fn every_action_is_told_in_words_of_its_own_with_an_icon_that_there_is() {
        let all: Vec<Telling> = Action::ALL.iter().copied().map(telling).collect();
        let done: BTreeSet<&str> = all.iter().map(|one| one.done).collect();
        assert_eq!(done.len(), Action::ALL.len(), "two actions are told alike");
        for Telling { icon, done, refused } in all {
            assert!(icons::is_one(icon), "{done}: no icon {icon}");
            assert!(done.starts_with(char::is_uppercase) && !done.ends_with('.'), "{done}");
            assert!(refused.starts_with(char::is_lowercase), "{refused}");
        }
        for &action in Action::ALL {
            assert_eq!(action_of(action.slug()), Some(action));
        }
    }

    fn entry(action: Action, outcome: Outcome, details: Value) -> Entry {
        Entry {
            v: 1,
            seq: 7,
            prev: FIRST_HASH.to_owned(),
            at: "2026-11-21T19:05:00.000001Z".to_owned(),
            commit: "c".to_owned(),
            actor: "operator".to_owned(),
            operator: Some(3),
            name: "ada@example.com".to_owned(),
            role: None,
            token: None,
            via: "admin".to_owned(),
            address: None,
            action: action.slug().to_owned(),
            outcome,
            subject: None,
            job: None,
            tags: Vec::new(),
            policy: 1,
            details,
        }
    }

    #[test]
    fn what_is_worth_a_line_is_said_and_nothing_of_it_where_the_details_lack_it() {
        let people = People::from([(4, "Vera".to_owned())]);
        let said = |action, told| details(&entry(action, Outcome::Done, told), &people).join(" · ");
        let scope = json!({ "scope": { "status": "paid" }, "format": "csv", "reason": null });
        assert_eq!(said(Action::ExportCreate, scope), "Status is paid · CSV");
        assert_eq!(said(Action::OperatorDisable, json!({ "operator_changed": 4 })), "Vera");
        assert_eq!(said(Action::OperatorPassword, json!({ "operator_changed": 3 })), "");
        assert_eq!(said(Action::OperatorInvite, json!({ "operator_changed": 9 })), "operator 9");
        let whole = json!({ "is_whole": true, "reason": "done" });
        assert_eq!(said(Action::DownloadFinish, whole), "to its end");
        for &action in Action::ALL {
            said(action, json!({}));
            said(action, Value::Null);
        }
        let refused = json!({ "refused": { "missing": { "capability": "users.export" } } });
        let denied = details(&entry(Action::ExportCreate, Outcome::Denied, refused), &people);
        assert_eq!(denied, ["Capability users.export is missing, nothing was done"]);
    }
}
