//! Deliveries on their way: so many at a time, as places get free, and so many to one recipient.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::pin,
};

use futures_util::{
    FutureExt,
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
use tidegate_store::{Recipient, Room, TakenDelivery};

use crate::{error::ServiceError, service::Service};

/// Deliveries that are on their way at a time.
const PLACES: usize = 16;
/// How many of them are to one recipient at most: who does not answer leaves the others to others.
const PLACES_EACH: usize = 4;

/// Who has how many places.
#[derive(Debug, Default)]
struct Places(BTreeMap<Recipient, usize>);

impl Places {
    /// How many may be taken at once, so that nobody gets more than its share whoever they are for;
    /// none if there is no place.
    fn room(&self) -> Option<Room> {
        let free = PLACES.saturating_sub(self.0.values().sum());
        let (full, others): (Vec<_>, Vec<_>) =
            self.0.iter().partition(|(_, count)| **count >= PLACES_EACH);
        let most = others.iter().map(|(_, count)| **count).max().unwrap_or(0);
        let limit = u32::try_from(free.min(PLACES_EACH - most)).unwrap_or(0);
        let full = full.into_iter().map(|(recipient, _)| *recipient).collect();
        (limit > 0).then_some(Room { limit, full })
    }

    fn take(&mut self, recipient: Recipient) {
        *self.0.entry(recipient).or_default() += 1;
    }

    fn free(&mut self, recipient: Recipient) {
        let left = self.0.get(&recipient).map_or(0, |count| count.saturating_sub(1));
        match left {
            0 => drop(self.0.remove(&recipient)),
            _ => drop(self.0.insert(recipient, left)),
        }
    }
}

/// What a delivery has come to, and to whom it was.
type Ended = (Recipient, Result<(), ServiceError>);

/// Deliveries on their way. Whoever lets go of it lets go of them: they are tried again later.
pub(crate) struct Sending<'a> {
    service: &'a Service,
    places: Places,
    running: FuturesUnordered<BoxFuture<'a, Ended>>,
    /// What has ended while others were taken.
    ended: VecDeque<Ended>,
}

impl<'a> Sending<'a> {
    /// None yet.
    pub(crate) fn of(service: &'a Service) -> Self {
        let (places, running) = (Places::default(), FuturesUnordered::new());
        Self { service, places, running, ended: VecDeque::new() }
    }

    /// Takes what is due, as far as there is room. Gives how many that were.
    ///
    /// # Errors
    ///
    /// If the control state fails.
    pub(crate) async fn fill(&mut self) -> Result<usize, ServiceError> {
        let mut count = 0;
        while let Some(room) = self.places.room() {
            let taken = self.take(&room).await?;
            if taken.is_empty() {
                break;
            }
            count += taken.len();
            for one in taken {
                self.begin(one);
            }
        }
        Ok(count)
    }

    /// What is on its way goes on while others are taken: the control state may take its time.
    async fn take(&mut self, room: &Room) -> Result<Vec<TakenDelivery>, ServiceError> {
        let mut taking = pin!(self.service.take_due(room));
        loop {
            tokio::select! {
                taken = &mut taking => return taken,
                Some(ended) = self.running.next() => self.ended.push_back(ended),
            }
        }
    }

    fn begin(&mut self, taken: TakenDelivery) {
        let (service, recipient) = (self.service, taken.to().webhook);
        self.places.take(recipient);
        self.running.push(async move { (recipient, service.deliver(taken).await) }.boxed());
    }

    /// Waits until one has come to its end; none if none is on its way. Nothing is lost if nobody
    /// waits any longer.
    pub(crate) async fn next(&mut self) -> Option<Result<(), ServiceError>> {
        let (recipient, outcome) = match self.ended.pop_front() {
            Some(ended) => ended,
            None => self.running.next().await?,
        };
        self.places.free(recipient);
        Some(outcome)
    }

    /// Sends all that is due, and waits for it. Gives how many that were.
    ///
    /// # Errors
    ///
    /// If the control state fails; what is on its way is waited for even so.
    pub(crate) async fn finish(mut self) -> Result<usize, ServiceError> {
        let (mut count, mut outcome) = (0, Ok(()));
        loop {
            match self.fill().await {
                Ok(some) => count += some,
                Err(error) => outcome = outcome.and(Err(error)),
            }
            match self.next().await {
                Some(ended) => outcome = outcome.and(ended),
                None => return outcome.map(|()| count),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::ids::WebhookId;

    use super::*;

    #[test]
    fn one_recipient_leaves_places_to_others_however_much_waits_for_it() {
        let mut places = Places::default();
        let silent = Some(WebhookId(1));
        let room = places.room().unwrap();
        assert_eq!((room.limit as usize, room.full), (PLACES_EACH, Vec::new()));
        for _ in 0..PLACES_EACH {
            places.take(silent);
        }
        let room = places.room().unwrap();
        assert_eq!((room.limit as usize, room.full), (PLACES_EACH, vec![silent]));
        places.take(None);
        let room = places.room().unwrap();
        assert_eq!(room.limit as usize, PLACES_EACH - 1, "all of them may be for the mail server");
        for id in 2..4 {
            (0..PLACES_EACH).for_each(|_| places.take(Some(WebhookId(id))));
        }
        assert_eq!(places.room().unwrap().limit, 3);
        (0..3).for_each(|_| places.take(None));
        assert!(places.room().is_none(), "every place is taken");
        places.free(silent);
        let room = places.room().unwrap();
        assert_eq!((room.limit, room.full.len()), (1, 3), "the place that is free is anybody's");
    }
}
