//! How the words of a trusted sign-on become roles.

use tidegate_service::Vouched;

use crate::edge::EdgeError;

/// How the words of a trusted sign-on become roles.
#[derive(Clone, Debug, Default)]
pub struct RoleRules {
    /// A word, such as a group, and the slug of the role that it gives: the first that fits is
    /// taken. Without any, operators keep the role that they have.
    pub roles: Vec<(String, String)>,
    /// Slug of the role of those to whom no rule gives one; without it they are not let in.
    pub default_role: Option<String>,
    /// Whether whoever is new becomes an operator.
    pub create: bool,
}

impl RoleRules {
    /// Refuses rules by which somebody new would have no role.
    pub(crate) fn check(&self, section: &'static str) -> Result<(), EdgeError> {
        let has_role = self.default_role.is_some() || !self.roles.is_empty();
        if self.create && !has_role { Err(EdgeError::NoRole { section }) } else { Ok(()) }
    }

    /// What becomes of an address with these words; nothing if no rule lets it in.
    pub(crate) fn vouch(&self, provider: &str, email: &str, words: &[String]) -> Option<Vouched> {
        let fits = |(word, _): &&(String, String)| words.contains(word);
        let given = self.roles.iter().find(fits).map(|(_, role)| role);
        let role = given.or(self.default_role.as_ref()).cloned();
        if !self.roles.is_empty() && role.is_none() {
            return None;
        }
        Some(Vouched {
            provider: provider.to_owned(),
            email: email.to_owned(),
            newcomer: role.clone().filter(|_| self.create),
            role: role.filter(|_| !self.roles.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(rules: &RoleRules, words: &[&str]) -> Option<(Option<String>, Option<String>)> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let vouched = rules.vouch("id", "ada@example.com", &words)?;
        Some((vouched.role, vouched.newcomer))
    }

    #[test]
    fn without_rules_operators_keep_their_role() {
        let rules = RoleRules::default();
        assert_eq!(given(&rules, &["admins"]), Some((None, None)));
        let create =
            RoleRules { create: true, default_role: Some("viewer".to_owned()), ..rules.clone() };
        assert_eq!(given(&create, &[]), Some((None, Some("viewer".to_owned()))));
    }

    #[test]
    fn whoever_has_lost_the_group_loses_the_role() {
        let roles = vec![("admins".to_owned(), "administrator".to_owned())];
        let strict = RoleRules { roles: roles.clone(), ..RoleRules::default() };
        assert_eq!(given(&strict, &["admins"]), Some((Some("administrator".to_owned()), None)));
        assert_eq!(given(&strict, &["Admins"]), None, "words are compared as they are");
        let default_role = Some("viewer".to_owned());
        let mild = RoleRules { roles, default_role: default_role.clone(), create: true };
        assert_eq!(given(&mild, &[]), Some((default_role.clone(), default_role)));
    }
}
