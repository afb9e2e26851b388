//! What a file holds of personal data and which rows, and whether it may be given to somebody.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{mask::MaskPolicy, sight::Sight};

/// What was applied to a file as it was made: kept with its job, for whoever takes it later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Its fields, and those by which its rows were chosen or sorted: these are told by them.
    pub fields: Vec<ExposedField>,
    /// The filter that the role of its maker put over the rows.
    pub row_limit: Option<Value>,
    /// Those by which its request names rows.
    #[serde(default)]
    pub key: Vec<String>,
    /// Those in which its request looks for free text.
    #[serde(default)]
    pub search: Vec<String>,
}

/// What a file shows of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposedField {
    /// Slug of the field.
    pub field: String,
    /// Class of personal data, if any.
    pub class: Option<String>,
    /// What is shown of it.
    pub policy: MaskPolicy,
}

/// Why a file holds more than somebody may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// A field is shown in it of which that role is shown less.
    #[error("it shows `{field}`, which your role may see less of")]
    Field {
        /// Slug of the field.
        field: String,
    },
    /// Its rows are others than those of the role.
    #[error("it was made within another row limit than that of your role")]
    Rows,
}

impl Exposure {
    /// Whether it is what whoever has this sight would be shown: no more and no less.
    pub fn is_by(&self, subject: &str, sight: &Sight) -> bool {
        let is_same = |shown: &ExposedField| {
            shown.class.as_ref().is_none_or(|class| shown.policy == sight.policy_of(class))
        };
        sight.limit_of(subject) == self.row_limit.as_ref() && self.fields.iter().all(is_same)
    }

    /// Why a file may not be given to whoever has this sight; none if it may. `class_now` is the
    /// class that a field is declared with by now: one that was none may have become one.
    pub fn withheld<'a>(
        &self,
        subject: &str,
        sight: &Sight,
        class_now: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<Withheld> {
        let limit = sight.limit_of(subject);
        if limit.is_some() && limit != self.row_limit.as_ref() {
            return Some(Withheld::Rows);
        }
        let is_more = |shown: &&ExposedField| {
            let classes = [shown.class.as_deref(), class_now(&shown.field)];
            !classes.into_iter().flatten().all(|class| shown.policy.covers(sight.policy_of(class)))
        };
        let field = self.fields.iter().find(is_more)?;
        Some(Withheld::Field { field: field.field.clone() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        actor::{Actor, Caller, Via},
        capability::Capabilities,
        ids::OperatorId,
        mask::{MaskRule, MaskRules},
        policy::Policy,
        role::{Role, RowLimit},
        sight::UNMASK,
    };

    fn sight(policy_of_email: MaskPolicy, limit: Option<Value>, is_unmasked: bool) -> Sight {
        let rule = MaskRule { class: "email".to_owned(), policy: policy_of_email };
        let filter = |filter| RowLimit { subject: "orders".to_owned(), filter };
        let role = Role {
            slug: "clerk".to_owned(),
            label: String::new(),
            capabilities: is_unmasked.then(|| UNMASK.to_owned()).into_iter().collect(),
            limits: limit.map(filter).into_iter().collect(),
            masks: MaskRules(vec![rule]),
        };
        let policy = Policy { roles: [("clerk".to_owned(), role)].into(), ..Policy::default() };
        Sight::of(&policy, &caller(None))
    }

    fn caller(token_scopes: Option<Capabilities>) -> Caller {
        Caller {
            actor: Actor::Operator { id: OperatorId(1), token: None },
            name: "ada@example.com".to_owned(),
            role: Some("clerk".to_owned()),
            token_scopes,
            session: None,
            via: Via::Api,
            address: None,
        }
    }

    fn file(policy: MaskPolicy, row_limit: Option<Value>) -> Exposure {
        let shown = |field: &str, class: Option<&str>, policy| ExposedField {
            field: field.to_owned(),
            class: class.map(str::to_owned),
            policy,
        };
        let id = shown("id", None, MaskPolicy::Show);
        let fields = vec![id, shown("mail", Some("email"), policy)];
        Exposure { fields, row_limit, ..Exposure::default() }
    }

    #[test]
    fn a_file_is_given_to_whom_it_shows_no_more_than_their_role_does() {
        for &left in MaskPolicy::ALL {
            for &allowed in MaskPolicy::ALL {
                for is_unmasked in [true, false] {
                    let sight = sight(allowed, None, is_unmasked);
                    let withheld = file(left, None).withheld("orders", &sight, |_| None);
                    let is_given = is_unmasked || left.covers(allowed);
                    assert_eq!(withheld.is_none(), is_given, "{left:?} for {allowed:?}");
                }
            }
        }
    }

    #[test]
    fn a_limit_of_the_role_has_to_be_that_of_the_file() {
        let north = json!({ "field": "region", "op": "eq", "value": "north" });
        let south = json!({ "field": "region", "op": "eq", "value": "south" });
        let given = |of_file: Option<&Value>, of_role: Option<&Value>, is_unmasked: bool| {
            let sight = sight(MaskPolicy::Show, of_role.cloned(), is_unmasked);
            file(MaskPolicy::Show, of_file.cloned()).withheld("orders", &sight, |_| None).is_none()
        };
        for is_unmasked in [true, false] {
            assert!(given(None, None, is_unmasked) && given(Some(&north), None, is_unmasked));
            assert!(given(Some(&north), Some(&north), is_unmasked));
            assert!(!given(Some(&south), Some(&north), is_unmasked));
            assert!(!given(None, Some(&north), is_unmasked));
        }
    }

    #[test]
    fn a_field_that_has_become_personal_since_counts_as_such() {
        let sight = sight(MaskPolicy::Hash, None, false);
        let exposure = file(MaskPolicy::Hash, None);
        assert_eq!(exposure.withheld("orders", &sight, |_| None), None);
        let withheld = exposure.withheld("orders", &sight, |_| Some("email"));
        assert_eq!(withheld, Some(Withheld::Field { field: "id".to_owned() }));
    }
}
