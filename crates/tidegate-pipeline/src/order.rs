//! Brings what readers and encoders finish in any order back into the order of its tickets.

use std::collections::BTreeMap;

use tidegate_source::Ticket;

/// Holds what came early.
pub(crate) struct Order<T> {
    early: BTreeMap<(u64, u64), (bool, T)>,
    next: (u64, u64),
}

impl<T> Order<T> {
    /// Starts at the first batch of the first chunk.
    pub(crate) fn new() -> Self {
        Self { early: BTreeMap::new(), next: (0, 0) }
    }

    /// Takes in something with its ticket.
    pub(crate) fn insert(&mut self, ticket: Ticket, item: T) {
        self.early.insert((ticket.chunk, ticket.part), (ticket.is_last, item));
    }

    /// Gives out the next in order, if it is here.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let (is_last, item) = self.early.remove(&self.next)?;
        self.next = if is_last { (self.next.0 + 1, 0) } else { (self.next.0, self.next.1 + 1) };
        Some(item)
    }

    /// Whether nothing waits and the last chunk was ended.
    pub(crate) fn is_complete(&self) -> bool {
        self.early.is_empty() && self.next.1 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(chunk: u64, part: u64, is_last: bool) -> Ticket {
        Ticket { chunk, part, is_last, extent_done: 0 }
    }

    #[test]
    fn what_comes_early_waits_for_its_turn() {
        let mut order = Order::new();
        order.insert(ticket(1, 0, true), 'c');
        assert_eq!(order.pop(), None);
        order.insert(ticket(0, 1, true), 'b');
        order.insert(ticket(0, 0, false), 'a');
        assert!(!order.is_complete());
        assert_eq!([order.pop(), order.pop(), order.pop()], [Some('a'), Some('b'), Some('c')]);
        assert!(order.is_complete());
    }

    #[test]
    fn a_chunk_without_its_last_batch_is_not_complete() {
        let mut order = Order::new();
        order.insert(ticket(0, 0, false), ());
        order.pop();
        assert!(!order.is_complete());
    }
}
