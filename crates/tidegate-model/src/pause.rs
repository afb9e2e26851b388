//! A pause of egress: nothing of a subject, or nothing at all, leaves until somebody ends it.

use serde::{Deserialize, Serialize};

use crate::{
    fault::{Fault, Faults},
    ids::OperatorId,
    request::REASON_CHARACTERS_MAX,
};

/// A pause, with who began it, when and why. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Number.
    pub id: i64,
    /// Slug of the subject; none where everything is paused.
    pub subject: Option<String>,
    /// Why.
    pub reason: String,
    /// Who began it.
    pub paused_by: OperatorId,
    /// Name of who began it: a mail address.
    pub name: String,
    /// When it began.
    pub paused_at: i64,
}

impl Pause {
    /// Whether it holds back a subject.
    pub fn holds(&self, subject: &str) -> bool {
        self.subject.as_deref().is_none_or(|one| one == subject)
    }
}

/// The pause that holds back a subject, if one does; that of everything goes first.
pub fn pause_of<'a>(pauses: &'a [Pause], subject: &str) -> Option<&'a Pause> {
    let mut holding: Vec<&Pause> = pauses.iter().filter(|one| one.holds(subject)).collect();
    holding.sort_by_key(|one| one.subject.is_some());
    holding.into_iter().next()
}

/// Refuses a reason that says nothing, or too much. Gives it without the space around it.
///
/// # Errors
///
/// With a pointer to the reason.
pub fn checked_reason(reason: &str) -> Result<String, Faults> {
    let reason = reason.trim();
    let fault = |detail: String| Err(Faults(vec![Fault::new("/reason", detail)]));
    match reason.chars().count() {
        0 => fault("say why: whoever is held back reads it".to_owned()),
        1..=REASON_CHARACTERS_MAX if !reason.contains('\0') => Ok(reason.to_owned()),
        1..=REASON_CHARACTERS_MAX => fault("a reason holds no NUL character".to_owned()),
        _ => fault(format!("a reason has at most {REASON_CHARACTERS_MAX} characters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(id: i64, subject: Option<&str>) -> Pause {
        Pause {
            id,
            subject: subject.map(str::to_owned),
            reason: "a leak".to_owned(),
            paused_by: OperatorId(1),
            name: "ada@example.com".to_owned(),
            paused_at: 0,
        }
    }

    #[test]
    fn a_pause_holds_back_its_subject_or_everything() {
        let of = |pauses: &[Pause], subject: &str| pause_of(pauses, subject).map(|one| one.id);
        let one = [pause(1, Some("orders"))];
        assert_eq!((of(&one, "orders"), of(&one, "users"), of(&one, "")), (Some(1), None, None));
        let all = [pause(1, Some("orders")), pause(2, None)];
        assert_eq!((of(&all, "orders"), of(&all, "users")), (Some(2), Some(2)));
        assert_eq!(of(&[], "orders"), None);
    }

    #[test]
    fn a_reason_says_something_and_not_too_much() {
        assert_eq!(checked_reason(" a leak \n").unwrap(), "a leak");
        for wrong in ["", "  ", "\0", &"a".repeat(1_001)] {
            let Faults(faults) = checked_reason(wrong).unwrap_err();
            assert_eq!(faults[0].pointer, "/reason", "{wrong:?}");
        }
    }
}
