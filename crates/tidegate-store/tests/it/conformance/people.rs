//! Operators, roles, tokens, settings: what changes who may do what raises the policy's version.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    capability::Capabilities,
    ids::{OperatorId, TokenId},
    mask::{MaskPolicy, MaskRule, MaskRules},
    role::{ADMINISTRATOR, Role, RowLimit},
    settings::Settings,
};
use tidegate_store::{Change, Committed, OperatorChange, RoleEdit, StoreError, TokenChange};

use crate::check::{Check, add_operator, random_word};

async fn manage(check: &Check, action: Action, change: Change) -> Result<Committed, StoreError> {
    let target = Target { owner: check.editor.operator(), ..Target::default() };
    check.change(&check.admin, (action, target), change).await
}

async fn change_operator(check: &Check, change: OperatorChange) -> Result<Committed, StoreError> {
    let (action, owner) = match &change {
        OperatorChange::Add { .. } => (Action::OperatorAdd, None),
        OperatorChange::Role { id, .. } => (Action::OperatorChange, Some(*id)),
        OperatorChange::Enable(id) => (Action::OperatorChange, Some(*id)),
        OperatorChange::Disable(id) => (Action::OperatorDisable, Some(*id)),
        OperatorChange::Password { id, .. } => (Action::OperatorPassword, Some(*id)),
        OperatorChange::Invite { id, .. } => (Action::OperatorInvite, Some(*id)),
    };
    let target = Target { owner, ..Target::default() };
    check.change(&check.admin, (action, target), Change::Operator(change)).await
}

/// Sets a password, by nobody's link and in nobody's session.
fn password(id: OperatorId) -> OperatorChange {
    let password_hash = "$argon2id$".to_owned();
    OperatorChange::Password { id, password_hash, invitation: None, session: None }
}

async fn put(check: &Check, role: Role) -> Result<Committed, StoreError> {
    manage(check, Action::RoleChange, Change::Role(RoleEdit::Put(role))).await
}

async fn remove(check: &Check, slug: &str) -> Result<Committed, StoreError> {
    let change = Change::Role(RoleEdit::Remove(slug.to_owned()));
    manage(check, Action::RoleRemove, change).await
}

async fn version(check: &Check) -> i64 {
    check.store.policy().await.unwrap().version
}

fn id_of(caller: &Caller) -> OperatorId {
    caller.operator().unwrap()
}

fn auditor() -> Role {
    let filter = serde_json::json!({ "field": "country", "op": "eq", "value": "DE" });
    Role {
        slug: "auditor".to_owned(),
        label: "Auditor".to_owned(),
        capabilities: ["activity.view".to_owned()].into(),
        limits: vec![RowLimit { subject: "orders".to_owned(), filter }],
        masks: MaskRules(vec![MaskRule { class: "*".to_owned(), policy: MaskPolicy::Redact }]),
    }
}

#[test]
fn an_operator_is_found_as_it_was_added() {
    Check::on_both(async |check| {
        let before = version(check).await;
        let add = OperatorChange::Add {
            email: "vera@example.com".to_owned(),
            name: "Vera".to_owned(),
            role: "viewer".to_owned(),
            password_hash: Some("$argon2id$".to_owned()),
        };
        let id = OperatorId(change_operator(check, add.clone()).await.unwrap().id.unwrap());
        let vera = check.store.operator(id).await.unwrap().unwrap();
        assert_eq!((vera.email.as_str(), vera.name.as_str()), ("vera@example.com", "Vera"));
        assert_eq!((vera.role.as_str(), vera.is_disabled), ("viewer", false));
        let by_email = check.store.operator_by_email("vera@example.com").await.unwrap();
        assert_eq!(by_email, Some(vera));
        assert_eq!(check.store.operators().await.unwrap().len(), 3);
        assert_eq!(version(check).await, before + 1);

        let refused = check.refused(change_operator(check, add)).await;
        assert!(matches!(refused, StoreError::Exists { what: "operator" }), "{refused:?}");
        let unknown = OperatorChange::Role { id, role: "wizard".to_owned() };
        let refused = check.refused(change_operator(check, unknown)).await;
        assert!(matches!(refused, StoreError::Missing { what: "role" }), "{refused:?}");
    });
}

#[test]
fn an_operator_is_shut_out_with_all_tokens_and_let_in_without_them() {
    Check::on_both(async |check| {
        let editor = id_of(&check.editor);
        let hash = random_word();
        let token = make_token(check, &hash).await;
        let before = version(check).await;
        change_operator(check, OperatorChange::Disable(editor)).await.unwrap();
        assert!(check.store.operator(editor).await.unwrap().unwrap().is_disabled);
        assert!(check.store.token(token).await.unwrap().unwrap().is_revoked);
        let again = check.refused(change_operator(check, OperatorChange::Disable(editor))).await;
        assert!(matches!(again, StoreError::Missing { what: "operator" }), "{again:?}");
        change_operator(check, OperatorChange::Enable(editor)).await.unwrap();
        assert!(!check.store.operator(editor).await.unwrap().unwrap().is_disabled);
        assert!(check.store.bearer(&hash).await.unwrap().unwrap().token.is_revoked);
        assert_eq!(version(check).await, before + 2);
    });
}

#[test]
fn a_permit_for_one_operator_is_none_for_another() {
    Check::on_both(async |check| {
        let id = id_of(&check.admin);
        // Everybody may set a password: their own.
        let own = Target { owner: check.editor.operator(), ..Target::default() };
        let change = password(id);
        let change =
            check.change(&check.editor, (Action::OperatorPassword, own), Change::Operator(change));
        let refused = check.refused(change).await;
        let expected = ("operator.password_set", "another operator");
        assert!(matches!(refused, StoreError::WrongPermit { permit, change }
                if (permit, change) == expected));
    });
}

#[test]
fn a_password_is_no_matter_of_the_policy() {
    Check::on_both(async |check| {
        let (id, before) = (id_of(&check.editor), version(check).await);
        let change = password(id);
        change_operator(check, change).await.unwrap();
        let editor = check.store.operator(id).await.unwrap().unwrap();
        assert_eq!(editor.password_hash.as_deref(), Some("$argon2id$"));
        assert_eq!(version(check).await, before);
        let log = check.site.lines("select entry from activity").join("\n");
        assert!(!log.contains("argon2id"), "no hash of a password stands in the log");
    });
}

#[test]
fn the_last_administrator_stays() {
    Check::on_both(async |check| {
        let admin = id_of(&check.admin);
        let is_last = |error: StoreError| matches!(error, StoreError::LastAdministrator);
        let leave = || OperatorChange::Role { id: admin, role: "viewer".to_owned() };
        let powerless = Role { capabilities: Capabilities::new(), ..administrator() };
        assert!(is_last(check.refused(change_operator(check, leave())).await));
        let disable = OperatorChange::Disable(admin);
        assert!(is_last(check.refused(change_operator(check, disable.clone())).await));
        assert!(is_last(check.refused(put(check, powerless)).await));
        put(check, administrator()).await.unwrap();

        let other = add_operator(&check.store, "bob@example.com", ADMINISTRATOR).await;
        change_operator(check, OperatorChange::Disable(id_of(&other))).await.unwrap();
        assert!(is_last(check.refused(change_operator(check, disable)).await), "one is shut out");
        change_operator(check, OperatorChange::Enable(id_of(&other))).await.unwrap();
        change_operator(check, leave()).await.unwrap();
    });
}

fn administrator() -> Role {
    tidegate_model::role::defaults(crate::check::SUBJECTS).swap_remove(0)
}

#[test]
fn a_role_is_put_replaced_and_removed_when_nobody_has_it() {
    Check::on_both(async |check| {
        let before = version(check).await;
        put(check, auditor()).await.unwrap();
        let policy = check.store.policy().await.unwrap();
        assert_eq!((policy.version, &policy.roles["auditor"]), (before + 1, &auditor()));
        let other = Role { label: "Reader of the log".to_owned(), ..auditor() };
        put(check, other.clone()).await.unwrap();
        assert_eq!(check.store.policy().await.unwrap().roles["auditor"], other);

        let change = OperatorChange::Role { id: id_of(&check.editor), role: "auditor".to_owned() };
        change_operator(check, change).await.unwrap();
        let refused = check.refused(remove(check, "auditor")).await;
        assert!(matches!(refused, StoreError::Exists { .. }), "{refused:?}");
        let change = OperatorChange::Role { id: id_of(&check.editor), role: "editor".to_owned() };
        change_operator(check, change).await.unwrap();
        remove(check, "auditor").await.unwrap();
        assert!(!check.store.policy().await.unwrap().roles.contains_key("auditor"));
        assert_eq!(version(check).await, before + 5);
        let refused = check.refused(remove(check, "auditor")).await;
        assert!(matches!(refused, StoreError::Missing { what: "role" }), "{refused:?}");
    });
}

async fn make_token(check: &Check, hash: &str) -> TokenId {
    let create = TokenChange::Create {
        name: "nightly".to_owned(),
        hash: hash.to_owned(),
        scopes: Some(["content.export".to_owned()].into()),
        expires_at: i64::MAX,
    };
    let made = manage(check, Action::TokenCreate, Change::Token(create)).await.unwrap();
    TokenId(made.id.unwrap())
}

#[test]
fn a_token_belongs_to_its_owner_and_is_taken_back_once() {
    Check::on_both(async |check| {
        let hash = random_word();
        let id = make_token(check, &hash).await;
        let token = check.store.token(id).await.unwrap().unwrap();
        assert_eq!((token.operator, token.is_revoked), (id_of(&check.editor), false));
        assert_eq!(token.scopes, Some(["content.export".to_owned()].into()));
        let bearer = check.store.bearer(&hash).await.unwrap().unwrap();
        assert_eq!(Some(bearer.operator), check.store.operator(token.operator).await.unwrap());
        assert_eq!(bearer.token, token);
        assert!(token.created_at <= bearer.now && bearer.now < token.expires_at);
        assert_eq!(check.store.bearer(&random_word()).await.unwrap(), None);
        assert_eq!(check.store.tokens(Some(token.operator)).await.unwrap(), [token]);
        assert!(check.store.tokens(Some(id_of(&check.admin))).await.unwrap().is_empty());
        assert_eq!(check.store.tokens(None).await.unwrap().len(), 1);

        let revoke = || Change::Token(TokenChange::Revoke(id));
        let others = Target { owner: check.admin.operator(), ..Target::default() };
        let refused = check
            .refused(check.change(&check.admin, (Action::TokenRevoke, others), revoke()))
            .await;
        assert!(matches!(refused, StoreError::Missing { what: "token" }), "{refused:?}");
        manage(check, Action::TokenRevoke, revoke()).await.unwrap();
        assert!(check.store.token(id).await.unwrap().unwrap().is_revoked);
        let again = check.refused(manage(check, Action::TokenRevoke, revoke())).await;
        assert!(matches!(again, StoreError::Missing { what: "token" }), "{again:?}");
    });
}

#[test]
fn settings_are_kept_as_they_were_set() {
    Check::on_both(async |check| {
        assert_eq!(check.store.settings().await.unwrap(), Settings::default());
        let settings = Settings { retention_days: 30, rows_max: Some(7), ..Settings::default() };
        let change = Change::Settings(Box::new(settings.clone().into()));
        manage(check, Action::SettingChange, change).await.unwrap();
        assert_eq!(check.store.settings().await.unwrap(), settings);
    });
}
