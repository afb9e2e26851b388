//! What somebody sees of a subject: which of its personal data as it is, and which of its rows.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    actor::Caller,
    field::{Field, Origin},
    mask::{MaskPolicy, MaskRules},
    policy::{self, Policy},
    role::RowLimit,
    subject::Subject,
};

/// Capability to see personal data as it is.
pub const UNMASK: &str = "pii.unmask";

/// What somebody sees: by the policy of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    is_unmasked: bool,
    role: MaskRules,
    site: MaskRules,
    limits: Vec<RowLimit>,
    pii_subjects: Option<BTreeSet<String>>,
}

impl Sight {
    /// What a caller sees. A token sees no more than its scopes admit.
    pub fn of(policy: &Policy, caller: &Caller) -> Self {
        let role = caller.role.as_ref().and_then(|slug| policy.roles.get(slug));
        Self {
            is_unmasked: policy::holds(policy, caller, UNMASK),
            role: role.map(|role| role.masks.clone()).unwrap_or_default(),
            site: policy.masks.clone(),
            limits: role.map(|role| role.limits.clone()).unwrap_or_default(),
            pii_subjects: policy.pii_subjects.clone(),
        }
    }

    /// The same without the capability to see personal data as it is.
    #[must_use]
    pub fn masked(self) -> Self {
        Self { is_unmasked: false, ..self }
    }

    /// Whether it holds the capability to see personal data as it is.
    pub fn is_unmasked(&self) -> bool {
        self.is_unmasked
    }

    /// What is shown of a class: all of it by the capability; else as the role has it, else as the
    /// site has it, else all of it.
    pub fn policy_of(&self, class: &str) -> MaskPolicy {
        if self.is_unmasked {
            return MaskPolicy::Show;
        }
        self.role.of(class).or_else(|| self.site.of(class)).unwrap_or_default()
    }

    /// The filter over the rows of a subject, if there is one.
    pub fn limit_of(&self, subject: &str) -> Option<&Value> {
        self.limits.iter().find(|limit| limit.subject == subject).map(|limit| &limit.filter)
    }

    /// The subject as it is seen: with the mask of each field, and without what would tell of a
    /// masked value by another way. Rows that are named by a masked key cannot be named, nor is
    /// their order told; free text is not sought in masked fields.
    #[must_use]
    pub fn seen(&self, subject: &Subject) -> Subject {
        let mut seen = subject.clone();
        seen.has_pii = is_personal(self.pii_subjects.as_ref(), &subject.slug, subject.has_pii);
        if self.is_unmasked {
            return seen;
        }
        for (field, own) in seen.fields.iter_mut().zip(&subject.fields) {
            let class = class_of(subject, own);
            field.mask = class.map(|class| self.policy_of(class)).unwrap_or_default();
            if field.mask.hides() {
                field.pii = class.map(str::to_owned);
            }
        }
        let masked: BTreeSet<&str> = seen
            .fields
            .iter()
            .filter(|field| field.mask.hides())
            .map(|field| field.slug.as_str())
            .collect();
        if masked.is_empty() {
            return seen;
        }
        if seen.key.iter().any(|slug| masked.contains(slug.as_str())) {
            seen.key.clear();
        }
        seen.search.retain(|slug| !masked.contains(slug.as_str()));
        seen.sort.retain(|name| {
            let plain = subject.field(name).map_or_else(|| name.strip_prefix('-'), |_| Some(name));
            plain.is_some_and(|slug| !masked.contains(slug))
        });
        seen
    }
}

/// Whether every record of a subject is personal data: as the site lists it, or else as it is
/// declared.
pub fn is_personal(listed: Option<&BTreeSet<String>>, subject: &str, is_declared: bool) -> bool {
    listed.map_or(is_declared, |listed| listed.contains(subject))
}

/// The class of a field's values: its own, or that of another field which shows the same ones.
pub fn class_of<'a>(subject: &'a Subject, field: &'a Field) -> Option<&'a str> {
    let own = field.pii.as_deref();
    own.or_else(|| {
        let same = |other: &&Field| other.pii.is_some() && overlaps(&other.origin, &field.origin);
        subject.fields.iter().find(same)?.pii.as_deref()
    })
}

/// Whether two fields show values of the same column, or of the same place in it.
fn overlaps(one: &Origin, other: &Origin) -> bool {
    match (one, other) {
        (Origin::Column(one), Origin::Column(other)) => one == other,
        (Origin::Column(whole), Origin::JsonPath { column, .. })
        | (Origin::JsonPath { column, .. }, Origin::Column(whole)) => whole == column,
        (
            Origin::JsonPath { column: one, path: own },
            Origin::JsonPath { column: other, path: its },
        ) => one == other && (own.starts_with(its) || its.starts_with(own)),
        (
            Origin::Joined { reference: one, column: own },
            Origin::Joined { reference: other, column: its },
        ) => one.table == other.table && own == its,
        (Origin::Joined { reference, column }, Origin::Lines { reference: lines, items, .. })
        | (Origin::Lines { reference: lines, items, .. }, Origin::Joined { reference, column }) => {
            reference.table == lines.table && items.iter().any(|(_, its)| its == column)
        }
        (
            Origin::Lines { reference: one, items: own, .. },
            Origin::Lines { reference: other, items: its, .. },
        ) => {
            one.table == other.table
                && own.iter().any(|(_, own)| its.iter().any(|(_, it)| it == own))
        }
        (
            Origin::Column(_) | Origin::JsonPath { .. } | Origin::Kind,
            Origin::Joined { .. } | Origin::Lines { .. },
        )
        | (Origin::Joined { .. } | Origin::Lines { .. }, Origin::Column(_))
        | (Origin::Joined { .. } | Origin::Lines { .. }, Origin::JsonPath { .. })
        | (_, Origin::Kind)
        | (Origin::Kind, _) => false,
    }
}
