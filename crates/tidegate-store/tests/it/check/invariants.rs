//! What must hold of a control database at any moment, asked by a client that is not ours.

use tidegate_model::audit::ChainWalk;

use super::Check;

/// Queries that must give nothing, and what it means if they do.
const NOTHING: &[(&str, &str)] = &[
    (
        "a job is in the state that its last transition led to",
        "select j.id from jobs j where j.status <> coalesce(
            (select t.status_to from transitions t where t.job_id = j.id order by t.id desc limit 1),
            'pending')",
    ),
    (
        "a transition begins where the one before it ended",
        "select t.id from transitions t where t.status_from <> coalesce(
            (select p.status_to from transitions p where p.job_id = t.job_id and p.id < t.id
             order by p.id desc limit 1), 'pending')",
    ),
    (
        "a transition names an entry of its job",
        "select t.id from transitions t where not exists
            (select 1 from activity a where a.seq = t.activity_seq and a.job_id = t.job_id
                and a.outcome = 'done' and a.at = t.at)",
    ),
    (
        "a job has as many attempts as it says",
        "select j.id from jobs j where j.attempt <>
            (select count(*) from attempts a where a.job_id = j.id)",
    ),
    (
        "an attempt is open exactly while its lease is held",
        "select a.job_id from attempts a join jobs j on j.id = a.job_id
         where (a.ended_at is null) <> (j.lease_token is not null and j.lease_token = a.lease_token)",
    ),
    (
        "a job that was made has an entry that says so",
        "select j.id from jobs j where not exists
            (select 1 from activity a where a.job_id = j.id and a.outcome = 'done'
                and a.action in ('export.created', 'export.rerun', 'schedule.fired',
                    'schedule.run'))",
    ),
    (
        "a job has the artifact of one of its attempts",
        "select j.id from jobs j where j.artifact_key is not null and not exists
            (select 1 from attempts a where a.job_id = j.id and a.object_key = j.artifact_key
                and a.outcome = 'published')",
    ),
    (
        "numbers of entries have no gap",
        "select a.seq from activity a where a.seq > 1 and not exists
            (select 1 from activity b where b.seq = a.seq - 1)",
    ),
    (
        "the head is the last entry",
        "select h.seq from activity_head h where h.seq <>
            (select coalesce(max(a.seq), 0) from activity a)",
    ),
];

impl Check {
    /// Asserts all of it.
    pub(crate) async fn assert_invariants(&self) {
        for (rule, query) in NOTHING {
            let broken = self.site.lines(query);
            assert!(broken.is_empty(), "{rule}, but {} do not: {}", broken.len(), broken[0]);
        }
        self.assert_chain().await;
    }

    /// Every entry follows the one before it, and its columns say what its text says.
    pub(crate) async fn assert_chain(&self) {
        let mut walk = ChainWalk::from_start();
        loop {
            let page = self.store.entries(walk.seq(), 1_000).await.unwrap();
            if page.is_empty() {
                break;
            }
            for (stored, columns) in page {
                walk.step(&stored, Some(&columns)).unwrap();
            }
        }
        assert_eq!(self.store.head().await.unwrap(), (walk.seq(), walk.head().to_owned()));
    }
}
