//! What pages say beside their things: names, downloads, and when somebody was last seen, or took
//! something out.

use std::collections::BTreeMap;

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    ids::{JobId, LinkId, OperatorId, SessionId},
    job::NewJob,
    policy::authorize,
};
use tidegate_store::{Change, LinkChange, OperatorChange, SessionChange, SessionProof};

use crate::check::{Check, LEASE_MICROS, add_operator, new_job, random_word, sent};

fn id_of(caller: &Caller) -> OperatorId {
    caller.operator().unwrap()
}

/// Begins a download of a job's file, and ends it if it is to.
async fn download(check: &Check, job: JobId, is_ended: bool) {
    let nonce = random_word();
    let make = LinkChange::Make { nonce, life_micros: LEASE_MICROS, is_bearer: false };
    let change = Change::Link(make);
    let made = check.act(&check.editor, Action::DownloadLink, job, change).await.unwrap();
    let target = check.target(job).await;
    let permit = check.permit(&check.editor, Action::DownloadStart, target).await;
    let link = LinkId(made.id.unwrap());
    let started = check.store.start_download(permit, link, None).await.unwrap();
    if is_ended {
        check.store.finish_download(started, sent(10)).await.unwrap();
    }
}

async fn sign_in(check: &Check, caller: &Caller) -> i64 {
    let start = SessionChange::Start {
        hash: random_word(),
        life_micros: LEASE_MICROS,
        address: None,
        agent: None,
        by: SessionProof::Password,
    };
    let target = Target { owner: caller.operator(), ..Target::default() };
    let change = Change::Session(start);
    check.change(caller, (Action::SessionStart, target), change).await.unwrap().id.unwrap()
}

#[test]
fn operators_are_named_as_people_read_them() {
    Check::on_both(async |check| {
        let add = OperatorChange::Add {
            email: "vera@example.com".to_owned(),
            name: String::new(),
            role: "viewer".to_owned(),
            password_hash: None,
        };
        let what = (Action::OperatorAdd, Target::default());
        let added = check.change(&check.admin, what, Change::Operator(add)).await.unwrap();
        let (ada, vera) = (id_of(&check.admin), OperatorId(added.id.unwrap()));
        let named =
            |ids: Vec<OperatorId>| async move { check.store.operator_names(&ids).await.unwrap() };
        check.site.execute("update operators set name = 'Ada Lovelace' where id = 1").unwrap();
        let names = named(vec![ada, vera, OperatorId(99)]).await;
        assert_eq!(names.len(), 2, "nobody is made up");
        assert_eq!(names[&ada], "Ada Lovelace");
        assert_eq!(names[&vera], "vera@example.com", "without a name, the address");
        assert_eq!(named(Vec::new()).await, BTreeMap::new());
    });
}

#[test]
fn downloads_are_told_by_file_the_newest_first() {
    Check::on_both(async |check| {
        let (often, once) = (check.ready(&check.editor).await, check.ready(&check.editor).await);
        let never = check.ready(&check.editor).await;
        download(check, often, true).await;
        download(check, once, true).await;
        download(check, often, false).await;
        let counted = check.store.download_counts(&[often, once, never]).await.unwrap();
        assert_eq!(counted, BTreeMap::from([(often, 2), (once, 1)]));
        assert_eq!(check.store.download_counts(&[]).await.unwrap(), BTreeMap::new());

        let entries = check.store.download_entries(often, 10).await.unwrap();
        let told: Vec<&str> = entries
            .iter()
            .map(|entry| if entry.text.contains("download.finished") { "end" } else { "begin" })
            .collect();
        assert_eq!(told, ["begin", "end", "begin"]);
        assert!(entries.is_sorted_by(|one, next| one.seq > next.seq));
        let last = check.store.download_entries(often, 1).await.unwrap();
        assert_eq!(last, entries[..1]);
        assert!(check.store.download_entries(never, 10).await.unwrap().is_empty());
    });
}

#[test]
fn a_download_that_was_refused_is_none() {
    Check::on_both(async |check| {
        let job = check.ready(&check.admin).await;
        let policy = check.store.policy().await.unwrap();
        let target = check.target(job).await;
        let action = Action::DownloadStart;
        let denied = authorize(&policy, &check.editor, action, target);
        check.store.refuse(&denied.unwrap_err()).await.unwrap();
        assert!(check.store.download_entries(job, 10).await.unwrap().is_empty());
        assert!(check.store.download_counts(&[job]).await.unwrap().is_empty());
    });
}

#[test]
fn operators_were_last_seen_in_the_session_that_was_used_last() {
    Check::on_both(async |check| {
        let nobody = add_operator(&check.store, "never@example.com", "viewer").await;
        assert_eq!(check.store.last_seen().await.unwrap(), BTreeMap::new());
        sign_in(check, &check.admin).await;
        let later = sign_in(check, &check.admin).await;
        sign_in(check, &check.editor).await;
        let change = Change::Session(SessionChange::End(SessionId(later)));
        let target = Target { owner: check.admin.operator(), ..Target::default() };
        let seen = format!("update sessions set seen_at = seen_at + 5000000 where id = {later}");
        check.site.execute(&seen).unwrap();
        let sessions = check.store.sessions(id_of(&check.admin)).await.unwrap();
        let latest = sessions.iter().map(|session| session.seen_at).max().unwrap();
        assert!(sessions.iter().any(|session| session.seen_at < latest));
        // A session that was ended was there all the same.
        check.change(&check.admin, (Action::SessionEnd, target), change).await.unwrap();
        let seen = check.store.last_seen().await.unwrap();
        assert_eq!(seen[&id_of(&check.admin)], latest);
        assert_eq!(seen.len(), 2);
        assert!(!seen.contains_key(&id_of(&nobody)));
    });
}

#[test]
fn exports_are_used_by_operator_and_subject_when_the_last_one_was_made() {
    Check::on_both(async |check| {
        assert_eq!(check.store.exports_used().await.unwrap(), BTreeMap::new());
        let mut last = BTreeMap::new();
        for (caller, subject) in [
            (&check.admin, "orders"),
            (&check.admin, "users"),
            (&check.editor, "content"),
            (&check.admin, "orders"),
        ] {
            let job = NewJob { subject: subject.to_owned(), ..new_job(caller) };
            let made = check.create_with(caller, job).await.unwrap().job.unwrap();
            let at = check.job(made).await.created_at;
            last.insert((id_of(caller), subject.to_owned()), at);
        }
        assert_eq!(check.store.exports_used().await.unwrap(), last);
        assert_eq!(last.len(), 3);
    });
}
