//! Ways of tampering that full access to the database allows.

use rand::{RngExt, rngs::StdRng};
use tidegate_model::audit::{Entry, SignedCheckpoint, hash_of};
use tidegate_service::{Keys, Purpose};

use crate::{loot::Loot, site::MINUTE};

/// Somebody at work: what can be reached, where to strike, and a key that is not ours.
pub(crate) struct Forger<'a> {
    pub(crate) loot: Loot,
    /// Index of an entry that a checkpoint vouches for.
    pub(crate) place: usize,
    pub(crate) random: &'a mut StdRng,
    pub(crate) keys: &'a Keys,
}

/// A kind of tampering: its name, whether it is at one place, and what is done.
pub(crate) type Tampering = (&'static str, bool, fn(&mut Forger<'_>));

pub(crate) const KINDS: &[Tampering] = &[
    ("an entry's text is changed", true, |forger| {
        forger.edit();
    }),
    ("a letter of an entry is changed", true, |forger| {
        let text = &mut forger.loot.rows[forger.place].0.text;
        let letters: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = letters[forger.random.random_range(0..letters.len())];
        let end = at + text[at..].chars().next().unwrap().len_utf8();
        let letter = if text[at..end] == *"x" { "y" } else { "x" };
        text.replace_range(at..end, letter);
    }),
    ("an entry's text and hash are changed", true, |forger| {
        forger.edit();
        let stored = &mut forger.loot.rows[forger.place].0;
        stored.hash = hash_of(&stored.text);
        forger.loot.set_head();
    }),
    ("an entry is changed, and the chain made anew", true, |forger| {
        forger.edit();
        forger.loot.rechain(forger.place);
    }),
    ("the same, and the copies of checkpoints that could tell are removed", true, |forger| {
        forger.edit();
        forger.loot.rechain(forger.place);
        let place = forger.place as i64;
        forger.loot.copies.retain(|(_, signed)| signed.says().unwrap().seq <= place);
    }),
    ("the same, and the copies say what they should", true, |forger| {
        forger.edit();
        forger.loot.rechain(forger.place);
        forger.rewrite_copies(|_, signed| signed);
    }),
    ("the same, and the copies are signed with another key", true, |forger| {
        forger.edit();
        forger.loot.rechain(forger.place);
        forger.rewrite_copies(|keys, mut signed| {
            (signed.key, signed.signature) = keys.sign(Purpose::Checkpoint, &signed.checkpoint);
            signed
        });
    }),
    ("the same, under the name of our key", true, |forger| {
        forger.edit();
        forger.loot.rechain(forger.place);
        forger.rewrite_copies(|keys, mut signed| {
            (_, signed.signature) = keys.sign(Purpose::Checkpoint, &signed.checkpoint);
            signed
        });
    }),
    ("an entry is removed", true, |forger| {
        forger.loot.rows.remove(forger.place);
    }),
    ("an entry is removed, the others renumbered, the chain made anew", true, |forger| {
        forger.loot.rows.remove(forger.place);
        forger.loot.rechain(forger.place);
    }),
    ("an entry is added, and the chain made anew", true, |forger| {
        let other = forger.random.random_range(0..forger.loot.rows.len());
        let added = forger.loot.rows[other].clone();
        forger.loot.rows.insert(forger.place, added);
        forger.loot.rechain(forger.place);
    }),
    ("two entries change places", true, |forger| {
        forger.swap();
        let mut seq = 0;
        for (stored, _) in &mut forger.loot.rows {
            seq += 1;
            stored.seq = seq;
        }
        forger.loot.set_head();
    }),
    ("two entries change places, and the chain is made anew", true, |forger| {
        forger.swap();
        forger.loot.rechain(forger.place);
    }),
    ("the end is cut off", true, |forger| {
        forger.loot.rows.truncate(forger.place);
        forger.loot.set_head();
    }),
    ("the end is cut off, and the head left", true, |forger| {
        forger.loot.rows.truncate(forger.place);
    }),
    ("a backup is restored", true, |forger| forger.restore()),
    ("a backup is restored, and work goes on", true, |forger| {
        let lost = forger.loot.rows.len() - forger.place;
        forger.restore();
        let more = forger.random.random_range(1..lost + 40);
        let first = forger.loot.rows.len();
        for _ in 0..more {
            let other = forger.random.random_range(0..first.max(1));
            let Some(row) = forger.loot.rows.get(other).cloned() else { return };
            forger.loot.rows.push(row);
            let index = forger.loot.rows.len() - 1;
            let seq = index as i64;
            forger.loot.edit(index, |entry| entry.commit = format!("later {seq}"));
            forger.loot.rows[index].1.commit = format!("later {seq}");
        }
        forger.loot.rechain(first);
    }),
    ("a column is changed", true, |forger| {
        let column = forger.random.random_range(0..11);
        let (stored, columns) = &mut forger.loot.rows[forger.place];
        match column {
            0 => columns.at -= MINUTE,
            1 => columns.commit.push('0'),
            2 => "job.ready".clone_into(&mut columns.action),
            3 => columns.outcome.push('!'),
            4 => "upkeep".clone_into(&mut columns.actor),
            5 => columns.operator = columns.operator.map_or(Some(1), |_| None),
            6 => "b@example.com".clone_into(&mut columns.name),
            7 => columns.subject = columns.subject.as_ref().map_or(Some("x".into()), |_| None),
            8 => columns.job = columns.job.map_or(Some(7), |_| None),
            9 => columns.tags = if columns.tags.is_empty() { "x".into() } else { String::new() },
            _ => stored.prev = hash_of("something else"),
        }
    }),
    ("the log is emptied", false, |forger| {
        forger.loot.rows.clear();
        forger.loot.copies.clear();
        forger.loot.set_head();
    }),
    ("the log is another one", false, |forger| {
        for index in 0..forger.loot.rows.len() {
            forger.loot.edit(index, |entry| entry.name = "b@example.com".to_owned());
        }
        forger.loot.copies.clear();
        forger.loot.rechain(0);
    }),
    ("the head is moved", false, |forger| {
        let step = forger.random.random_range(1..5);
        match forger.random.random_range(0..3) {
            0 => forger.loot.head.0 += step,
            1 => forger.loot.head.0 -= step,
            _ => forger.loot.head.1 = hash_of("something else"),
        }
    }),
    ("a copy of a checkpoint is changed", false, |forger| {
        let copy = forger.random.random_range(0..forger.loot.copies.len() - 1);
        let copies = &mut forger.loot.copies;
        match forger.random.random_range(0..6) {
            0 => _ = copies.remove(copy),
            1 => copies[copy].1.checkpoint.push(' '),
            2 => copies[copy].1.signature.clear(),
            3 => copies[copy].1.key = "0123456789abcdef".to_owned(),
            4 => copies[copy].1 = copies[copy + 1].1.clone(),
            _ => copies.truncate(copy),
        }
    }),
];

impl Forger<'_> {
    /// Changes what matters in an entry.
    fn edit(&mut self) {
        let choice = self.random.random_range(0..5);
        self.loot.edit(self.place, |entry: &mut Entry| match choice {
            0 => entry.name = "b@example.com".to_owned(),
            1 => entry.action = "export.viewed".to_owned(),
            2 => entry.job = Some(99),
            3 => entry.tags = vec!["harmless".to_owned()],
            _ => entry.details = serde_json::json!({ "rows": 1 }),
        });
    }

    /// Changes the place of this entry and a later one.
    fn swap(&mut self) {
        let other = self.random.random_range(self.place + 1..self.loot.rows.len());
        self.loot.rows.swap(self.place, other);
    }

    /// All three tables as they were when there were `place` entries.
    fn restore(&mut self) {
        self.loot.rows.truncate(self.place);
        self.loot.set_head();
        let place = self.place as i64;
        self.loot.copies.retain(|(_, signed)| signed.says().unwrap().seq <= place);
    }

    /// Lets the copies of checkpoints say what the rows now say.
    fn rewrite_copies(&mut self, sign: impl Fn(&Keys, SignedCheckpoint) -> SignedCheckpoint) {
        let mut prev: Option<SignedCheckpoint> = None;
        for (_, signed) in &mut self.loot.copies {
            let mut says = signed.says().unwrap();
            if let Some((row, _)) = self.loot.rows.iter().find(|(row, _)| row.seq == says.seq) {
                says.head.clone_from(&row.hash);
            }
            if let Some(prev) = prev {
                says.prev = prev.hash();
            }
            if says != signed.says().unwrap() {
                signed.checkpoint = says.text();
                *signed = sign(self.keys, signed.clone());
            }
            prev = Some(signed.clone());
        }
    }
}
