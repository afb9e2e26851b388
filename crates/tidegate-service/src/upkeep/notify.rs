//! Hands notices out, sends what is due, and forgets what is over.

use tidegate_model::action::{Action, Target};
use tokio::sync::watch;

use super::{FORGET_PAUSE, Pace, Upkeep};
use crate::{ServiceError, notify::Sending, service::Service};

/// Notices that one look hands out.
const NOTICES_PER_LOOK: u32 = 100;
/// Time between two looks.
const NOTIFY_PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// Notices that are forgotten at once: one transaction.
const FORGOTTEN_AT_ONCE: u32 = 500;
/// Transactions of one look: what is more waits for the next one.
const FORGETS_PER_LOOK: usize = 100;

impl Service {
    /// One look: hands out what nobody was told of, and sends what is due. Gives how much it was.
    ///
    /// # Errors
    ///
    /// If the control state fails.
    pub async fn notify_once(&self) -> Result<usize, ServiceError> {
        let handed_out = self.hand_out(NOTICES_PER_LOOK).await?;
        Ok(handed_out + Sending::of(self).finish().await?)
    }

    /// Forgets what people were told of long ago and is over. Gives how much it was.
    ///
    /// # Errors
    ///
    /// If the control state fails.
    pub async fn forget_told(&self) -> Result<usize, ServiceError> {
        let before = self.store.now().await?.saturating_sub(self.notify_settings().kept_micros());
        let mut forgotten = 0;
        for _ in 0..FORGETS_PER_LOOK {
            let permit = self.upkeep_permit(Action::DeliveryKeep, Target::default()).await?;
            let some = self.store.forget_told(permit, before, FORGOTTEN_AT_ONCE).await?;
            forgotten += some;
            if some < FORGOTTEN_AT_ONCE as usize {
                break;
            }
        }
        Ok(forgotten)
    }
}

impl Upkeep {
    /// A slow recipient holds up nobody: looks that wait for one another would.
    pub(super) async fn notify_people(&self, stop: watch::Receiver<bool>) {
        let hand_out = async {
            let mut pace = Pace::new(NOTIFY_PAUSE, stop.clone());
            while pace.next().await {
                self.told("notify", self.service.hand_out(NOTICES_PER_LOOK).await);
            }
        };
        let forget = async {
            let mut pace = Pace::new(FORGET_PAUSE, stop.clone());
            while pace.next().await {
                self.told("forget", self.service.forget_told().await);
            }
        };
        tokio::join!(hand_out, self.send(stop.clone()), forget);
    }

    /// Sends what is due, whenever it is time and whenever a place gets free. What is on its way at
    /// the end is waited for, so that what became of it is noted.
    async fn send(&self, stop: watch::Receiver<bool>) {
        let mut pace = Pace::new(NOTIFY_PAUSE, stop);
        let mut sending = Sending::of(&self.service);
        loop {
            tokio::select! {
                biased;
                goes_on = pace.next() => if !goes_on { break },
                Some(ended) = sending.next() => drop(self.told("notify", ended)),
            }
            self.told("notify", sending.fill().await);
        }
        while let Some(ended) = sending.next().await {
            self.told("notify", ended);
        }
    }
}
