//! Operators: added, changed, shut out; and their passwords.

use std::collections::BTreeMap;

use argon2::{Argon2, PasswordHasher};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::{Fault, Faults},
    ids::OperatorId,
};
use tidegate_store::{Change, Operator, OperatorChange, StoreError};

use crate::{
    error::ServiceError,
    service::{Service, blocking},
};

/// Characters of a mail address (RFC 5321).
const EMAIL_CHARACTERS_MAX: usize = 254;
/// Characters of a password: at least what cannot be tried out, at most what is worth hashing.
const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 12..=1_000;

impl Service {
    /// Who adds operators where there is none yet: whoever has the keys of the host.
    ///
    /// # Errors
    ///
    /// If there is an operator already: then one of them must.
    pub async fn setup_caller(&self, name: &str) -> Result<Caller, ServiceError> {
        match self.store.operators().await?.is_empty() {
            true => Ok(Caller::setup(name)),
            false => Err(ServiceError::Unknown),
        }
    }

    /// Adds an operator.
    ///
    /// # Errors
    ///
    /// If the caller may not, the address is wrong or taken, or there is no such role.
    pub async fn add_operator(
        &self,
        caller: &Caller,
        email: &str,
        role: &str,
        password: Option<String>,
    ) -> Result<OperatorId, ServiceError> {
        let email = checked_email(email)?;
        let permit = self.permit(caller, Action::OperatorAdd, Target::default()).await?;
        let password_hash = match password {
            Some(password) => Some(hash(password).await?),
            None => None,
        };
        let name = email.split('@').next().unwrap_or_default().to_owned();
        let change = OperatorChange::Add { email, name, role: role.to_owned(), password_hash };
        let committed = self.store.commit(permit, Change::Operator(change)).await;
        let committed = committed.map_err(with_role_fault)?;
        committed.id.map(OperatorId).ok_or(StoreError::Corrupt { what: "new operator" }.into())
    }

    /// Gives an operator another role.
    ///
    /// # Errors
    ///
    /// If the caller may not, there is no such role, or no administrator would be left.
    pub async fn set_role(
        &self,
        caller: &Caller,
        email: &str,
        role: &str,
    ) -> Result<(), ServiceError> {
        let operator = self.operator(email).await?;
        let permit = self.permit(caller, Action::OperatorChange, target_of(&operator)).await?;
        let change = OperatorChange::Role { id: operator.id, role: role.to_owned() };
        let changed = self.store.commit(permit, Change::Operator(change)).await;
        changed.map_err(with_role_fault)?;
        Ok(())
    }

    /// Shuts an operator out, or lets one in again.
    ///
    /// # Errors
    ///
    /// If the caller may not, or no administrator would be left.
    pub async fn set_disabled(
        &self,
        caller: &Caller,
        email: &str,
        is_disabled: bool,
    ) -> Result<(), ServiceError> {
        let operator = self.operator(email).await?;
        let (action, change) = match is_disabled {
            true => (Action::OperatorDisable, OperatorChange::Disable(operator.id)),
            false => (Action::OperatorChange, OperatorChange::Enable(operator.id)),
        };
        let permit = self.permit(caller, action, target_of(&operator)).await?;
        self.store.commit(permit, Change::Operator(change)).await?;
        Ok(())
    }

    /// Sets a password: one's own, or with the right to manage operators anybody's.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the password is too short.
    pub async fn set_password(
        &self,
        caller: &Caller,
        email: &str,
        password: String,
    ) -> Result<(), ServiceError> {
        let operator = self.operator(email).await?;
        let permit = self.permit(caller, Action::OperatorPassword, target_of(&operator)).await?;
        let password_hash = hash(password).await?;
        let id = operator.id;
        let change =
            OperatorChange::Password { id, password_hash, invitation: None, session: None };
        self.store.commit(permit, Change::Operator(change)).await?;
        Ok(())
    }

    /// Sets the caller's own password, which has to be shown: a session that was left open is not
    /// enough. All other sessions of the caller end.
    ///
    /// # Errors
    ///
    /// If the caller is no operator, the password is not the one, or the new one is too short.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: String,
        next: String,
    ) -> Result<(), ServiceError> {
        let id = caller.operator().ok_or(ServiceError::Unknown)?;
        let target = Target { owner: Some(id), ..Target::default() };
        let permit = self.permit(caller, Action::OperatorPassword, target).await?;
        let operator = self.store.operator(id).await?.ok_or(ServiceError::Unknown)?;
        let shown = self.refuse_wrong_password(caller, &operator, current).await;
        shown.map_err(|error| match error {
            ServiceError::Faults(_) => {
                Faults(vec![Fault::new("/current", "this is not your password")]).into()
            }
            other => other,
        })?;
        let change = OperatorChange::Password {
            id,
            password_hash: hash(next).await?,
            invitation: None,
            session: caller.session,
        };
        self.store.commit(permit, Change::Operator(change)).await?;
        Ok(())
    }

    /// When each operator was last seen signed in, in microseconds since 1970; one who never
    /// signed in is not among them.
    ///
    /// # Errors
    ///
    /// If the caller may not see operators.
    pub async fn last_seen(
        &self,
        caller: &Caller,
    ) -> Result<BTreeMap<OperatorId, i64>, ServiceError> {
        self.permit(caller, Action::OperatorView, Target::default()).await?;
        Ok(self.store.last_seen().await?)
    }

    /// All operators.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn operators(&self, caller: &Caller) -> Result<Vec<Operator>, ServiceError> {
        self.permit(caller, Action::OperatorView, Target::default()).await?;
        Ok(self.store.operators().await?)
    }

    /// An operator that the caller may change.
    ///
    /// # Errors
    ///
    /// If the caller may not, whether it is there or not; or if it is not there.
    pub async fn operator_to_change(
        &self,
        caller: &Caller,
        id: OperatorId,
    ) -> Result<Operator, ServiceError> {
        let target = Target { owner: Some(id), ..Target::default() };
        self.permit(caller, Action::OperatorChange, target).await?;
        self.store.operator(id).await?.ok_or(ServiceError::NotFound)
    }

    pub(crate) async fn operator(&self, email: &str) -> Result<Operator, ServiceError> {
        let found = self.store.operator_by_email(&email.to_lowercase()).await?;
        found.ok_or(ServiceError::NotFound)
    }
}

/// A role that is not there is a fault of the request.
fn with_role_fault(error: StoreError) -> ServiceError {
    match error {
        StoreError::Missing { what: "role" } => {
            Faults(vec![Fault::new("/role", "there is no role of that name")]).into()
        }
        other => other.into(),
    }
}

pub(crate) fn target_of(operator: &Operator) -> Target {
    Target { owner: Some(operator.id), ..Target::default() }
}

fn checked_email(email: &str) -> Result<String, ServiceError> {
    let is_one = email.chars().count() <= EMAIL_CHARACTERS_MAX
        && !email.contains(|c: char| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
    if is_one {
        return Ok(email.to_lowercase());
    }
    let detail = "an operator is named by one mail address, such as `ada@example.com`";
    Err(Faults(vec![Fault::new("/email", detail)]).into())
}

/// Hashes a password, off the async threads: it is slow on purpose.
pub(crate) async fn hash(password: String) -> Result<String, ServiceError> {
    if !PASSWORD_CHARACTERS.contains(&password.chars().count()) {
        let (least, most) = (PASSWORD_CHARACTERS.start(), PASSWORD_CHARACTERS.end());
        let detail = format!("a password has {least} to {most} characters");
        return Err(Faults(vec![Fault::new("/password", detail)]).into());
    }
    let hashed = blocking(move || Argon2::default().hash_password(password.as_bytes())).await;
    let hashed = hashed.expect("any text within the limit can be hashed");
    Ok(hashed.to_string())
}
